//! Which credentials of Google Cloud we work with, and which we refuse.

use std::collections::BTreeSet;

use mlops_environment::driver::{Failure, Reason};
use mlops_environment::spec::Tier;
use mlops_gcp::CredentialsKind;
use tfplugin::{Diagnostic, Path};

use crate::settings::StaticCredentials;

/// Where to get short-lived credentials.
const REMEDY: &str = "Use credentials that expire: workload identity federation in CI (google-github-actions/auth writes its \
                      file, without a key), the service account attached to the machine or pod, or at a desk your own \
                      sign-in with impersonate_service_account.";

/// Refuses key files, and tokens that can only be a test's where Google itself would be called.
///
/// # Errors
/// The refusal.
pub(crate) fn judge(
    kind: CredentialsKind,
    at_google: &[&str],
    policy: StaticCredentials,
) -> Result<(), Diagnostic> {
    match kind {
        CredentialsKind::Temporary | CredentialsKind::User => Ok(()),
        CredentialsKind::LongTerm if policy == StaticCredentials::Warn => Ok(()),
        CredentialsKind::LongTerm => Err(Diagnostic::error(
            "A service account's key file is refused",
            format!(
                "The credentials found are a key of a service account (\"type\": \"service_account\"): it works until \
                 somebody deletes it, wherever it leaks to. {REMEDY} To go on for now, outside prod, set \
                 static_credentials = \"warn\" in the provider block."
            ),
        )),
        CredentialsKind::Dummy if at_google.is_empty() => Ok(()),
        CredentialsKind::Dummy => Err(Diagnostic::error(
            "The Google Cloud credentials are none that Google gives out",
            format!(
                "Such credentials do only where every service is a local one; these would be called at Google: {}. Set \
                 their endpoints, or: {REMEDY}",
                at_google.join(", ")
            ),
        )),
    }
}

/// What is said where key files are tolerated.
pub(crate) fn tolerated() -> Diagnostic {
    Diagnostic::warning(
        "A service account's key file is in use",
        format!("It works until somebody deletes it. Tolerated outside prod by static_credentials = \"warn\". {REMEDY}"),
    )
    .at(Path::root().attribute("static_credentials"))
}

/// A key file for a prod environment.
pub(crate) fn refused_for_prod() -> Diagnostic {
    Diagnostic::error(
        "A service account's key file is refused for prod",
        format!("static_credentials = \"warn\" does not count for tier prod. {REMEDY}"),
    )
    .at(Path::root().attribute("tier"))
}

/// A person's own sign-in for a dev environment.
pub(crate) fn personal() -> Diagnostic {
    Diagnostic::warning(
        "Applied as a person",
        "The credentials are somebody's own sign-in, with everything that person may do. That is accepted for dev. Set \
         impersonate_service_account in the provider's gcp block to act as the environment's provisioner.",
    )
    .at(Path::root().attribute("tier"))
}

/// A person's own sign-in for another.
pub(crate) fn personal_refused(tier: Tier) -> Diagnostic {
    Diagnostic::error(
        format!("Nobody applies {} as a person", tier.as_str()),
        format!(
            "The credentials are somebody's own sign-in: what was done would be theirs, with everything they may do. {REMEDY}"
        ),
    )
    .at(Path::root().attribute("tier"))
}

/// No credentials, no project, or none that work.
pub(crate) fn unusable(failure: &Failure) -> Diagnostic {
    let summary = match failure.reason {
        Reason::Invalid => "Google Cloud cannot be reached as configured",
        _ => "No usable Google Cloud credentials",
    };
    Diagnostic::error(
        summary,
        format!("{}: {}\n\n{REMEDY}", failure.operation, failure.message),
    )
    .at(Path::root().attribute("gcp"))
}

/// The project did not answer.
pub(crate) fn unreachable(project: &str, failure: &Failure) -> Diagnostic {
    let code = if failure.code.is_empty() {
        String::new()
    } else {
        format!("{}: ", failure.code)
    };
    let next = match failure.reason {
        Reason::Unauthenticated => "The credentials are over, or none that Google knows: sign in again.",
        Reason::Denied | Reason::NotFound => {
            "Check the project's id, that the credentials may see it (resourcemanager.projects.get), and that the Cloud Resource \
             Manager API is enabled: gcloud services enable cloudresourcemanager.googleapis.com"
        }
        _ => "Try again; nothing was written.",
    };
    Diagnostic::error(
        format!("Project {project} cannot be read"),
        format!("{}: {code}{}\n\n{next}", failure.operation, failure.message),
    )
    .at(Path::root().attribute("gcp").attribute("project"))
}

/// A project that must not be touched.
pub(crate) fn wrong_project(project: &str, allowed: &BTreeSet<String>) -> Diagnostic {
    Diagnostic::error(
        "The project is not allowed",
        format!(
            "The provider would work in project {project}; allowed_projects has {}. Nothing was called. Set project, or \
             add it.",
            allowed.iter().cloned().collect::<Vec<_>>().join(", ")
        ),
    )
    .at(Path::root().attribute("gcp").attribute("allowed_projects"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_a_key_file_and_says_what_to_use() {
        let refusal = judge(CredentialsKind::LongTerm, &[], StaticCredentials::Forbid).unwrap_err();
        assert!(refusal.detail.contains("workload identity federation"));
        assert!(judge(CredentialsKind::LongTerm, &[], StaticCredentials::Warn).is_ok());
    }

    #[test]
    fn accepts_dummies_only_where_everything_is_local() {
        assert!(judge(CredentialsKind::Dummy, &[], StaticCredentials::Forbid).is_ok());
        let refusal = judge(CredentialsKind::Dummy, &["iam"], StaticCredentials::Forbid).unwrap_err();
        assert!(refusal.detail.contains("called at Google: iam"));
    }

    #[test]
    fn accepts_what_expires() {
        for kind in [CredentialsKind::Temporary, CredentialsKind::User] {
            assert!(judge(kind, &["storage"], StaticCredentials::Forbid).is_ok());
        }
    }

    #[test]
    fn a_project_that_cannot_be_read_says_what_to_look_at() {
        let failure = Failure {
            operation: "cloudresourcemanager:GetProject".into(),
            reason: Reason::Denied,
            code: "PERMISSION_DENIED".into(),
            message: "denied on resource".into(),
            request_id: None,
        };
        let told = unreachable("acme-ml-dev", &failure);
        assert!(told.summary.contains("acme-ml-dev") && told.detail.contains("gcloud services enable"));
    }
}
