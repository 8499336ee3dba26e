//! Service accounts and their keys (<https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts>).

use std::collections::BTreeMap;

use base64::Engine as _;
use jiff::{SignedDuration, Timestamp};
use mlops_access::gcp::Resource;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::gcp::names::{is_label, piece, short};
use crate::gcp::page::page;
use crate::gcp::policy::{self, Policy};
use crate::gcp::refuse::{aborted, denied, exists, invalid, not_carried, not_found, precondition};
use crate::gcp::{Gcp, Project};
use crate::world::World;

/// Accounts in a project, at most (<https://cloud.google.com/iam/quotas>).
const MOST: usize = 100;
/// Keys of one account, at most (the same page).
const MOST_KEYS: usize = 10;
/// For so long a deleted account can be brought back (<https://cloud.google.com/iam/docs/service-accounts-delete-undelete>).
const UNDELETABLE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A service account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account {
    /// E-mail.
    pub email: String,
    /// Unique id, 21 digits.
    pub unique_id: String,
    /// As the API describes it: display name, description, `disabled`, `etag`.
    pub body: Value,
    /// Who may act as it.
    pub policy: Policy,
    /// When it was made: others see it later.
    pub born: Timestamp,
    /// When it was deleted.
    pub deleted: Option<Timestamp>,
    /// Keys by id.
    pub keys: BTreeMap<String, AccountKey>,
}

/// A key that a user made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountKey {
    /// As the API describes it, without the private half: that is told once.
    pub body: Value,
}

impl Gcp {
    /// The account that a name means: `projects/<project or ->/serviceAccounts/<e-mail or unique id>`.
    pub(crate) fn account(&self, name: &str) -> Option<&Account> {
        let id = piece(name, "serviceAccounts");
        self.projects
            .values()
            .flat_map(|project| project.accounts.values())
            .find(|account| account.email == id || account.unique_id == id)
    }

    /// Whether an account stands and is known everywhere: a user's, or one of Google's that works for a project.
    pub(crate) fn account_stands(&self, email: &str, at: Timestamp, lag: f64) -> bool {
        self.projects.values().any(|project| {
            project.agents.contains(email)
                || project
                    .accounts
                    .get(email)
                    .is_some_and(|account| visible(account, at, lag))
        })
    }
}

impl Project {
    /// Whether a `deleted:` member stands for an account that was deleted here.
    pub(crate) fn was_deleted(&self, member: &str) -> bool {
        self.deleted_accounts
            .values()
            .any(|account| deleted_member(account) == member)
    }
}

/// Other services see a new account after a while (<https://cloud.google.com/iam/docs/access-change-propagation>).
fn visible(account: &Account, at: Timestamp, lag: f64) -> bool {
    at >= account.born + SignedDuration::from_secs_f64(lag.max(0.0))
}

fn member(account: &Account) -> String {
    format!("serviceAccount:{}", account.email)
}

/// How policies name an account that is gone (<https://cloud.google.com/iam/docs/principal-identifiers#deleted-principals>).
fn deleted_member(account: &Account) -> String {
    format!(
        "deleted:serviceAccount:{}?uid={}",
        account.email, account.unique_id
    )
}

/// Forgets what can no longer be undeleted.
pub(super) fn settle(project: &mut Project, at: Timestamp) {
    project
        .deleted_accounts
        .retain(|_, account| account.deleted.is_none_or(|deleted| at < deleted + UNDELETABLE));
}

fn told(account: &Account, project: &str) -> Value {
    let mut told = account.body.clone();
    told["name"] = json!(format!("projects/{project}/serviceAccounts/{}", account.email));
    told["projectId"] = json!(project);
    told["uniqueId"] = json!(account.unique_id);
    told["oauth2ClientId"] = json!(account.unique_id);
    told["email"] = json!(account.email);
    told
}

