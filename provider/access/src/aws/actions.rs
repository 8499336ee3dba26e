//! Every action of AWS: its access level, the resources it can be scoped to, its condition keys.
//!
//! Facts: the service authorization reference, as of the date in `data/aws/SOURCES.md`. An action that is not found here is not
//! known, which does not mean that it does not exist.
//!
//! ```
//! use mlops_access::aws::actions::{self, AccessLevel};
//!
//! let put = actions::lookup("ecr:putimage").unwrap();
//! assert_eq!((put.id(), put.level), ("ecr:PutImage", AccessLevel::Write));
//! assert!(put.is_scopable());
//! assert!(!actions::lookup("ecr:GetAuthorizationToken").unwrap().is_scopable());
//! assert_eq!(actions::matching("sts:AssumeRole*").count(), 3);
//! ```

use super::pack::Pack;
use crate::pattern::{Pattern, Symbol};
use std::fmt;
use std::sync::OnceLock;

/// What an action does, in AWS's five classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Sees that resources exist.
    List,
    /// Reads contents or attributes.
    Read,
    /// Changes tags only.
    Tagging,
    /// Creates, changes or deletes.
    Write,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl AccessLevel {
    /// Whether it changes anything: everything but listing and reading.
    pub fn is_write(self) -> bool {
        matches!(
            self,
            AccessLevel::Tagging | AccessLevel::Write | AccessLevel::PermissionsManagement
        )
    }
}

impl fmt::Display for AccessLevel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            AccessLevel::List => "List",
            AccessLevel::Read => "Read",
            AccessLevel::Tagging => "Tagging",
            AccessLevel::Write => "Write",
            AccessLevel::PermissionsManagement => "Permissions management",
        })
    }
}

/// A service, by the prefix of its actions.
#[derive(Debug)]
pub struct Service {
    /// Such as `s3`.
    pub prefix: &'static str,
    /// Such as "Amazon S3".
    pub name: Box<str>,
    /// Its actions, sorted by name without regard to case.
    pub actions: Vec<Action>,
    /// Its resource types, sorted by name.
    pub resource_types: Vec<ResourceType>,
    keys: Vec<Box<str>>,
}

/// An action.
#[derive(Debug)]
pub struct Action {
    id: Box<str>,
    folded: Box<str>,
    service: &'static str,
    /// What it does.
    pub level: AccessLevel,
    /// Resource types by place in the service's list, and whether they are required.
    resources: Vec<(u16, bool)>,
    keys: Vec<u16>,
    dependent: Vec<Box<str>>,
}

/// A kind of resource that actions can be scoped to.
#[derive(Debug)]
pub struct ResourceType {
    /// Such as `bucket`.
    pub name: Box<str>,
    /// Its ARN with placeholders: `arn:${Partition}:s3:::${BucketName}`.
    pub arn: Box<str>,
    /// Accepts every ARN of the type: placeholders are `*`.
    pub pattern: Pattern,
    keys: Vec<u16>,
}

static BYTES: &[u8] = include_bytes!("../../data/aws/actions.pack");

struct Table {
    pack: Pack,
    services: Vec<(&'static str, OnceLock<Option<Service>>)>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let pack = Pack::open(BYTES);
        let services = pack.keys().map(|prefix| (prefix, OnceLock::new())).collect();
        Table { pack, services }
    })
}

/// The prefixes of all services, sorted.
pub fn services() -> impl ExactSizeIterator<Item = &'static str> {
    table().services.iter().map(|(prefix, _)| *prefix)
}

/// A service by its prefix, in any case.
pub fn service(prefix: &str) -> Option<&'static Service> {
    let table = table();
    let prefix = prefix.to_ascii_lowercase();
    let place = table
        .services
        .binary_search_by(|(known, _)| (*known).cmp(&prefix))
        .ok()?;
    let (prefix, service) = &table.services[place];
    service
        .get_or_init(|| Service::read(prefix, table.pack.get(prefix)?))
        .as_ref()
}

