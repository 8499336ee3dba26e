//! What is too broad in a document, statement by statement.

use super::actions::{self, AccessLevel, Action};
use super::policy::{ActionPattern, Effect, Policy, Scope, Statement};
use super::principal::PrincipalName;
use crate::pattern::{Pattern, witness};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::rc::Rc;

/// Something too broad, and the statement that says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding<'a> {
    /// What.
    pub kind: FindingKind,
    /// Where: which statement, counted from 0.
    pub index: usize,
    /// The statement.
    pub statement: &'a Statement,
    /// Whether a condition really narrows it (see [`Narrowing`](super::Narrowing)).
    pub narrowed: bool,
}

/// The kinds of finding.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FindingKind {
    /// Every action on every resource.
    Administrator,
    /// Every action of a service, on every resource of it.
    ServiceWildcard {
        /// The service's prefix.
        service: String,
    },
    /// Every action of a service on named resources.
    ServiceWildcardOnSome {
        /// The service's prefix.
        service: String,
    },
    /// Allow with `NotAction`: everything that exists or will exist, apart from a list.
    AllowNotAction,
    /// Allow with `NotResource`.
    AllowNotResource,
    /// `"Resource": "*"` on actions that could name resources.
    UnscopedResource {
        /// Those actions, as AWS spells them. Of patterns, those they mean.
        actions: Vec<String>,
    },
    /// `iam:PassRole` on every role.
    PassAnyRole,
    /// `sts:AssumeRole` on every role.
    AssumeAnyRole,
    /// Actions of the level "Permissions management".
    PermissionsManagement {
        /// Those actions.
        actions: Vec<String>,
    },
    /// A resource policy that lets everybody in.
    AnyPrincipal,
    /// A trust that an OIDC token of the issuer can enter whoever it speaks for: no condition pins the subject.
    UnpinnedSubject {
        /// The issuer's host and path.
        issuer: String,
    },
    /// An action that does not exist, as far as the data know: a spelling mistake or something newer.
    UnknownAction {
        /// As written.
        action: String,
    },
    /// Something that could not be read, and why.
    Unread {
        /// Why.
        why: String,
    },
}

impl Policy {
    /// What is too broad in this document. It is judged alone: denials elsewhere in it, or a boundary, are not taken into account
    /// (see [`Grants`](super::Grants) for that).
    ///
    /// ```
    /// use mlops_access::aws::{FindingKind, managed};
    ///
    /// let admin = managed::document("AdministratorAccess").unwrap();
    /// assert_eq!(admin.findings()[0].kind, FindingKind::Administrator);
    /// ```
    pub fn findings(&self) -> Vec<Finding<'_>> {
        let mut findings = Vec::new();
        for (index, statement) in self.statements.iter().enumerate() {
            let narrowed = statement.narrowing_conditions().next().is_some();
            let mut kinds = BTreeSet::new();
            kinds.extend(statement.unread.iter().map(|unread| FindingKind::Unread {
                why: unread.why.clone(),
            }));
            if statement.effect == Effect::Allow {
                statement.action_findings(&mut kinds);
                statement.principal_findings(&mut kinds);
            }
            kinds.extend(statement.unknown_actions());
            findings.extend(kinds.into_iter().map(|kind| Finding {
                kind,
                index,
                statement,
                narrowed,
            }));
        }
        findings
    }
}

impl Statement {
    /// Whether its resources include every resource an action of this service can have: `*`, or patterns that leave every name
    /// open (`arn:aws:s3:::*`, `arn:aws:iam::*:role/*`).
    pub fn is_unscoped_for(&self, action: &Action) -> bool {
        let Some(resources) = &self.resources else {
            return false;
        };
        match resources {
            Scope::AllBut(_) => true,
            Scope::Only(items) => {
                if items
                    .iter()
                    .any(|item| item.upper().is_any() && !item.is_unknown())
                {
                    return true;
                }
                // A pattern without a wildcard names one thing; only the others can leave a name open.
                let open: Vec<&Pattern> = items
                    .iter()
                    .filter_map(|item| item.fixed())
                    .filter(|pattern| pattern.as_literal().is_none())
                    .collect();
                if open.is_empty() {
                    return false;
                }
                let own: Vec<Pattern> = open.iter().filter_map(|pattern| own_account(pattern)).collect();
                action.resource_types().any(|(kind, _)| {
                    let name = any_name(&kind.arn);
                    open.iter().any(|pattern| pattern.matches(&name))
                        || own.iter().any(|pattern| pattern.matches(&name))
                })
            }
        }
    }

