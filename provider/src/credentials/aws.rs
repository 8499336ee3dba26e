//! Which credentials of AWS we work with, and which we refuse.

use std::collections::BTreeSet;

use mlops_aws::CredentialsKind;
use mlops_environment::driver::{Caller, Failure};
use tfplugin::{Diagnostic, Path};

use crate::settings::StaticCredentials;

/// Where to get short-lived credentials.
const REMEDY: &str = "Use credentials that expire: OIDC in CI (assume_role_with_web_identity, or AWS_ROLE_ARN with \
                      AWS_WEB_IDENTITY_TOKEN_FILE), IAM Identity Center at a desk (aws sso login, profile), a role \
                      (assume_role), or the instance's or pod's own.";

/// Refuses long-term keys, and keys that can only be a test's where Amazon itself would be called.
///
/// # Errors
/// The refusal.
pub(crate) fn judge(
    kind: CredentialsKind,
    at_amazon: &[&str],
    policy: StaticCredentials,
) -> Result<(), Diagnostic> {
    match kind {
        CredentialsKind::Temporary => Ok(()),
        CredentialsKind::LongTerm if policy == StaticCredentials::Warn => Ok(()),
        CredentialsKind::LongTerm => Err(Diagnostic::error(
            "Long-term AWS credentials are refused",
            format!(
                "The credentials found are an access key of an IAM user (its id begins with AKIA): it works until \
                 somebody deletes it, wherever it leaks to. {REMEDY} To go on for now, outside prod, set \
                 static_credentials = \"warn\" in the provider block."
            ),
        )),
        CredentialsKind::Dummy if at_amazon.is_empty() => Ok(()),
        CredentialsKind::Dummy => Err(Diagnostic::error(
            "The AWS credentials are none that AWS gives out",
            format!(
                "Such credentials do only where every service is a local one; these would be called at Amazon: {}. Set \
                 their endpoints, or: {REMEDY}",
                at_amazon.join(", ")
            ),
        )),
    }
}

/// What is said where long-term keys are tolerated.
pub(crate) fn tolerated() -> Diagnostic {
    Diagnostic::warning(
        "Long-term AWS credentials are in use",
        format!("An access key of an IAM user works until somebody deletes it. Tolerated outside prod by static_credentials = \"warn\". {REMEDY}"),
    )
    .at(Path::root().attribute("static_credentials"))
}

/// Long-term keys for a prod environment.
pub(crate) fn refused_for_prod() -> Diagnostic {
    Diagnostic::error(
        "Long-term AWS credentials are refused for prod",
        format!("static_credentials = \"warn\" does not count for tier prod. {REMEDY}"),
    )
    .at(Path::root().attribute("tier"))
}

/// No credentials, or none that work.
pub(crate) fn unusable(failure: &Failure) -> Diagnostic {
    let code = if failure.code.is_empty() {
        String::new()
    } else {
        format!("{}: ", failure.code)
    };
    Diagnostic::error(
        "No usable AWS credentials",
        format!("{}: {code}{}\n\n{REMEDY}", failure.operation, failure.message),
    )
    .at(Path::root().attribute("aws"))
}

/// Credentials of an account that must not be touched.
pub(crate) fn wrong_account(caller: &Caller, allowed: &BTreeSet<String>) -> Diagnostic {
    Diagnostic::error(
        "The credentials are of an account that is not allowed",
        format!(
            "They are of account {} ({}); allowed_account_ids has {}. Nothing was written. Use other credentials, or \
             add the account.",
            caller.account,
            caller.principal,
            allowed.iter().cloned().collect::<Vec<_>>().join(", ")
        ),
    )
    .at(Path::root().attribute("aws").attribute("allowed_account_ids"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_users_key_and_says_what_to_use() {
        let refusal = judge(CredentialsKind::LongTerm, &[], StaticCredentials::Forbid).unwrap_err();
        assert!(refusal.detail.contains("assume_role_with_web_identity"));
        assert!(judge(CredentialsKind::LongTerm, &[], StaticCredentials::Warn).is_ok());
    }

    #[test]
    fn accepts_dummies_only_where_everything_is_local() {
        assert!(judge(CredentialsKind::Dummy, &[], StaticCredentials::Forbid).is_ok());
        let refusal = judge(CredentialsKind::Dummy, &["iam", "s3"], StaticCredentials::Forbid).unwrap_err();
        assert!(refusal.detail.contains("iam, s3"));
    }

    #[test]
    fn accepts_a_sessions_key() {
        assert!(judge(CredentialsKind::Temporary, &["s3"], StaticCredentials::Forbid).is_ok());
    }
}