/// An action by its name, in any case.
pub fn lookup(action: &str) -> Option<&'static Action> {
    let (prefix, _) = action.split_once(':')?;
    let folded = action.to_ascii_lowercase();
    let service = service(prefix)?;
    let place = service
        .actions
        .binary_search_by(|known| (*known.folded).cmp(&folded))
        .ok()?;
    service.actions.get(place)
}

/// The actions that a pattern such as `s3:Get*`, `*` or `ec2:*Tags` means.
pub fn matching(pattern: &str) -> impl Iterator<Item = &'static Action> {
    matching_pattern(Pattern::parse(&pattern.to_ascii_lowercase()))
}

/// The actions that a pattern in lower case means. Opens only the services it can mean.
pub(crate) fn matching_pattern(pattern: Pattern) -> impl Iterator<Item = &'static Action> {
    let exact = pattern.as_literal().map(lookup);
    let searched = exact.is_none().then(|| {
        let head: String = pattern.literal_prefix();
        let of = head.split_once(':').map(|(prefix, _)| prefix.to_owned());
        services()
            .filter(move |prefix| match &of {
                Some(of) => prefix == of,
                None => prefix.starts_with(&*head),
            })
            .filter_map(service)
            .flat_map(|service| &service.actions)
            .filter(move |action| pattern.matches(&action.folded))
    });
    exact.flatten().into_iter().chain(searched.into_iter().flatten())
}

impl Service {
    fn read(prefix: &'static str, text: &str) -> Option<Service> {
        let mut service = Service {
            prefix,
            name: "".into(),
            actions: Vec::new(),
            resource_types: Vec::new(),
            keys: Vec::new(),
        };
        let numbers = |text: Option<&str>| {
            text.unwrap_or_default()
                .split_ascii_whitespace()
                .filter_map(|n| n.parse().ok())
                .collect()
        };
        for line in text.lines() {
            let mut fields = line.split('\t');
            match fields.next()? {
                "n" => service.name = fields.next()?.into(),
                "k" => service.keys = fields.next()?.split_ascii_whitespace().map(Into::into).collect(),
                "r" => {
                    let (name, arn) = (fields.next()?, fields.next()?);
                    let pattern = arn_pattern(arn);
                    service.resource_types.push(ResourceType {
                        name: name.into(),
                        arn: arn.into(),
                        pattern,
                        keys: numbers(fields.next()),
                    });
                }
                "a" => {
                    let id: Box<str> = format!("{prefix}:{}", fields.next()?).into();
                    let level = match fields.next()? {
                        "L" => AccessLevel::List,
                        "R" => AccessLevel::Read,
                        "T" => AccessLevel::Tagging,
                        "P" => AccessLevel::PermissionsManagement,
                        _ => AccessLevel::Write,
                    };
                    let resources = fields.next().unwrap_or_default().split_ascii_whitespace();
                    let resources = resources.filter_map(|text| {
                        let required = text.ends_with('!');
                        Some((text.trim_end_matches('!').parse().ok()?, required))
                    });
                    let resources = resources.collect();
                    let keys = numbers(fields.next());
                    let dependent = fields
                        .next()
                        .unwrap_or_default()
                        .split_ascii_whitespace()
                        .map(Into::into)
                        .collect();
                    let folded = id.to_ascii_lowercase().into();
                    service.actions.push(Action {
                        id,
                        folded,
                        service: prefix,
                        level,
                        resources,
                        keys,
                        dependent,
                    });
                }
                _ => {}
            }
        }
        service.actions.sort_by(|a, b| a.folded.cmp(&b.folded));
        Some(service)
    }
}

