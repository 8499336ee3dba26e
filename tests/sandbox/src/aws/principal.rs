//! Principals: who calls, as the evaluator names callers, and whether those that a policy names exist.

use mlops_access::aws::{Arn, Caller, Policy, PrincipalName};

use crate::call::Call;
use crate::world::World;

/// Who makes a call. A session's ARN does not hold the path of its role.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
pub fn caller(call: &Call) -> Caller {
    let principal = &call.caller.principal;
    let Some(arn) = Arn::parse(principal) else {
        return Caller::Anonymous;
    };
    match arn.resource.strip_prefix("assumed-role/") {
        Some(rest) => {
            let (role, session) = rest.split_once('/').unwrap_or((rest, ""));
            Caller::Role {
                arn: format!("arn:{}:iam::{}:role/{role}", arn.partition, arn.account),
                session: (!session.is_empty()).then(|| session.to_owned()),
            }
        }
        None if arn.resource == "root" => Caller::Root(arn.account.to_owned()),
        None => Caller::User(principal.clone()),
    }
}

/// The first principal of a policy that does not exist; services refuse to keep a policy that names one.
pub fn unknown(world: &World, policy: &Policy) -> Option<String> {
    policy
        .statements
        .iter()
        .filter_map(|statement| statement.principals.as_ref())
        .flat_map(|principals| &principals.names)
        .find_map(|name| missing(world, name))
}

fn missing(_world: &World, name: &PrincipalName) -> Option<String> {
    match name {
        // Any twelve digits may be an account: the sandbox holds only those that were used.
        PrincipalName::Anyone | PrincipalName::Account(_) | PrincipalName::Federated(_) => None,
        PrincipalName::CanonicalUser(_) => None,
        PrincipalName::Service(service) => (!is_service(service)).then(|| service.clone()),
        PrincipalName::Arn(_) => None,
        // What AWS writes in place of a principal that was deleted cannot be written by hand.
        PrincipalName::Id(id) => Some(id.clone()),
        PrincipalName::Unread { name, .. } => Some(name.clone()),
    }
}

/// Whether a text has the shape of a service principal.
fn is_service(name: &str) -> bool {
    name.strip_suffix(".cn")
        .unwrap_or(name)
        .strip_suffix(".amazonaws.com")
        .is_some_and(|service| {
            !service.is_empty()
                && service.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-')
                })
        })
}