/// The project and e-mail of the account that a call is about.
///
/// # Errors
/// 404; 403 under the wildcard project, which does not tell what is not there from what is closed.
fn found(world: &World, call: &Call, name: &str) -> Result<(String, String), Refusal> {
    let wanted = piece(name, "serviceAccounts");
    let missing = || {
        if piece(name, "projects") == "-" {
            denied(format!(
                "Permission 'iam.serviceAccounts.get' denied on resource (or it may not exist): {name}."
            ))
        } else {
            not_found(format!("Unknown service account: {wanted}"))
        }
    };
    let account = world
        .gcp
        .account(name)
        .filter(|account| visible(account, call.at, world.behaviour.lag))
        .ok_or_else(missing)?;
    let home = world
        .gcp
        .projects
        .iter()
        .find(|(_, project)| project.accounts.contains_key(&account.email))
        .map(|(id, _)| id.clone())
        .ok_or_else(missing)?;
    let asked = piece(name, "projects");
    if asked != "-" && world.gcp.project_id(asked)? != home {
        return Err(missing());
    }
    Ok((home, account.email.clone()))
}

fn account_mut<'a>(
    world: &'a mut World,
    (project, email): &(String, String),
) -> Result<&'a mut Account, Refusal> {
    world
        .gcp
        .project_mut(project)?
        .accounts
        .get_mut(email)
        .ok_or_else(|| not_found(format!("Unknown service account: {email}")))
}

/// Answers a call on accounts.
pub(super) fn answer(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    let name = call
        .text("name")
        .or_else(|| call.text("resource"))
        .unwrap_or_default();
    match method {
        "create" => create(world, call, name),
        "list" => {
            let id = world.gcp.project_id(name)?;
            let accounts = world
                .gcp
                .project(&id)?
                .accounts
                .values()
                .filter(|account| visible(account, call.at, world.behaviour.lag))
                .map(|account| told(account, &id))
                .collect();
            page(call, &world.behaviour, "accounts", "pageSize", 20, accounts)
        }
        "undelete" => undelete(world, call, name),
        _ => {
            let at = found(world, call, name)?;
            one(world, call, method, &at)
        }
    }
}

fn one(world: &mut World, call: &Call, method: &str, at: &(String, String)) -> Result<Answer, Refusal> {
    let etag = base64::engine::general_purpose::STANDARD.encode(world.random.hex(8));
    let account = account_mut(world, at)?;
    match method {
        "get" => {}
        "patch" => {
            let given = call
                .body()
                .get("serviceAccount")
                .cloned()
                .unwrap_or_else(|| json!({}));
            check_etag(account, given.get("etag"))?;
            let mask = call
                .body()
                .get("updateMask")
                .and_then(Value::as_str)
                .unwrap_or_default();
            for member in ["displayName", "description"] {
                if !mask.split(',').any(|path| path == member) {
                    continue;
                }
                match given.get(member) {
                    Some(value) => account.body[member] = value.clone(),
                    // A member of the mask that is not given is emptied.
                    None => {
                        if let Some(body) = account.body.as_object_mut() {
                            body.remove(member);
                        }
                    }
                }
            }
            check_texts(&account.body)?;
            account.body["etag"] = json!(etag);
        }
        "enable" | "disable" => {
            if let Some(body) = account.body.as_object_mut() {
                body.remove("disabled");
                if method == "disable" {
                    body.insert("disabled".to_owned(), json!(true));
                }
            }
            return Ok(Answer::empty());
        }
        "getIamPolicy" => return Ok(account.policy.told(policy::requested(call)).into()),
        "setIamPolicy" => {
            let standing = account.policy.clone();
            let given = call.body().get("policy").cloned().unwrap_or_default();
            let policy = policy::replaced(world, &standing, &given, call.at)?;
            account_mut(world, at)?.policy = policy.clone();
            return Ok(policy.told(3).into());
        }
        "testIamPermissions" => {
            return Ok(policy::tested(world, call, &Resource::ServiceAccount(at.1.clone())).into());
        }
        "delete" => {
            let mut account = account.clone();
            account.deleted = Some(call.at);
            account.keys.clear();
            let project = world.gcp.project_mut(&at.0)?;
            project.accounts.remove(&at.1);
            project
                .deleted_accounts
                .insert(account.unique_id.clone(), account.clone());
            for policy in world.gcp.policies_mut() {
                policy.rename(&member(&account), &deleted_member(&account));
            }
            return Ok(Answer::empty());
        }
        _ => return Err(not_carried(&call.operation)),
    }
    let told = told(account, &at.0);
    Ok(told.into())
}