/// An ARN format with every placeholder read as `*`.
fn arn_pattern(arn: &str) -> Pattern {
    let mut symbols = Vec::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        symbols.extend(before.chars().map(Symbol::Char));
        symbols.push(Symbol::Many);
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    symbols.extend(
        rest.chars()
            .map(|c| if c == '*' { Symbol::Many } else { Symbol::Char(c) }),
    );
    Pattern::from_symbols(symbols)
}

impl Action {
    /// `service:Name`, as AWS spells it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// `service:name` in lower case.
    pub fn folded(&self) -> &str {
        &self.folded
    }

    /// Its service.
    pub fn service(&self) -> Option<&'static Service> {
        service(self.service)
    }

    /// Whether a statement can name resources for it at all. Those that cannot need `"Resource": "*"`.
    pub fn is_scopable(&self) -> bool {
        !self.resources.is_empty()
    }

    /// The resource types it acts on, and whether it always needs one of that type.
    pub fn resource_types(&self) -> impl Iterator<Item = (&'static ResourceType, bool)> + '_ {
        let service = self.service();
        self.resources.iter().filter_map(move |(place, required)| {
            Some((service?.resource_types.get(*place as usize)?, *required))
        })
    }

    /// The condition keys it understands besides the global ones.
    pub fn condition_keys(&self) -> Vec<&'static str> {
        let Some(service) = self.service() else {
            return Vec::new();
        };
        let mut places = self.keys.clone();
        places.extend(
            self.resource_types()
                .flat_map(|(kind, _)| kind.keys.iter().copied()),
        );
        places.sort_unstable();
        places.dedup();
        places
            .into_iter()
            .filter_map(|place| service.keys.get(place as usize))
            .map(|key| &**key)
            .collect()
    }

    /// Other actions that the caller needs as well, such as `iam:PassRole`.
    pub fn dependent_actions(&self) -> impl Iterator<Item = &str> {
        self.dependent.iter().map(|action| &**action)
    }
}

impl PartialEq for Action {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Action {}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_can_be_read() {
        assert!(services().len() > 400);
        for prefix in services() {
            let service = service(prefix).unwrap_or_else(|| panic!("{prefix} is damaged"));
            assert!(
                !service.actions.is_empty() && !service.name.is_empty(),
                "{prefix}"
            );
            for action in &service.actions {
                assert!(
                    action.resource_types().count() == action.resources.len(),
                    "{action}"
                );
                assert!(lookup(action.id()) == Some(action), "{action}");
            }
        }
        assert!(matching("*").count() > 20_000);
    }

    #[test]
    fn patterns_expand_within_and_across_services() {
        assert!(matching("s3:get*").all(|action| action.id().starts_with("s3:Get")));
        assert!(matching("s3:Get*").count() > 50);
        assert!(matching("*:TagResource").any(|action| action.id() == "eks:TagResource"));
        assert_eq!(matching("nosuch:*").count(), 0);
    }

    #[test]
    fn facts_that_the_generator_relies_on_hold() {
        for unscopable in [
            "ecr:GetAuthorizationToken",
            "cloudwatch:PutMetricData",
            "cloudwatch:ListMetrics",
        ] {
            assert!(!lookup(unscopable).unwrap().is_scopable(), "{unscopable}");
        }
        assert!(
            lookup("cloudwatch:PutMetricData")
                .unwrap()
                .condition_keys()
                .contains(&"cloudwatch:namespace")
        );
        assert!(
            lookup("iam:PassRole")
                .unwrap()
                .condition_keys()
                .contains(&"iam:PassedToService")
        );
        assert_eq!(
            lookup("iam:PassRole").unwrap().level,
            AccessLevel::PermissionsManagement
        );
        assert!(
            lookup("lambda:CreateFunction")
                .unwrap()
                .dependent_actions()
                .any(|action| action == "iam:PassRole")
        );
        let bucket = &service("s3").unwrap().resource_types;
        let bucket = bucket.iter().find(|kind| &*kind.name == "bucket").unwrap();
        assert!(bucket.pattern.matches("arn:aws-cn:s3:::models"));
    }
}
