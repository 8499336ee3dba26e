use super::{Principal, Scope};
use crate::Purpose;

/// Name of an identity's role: `<environment>-<purpose>[-<service>]`.
#[must_use]
pub fn role_name(scope: &Scope, principal: Principal<'_>) -> String {
    match principal.service {
        Some(service) => format!("{}-{}-{service}", scope.environment, principal.purpose),
        None => format!("{}-{}", scope.environment, principal.purpose),
    }
}

/// ARN of an identity's role, known before it exists.
#[must_use]
pub fn role_arn(scope: &Scope, principal: Principal<'_>) -> String {
    format!(
        "arn:{}:iam::{}:role{}{}",
        scope.partition,
        scope.account,
        scope.role_path,
        role_name(scope, principal)
    )
}

/// Name of the managed policy that bounds the roles of a purpose.
#[must_use]
pub fn boundary_name(scope: &Scope, purpose: Purpose) -> String {
    format!("{}-boundary-{purpose}", scope.environment)
}

/// Kubernetes group that deploy's access entry gives.
#[must_use]
pub fn access_group(environment: &str) -> String {
    format!("mlops:{environment}:deployers")
}
