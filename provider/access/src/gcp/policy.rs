use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::{
    Role,
    cel::{Expr, Stop, Value},
    role,
};
use crate::{
    pattern::Pattern,
    verdict::{Doubt, Verdict},
};

/// A thing that policies are set on or questions asked about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Resource {
    /// A project, by id.
    Project(String),
    /// A bucket.
    Bucket(String),
    /// A managed folder (`prefix` ends in `/`), or a listing of that prefix.
    Folder {
        /// The bucket.
        bucket: String,
        /// The prefix.
        prefix: String,
    },
    /// An object.
    Object {
        /// The bucket.
        bucket: String,
        /// Its whole name.
        name: String,
    },
    /// A secret, by id.
    Secret(String),
    /// An Artifact Registry repository, by full name.
    Repository(String),
    /// A service account, by e-mail.
    ServiceAccount(String),
    /// A key, by full name.
    Key(String),
    /// A cluster, by full name.
    Cluster(String),
}

impl Resource {
    /// Whether a policy on this thing also speaks of the other. A project speaks of everything in it; callers that deal
    /// with several projects ask for each one apart.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Project(a), Self::Project(b)) => a == b,
            (Self::Project(_), _) => true,
            (
                Self::Bucket(a),
                Self::Bucket(b) | Self::Folder { bucket: b, .. } | Self::Object { bucket: b, .. },
            ) => a == b,
            (
                Self::Folder { bucket: a, prefix },
                Self::Folder {
                    bucket: b,
                    prefix: inner,
                }
                | Self::Object {
                    bucket: b,
                    name: inner,
                },
            ) => a == b && inner.starts_with(prefix.as_str()),
            (one, two) => one == two,
        }
    }

    /// `resource.type` in conditions (<https://cloud.google.com/iam/docs/conditions-resource-attributes>).
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Project(_) => "cloudresourcemanager.googleapis.com/Project",
            Self::Bucket(_) => "storage.googleapis.com/Bucket",
            Self::Folder { .. } => "storage.googleapis.com/ManagedFolder",
            Self::Object { .. } => "storage.googleapis.com/Object",
            Self::Secret(_) => "secretmanager.googleapis.com/Secret",
            Self::Repository(_) => "artifactregistry.googleapis.com/Repository",
            Self::ServiceAccount(_) => "iam.googleapis.com/ServiceAccount",
            Self::Key(_) => "cloudkms.googleapis.com/CryptoKey",
            Self::Cluster(_) => "container.googleapis.com/Cluster",
        }
    }

    /// `resource.name` in conditions.
    #[must_use]
    pub fn full_name(&self) -> String {
        match self {
            Self::Project(id) => format!("projects/{id}"),
            Self::Bucket(name) => format!("projects/_/buckets/{name}"),
            Self::Folder { bucket, prefix } => format!("projects/_/buckets/{bucket}/managedFolders/{prefix}"),
            Self::Object { bucket, name } => format!("projects/_/buckets/{bucket}/objects/{name}"),
            Self::Secret(id) => format!("projects/-/secrets/{id}"),
            Self::ServiceAccount(email) => format!("projects/-/serviceAccounts/{email}"),
            Self::Repository(name) | Self::Key(name) | Self::Cluster(name) => name.clone(),
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Project(id) => write!(f, "project {id}"),
            Self::Bucket(name) => write!(f, "bucket {name}"),
            Self::Folder { bucket, prefix } => write!(f, "folder {bucket}/{prefix}"),
            Self::Object { bucket, name } => write!(f, "object {bucket}/{name}"),
            Self::Secret(id) => write!(f, "secret {id}"),
            Self::ServiceAccount(email) => write!(f, "service account {email}"),
            Self::Repository(name) => write!(f, "repository {name}"),
            Self::Key(name) => write!(f, "key {name}"),
            Self::Cluster(name) => write!(f, "cluster {name}"),
        }
    }
}

/// Why a text is not an allow policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not of the form of a policy.
    #[error("the policy cannot be read: {0}")]
    Form(String),
    /// Conditions without version 3: an API would drop them silently.
    #[error(
        "binding of {role} has a condition but the policy says version {version}; conditions need version 3"
    )]
    Version {
        /// Role of the binding.
        role: String,
        /// Version of the policy.
        version: i64,
    },
}

/// An allow policy (<https://cloud.google.com/iam/docs/reference/rest/v1/Policy>).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// 1, or 3 with conditions.
    pub version: i64,
    /// Bindings.
    pub bindings: Vec<Binding>,
    /// Guards read-modify-write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
}

impl Policy {
    /// Reads a policy.
    ///
    /// # Errors
    /// When the text is not a policy, or has conditions without version 3.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let policy: Self = serde_json::from_str(text).map_err(|e| PolicyError::Form(e.to_string()))?;
        match policy.bindings.iter().find(|b| b.condition.is_some()) {
            Some(binding) if policy.version < 3 => Err(PolicyError::Version {
                role: binding.role.clone(),
                version: policy.version,
            }),
            _ => Ok(policy),
        }
    }
}

