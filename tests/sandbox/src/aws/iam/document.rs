//! Policy documents as IAM takes them: their grammar, their size, whether the principals that they name exist.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use mlops_access::aws::{Arn, Effect, Policy, PrincipalName, Scope, Version};

use super::refusal::malformed;
use crate::answer::Refusal;
use crate::world::World;

/// What a document is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// An inline policy.
    Inline,
    /// A managed policy.
    Managed,
    /// Who may enter a role.
    Trust,
}

/// Reads a document and holds it against the grammar.
///
/// # Errors
/// `MalformedPolicyDocument` in IAM's words, as far as they are known from public reports.
pub(crate) fn read(text: &str, used: Use) -> Result<Policy, Refusal> {
    let policy = Policy::parse(text).map_err(|_| malformed("Syntax errors in policy."))?;
    if let Some(unread) = policy
        .unread
        .iter()
        .chain(policy.statements.iter().flat_map(|statement| &statement.unread))
        .next()
    {
        return Err(malformed(format!(
            "Syntax errors in policy. ({}: {})",
            unread.element, unread.why
        )));
    }
    // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_version.html
    if used == Use::Managed && policy.version == Version::V2008 {
        return Err(malformed(
            "Policy document must be version 2012-10-17 or greater.",
        ));
    }
    let mut names = BTreeSet::new();
    for statement in &policy.statements {
        if statement.effect == Effect::Unread {
            return Err(malformed("Syntax errors in policy."));
        }
        if let Some(sid) = statement.sid.as_deref().filter(|sid| !sid.is_empty()) {
            // https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html
            if !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
                return Err(malformed(
                    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular \
                     expression [0-9A-Za-z]*",
                ));
            }
            if !names.insert(sid) {
                return Err(malformed(
                    "Statement IDs (SID) in a single policy must be unique.",
                ));
            }
        }
        match used {
            Use::Trust => {
                if statement.principals.is_none() {
                    return Err(malformed("Missing required field Principal"));
                }
                if statement.resources.is_some() {
                    return Err(malformed("Has prohibited field Resource"));
                }
                if let Scope::Only(actions) = &statement.actions
                    && !actions.iter().all(|action| entering(action.text()))
                {
                    return Err(malformed(
                        "AssumeRole policy may only specify STS AssumeRole actions.",
                    ));
                }
            }
            Use::Inline | Use::Managed => {
                if statement.principals.is_some() {
                    return Err(malformed("Policy document should not specify a principal."));
                }
                let Some(Scope::Only(resources) | Scope::AllBut(resources)) = &statement.resources else {
                    return Err(malformed("Policy statement must contain resources."));
                };
                let (Scope::Only(actions) | Scope::AllBut(actions)) = &statement.actions;
                if actions.is_empty() {
                    return Err(malformed("Policy statement must contain actions."));
                }
                if !actions
                    .iter()
                    .all(|action| action.text() == "*" || action.text().contains(':'))
                {
                    return Err(malformed(
                        "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
                    ));
                }
                if let Some(odd) = resources
                    .iter()
                    .map(|resource| resource.source())
                    .find(|resource| *resource != "*" && Arn::parse(resource).is_none())
                {
                    return Err(malformed(format!(
                        "Resource {odd} must be in ARN format or \"*\"."
                    )));
                }
            }
        }
    }
    Ok(policy)
}

/// Actions that a trust policy may name.
fn entering(action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    action == "*" || action == "sts:*" || {
        let name = action.strip_prefix("sts:").unwrap_or_default();
        ["assumerole", "tagsession", "setsourceidentity", "setcontext"]
            .iter()
            .any(|start| name.starts_with(start))
    }
}

/// What a document measures: IAM does not count white space.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub(crate) fn size(text: &str) -> usize {
    let (mut quoted, mut escaped, mut count) = (false, false, 0);
    for letter in text.chars() {
        if quoted {
            match letter {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = false,
                _ => {}
            }
            count += 1;
        } else if !letter.is_whitespace() {
            quoted = letter == '"';
            count += 1;
        }
    }
    count
}

/// A document as IAM answers it: percent-encoded as RFC 3986 says.
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// Whether what was made at `created` is seen by everybody at `at`.
pub(crate) fn seen(created: Timestamp, at: Timestamp, lag: f64) -> bool {
    at.duration_since(created) >= SignedDuration::from_secs_f64(lag.clamp(0.0, 1e9))
}

