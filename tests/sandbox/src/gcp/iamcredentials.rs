//! Short-lived credentials of service accounts (<https://cloud.google.com/iam/docs/reference/credentials/rest>).
//!
//! Who may is asked before anything else, also where enforcement is off: it is what the account's policy is for. The operator
//! may.

use std::collections::BTreeSet;

use base64::Engine as _;
use jiff::SignedDuration;
use mlops_access::gcp::Resource;
use serde_json::{Value, json};

use super::authorize::may;
use super::names::short;
use super::refuse::{invalid, not_carried, not_found};
use super::sts::{Token, give};
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::world::World;

/// The longest life of a token without an organisation policy (description of `lifetime`).
const LONGEST: f64 = 3_600.0;

/// Answers a call.
pub(super) fn answer(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("name");
    let account = world
        .gcp
        .account(name)
        .ok_or_else(|| not_found("Not found; Gaia id not found for email ".to_owned() + short(name)))?;
    let (email, unique_id) = (account.email.clone(), account.unique_id.clone());
    if account.body.get("disabled").is_some() {
        return Err(super::refuse::precondition(format!(
            "Service account {email} is disabled."
        )));
    }
    let resource = Resource::ServiceAccount(email.clone());
    match call.operation.as_str() {
        "iamcredentials.projects.serviceAccounts.generateAccessToken" => {
            check(world, call, "iam.serviceAccounts.getAccessToken", &resource)?;
            let lifetime = call
                .body()
                .get("lifetime")
                .and_then(Value::as_str)
                .unwrap_or("3600s");
            let seconds = super::description::seconds(lifetime).unwrap_or_default();
            if seconds <= 0.0 || seconds > LONGEST {
                return Err(invalid(format!(
                    "The lifetime {lifetime} is not between 1s and 3600s."
                )));
            }
            // Told in whole seconds: clients read nothing else.
            let expires = call.at + SignedDuration::from_secs_f64(seconds);
            let token = give(
                world,
                Token {
                    principal: format!("serviceAccount:{email}"),
                    sets: BTreeSet::new(),
                    expires,
                },
            );
            Ok(json!({"accessToken": token, "expireTime": format!("{expires:.0}")}).into())
        }
        "iamcredentials.projects.serviceAccounts.generateIdToken" => {
            check(world, call, "iam.serviceAccounts.getOpenIdToken", &resource)?;
            let part =
                |value: &Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(&json!({"alg": "RS256", "typ": "JWT", "kid": "sandbox"}));
            let payload = part(&json!({
                "iss": "https://accounts.google.com",
                "aud": call.body().get("audience"),
                "sub": unique_id,
                "azp": unique_id,
                "email": email,
                "iat": call.at.as_second(),
                "exp": call.at.as_second() + 3_600,
            }));
            // Nothing is signed in the sandbox.
            Ok(json!({"token": format!("{header}.{payload}.sandbox")}).into())
        }
        _ => Err(not_carried(&call.operation)),
    }
}

fn check(world: &World, call: &Call, permission: &str, on: &Resource) -> Result<(), Refusal> {
    if may(world, &call.caller, permission, on) {
        return Ok(());
    }
    Err(super::refuse::lacks(permission, &on.full_name(), "iam"))
}