    fn action_findings(&self, kinds: &mut BTreeSet<FindingKind>) {
        let on_everything = match &self.resources {
            Some(Scope::Only(items)) => items.iter().any(|item| item.fixed().is_some_and(Pattern::is_any)),
            Some(Scope::AllBut(_)) => {
                kinds.insert(FindingKind::AllowNotResource);
                true
            }
            // A trust policy has no resources; its only actions are those of entering.
            None => return,
        };
        let patterns = match &self.actions {
            Scope::Only(patterns) => patterns,
            Scope::AllBut(_) => {
                kinds.insert(FindingKind::AllowNotAction);
                return;
            }
        };
        let mut unscoped = BTreeSet::new();
        let mut permissions = BTreeSet::new();
        for pattern in patterns.iter().filter(|pattern| !pattern.is_unknown()) {
            if is_everything(pattern) {
                if on_everything {
                    kinds.insert(FindingKind::Administrator);
                    return;
                }
                kinds.insert(FindingKind::ServiceWildcardOnSome { service: "*".into() });
                continue;
            }
            if let Some(service) = whole_service(pattern) {
                let everywhere = on_everything || self.covers_whole_service(&service);
                kinds.insert(if everywhere {
                    FindingKind::ServiceWildcard { service }
                } else {
                    FindingKind::ServiceWildcardOnSome { service }
                });
            }
            for action in actions::matching_pattern(pattern.folded().clone()) {
                if action.level == AccessLevel::PermissionsManagement {
                    permissions.insert(action.id().to_owned());
                }
                if action.is_scopable() && self.is_unscoped_for(action) {
                    match action.id() {
                        "iam:PassRole" => drop(kinds.insert(FindingKind::PassAnyRole)),
                        "sts:AssumeRole" => drop(kinds.insert(FindingKind::AssumeAnyRole)),
                        _ => {}
                    }
                    if on_everything {
                        unscoped.insert(action.id().to_owned());
                    }
                }
            }
        }
        if !unscoped.is_empty() {
            kinds.insert(FindingKind::UnscopedResource {
                actions: unscoped.into_iter().collect(),
            });
        }
        if !permissions.is_empty() {
            kinds.insert(FindingKind::PermissionsManagement {
                actions: permissions.into_iter().collect(),
            });
        }
    }

    fn covers_whole_service(&self, service: &str) -> bool {
        let Some(service) = actions::service(service) else {
            return false;
        };
        let mut scopable = service
            .actions
            .iter()
            .filter(|action| action.is_scopable())
            .peekable();
        scopable.peek().is_some() && scopable.all(|action| self.is_unscoped_for(action))
    }

    fn principal_findings(&self, kinds: &mut BTreeSet<FindingKind>) {
        let Some(principals) = &self.principals else {
            return;
        };
        if principals.negated {
            kinds.insert(FindingKind::AnyPrincipal);
            return;
        }
        for name in &principals.names {
            match name {
                PrincipalName::Anyone if !self.is_pinned() => {
                    kinds.insert(FindingKind::AnyPrincipal);
                }
                PrincipalName::Federated(provider) => {
                    if let Some((_, issuer)) = provider.split_once(":oidc-provider/") {
                        let subject = format!("{issuer}:sub").to_ascii_lowercase();
                        let pinned = self.conditions.iter().any(|condition| {
                            condition.key.folded() == subject
                                && condition.narrowing() != super::Narrowing::Excludes
                                && !matches!(condition.narrowing(), super::Narrowing::Nothing(_))
                        });
                        if !pinned {
                            kinds.insert(FindingKind::UnpinnedSubject {
                                issuer: issuer.to_owned(),
                            });
                        }
                    }
                }
                _ => {}
            }
        }
    }

    fn unknown_actions(&self) -> impl Iterator<Item = FindingKind> {
        let unknown = self.actions.items().iter().filter(|pattern| {
            !pattern.is_unknown()
                && !is_everything(pattern)
                && actions::matching_pattern(pattern.folded().clone())
                    .next()
                    .is_none()
        });
        unknown.map(|pattern| FindingKind::UnknownAction {
            action: pattern.text().to_owned(),
        })
    }
}

