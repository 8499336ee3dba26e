//! Who enters a role by a signed token: the statements of a trust policy, read for their issuer, audience and subject.

use std::sync::OnceLock;

use mlops_access::aws::{Condition, Effect, Narrowing, Policy, PrincipalName, UNKNOWN_TEXT};

/// Where the tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Issuer {
    /// A CI system or another vendor's: many tenants share the issuer.
    Ci,
    /// A cluster: pods.
    Cluster,
}

/// One way in by a token.
#[derive(Debug)]
pub(crate) struct Entrance<'p> {
    /// The issuer's host and path; `(unknown)` when it is not known.
    pub(crate) issuer: String,
    /// What kind of issuer.
    pub(crate) kind: Issuer,
    /// Conditions on the subject.
    pub(crate) subject: Vec<&'p Condition>,
    /// True when the audience is pinned, or may be.
    pub(crate) audience: bool,
    pinned: OnceLock<Pinned>,
}

/// What the subject is pinned to.
#[derive(Debug, PartialEq)]
pub(crate) enum Pinned {
    /// To these patterns (any of them).
    To(Vec<String>),
    /// To nothing, with the reason.
    Nothing(String),
    /// It depends on what is not known.
    Unknown,
}

impl Entrance<'_> {
    /// What the conditions on the subject come to, all together.
    pub(crate) fn pinned(&self) -> &Pinned {
        self.pinned.get_or_init(|| self.pin())
    }

    fn pin(&self) -> Pinned {
        let mut nothing = None;
        let mut unknown = false;
        let mut values: Option<Vec<String>> = None;
        for c in &self.subject {
            match c.narrowing() {
                Narrowing::Pins => {
                    let these: Vec<String> = c.values.iter().map(|v| v.source().to_owned()).collect();
                    // Several conditions must all hold: the shortest list says most.
                    if values.as_ref().is_none_or(|v| these.len() < v.len()) {
                        values = Some(these);
                    }
                }
                Narrowing::Excludes => nothing = Some(format!("`{}` only excludes", c.operator_name())),
                Narrowing::Nothing(why) => nothing = Some(why),
                Narrowing::Unknown(_) => {
                    // A subject with a part that is not known (a namespace, an environment) still says most of it.
                    let parts: Vec<String> = c.values.iter().map(|v| v.source().to_owned()).collect();
                    if parts
                        .iter()
                        .all(|p| p.chars().filter(|ch| *ch != UNKNOWN_TEXT).count() >= 12)
                        && !c.operator.is_negated()
                    {
                        values = Some(parts);
                    } else {
                        unknown = true;
                    }
                }
            }
        }
        match (values, nothing) {
            (Some(v), _) => Pinned::To(v),
            (None, _) if unknown => Pinned::Unknown,
            (None, Some(why)) => Pinned::Nothing(why),
            (None, None) => Pinned::Nothing("no condition on the subject".to_owned()),
        }
    }
}

/// The ways into a role by a token.
pub(crate) fn entrances(policy: &Policy) -> Vec<Entrance<'_>> {
    let mut out = Vec::new();
    for statement in policy.statements.iter().filter(|s| s.effect == Effect::Allow) {
        if !statement
            .actions
            .items()
            .iter()
            .any(|a| a.matches("sts:AssumeRoleWithWebIdentity"))
            || statement.actions.is_negated()
        {
            continue;
        }
        let Some(principals) = &statement.principals else {
            continue;
        };
        for name in &principals.names {
            let provider = match name {
                PrincipalName::Federated(p) => p.clone(),
                PrincipalName::Unread { kind, name } if kind.eq_ignore_ascii_case("federated") => {
                    name.clone()
                }
                _ => continue,
            };
            let issuer = provider
                .split_once(":oidc-provider/")
                .map_or(provider.as_str(), |(_, i)| i)
                .to_owned();
            if issuer == "cognito-identity.amazonaws.com" || issuer.contains("saml-provider") {
                continue;
            }
            let of = |claim: &str| -> Vec<&Condition> {
                statement
                    .conditions
                    .iter()
                    .filter(|c| c.key.folded().rsplit_once(':').is_some_and(|(_, k)| k == claim))
                    .collect()
            };
            let subject = of("sub");
            // Issuers that put what matters elsewhere.
            let subject = if subject.is_empty() {
                of("repository")
            } else {
                subject
            };
            let pods = subject
                .iter()
                .flat_map(|c| &c.values)
                .any(|v| v.source().starts_with("system:serviceaccount"));
            let cluster = pods
                || issuer.starts_with("oidc.eks.")
                || issuer.contains("oidc.eks")
                || issuer.starts_with("container.googleapis.com");
            let known = !issuer.contains(UNKNOWN_TEXT);
            out.push(Entrance {
                kind: if cluster { Issuer::Cluster } else { Issuer::Ci },
                issuer: if known {
                    issuer
                } else {
                    "(an issuer known after apply)".to_owned()
                },
                subject,
                audience: of("aud")
                    .iter()
                    .any(|c| !matches!(c.narrowing(), Narrowing::Nothing(_))),
                pinned: OnceLock::new(),
            });
        }
    }
    out
}

/// The part of a pattern before its first wildcard, and whether there is one.
pub(crate) fn fixed_part(pattern: &str) -> (&str, bool) {
    match pattern.find(['*', '?']) {
        Some(at) => (&pattern[..at], true),
        None => (pattern, false),
    }
}
