//! Who a policy speaks of (`Principal`), and who makes a request ([`Caller`]).

use super::arn::{Arn, is_account_id};
use super::template::UNKNOWN_TEXT;
use crate::verdict::Verdict;
use std::fmt;

/// The `Principal` or `NotPrincipal` element.
///
/// ```
/// use mlops_access::aws::Principals;
///
/// let eks = Principals::service("eks.amazonaws.com");
/// let github = Principals::federated("arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com");
/// assert!(!eks.negated && github.names.len() == 1);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principals {
    /// `NotPrincipal`.
    pub negated: bool,
    /// Those named.
    pub names: Vec<PrincipalName>,
}

/// One principal as a policy names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrincipalName {
    /// `"*"` or `{"AWS": "*"}`: everybody, also without credentials.
    Anyone,
    /// A whole account: its id or its root ARN. It delegates: the account's own policies decide who.
    Account(String),
    /// A user, role or role session, by ARN (`arn:aws:sts::…:assumed-role/…` for a session).
    Arn(String),
    /// A unique id (`AIDA…`, `AROA…`): what AWS leaves in a policy when the principal was deleted.
    Id(String),
    /// A service, such as `ec2.amazonaws.com`.
    Service(String),
    /// An identity provider: ARN of an OIDC or SAML provider, or the host of a built-in one.
    Federated(String),
    /// An S3 canonical user id.
    CanonicalUser(String),
    /// Something else, with its kind; matches perhaps.
    Unread {
        /// The key under which it stood.
        kind: String,
        /// The text.
        name: String,
    },
}

/// Who makes the request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Caller {
    /// An IAM user, by ARN.
    User(String),
    /// A session of a role.
    Role {
        /// The role's ARN (`arn:aws:iam::…:role/…`).
        arn: String,
        /// The session's name, where it is known.
        session: Option<String>,
    },
    /// The root user of an account.
    Root(String),
    /// A service acting for itself, such as `lambda.amazonaws.com` entering a role.
    Service(String),
    /// Somebody with a token of an identity provider: its ARN, or the issuer's host and path.
    Federated(String),
    /// Nobody in particular.
    Anonymous,
}

/// How a principal element names a caller: what AWS makes of it differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Naming {
    /// The very user, session, service or provider.
    pub(crate) direct: Verdict,
    /// The role of the session: a boundary or session policy still limits.
    pub(crate) role: Verdict,
    /// The account: its identity policies decide.
    pub(crate) account: Verdict,
    /// Everybody.
    pub(crate) anyone: Verdict,
}

impl Naming {
    pub(crate) fn nobody() -> Self {
        Naming {
            direct: Verdict::No,
            role: Verdict::No,
            account: Verdict::No,
            anyone: Verdict::No,
        }
    }

    pub(crate) fn any(self) -> Verdict {
        self.direct.or(self.role).or(self.account).or(self.anyone)
    }
}

impl Caller {
    /// A session of the role with this ARN, its name not known.
    pub fn role(arn: impl Into<String>) -> Self {
        Caller::Role {
            arn: arn.into(),
            session: None,
        }
    }

    /// The user with this ARN.
    pub fn user(arn: impl Into<String>) -> Self {
        Caller::User(arn.into())
    }

    /// The account it belongs to; services, tokens and anonymous callers have none.
    pub fn account(&self) -> Option<&str> {
        match self {
            Caller::User(arn) | Caller::Role { arn, .. } => Arn::parse(arn).map(|arn| arn.account),
            Caller::Root(account) => Some(account),
            Caller::Service(_) | Caller::Federated(_) | Caller::Anonymous => None,
        }
    }

    /// The value of `aws:PrincipalArn`.
    pub(crate) fn principal_arn(&self) -> Option<String> {
        match self {
            Caller::User(arn) | Caller::Role { arn, .. } => Some(arn.clone()),
            Caller::Root(account) => Some(format!("arn:aws:iam::{account}:root")),
            Caller::Service(_) | Caller::Federated(_) | Caller::Anonymous => None,
        }
    }

    /// The value of `aws:PrincipalType`.
    pub(crate) fn principal_type(&self) -> Option<&'static str> {
        match self {
            Caller::User(_) => Some("User"),
            Caller::Role { .. } => Some("AssumedRole"),
            Caller::Root(_) => Some("Account"),
            Caller::Anonymous => Some("Anonymous"),
            Caller::Service(_) | Caller::Federated(_) => None,
        }
    }
}