/// A role for members, perhaps under a condition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Binding {
    /// Role.
    pub role: String,
    /// Members.
    #[serde(default)]
    pub members: Vec<String>,
    /// Condition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
}

/// When a binding applies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Condition {
    /// Shown to people.
    #[serde(default)]
    pub title: String,
    /// The expression.
    pub expression: String,
}

/// One rule of a deny policy (<https://cloud.google.com/iam/docs/deny-overview>). Permissions are written with the
/// service's host: `iam.googleapis.com/serviceAccountKeys.create`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DenyRule {
    /// Denied principals, in the form of principal identifiers.
    pub principals: Vec<String>,
    /// Those that are not.
    pub exception_principals: Vec<String>,
    /// Denied permissions.
    pub permissions: Vec<String>,
    /// Those that are not.
    pub exception_permissions: Vec<String>,
    /// When it applies.
    pub condition: Option<String>,
}

/// May these principals use this permission on this thing?
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Every spelling under which policies may name the caller: the member, the sets it is in.
    pub principals: &'a BTreeSet<String>,
    /// Permission, `storage.objects.get`.
    pub permission: &'a str,
    /// The thing.
    pub resource: &'a Resource,
}

/// Answers a question from the policies on the thing and everything above it: a deny rule first, then any binding.
///
/// Groups, domains and convenience values are not resolved: a binding that names one the caller is not known to be in
/// makes the answer unknown, unless something else allows. So does a role whose contents are not known.
///
/// ```
/// use std::collections::{BTreeMap, BTreeSet};
/// use mlops_access::gcp::{Binding, Policy, Question, Resource, allows};
///
/// let policy = Policy { version: 3, etag: None, bindings: vec![Binding {
///     role: "roles/storage.objectViewer".into(), members: vec!["serviceAccount:rt@p.iam.gserviceaccount.com".into()],
///     condition: None }] };
/// let folder = Resource::Folder { bucket: "models".into(), prefix: "churn/".into() };
/// let policies = [(folder, policy)];
/// let me = BTreeSet::from(["serviceAccount:rt@p.iam.gserviceaccount.com".to_owned()]);
/// let may = |name: &str| allows(&policies, &[], &BTreeMap::new(), &Question { principals: &me,
///     permission: "storage.objects.get", resource: &Resource::Object { bucket: "models".into(), name: name.into() } });
/// assert!(may("churn/versions/1/m").is_yes());
/// assert!(may("fraud/versions/1/m").is_no());
/// ```
#[must_use]
pub fn allows(
    policies: &[(Resource, Policy)],
    denials: &[DenyRule],
    custom_roles: &BTreeMap<String, Role>,
    question: &Question<'_>,
) -> Verdict {
    let denied = Verdict::any(denials.iter().map(|rule| denies(rule, question)));
    if denied.is_yes() {
        return Verdict::No;
    }
    let allowed = Verdict::any(
        policies
            .iter()
            .filter(|(on, _)| on.covers(question.resource))
            .flat_map(|(on, policy)| policy.bindings.iter().map(move |b| (on, b)))
            .map(|(on, binding)| binding_allows(on, binding, custom_roles, question)),
    );
    allowed.and(!denied)
}

fn binding_allows(
    on: &Resource,
    binding: &Binding,
    custom_roles: &BTreeMap<String, Role>,
    question: &Question<'_>,
) -> Verdict {
    let named = names_caller(&binding.members, question.principals);
    if named.is_no() {
        return Verdict::No;
    }
    let holds = match custom_roles.get(&binding.role).or_else(|| role(&binding.role)) {
        Some(role) => Verdict::from(role.holds(question.permission)),
        None => Verdict::unknown(format!(
            "the contents of {} (on {on}) are not known here",
            binding.role
        )),
    };
    let when = || match &binding.condition {
        None => Verdict::Yes,
        Some(condition) => holds_for(&condition.expression, question.resource),
    };
    named.and(holds).and(when())
}

/// Whether a member stands for many that a policy does not list.
#[must_use]
pub fn is_group_like(member: &str) -> bool {
    [
        "group:",
        "domain:",
        "projectOwner:",
        "projectEditor:",
        "projectViewer:",
        "principalSet:",
    ]
    .iter()
    .any(|prefix| member.starts_with(prefix))
}

fn names_caller(members: &[String], principals: &BTreeSet<String>) -> Verdict {
    Verdict::any(members.iter().map(|member| {
        if member == "allUsers" || member == "allAuthenticatedUsers" || principals.contains(member) {
            Verdict::Yes
        } else if is_group_like(member) {
            Verdict::unknown(format!("whether the caller is in {member} is not known"))
        } else {
            Verdict::No
        }
    }))
}

