//! Allow policies: etags, versions, conditions, members that must exist
//! (<https://cloud.google.com/iam/docs/reference/rest/v1/Policy>).

use base64::Engine as _;
use jiff::Timestamp;
use mlops_access::gcp::{WorkloadMember, role};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Gcp;
use super::refuse::{aborted, invalid};
use crate::answer::Refusal;
use crate::random::Random;
use crate::world::World;

/// Principals in one policy, at most (<https://cloud.google.com/iam/quotas>).
const MOST_MEMBERS: usize = 1_500;

/// The etag of a policy that was never set: what Google's services tell for it.
const UNSET: &str = "ACAB";

/// A policy on one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Bindings, merged and sorted.
    pub bindings: Vec<Binding>,
    /// Changes with every write.
    pub etag: String,
    /// `auditConfigs` as given.
    #[serde(default)]
    pub audit: Value,
}

/// A role for members, perhaps under a condition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// Role.
    pub role: String,
    /// Members.
    pub members: Vec<String>,
    /// `google.type.Expr`; null without one.
    #[serde(default)]
    pub condition: Value,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            bindings: Vec::new(),
            etag: UNSET.to_owned(),
            audit: Value::Null,
        }
    }
}

impl Policy {
    /// A policy of one binding, as fresh projects and buckets have.
    pub(crate) fn of(bindings: &[(&str, &str)]) -> Self {
        let mut policy = Self::default();
        for (role, member) in bindings {
            policy.bindings.push(Binding {
                role: (*role).to_owned(),
                members: vec![(*member).to_owned()],
                condition: Value::Null,
            });
        }
        policy
    }

    /// As the API tells it to one who asked for a version.
    pub fn told(&self, requested: i64) -> Value {
        let conditional = self.bindings.iter().any(|binding| !binding.condition.is_null());
        let bindings: Vec<Value> = self
            .bindings
            .iter()
            .map(|binding| match (&binding.condition, requested >= 3) {
                (Value::Null, _) => json!({"role": binding.role, "members": binding.members}),
                (condition, true) => {
                    json!({"role": binding.role, "members": binding.members, "condition": condition})
                }
                // To those who did not ask for version 3 conditions are hidden
                // (<https://cloud.google.com/iam/docs/troubleshooting-withcond>).
                (condition, false) => {
                    let hash = Sha256::digest(condition.to_string());
                    let hash: String = hash.iter().take(10).map(|byte| format!("{byte:02x}")).collect();
                    json!({"role": format!("{}_withcond_{hash}", binding.role), "members": binding.members})
                }
            })
            .collect();
        let mut told = json!({"etag": self.etag});
        if self.etag != UNSET || !bindings.is_empty() {
            told["version"] = json!(if conditional && requested >= 3 { 3 } else { 1 });
        }
        if !bindings.is_empty() {
            told["bindings"] = Value::Array(bindings);
        }
        if !self.audit.is_null() {
            told["auditConfigs"] = self.audit.clone();
        }
        told
    }

    /// The same for the access evaluator.
    pub(crate) fn evaluated(&self) -> mlops_access::gcp::Policy {
        mlops_access::gcp::Policy {
            version: 3,
            etag: None,
            bindings: self
                .bindings
                .iter()
                .map(|binding| mlops_access::gcp::Binding {
                    role: binding.role.clone(),
                    members: binding.members.clone(),
                    condition: binding
                        .condition
                        .as_object()
                        .map(|condition| mlops_access::gcp::Condition {
                            title: text(condition.get("title")),
                            expression: text(condition.get("expression")),
                        }),
                })
                .collect(),
        }
    }

    /// Puts one member in another's place, as deleting and undeleting an account does.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        for binding in &mut self.bindings {
            if let Some(member) = binding.members.iter_mut().find(|member| *member == from) {
                to.clone_into(member);
                binding.members.sort();
            }
        }
    }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The version that a call asks for.
pub(crate) fn requested(call: &crate::call::Call) -> i64 {
    let asked = ["options.requestedPolicyVersion", "optionsRequestedPolicyVersion"]
        .iter()
        .find_map(|name| call.input.get(*name))
        .or_else(|| call.body().pointer("/options/requestedPolicyVersion"));
    asked.and_then(Value::as_i64).unwrap_or(1)
}