impl Principals {
    /// `"Principal": "*"`.
    pub fn anyone() -> Self {
        Principals {
            negated: false,
            names: vec![PrincipalName::Anyone],
        }
    }

    /// `"Principal": {"AWS": […]}`: accounts, users, roles, sessions.
    pub fn aws<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> Self {
        Principals {
            negated: false,
            names: names
                .into_iter()
                .map(|n| PrincipalName::read("AWS", n.as_ref()))
                .collect(),
        }
    }

    /// `"Principal": {"Service": "…"}`.
    pub fn service(name: &str) -> Self {
        Principals {
            negated: false,
            names: vec![PrincipalName::read("Service", name)],
        }
    }

    /// `"Principal": {"Federated": "…"}`.
    pub fn federated(provider: &str) -> Self {
        Principals {
            negated: false,
            names: vec![PrincipalName::read("Federated", provider)],
        }
    }

    /// How this element names a caller.
    pub(crate) fn naming(&self, caller: &Caller) -> Naming {
        let mut sum = Naming::nobody();
        for name in &self.names {
            name.add(caller, &mut sum);
        }
        if !self.negated {
            return sum;
        }
        // AWS asks to list the account beside the user or role, and the session beside both: otherwise the exception may fail.
        let account_listed = sum.account.clone().or(sum.anyone.clone());
        let itself_listed = sum.direct.clone().or(sum.role.clone()).or(sum.anyone.clone());
        let spared = match caller.account() {
            None => itself_listed,
            Some(_) => account_listed.either(itself_listed, || {
                "NotPrincipal lists the caller or its account but not both, and AWS may still deny it"
                    .to_owned()
            }),
        };
        Naming {
            anyone: !spared,
            ..Naming::nobody()
        }
    }
}

impl PrincipalName {
    /// Reads a name that stands under `AWS`, `Service`, `Federated` or `CanonicalUser` (case does not matter).
    pub fn read(kind: &str, name: &str) -> Self {
        let text = name.to_owned();
        if name.contains(UNKNOWN_TEXT) {
            return PrincipalName::Unread {
                kind: kind.into(),
                name: text,
            };
        }
        match kind.to_ascii_lowercase().as_str() {
            "aws" if name == "*" => PrincipalName::Anyone,
            "aws" if is_account_id(name) => PrincipalName::Account(text),
            "aws" => match Arn::parse(name) {
                Some(arn) if arn.service == "iam" && arn.resource == "root" => {
                    PrincipalName::Account(arn.account.into())
                }
                // AWS refuses wildcards inside a principal, so what one would mean is not known.
                Some(_) if !name.contains(['*', '?']) => PrincipalName::Arn(text),
                None if ["AIDA", "AROA", "AKIA", "ASIA"]
                    .iter()
                    .any(|prefix| name.starts_with(prefix)) =>
                {
                    PrincipalName::Id(text)
                }
                _ => PrincipalName::Unread {
                    kind: kind.into(),
                    name: text,
                },
            },
            "service" => PrincipalName::Service(text),
            "federated" => PrincipalName::Federated(text),
            "canonicaluser" => PrincipalName::CanonicalUser(text),
            _ => PrincipalName::Unread {
                kind: kind.into(),
                name: text,
            },
        }
    }

    /// The key under which it is written, and the text.
    pub(crate) fn written(&self) -> (&str, String) {
        match self {
            PrincipalName::Anyone => ("AWS", "*".into()),
            PrincipalName::Account(id) => ("AWS", id.clone()),
            PrincipalName::Arn(text) | PrincipalName::Id(text) => ("AWS", text.clone()),
            PrincipalName::Service(text) => ("Service", text.clone()),
            PrincipalName::Federated(text) => ("Federated", text.clone()),
            PrincipalName::CanonicalUser(text) => ("CanonicalUser", text.clone()),
            PrincipalName::Unread { kind, name } => (kind, name.clone()),
        }
    }