fn check_etag(account: &Account, given: Option<&Value>) -> Result<(), Refusal> {
    match given.and_then(Value::as_str) {
        Some(etag) if !etag.is_empty() && account.body.get("etag").and_then(Value::as_str) != Some(etag) => {
            Err(aborted(
                "There were concurrent changes to the service account. Please retry with the current etag.",
            ))
        }
        _ => Ok(()),
    }
}

/// Lengths stand in the descriptions of `displayName` and `description`, in bytes; words are a guess.
fn check_texts(body: &Value) -> Result<(), Refusal> {
    for (member, most) in [("displayName", 100), ("description", 256)] {
        let length = body.get(member).and_then(Value::as_str).map_or(0, str::len);
        if length > most {
            return Err(invalid(format!(
                "{member} is too long: {length} bytes, at most {most} are allowed."
            )));
        }
    }
    Ok(())
}

fn create(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let id = world.gcp.project_id(name)?;
    let account_id = call
        .body()
        .get("accountId")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !is_label(account_id, 6, 30) {
        // Words from public issues.
        return Err(invalid(format!(
            "The account ID \"{account_id}\" does not have a length between 6 and 30 or does not match \
             [a-z]([-a-z0-9]*[a-z0-9])."
        )));
    }
    let mut body = call
        .body()
        .get("serviceAccount")
        .cloned()
        .unwrap_or_else(|| json!({}));
    check_texts(&body)?;
    let email = format!("{account_id}@{id}.iam.gserviceaccount.com");
    let project = world.gcp.project(&id)?;
    if project.accounts.contains_key(&email) {
        // Words from public issues.
        return Err(exists(format!(
            "Service account {account_id} already exists within project projects/{id}."
        )));
    }
    if project.accounts.len() >= MOST {
        return Err(crate::gcp::refuse::exhausted(format!(
            "The maximum number of service accounts on project {id} has been reached."
        )));
    }
    if let Some(body) = body.as_object_mut() {
        // The name comes from the id alone.
        body.retain(|member, _| matches!(member.as_str(), "displayName" | "description"));
    }
    body["etag"] = json!(base64::engine::general_purpose::STANDARD.encode(world.random.hex(8)));
    let account = Account {
        email: email.clone(),
        unique_id: format!("1{}", world.random.text("0123456789", 20)),
        body,
        policy: Policy::default(),
        born: call.at,
        deleted: None,
        keys: BTreeMap::new(),
    };
    let told = told(&account, &id);
    world.gcp.project_mut(&id)?.accounts.insert(email, account);
    Ok(told.into())
}