/// `*`, `*:*`, and other spellings of everything.
fn is_everything(pattern: &ActionPattern) -> bool {
    pattern.folded().contains(&Pattern::parse("*:*"))
}

/// The service of `s3:*`, `s3:**`, `s3:?*`.
fn whole_service(pattern: &ActionPattern) -> Option<String> {
    let text = pattern.folded().to_string();
    let (service, name) = text.split_once(':')?;
    let all = !service.contains(['*', '?']) && name.starts_with(['*', '?']);
    (all && witness(&[&Pattern::parse(&format!("{service}:?*"))], &[pattern.folded()]) == Ok(None))
        .then(|| service.to_owned())
}

/// The ARN of a thing in this account with a name that nobody would choose: it stands for any name. Made once per type and thread.
fn any_name(arn: &'static str) -> Rc<str> {
    thread_local! {
        static NAMES: RefCell<HashMap<&'static str, Rc<str>>> = RefCell::default();
    }
    NAMES.with_borrow_mut(|names| {
        let name = names.entry(arn).or_insert_with(|| {
            let name = arn
                .replace("${Partition}", "aws")
                .replace("${Account}", "123456789012");
            replace_placeholders(&name, "any-name-3f9c").into()
        });
        Rc::clone(name)
    })
}

fn replace_placeholders(arn: &str, name: &str) -> String {
    let mut text = arn.to_owned();
    while let Some((before, after)) = text.split_once("${") {
        let rest = after.split_once('}').map_or("", |(_, rest)| rest);
        text = format!("{before}{name}{rest}");
    }
    text
}

/// The pattern with its account replaced by the one that stands for the caller's own.
fn own_account(pattern: &Pattern) -> Option<Pattern> {
    let text = pattern.to_string();
    let mut parts: Vec<&str> = text.splitn(6, ':').collect();
    if parts.len() != 6 || !super::arn::is_account_id(parts[4]) {
        return None;
    }
    parts[4] = "123456789012";
    Some(Pattern::parse(&parts.join(":")))
}

impl fmt::Display for FindingKind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FindingKind::Administrator => out.write_str("allows every action on every resource"),
            FindingKind::ServiceWildcard { service } => write!(out, "allows {service}:* on every resource"),
            FindingKind::ServiceWildcardOnSome { service } if service == "*" => {
                out.write_str("allows every action on the resources it names")
            }
            FindingKind::ServiceWildcardOnSome { service } => {
                write!(out, "allows {service}:* on the resources it names")
            }
            FindingKind::AllowNotAction => out.write_str("allows everything but a list (NotAction)"),
            FindingKind::AllowNotResource => out.write_str("allows on everything but a list (NotResource)"),
            FindingKind::UnscopedResource { actions } => {
                write!(
                    out,
                    "allows on every resource what could name some: {}",
                    few(actions)
                )
            }
            FindingKind::PassAnyRole => out.write_str("passes any role (iam:PassRole)"),
            FindingKind::AssumeAnyRole => out.write_str("enters any role (sts:AssumeRole)"),
            FindingKind::PermissionsManagement { actions } => {
                write!(out, "manages permissions: {}", few(actions))
            }
            FindingKind::AnyPrincipal => out.write_str("lets everybody in"),
            FindingKind::UnpinnedSubject { issuer } => write!(
                out,
                "lets any token of {issuer} in: no condition pins the subject"
            ),
            FindingKind::UnknownAction { action } => {
                write!(out, "names an action that is not known: {action}")
            }
            FindingKind::Unread { why } => write!(out, "could not be read: {why}"),
        }
    }
}