    fn add(&self, caller: &Caller, sum: &mut Naming) {
        fn put(place: &mut Verdict, verdict: Verdict) {
            *place = std::mem::replace(place, Verdict::No).or(verdict);
        }
        match self {
            PrincipalName::Anyone => put(
                &mut sum.anyone,
                match caller {
                    Caller::Federated(_) => Verdict::unknown(
                        "whether `\"Principal\": \"*\"` lets a federated token in is not documented",
                    ),
                    _ => Verdict::Yes,
                },
            ),
            PrincipalName::Account(id) => {
                if caller.account() == Some(id) {
                    let place = if matches!(caller, Caller::Root(_)) {
                        &mut sum.direct
                    } else {
                        &mut sum.account
                    };
                    put(place, Verdict::Yes);
                    if matches!(caller, Caller::Root(_)) {
                        put(&mut sum.account, Verdict::Yes);
                    }
                }
            }
            PrincipalName::Arn(named) => match caller {
                Caller::User(arn) => put(&mut sum.direct, (arn == named).into()),
                Caller::Role { arn, session } => {
                    put(&mut sum.role, (arn == named).into());
                    put(&mut sum.direct, is_session(named, arn, session.as_deref()));
                }
                Caller::Root(_) | Caller::Service(_) | Caller::Federated(_) | Caller::Anonymous => {}
            },
            PrincipalName::Id(id) => {
                if matches!(caller, Caller::User(_) | Caller::Role { .. }) {
                    put(
                        &mut sum.direct,
                        Verdict::unknown(format!("whose unique id {id} is cannot be seen")),
                    );
                }
            }
            PrincipalName::Service(name) => {
                if let Caller::Service(caller) = caller {
                    put(&mut sum.direct, caller.eq_ignore_ascii_case(name).into());
                }
            }
            PrincipalName::Federated(named) => {
                if let Caller::Federated(provider) = caller {
                    put(&mut sum.direct, same_provider(named, provider).into());
                }
            }
            PrincipalName::CanonicalUser(id) => {
                if caller.account().is_some() {
                    put(
                        &mut sum.account,
                        Verdict::unknown(format!("whose canonical user id {id} is cannot be seen")),
                    );
                }
            }
            PrincipalName::Unread { kind, name } => {
                let other_kind = match kind.to_ascii_lowercase().as_str() {
                    "aws" => matches!(caller, Caller::Service(_) | Caller::Federated(_)),
                    "service" => !matches!(caller, Caller::Service(_)),
                    "federated" => !matches!(caller, Caller::Federated(_)),
                    _ => false,
                };
                if other_kind {
                    return;
                }
                let shown = name.replace(UNKNOWN_TEXT, "(known after apply)");
                put(
                    &mut sum.anyone,
                    Verdict::unknown(format!(
                        "whom the principal {kind} \"{shown}\" means is not known"
                    )),
                );
            }
        }
    }
}

/// Whether a policy names this session of a role: `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`, without the role's path.
fn is_session(named: &str, role: &str, session: Option<&str>) -> Verdict {
    let (Some(named), Some(role)) = (Arn::parse(named), Arn::parse(role)) else {
        return Verdict::No;
    };
    let Some(rest) = named.resource.strip_prefix("assumed-role/") else {
        return Verdict::No;
    };
    let Some((name, named_session)) = rest.split_once('/') else {
        return Verdict::No;
    };
    if named.account != role.account || name != role.name() {
        return Verdict::No;
    }
    match session {
        Some(session) => (session == named_session).into(),
        None => Verdict::unknown(format!(
            "whether the session is called {named_session} is not known"
        )),
    }
}

/// A provider is named by ARN or by host; an ARN ends in the host and path of the issuer.
fn same_provider(named: &str, caller: &str) -> bool {
    fn issuer(text: &str) -> &str {
        text.split_once(":oidc-provider/")
            .map_or(text, |(_, issuer)| issuer)
    }
    if Arn::parse(named).is_some() && Arn::parse(caller).is_some() {
        return named == caller;
    }
    issuer(named) == issuer(caller.strip_prefix("https://").unwrap_or(caller))
}

impl fmt::Display for PrincipalName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, text) = self.written();
        write!(
            out,
            "{kind} {}",
            text.replace(UNKNOWN_TEXT, "(known after apply)")
        )
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::User(arn) | Caller::Role { arn, session: None } => out.write_str(arn),
            Caller::Role {
                arn,
                session: Some(session),
            } => write!(out, "{arn} in session {session}"),
            Caller::Root(account) => write!(out, "root of {account}"),
            Caller::Service(name) => out.write_str(name),
            Caller::Federated(provider) => write!(out, "a token of {provider}"),
            Caller::Anonymous => out.write_str("anonymous"),
        }
    }
}