/// Every principal that a trust policy names must exist, and be seen: a role made a moment ago is refused at first.
///
/// Sources: `internal/service/iam/role.go` of hashicorp/aws (`retryCreateRole` waits for "Invalid principal in policy");
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_roles.html>.
///
/// # Errors
/// `MalformedPolicyDocument`.
pub(crate) fn principals_exist(world: &World, policy: &Policy, at: Timestamp) -> Result<(), Refusal> {
    let names = policy
        .statements
        .iter()
        .filter_map(|statement| statement.principals.as_ref())
        .flat_map(|principals| &principals.names);
    for name in names {
        match name {
            PrincipalName::Arn(arn) if !is_principal(world, arn, at) => {
                return Err(malformed(format!(
                    "Invalid principal in policy: \"AWS\":\"{arn}\""
                )));
            }
            PrincipalName::Id(id) if !world.aws.accounts.values().any(|account| account.iam.has_id(id)) => {
                return Err(malformed(format!(
                    "Invalid principal in policy: \"AWS\":\"{id}\""
                )));
            }
            // Which services there are is nowhere listed: the shape of the name decides (a guess).
            PrincipalName::Service(service)
                if ![
                    ".amazonaws.com",
                    ".amazonaws.com.cn",
                    ".amazon.com",
                    ".aws.internal",
                ]
                .iter()
                .any(|end| service.ends_with(end)) =>
            {
                return Err(malformed(format!(
                    "Invalid principal in policy: \"SERVICE\":\"{service}\""
                )));
            }
            // A well-shaped ARN of a provider that is not there is taken (a guess): what does not look like one is not,
            // https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2594
            PrincipalName::Federated(provider) if !is_provider(provider) => {
                return Err(malformed(
                    "Federated principals must be valid domain names or SAML metadata ARNs",
                ));
            }
            PrincipalName::Unread { kind, name } => {
                return Err(malformed(format!(
                    "Invalid principal in policy: \"{kind}\":\"{name}\""
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn is_provider(name: &str) -> bool {
    if let Some(arn) = Arn::parse(name) {
        return arn.service == "iam"
            && ["oidc-provider/", "saml-provider/"].iter().any(|kind| {
                arn.resource
                    .strip_prefix(kind)
                    .is_some_and(|rest| !rest.is_empty() && !rest.contains("://"))
            });
    }
    name.contains('.') && !name.contains([':', ' '])
}

/// Whether an ARN names a principal that exists and is seen. Of accounts that the world does not hold nothing is known:
/// theirs are taken.
pub(crate) fn is_principal(world: &World, arn: &str, at: Timestamp) -> bool {
    let Some(parsed) = Arn::parse(arn) else {
        return false;
    };
    let Some(account) = world.aws.accounts.get(parsed.account) else {
        return mlops_access::aws::is_account_id(parsed.account);
    };
    let role = |name: &str| {
        account
            .iam
            .role(name)
            .filter(|role| seen(role.created, at, world.behaviour.lag))
    };
    match (parsed.service, parsed.resource.split_once('/')) {
        ("iam", Some(("role", _))) => role(parsed.name()).is_some_and(|role| role.arn == arn),
        ("iam", Some(("user", name))) => name == super::OPERATOR,
        ("sts", Some(("assumed-role", rest))) => role(rest.split('/').next().unwrap_or_default()).is_some(),
        ("sts", Some(("federated-user", _))) => true,
        ("iam", None) => parsed.resource == "root",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str, used: Use) -> String {
        read(text, used).unwrap_err().message
    }

    #[test]
    fn white_space_outside_of_strings_is_not_counted() {
        assert_eq!(
            size("{ \"a\" :\n\t\"b c\\\" d\" }"),
            size("{\"a\":\"b c\\\" d\"}")
        );
        assert_eq!(size(" \"a b\" "), 5);
    }

    #[test]
    fn encodes_all_but_the_unreserved() {
        assert_eq!(encoded("{\"a\": \"ä~\"}"), "%7B%22a%22%3A%20%22%C3%A4~%22%7D");
    }

    #[test]
    fn an_identity_policy_is_refused_where_the_grammar_is_broken() {
        let of = |statement: &str| format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{statement}]}}");
        for (statement, words) in [
            (r#"{"Effect":"Allow","Action":"s3:*"}"#, "must contain resources"),
            (
                r#"{"Effect":"Allow","Action":"s3","Resource":"*"}"#,
                "prefaced by a vendor",
            ),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}"#,
                "must be in ARN format",
            ),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Principal":"*"}"#,
                "should not specify a principal",
            ),
            (
                r#"{"Sid":"a b","Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
                "alpha-numeric",
            ),
            (
                r#"{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"s3:*","Resource":"*"}"#,
                "must be unique",
            ),
            (
                r#"{"Effect":"Maybe","Action":"s3:*","Resource":"*"}"#,
                "Syntax errors",
            ),
            (
                r#"{"Effect":"Allow","Action":"s3:*","Resource":"*","Odd":1}"#,
                "Odd",
            ),
        ] {
            let message = said(&of(statement), Use::Inline);
            assert!(message.contains(words), "{statement}: {message}");
        }
        assert!(said("{", Use::Inline).contains("Syntax errors"));
        assert!(
            said(
                r#"{"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}"#,
                Use::Managed
            )
            .contains("2012-10-17")
        );
    }

    #[test]
    fn a_trust_policy_has_principals_no_resources_and_only_ways_to_enter() {
        let of = |rest: &str| {
            format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",{rest}}}]}}")
        };
        let good =
            r#""Principal":{"Service":"eks.amazonaws.com"},"Action":["sts:AssumeRole","sts:TagSession"]"#;
        assert!(read(&of(good), Use::Trust).is_ok());
        assert!(said(&of(r#""Action":"sts:AssumeRole""#), Use::Trust).contains("Principal"));
        assert!(said(&of(&format!("{good},\"Resource\":\"*\"")), Use::Trust).contains("prohibited"));
        assert!(
            said(&of(r#""Principal":"*","Action":"s3:GetObject""#), Use::Trust)
                .contains("STS AssumeRole actions")
        );
    }
}
