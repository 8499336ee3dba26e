//! AWS trust policies as sets of tokens.

use super::{Caller, Constraint, Entry, Presence, TokenSet};
use crate::{
    aws::{
        Condition, Effect, Operator, ParseError, Policy, PrincipalName, Quantifier, Statement, Template,
        UNKNOWN_TEXT,
    },
    pattern::Pattern,
    verdict::{Doubt, Verdict},
};

/// Why a document is not a trust.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not a policy document; says line and column.
    #[error("the trust policy cannot be read: {0}")]
    Policy(#[from] ParseError),
    /// An attribute condition or mapping that cannot be read.
    #[error(transparent)]
    Cel(#[from] crate::gcp::cel::CelError),
}

impl TokenSet {
    /// The tokens that a role's trust policy accepts, from its text: [`TokenSet::of_aws_policy`] of
    /// [`Policy::parse`].
    ///
    /// # Errors
    /// When the text is not JSON or not a policy, with line and column.
    ///
    /// ```
    /// use mlops_access::trust::TokenSet;
    /// let error = TokenSet::of_aws_trust("{\n  \"Statement\": [7]\n}").unwrap_err();
    /// assert_eq!(error.to_string(),
    ///     "the trust policy cannot be read: line 2, column 17: a statement must be an object, not a number");
    /// ```
    pub fn of_aws_trust(text: &str) -> Result<Self, TrustError> {
        Ok(Self::of_aws_policy(&Policy::parse(text)?))
    }

    /// The tokens that a role's trust policy accepts.
    ///
    /// What is not understood (an element, an operator, text that is not known before apply) makes the entries of its
    /// statement doubtful: they then say at most what is accepted, and why that is not sure.
    #[must_use]
    pub fn of_aws_policy(policy: &Policy) -> Self {
        let (mut allowed, mut denied) = (Self::default(), Self::default());
        for (index, statement) in policy.statements.iter().enumerate() {
            let entries = entries(statement, index);
            match statement.effect {
                Effect::Allow => allowed.entries.extend(entries),
                Effect::Deny => denied.entries.extend(entries),
                // It may be either; the reason is among what could not be read.
                Effect::Unread => {
                    allowed.entries.extend(entries.iter().cloned());
                    denied.entries.extend(entries);
                }
            }
        }
        allowed.refuse(denied)
    }

    /// The set without what is refused; where the refusal is doubtful the entries stay, in doubt.
    fn refuse(self, denied: Self) -> Self {
        let (doubtful, exact): (Vec<Entry>, Vec<Entry>) =
            denied.entries.into_iter().partition(|e| e.doubt.is_some());
        let mut rest = match self.minus(&Self { entries: exact }) {
            Ok(rest) => rest,
            Err(error) => Self {
                entries: self
                    .entries
                    .into_iter()
                    .map(|e| e.doubting(Doubt::new(error.to_string())))
                    .collect(),
            },
        };
        for deny in doubtful {
            let alone = Self {
                entries: vec![deny.clone()],
            };
            for entry in &mut rest.entries {
                let touched = Self {
                    entries: vec![entry.clone()],
                }
                .overlap(&alone)
                    != super::Overlap::None;
                if let (true, Some(doubt)) = (touched, &deny.doubt) {
                    *entry = entry.clone().doubting(doubt.clone());
                }
            }
        }
        rest
    }
}

/// Which ways of entering a statement speaks of.
struct Ways {
    assume: bool,
    oidc: bool,
    saml: bool,
    doubt: Option<Doubt>,
}

impl Ways {
    fn of(statement: &Statement) -> Self {
        let mut doubt: Option<Doubt> = None;
        let mut covers = |action: &str| match statement.covers_action(action) {
            Verdict::Yes => true,
            Verdict::No => false,
            Verdict::Unknown(new) => {
                doubt = Some(doubt.take().map_or(new.clone(), |old| old.and(new)));
                true
            }
        };
        let (assume, oidc, saml) = (
            covers("sts:assumerole"),
            covers("sts:assumerolewithwebidentity"),
            covers("sts:assumerolewithsaml"),
        );
        Self {
            assume,
            oidc,
            saml,
            doubt,
        }
    }
}

fn entries(statement: &Statement, index: usize) -> Vec<Entry> {
    let ways = Ways::of(statement);
    let mut entries = match &statement.principals {
        Some(principals) if !principals.negated => principals
            .names
            .iter()
            .flat_map(|name| named(name, &ways, &statement.conditions))
            .collect(),
        other => {
            let reason = match other {
                Some(_) => "names whom it does not mean (NotPrincipal)",
                None => "names no Principal",
            };
            let doubt = Doubt::new(format!("the statement {} {reason}", statement.label()));
            doubting(everyone(&ways), &doubt)
        }
    };
    let doubts = statement
        .unread
        .iter()
        .map(|unread| Doubt::new(format!("{} at {}: {}", unread.element, unread.at, unread.why)))
        .chain(ways.doubt);
    if let Some(doubt) = doubts.reduce(Doubt::and) {
        entries = doubting(entries, &doubt);
    }
    let source = match &statement.sid {
        Some(sid) if !sid.is_empty() => sid.clone(),
        _ => format!("Statement[{index}]"),
    };
    entries
        .into_iter()
        .filter_map(|entry| apply(entry, &statement.conditions))
        .map(|mut entry| {
            entry.source.clone_from(&source);
            entry
        })
        .collect()
}

fn doubting(entries: Vec<Entry>, doubt: &Doubt) -> Vec<Entry> {
    entries.into_iter().map(|e| e.doubting(doubt.clone())).collect()
}

/// Everyone who comes on one of the ways. Whether `"*"` lets federated tokens in is not documented.
fn everyone(ways: &Ways) -> Vec<Entry> {
    [
        (ways.assume, Caller::Principal),
        (ways.assume, Caller::Service),
        (ways.oidc, Caller::Oidc),
        (ways.saml, Caller::Saml),
    ]
    .into_iter()
    .filter(|(open, _)| *open)
    .map(|(_, caller)| {
        let entry = Entry::new(caller, Constraint::presence(Presence::Present));
        match caller {
            Caller::Principal | Caller::Service => entry,
            Caller::Oidc | Caller::Saml => entry.doubting(Doubt::new(
                "whether everyone includes federated tokens is not documented",
            )),
        }
    })
    .collect()
}

/// Whom a principal stands for, among those who come on one of the ways.
fn named(name: &PrincipalName, ways: &Ways, conditions: &[Condition]) -> Vec<Entry> {
    let when = |open: bool, caller, name| open.then(|| Entry::new(caller, name)).into_iter().collect();
    match name {
        PrincipalName::Anyone => everyone(ways),
        // An account stands for every principal in it that its own policies let assume roles.
        PrincipalName::Account(account) => {
            let arns = [
                format!("arn:*:iam::{account}:*"),
                format!("arn:*:sts::{account}:*"),
            ];
            let all = Constraint::like(arns.iter().map(String::as_str));
            when(ways.assume, Caller::Principal, all)
        }
        PrincipalName::Arn(text) | PrincipalName::Id(text) => {
            when(ways.assume, Caller::Principal, exactly(text))
        }
        PrincipalName::Service(text) => when(ways.assume, Caller::Service, exactly(text)),
        PrincipalName::Federated(text) if text.contains(":saml-provider/") => {
            when(ways.saml, Caller::Saml, exactly(text))
        }
        PrincipalName::Federated(text) => when(ways.oidc, Caller::Oidc, issuer(text, conditions)),
        // A trust never lets a canonical user in.
        PrincipalName::CanonicalUser(_) => Vec::new(),
        PrincipalName::Unread { kind, name } => {
            let shown = name.replace(UNKNOWN_TEXT, "(known after apply)");
            let doubt = Doubt::new(format!(
                "whom the principal {kind} \"{shown}\" means is not known"
            ));
            let perhaps = Constraint::matching(Pattern::parse(&name.replace(UNKNOWN_TEXT, "*")));
            let entries = match kind.to_ascii_lowercase().as_str() {
                // The conditions name the issuer of a provider that is not made yet.
                "federated" => {
                    let mut entries = when(ways.oidc, Caller::Oidc, issuer(name, conditions));
                    entries.extend(ways.saml.then(|| Entry::new(Caller::Saml, perhaps)));
                    return doubting(entries, &doubt);
                }
                "service" => when(ways.assume, Caller::Service, perhaps),
                "aws" => when(ways.assume, Caller::Principal, perhaps),
                "canonicaluser" => Vec::new(),
                _ => everyone(ways),
            };
            doubting(entries, &doubt)
        }
    }
}

fn exactly(text: &str) -> Constraint {
    Constraint::equals([text])
}

/// The issuer is the end of the provider's ARN; where that is not known yet the condition keys name it.
fn issuer(provider: &str, conditions: &[Condition]) -> Constraint {
    if let Some((_, issuer)) = provider.split_once(":oidc-provider/")
        && !unresolved(issuer)
    {
        return exactly(issuer);
    }
    if !unresolved(provider) {
        return exactly(provider);
    }
    let named = conditions.iter().find_map(|c| {
        let (issuer, claim) = c.key.text().rsplit_once(':')?;
        ["sub", "aud"].contains(&claim).then(|| issuer.to_owned())
    });
    exactly(&named.unwrap_or_else(|| provider.to_owned()))
}

fn unresolved(text: &str) -> bool {
    text.contains("@{") || text.contains(UNKNOWN_TEXT)
}

/// What a condition asks of a claim, and why that may be more than it says; no constraint when nothing can be said.
///
/// Claims have one value; `ForAllValues` and `IfExists` also hold when the claim is missing, as negated operators do
/// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>).
fn constraint(condition: &Condition) -> (Option<Constraint>, Option<Doubt>) {
    let values = &condition.values;
    let doubt = |why: &str| {
        Some(Doubt::new(format!(
            "{} {} {why}",
            condition.operator_name(),
            condition.key
        )))
    };
    if let Some(variable) = values.iter().find(|v| v.variables().next().is_some()) {
        let why = format!("compares with {variable}, a variable of the request");
        return (None, doubt(&why));
    }
    let open = values.iter().any(Template::is_unknown);
    let unknown = || doubt("compares with text not known before apply");
    let patterns = || values.iter().map(|value| value.upper().clone());
    let (found, doubt) = match &condition.operator {
        Operator::StringEquals {
            negated: false,
            ignore_case: false,
        }
        | Operator::StringLike { negated: false }
        | Operator::Arn { negated: false, .. } => (
            Constraint::any_of(patterns()),
            if open { unknown() } else { None },
        ),
        Operator::StringEquals {
            negated: true,
            ignore_case: false,
        }
        | Operator::StringLike { negated: true }
        | Operator::Arn { negated: true, .. } => {
            if open {
                return (None, unknown());
            }
            (Constraint::none_of(patterns()), None)
        }
        Operator::Bool if !open => {
            let texts: Vec<String> = values.iter().map(|v| v.source().to_ascii_lowercase()).collect();
            (Constraint::equals(texts.iter().map(String::as_str)), None)
        }
        Operator::Null => match values.as_slice() {
            [one] if one.source().eq_ignore_ascii_case("true") => {
                (Constraint::presence(Presence::Absent), None)
            }
            [one] if one.source().eq_ignore_ascii_case("false") => {
                (Constraint::presence(Presence::Present), None)
            }
            _ => return (None, doubt("is neither true nor false")),
        },
        _ => return (None, doubt("is not evaluated here")),
    };
    let found = match condition.quantifier {
        Quantifier::All => found.or_absent(),
        _ if condition.if_exists => found.or_absent(),
        Quantifier::Any if condition.operator != Operator::Null => {
            found.and(Constraint::presence(Presence::Present))
        }
        Quantifier::Any | Quantifier::One => found,
    };
    (Some(found), doubt)
}

/// Puts conditions on an entry; none is left when a condition can never hold for this kind of caller.
fn apply(mut entry: Entry, conditions: &[Condition]) -> Option<Entry> {
    for condition in conditions {
        let key = condition.key.folded();
        let (constraint, doubt) = constraint(condition);
        if let Some(doubt) = doubt {
            entry = entry.doubting(doubt);
        }
        let Some(constraint) = constraint else { continue };
        match (entry.caller, condition.key.text().rsplit_once(':')) {
            (Caller::Principal, _) if key == "aws:principalarn" => entry.name = entry.name.and(constraint),
            (Caller::Oidc, Some((issuer, claim))) if !is_request_key(key) => {
                let claim = claim.to_ascii_lowercase();
                if entry.name.accepts(Some(issuer)) {
                    entry = entry.with(&claim, constraint);
                } else if unresolved(issuer) || entry.name.groups().iter().flatten().any(is_unresolved) {
                    entry = entry.with(&claim, constraint).doubting(Doubt::new(format!(
                        "whether {issuer} is the issuer is not known before apply"
                    )));
                } else if constraint.requires_value() {
                    // Tokens of this issuer never carry the claims of another.
                    return None;
                }
            }
            (Caller::Oidc | Caller::Saml, _) if is_session_key(key) => {}
            _ => entry = entry.with(key, constraint),
        }
    }
    Some(entry)
}

fn is_unresolved(pattern: &Pattern) -> bool {
    unresolved(&pattern.to_string())
}

fn is_request_key(key: &str) -> bool {
    key.starts_with("aws:") || key.starts_with("sts:") || key.starts_with("saml:")
}

/// Keys that the caller chooses itself: they separate nothing.
fn is_session_key(key: &str) -> bool {
    matches!(key, "sts:rolesessionname" | "sts:durationseconds") || key.starts_with("aws:requesttag/")
}