/// A fresh etag.
fn etag(random: &mut Random) -> String {
    let number = random.next().to_be_bytes();
    // Real ones begin so: they hold a time.
    base64::engine::general_purpose::STANDARD.encode([&[0x07, 0x06][..], &number[..7]].concat())
}

/// The policy that takes the place of `standing`.
///
/// # Errors
/// 409 `ABORTED` for an etag that is not the standing one's, 400 for a member or role that does not exist and for a
/// condition without version 3.
pub(crate) fn replaced(
    world: &mut World,
    standing: &Policy,
    given: &Value,
    at: Timestamp,
) -> Result<Policy, Refusal> {
    let sent = given.get("etag").and_then(Value::as_str).unwrap_or_default();
    // Without an etag the write is blind (<https://cloud.google.com/iam/docs/allow-policies#etag>).
    if !sent.is_empty() && !same_bytes(sent, &standing.etag) {
        return Err(aborted(format!(
            "There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. The \
             request's ETag '{sent}' did not match the current policy's ETag '{}'.",
            standing.etag
        )));
    }
    let version = given.get("version").and_then(Value::as_i64).unwrap_or_default();
    if !matches!(version, 0 | 1 | 3) {
        // A guess at the words; that only 0, 1 and 3 are valid stands in the description of `version`.
        return Err(invalid(format!("Invalid policy version: {version}.")));
    }
    let mut bindings: Vec<Binding> = Vec::new();
    for binding in given
        .get("bindings")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let role = text(binding.get("role"));
        let condition = binding.get("condition").cloned().unwrap_or(Value::Null);
        if !condition.is_null() && version < 3 {
            // That it is refused stands in the description of `version`; the words are a guess.
            return Err(invalid(
                "Specified policy version does not support conditions: version 3 is required for conditional role bindings.",
            ));
        }
        check_condition(&condition)?;
        check_role(&world.gcp, &role)?;
        let members = binding
            .get("members")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        for member in members.filter_map(Value::as_str) {
            check_member(world, standing, member, at)?;
            let place = bindings
                .iter_mut()
                .find(|known| known.role == role && known.condition == condition);
            match place {
                Some(known) if known.members.iter().any(|one| one == member) => {}
                Some(known) => known.members.push(normal(member)),
                None => bindings.push(Binding {
                    role: role.clone(),
                    members: vec![normal(member)],
                    condition: condition.clone(),
                }),
            }
        }
    }
    for binding in &mut bindings {
        binding.members.sort();
        binding.members.dedup();
    }
    bindings.sort_by(|one, two| one.role.cmp(&two.role));
    if bindings
        .iter()
        .map(|binding| binding.members.len())
        .sum::<usize>()
        > MOST_MEMBERS
    {
        return Err(invalid(format!(
            "The number of members in the policy exceeds the maximum allowed number of members ({MOST_MEMBERS})."
        )));
    }
    Ok(Policy {
        bindings,
        etag: etag(&mut world.random),
        audit: given.get("auditConfigs").cloned().unwrap_or(Value::Null),
    })
}

/// Etags are bytes: their padding and alphabet do not count.
fn same_bytes(one: &str, two: &str) -> bool {
    let plain = |text: &str| text.trim_end_matches('=').replace('-', "+").replace('_', "/");
    plain(one) == plain(two)
}

/// E-mails are told in lower case.
fn normal(member: &str) -> String {
    match member.split_once(':') {
        Some((kind @ ("user" | "group" | "domain" | "serviceAccount"), rest)) if !rest.contains('[') => {
            format!("{kind}:{}", rest.to_ascii_lowercase())
        }
        _ => member.to_owned(),
    }
}

fn check_condition(condition: &Value) -> Result<(), Refusal> {
    if condition.is_null() {
        return Ok(());
    }
    let expression = text(condition.get("expression"));
    if text(condition.get("title")).is_empty() {
        // A title is required (<https://cloud.google.com/iam/docs/conditions-overview>); the words are a guess.
        return Err(invalid("Condition title is required."));
    }
    mlops_access::gcp::cel::Expr::parse(&expression)
        .map(drop)
        .map_err(|error| invalid(format!("Expression '{expression}' is invalid: {error}")))
}