fn few(actions: &[String]) -> String {
    match actions {
        [head @ .., _, _, _] if head.len() > 2 => {
            format!("{} and {} more", actions[..3].join(", "), actions.len() - 3)
        }
        all => all.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::{Principals, managed};

    fn kinds(statement: Statement) -> Vec<FindingKind> {
        Policy::new([statement])
            .findings()
            .into_iter()
            .map(|finding| finding.kind)
            .collect()
    }

    #[test]
    fn names_what_is_too_broad() {
        assert_eq!(
            kinds(Statement::allow(["*:*"]).on(["*"])),
            [FindingKind::Administrator]
        );
        let s3 = |resource: &str| kinds(Statement::allow(["s3:*"]).on([resource]));
        assert!(s3("*").contains(&FindingKind::ServiceWildcard { service: "s3".into() }));
        assert!(
            s3("arn:aws:s3:::models/*")
                .contains(&FindingKind::ServiceWildcardOnSome { service: "s3".into() })
        );
        let not = Statement::new(Effect::Allow, Scope::AllBut(vec![ActionPattern::new("iam:*")])).on(["*"]);
        assert_eq!(kinds(not), [FindingKind::AllowNotAction]);
        assert!(
            kinds(Statement::allow(["s3:GetObject"]).on_all_but(["arn:aws:s3:::x/*"]))
                .contains(&FindingKind::AllowNotResource)
        );
        assert!(
            kinds(Statement::allow(["iam:PassRole"]).on(["arn:aws:iam::123456789012:role/*"]))
                .contains(&FindingKind::PassAnyRole)
        );
        assert!(
            !kinds(Statement::allow(["iam:PassRole"]).on(["arn:aws:iam::123456789012:role/app-*"]))
                .contains(&FindingKind::PassAnyRole)
        );
        assert!(
            kinds(Statement::allow(["sts:AssumeRole"]).on(["arn:aws:iam::*:role/*"]))
                .contains(&FindingKind::AssumeAnyRole)
        );
        assert_eq!(
            kinds(Statement::allow(["s3:GetObjekt"]).on(["*"])),
            [FindingKind::UnknownAction {
                action: "s3:GetObjekt".into()
            }]
        );
    }

    #[test]
    fn resource_star_is_no_finding_where_nothing_else_can_be_written() {
        assert_eq!(
            kinds(Statement::allow(["ecr:GetAuthorizationToken", "cloudwatch:PutMetricData"]).on(["*"])),
            []
        );
        assert_eq!(
            kinds(Statement::allow(["ecr:PutImage", "ecr:GetAuthorizationToken"]).on(["*"])),
            [FindingKind::UnscopedResource {
                actions: vec!["ecr:PutImage".into()]
            }]
        );
    }

    #[test]
    fn a_trust_without_a_pinned_subject_is_found() {
        let github = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com";
        let trust = || Statement::allow(["sts:AssumeRoleWithWebIdentity"]).to(Principals::federated(github));
        let sub = "token.actions.githubusercontent.com:sub";
        let unpinned = FindingKind::UnpinnedSubject {
            issuer: "token.actions.githubusercontent.com".into(),
        };
        assert_eq!(kinds(trust()), std::slice::from_ref(&unpinned));
        assert_eq!(
            kinds(trust().when("ForAllValues:StringLike", sub, ["repo:a/b:*"])),
            std::slice::from_ref(&unpinned)
        );
        assert_eq!(
            kinds(trust().when("StringNotLike", sub, ["repo:a/b:*"])),
            [unpinned]
        );
        assert_eq!(
            kinds(trust().when("StringEquals", sub, ["repo:a/b:ref:refs/heads/main"])),
            []
        );
        assert_eq!(
            kinds(Statement::allow(["sts:AssumeRole"]).to(Principals::anyone())),
            [FindingKind::AnyPrincipal]
        );
    }

    #[test]
    fn the_great_managed_policies_are_called_what_they_are() {
        let has = |name: &str, kind: &dyn Fn(&FindingKind) -> bool| {
            managed::document(name)
                .unwrap()
                .findings()
                .iter()
                .any(|finding| kind(&finding.kind))
        };
        assert!(has("PowerUserAccess", &|kind| *kind == FindingKind::AllowNotAction));
        assert!(has("IAMFullAccess", &|kind| *kind
            == FindingKind::ServiceWildcard {
                service: "iam".into()
            }));
        assert!(has("AmazonS3FullAccess", &|kind| *kind
            == FindingKind::ServiceWildcard { service: "s3".into() }));
        assert!(!has("ReadOnlyAccess", &|kind| matches!(
            kind,
            FindingKind::Administrator | FindingKind::PassAnyRole
        )));
    }
}