/// Brings an account back, with its grants: by unique id, while nobody else has its e-mail.
fn undelete(world: &mut World, call: &Call, name: &str) -> Result<Answer, Refusal> {
    let unique = short(name);
    let home = world
        .gcp
        .projects
        .iter()
        .find(|(_, project)| project.deleted_accounts.contains_key(unique))
        .map(|(id, _)| id.clone());
    let Some(home) = home else {
        // Only by unique id (<https://cloud.google.com/iam/docs/service-accounts-delete-undelete>); words are a guess.
        return Err(not_found(format!("Unknown service account: {unique}")));
    };
    let project = world.gcp.project_mut(&home)?;
    let Some(mut account) = project.deleted_accounts.remove(unique) else {
        return Err(not_found(format!("Unknown service account: {unique}")));
    };
    if project.accounts.contains_key(&account.email) {
        let message = format!(
            "A service account with the email {} exists already.",
            account.email
        );
        project.deleted_accounts.insert(unique.to_owned(), account);
        return Err(precondition(message));
    }
    account.deleted = None;
    account.born = call.at;
    project.accounts.insert(account.email.clone(), account.clone());
    for policy in world.gcp.policies_mut() {
        policy.rename(&deleted_member(&account), &member(&account));
    }
    Ok(json!({"restoredAccount": told(&account, &home)}).into())
}

/// Answers a call on keys.
pub(super) fn keys(world: &mut World, call: &Call, method: &str) -> Result<Answer, Refusal> {
    let name = call.text("name").unwrap_or_default();
    let at = found(world, call, name)?;
    let id = piece(name, "keys").to_owned();
    let fresh = world.random.hex(40);
    let full = |id: &str| format!("projects/{}/serviceAccounts/{}/keys/{id}", at.0, at.1);
    let account = account_mut(world, &at)?;
    let missing = || not_found(format!("Service account key {} does not exist.", full(&id)));
    match method {
        "list" => {
            let wanted = call
                .input
                .get("keyTypes")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let of_users = wanted.is_empty() || wanted.contains(&json!("USER_MANAGED"));
            let of_system = wanted.is_empty() || wanted.contains(&json!("SYSTEM_MANAGED"));
            let mut keys: Vec<Value> = Vec::new();
            if of_users {
                keys.extend(account.keys.values().map(|key| key.body.clone()));
            }
            if of_system {
                // Every account has one that Google keeps and rotates.
                keys.push(json!({
                    "name": full(&format!("{:0>40}", account.unique_id)),
                    "keyAlgorithm": "KEY_ALG_RSA_2048",
                    "keyOrigin": "GOOGLE_PROVIDED",
                    "keyType": "SYSTEM_MANAGED",
                    "validAfterTime": account.born.to_string(),
                    "validBeforeTime": (account.born + SignedDuration::from_hours(16 * 24)).to_string(),
                }));
            }
            Ok(if keys.is_empty() {
                Answer::empty()
            } else {
                json!({"keys": keys}).into()
            })
        }
        "get" => account
            .keys
            .get(&id)
            .map(|key| key.body.clone().into())
            .ok_or_else(missing),
        "create" => {
            if account.keys.len() >= MOST_KEYS {
                // Words from public issues.
                return Err(precondition("Precondition check failed."));
            }
            let body = json!({
                "name": full(&fresh),
                "keyAlgorithm": "KEY_ALG_RSA_2048",
                "keyOrigin": "GOOGLE_PROVIDED",
                "keyType": "USER_MANAGED",
                "validAfterTime": call.at.to_string(),
                "validBeforeTime": "9999-12-31T23:59:59Z",
            });
            account.keys.insert(fresh, AccountKey { body: body.clone() });
            let mut told = body;
            told["privateKeyType"] = json!("TYPE_GOOGLE_CREDENTIALS_FILE");
            // No key is made: nothing here is signed with one.
            told["privateKeyData"] =
                json!(base64::engine::general_purpose::STANDARD.encode(r#"{"type":"service_account"}"#));
            Ok(told.into())
        }
        "delete" => account
            .keys
            .remove(&id)
            .map(|_| Answer::empty())
            .ok_or_else(missing),
        "disable" | "enable" => {
            let key = account.keys.get_mut(&id).ok_or_else(missing)?;
            if let Some(body) = key.body.as_object_mut() {
                body.remove("disabled");
                if method == "disable" {
                    body.insert("disabled".to_owned(), json!(true));
                }
            }
            Ok(Answer::empty())
        }
        _ => Err(not_carried(&call.operation)),
    }
}