/// A role that nobody knows is refused in the words of Resource Manager, seen in public issues.
fn check_role(gcp: &Gcp, name: &str) -> Result<(), Refusal> {
    let custom = || {
        let project = name.strip_prefix("projects/")?.split('/').next()?;
        gcp.projects.get(project)?.roles.get(name)
    };
    if role(name).is_some() || custom().is_some_and(|role| role.get("deleted").is_none()) {
        return Ok(());
    }
    Err(invalid(format!(
        "Role ({name}) does not exist in the resource's hierarchy."
    )))
}

fn check_member(world: &World, standing: &Policy, member: &str, at: Timestamp) -> Result<(), Refusal> {
    let gcp = &world.gcp;
    if matches!(member, "allUsers" | "allAuthenticatedUsers") {
        return Ok(());
    }
    let unknown = || {
        invalid(format!(
            "The member {member} is of an unknown type. Please set a valid type prefix for the member."
        ))
    };
    let no_account = |email: &str| invalid(format!("Service account {email} does not exist."));
    // Words from terraform-google-modules/terraform-google-kubernetes-engine#916.
    let no_pool = |pool: &str| {
        invalid(format!(
            "Identity Pool does not exist ({pool}). Please check that you specified a valid resource name as returned in the \
             `name` attribute in the configuration API."
        ))
    };
    if let Some(workload) = WorkloadMember::parse(member) {
        return match workload {
            WorkloadMember::Pods { workload_pool, .. } => {
                let project = workload_pool
                    .strip_suffix(".svc.id.goog")
                    .and_then(|id| gcp.projects.get(id));
                match project {
                    Some(project) if project.workload_pool => Ok(()),
                    _ => Err(no_pool(&workload_pool)),
                }
            }
            WorkloadMember::Subject { pool, .. }
            | WorkloadMember::Attribute { pool, .. }
            | WorkloadMember::Everyone { pool } => {
                let id = super::names::short(&pool);
                // Only the number is good in a principal (<https://cloud.google.com/iam/docs/principal-identifiers>).
                let number = super::names::piece(&pool, "projects").parse().ok();
                let stands = gcp
                    .projects
                    .values()
                    .any(|project| Some(project.number) == number && project.pools.contains_key(id));
                if stands { Ok(()) } else { Err(no_pool(&pool)) }
            }
        };
    }
    let (kind, name) = member.split_once(':').ok_or_else(unknown)?;
    match kind {
        "user" | "group" if name.contains('@') => Ok(()),
        "domain" if name.contains('.') => Ok(()),
        "projectOwner" | "projectEditor" | "projectViewer" => {
            gcp.project_id(name).map(drop).map_err(|_| unknown())
        }
        "serviceAccount" => {
            let email = name.to_ascii_lowercase();
            if gcp.account_stands(&email, at, world.behaviour.lag) {
                Ok(())
            } else {
                Err(no_account(&email))
            }
        }
        "deleted" => {
            let known = standing
                .bindings
                .iter()
                .any(|binding| binding.members.iter().any(|known| known == member));
            let email = name
                .trim_start_matches("serviceAccount:")
                .split('?')
                .next()
                .unwrap_or_default();
            if known || gcp.projects.values().any(|project| project.was_deleted(member)) {
                Ok(())
            } else {
                Err(no_account(email))
            }
        }
        _ => Err(unknown()),
    }
}

/// Permissions of a `testIamPermissions` call that hold for the caller.
pub(crate) fn tested(
    world: &World,
    call: &crate::call::Call,
    resource: &mlops_access::gcp::Resource,
) -> Value {
    let asked = call
        .body()
        .get("permissions")
        .or_else(|| call.input.get("permissions"))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let held: Vec<Value> = asked
        .into_iter()
        .filter(|permission| {
            permission
                .as_str()
                .is_some_and(|permission| super::authorize::may(world, &call.caller, permission, resource))
        })
        .collect();
    if held.is_empty() {
        json!({})
    } else {
        json!({"permissions": held})
    }
}