fn denies(rule: &DenyRule, question: &Question<'_>) -> Verdict {
    let Some((service, rest)) = question.permission.split_once('.') else {
        return Verdict::No;
    };
    let host = if service == "resourcemanager" {
        "cloudresourcemanager"
    } else {
        service
    };
    let spelled = format!("{host}.googleapis.com/{rest}");
    let listed = |permissions: &[String]| permissions.iter().any(|p| Pattern::parse(p).matches(&spelled));
    if !listed(&rule.permissions) || listed(&rule.exception_permissions) {
        return Verdict::No;
    }
    let everyone = |members: &[String]| members.iter().any(|m| m == "principalSet://goog/public:all");
    let caught = if everyone(&rule.principals) {
        Verdict::Yes
    } else {
        names_caller(&rule.principals, question.principals)
    };
    let spared = names_caller(&rule.exception_principals, question.principals);
    let when = match &rule.condition {
        None => Verdict::Yes,
        Some(expression) => holds_for(expression, question.resource),
    };
    caught.and(!spared).and(when)
}

fn holds_for(expression: &str, resource: &Resource) -> Verdict {
    let expr = match Expr::parse(expression) {
        Ok(expr) => expr,
        Err(error) => return Verdict::unknown(error.to_string()),
    };
    expr.holds(&|path: &[String]| match path {
        [root, field] if root == "resource" => match field.as_str() {
            "name" => Ok(Value::Text(resource.full_name())),
            "type" => Ok(Value::Text(resource.type_name().to_owned())),
            "service" => Ok(Value::Text(
                resource
                    .type_name()
                    .split('/')
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            )),
            _ => Err(Stop::Unknown(Doubt::new(format!(
                "resource.{field} is not known here"
            )))),
        },
        other => Err(Stop::Unknown(Doubt::new(format!(
            "{} is not known here",
            other.join(".")
        )))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(
        policy: Policy,
        on: Resource,
        denials: &[DenyRule],
        permission: &str,
        resource: &Resource,
    ) -> Verdict {
        let principals = BTreeSet::from(["serviceAccount:a@p.iam.gserviceaccount.com".to_owned()]);
        let question = Question {
            principals: &principals,
            permission,
            resource,
        };
        allows(&[(on, policy)], denials, &BTreeMap::new(), &question)
    }

    fn policy(role: &str, member: &str, condition: Option<&str>) -> Policy {
        Policy {
            version: 3,
            etag: None,
            bindings: vec![Binding {
                role: role.to_owned(),
                members: vec![member.to_owned()],
                condition: condition.map(|e| Condition {
                    title: String::new(),
                    expression: e.to_owned(),
                }),
            }],
        }
    }

    const ME: &str = "serviceAccount:a@p.iam.gserviceaccount.com";

    #[test]
    fn a_condition_narrows_to_one_cluster() {
        let only = r#"resource.type == "container.googleapis.com/Cluster" && resource.name == "projects/p/locations/l/clusters/shop""#;
        let project = Resource::Project("p".to_owned());
        let cluster = |name: &str| Resource::Cluster(format!("projects/p/locations/l/clusters/{name}"));
        let may = |name: &str| {
            let policy = policy("roles/container.clusterViewer", ME, Some(only));
            ask(
                policy,
                project.clone(),
                &[],
                "container.clusters.connect",
                &cluster(name),
            )
        };
        assert_eq!(may("shop"), Verdict::Yes);
        assert_eq!(may("other"), Verdict::No);
    }

    #[test]
    fn groups_unknown_roles_and_unreadable_conditions_are_doubts() {
        let project = Resource::Project("p".to_owned());
        let bucket = Resource::Bucket("b".to_owned());
        for policy in [
            policy("roles/owner", "group:all@acme.example", None),
            policy("roles/brandnew.thing", ME, None),
            policy(
                "roles/owner",
                ME,
                Some("request.time < timestamp(\"2030-01-01T00:00:00Z\")"),
            ),
            policy("roles/owner", ME, Some("resource.name ==")),
        ] {
            let answer = ask(policy, project.clone(), &[], "storage.buckets.update", &bucket);
            assert!(answer.is_unknown(), "{answer}");
        }
    }

    #[test]
    fn deny_wins_and_exceptions_spare() {
        let project = Resource::Project("p".to_owned());
        let rule = DenyRule {
            principals: vec!["principalSet://goog/public:all".to_owned()],
            permissions: vec!["iam.googleapis.com/serviceAccountKeys.*".to_owned()],
            ..DenyRule::default()
        };
        let may = |rule: &DenyRule| {
            let account = Resource::ServiceAccount("x@p.iam.gserviceaccount.com".to_owned());
            ask(
                policy("roles/owner", ME, None),
                project.clone(),
                std::slice::from_ref(rule),
                "iam.serviceAccountKeys.create",
                &account,
            )
        };
        assert_eq!(may(&rule), Verdict::No);
        assert_eq!(
            may(&DenyRule {
                exception_principals: vec![ME.to_owned()],
                ..rule
            }),
            Verdict::Yes
        );
    }

    #[test]
    fn conditions_without_version_3_are_refused() {
        let text = r#"{"version":1,"bindings":[{"role":"roles/viewer","members":[],"condition":{"title":"t","expression":"true"}}]}"#;
        let error = Policy::parse(text).unwrap_err();
        assert!(error.to_string().contains("version 3"), "{error}");
    }
}
