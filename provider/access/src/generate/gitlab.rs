use std::collections::BTreeSet;

/// The GitLab project whose pipelines may enter, and from where.
///
/// What a job's token says: <https://docs.gitlab.com/ci/secrets/id_token_authentication/>. Google Cloud reads every claim.
/// STS reads only audience and subject, and the subject says by default from which ref a job runs, not for which
/// environment: see [`Gitlab::deploy_tier`].
///
/// ```
/// use mlops_access::{Purpose, generate::{Gitlab, aws::{self, Principal, Scope}}};
///
/// let mut scope = Scope::example();
/// scope.gitlab = Some(Gitlab::example("arn:aws:iam::111122223333:oidc-provider/gitlab.com"));
/// let trust = aws::trust(&scope, Principal::of_environment(Purpose::Ci)).to_string();
/// assert!(trust.contains(r#""gitlab.com:sub":"project_path:acme/churn:ref_type:tag:ref:v*""#));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gitlab {
    /// `group/project`; groups nest.
    pub project_path: String,
    /// Numeric id of the project: survives renaming. STS does not see it.
    pub project_id: Option<String>,
    /// Refs that enter ci, `refs/heads/<branch>` or `refs/tags/<tag>`: exact, or tags with one trailing `*`.
    pub ci_refs: BTreeSet<String>,
    /// Google Cloud: the protected environment whose jobs enter deploy.
    pub deploy_environment: String,
    /// AWS: the deployment tier (`production`, `staging`, …) whose jobs, in protected environments, enter deploy.
    ///
    /// It takes a subject that says so: the project's `ci_id_token_sub_claim_components` must be `project_path`,
    /// `environment_protected`, `deployment_tier`, `ref_type`, `ref`, in this order
    /// (<https://docs.gitlab.com/api/projects/>). A component that a job does not have is left out, so the subjects of jobs
    /// without an environment stay as they are by default. Without a tier no job of GitLab enters deploy on AWS; a second
    /// project, told apart by its tags alone, would be weaker and is not generated.
    pub deploy_tier: Option<String>,
    /// Google Cloud: only jobs of protected refs enter. STS does not see it: protect the refs in `ci_refs`.
    pub protected_only: bool,
    /// Host (and path) of the instance, without `https://`.
    pub issuer: String,
    /// AWS: the audience that jobs ask for.
    pub audience: String,
    /// AWS: ARN of the OIDC provider. Google Cloud: id of the provider in the environment's pool.
    pub provider: String,
}

impl Gitlab {
    /// The issuer of gitlab.com.
    pub const ISSUER: &'static str = "gitlab.com";

    /// A project on gitlab.com as documentation and tests have it: ids known, tags build, production deploys.
    #[must_use]
    pub fn example(provider: &str) -> Self {
        Self {
            project_path: "acme/churn".to_owned(),
            project_id: Some("42".to_owned()),
            ci_refs: BTreeSet::from(["refs/tags/v*".to_owned()]),
            deploy_environment: "production".to_owned(),
            deploy_tier: Some("production".to_owned()),
            protected_only: true,
            issuer: Self::ISSUER.to_owned(),
            audience: format!("https://{}", Self::ISSUER),
            provider: provider.to_owned(),
        }
    }

    /// The subject of jobs of a ref, without an environment; a pattern where the ref is one.
    #[must_use]
    pub fn subject_of_ref(&self, git_ref: &str) -> String {
        format!("project_path:{}:{}", self.project_path, ref_part(git_ref))
    }

    /// The subjects of jobs of protected environments of the deploy tier, from whatever ref; none without a tier.
    #[must_use]
    pub fn subject_of_deploy(&self) -> Option<String> {
        let tier = self.deploy_tier.as_ref()?;
        Some(Self::subject_of_environments(&self.project_path, true, tier))
    }

    /// The subjects of a project's jobs in environments of a deployment tier, protected or not, from whatever ref: a pattern.
    /// What comes before the star can stand nowhere else: a ref has no colon.
    #[must_use]
    pub fn subject_of_environments(project_path: &str, protected: bool, tier: &str) -> String {
        format!("project_path:{project_path}:environment_protected:{protected}:deployment_tier:{tier}:*")
    }

    /// What names the project for Google Cloud: its id, or its path.
    pub(crate) fn project(&self) -> &str {
        self.project_id.as_ref().unwrap_or(&self.project_path)
    }
}

/// A ref as subjects spell it: `ref_type:branch:ref:main`.
pub(crate) fn ref_part(git_ref: &str) -> String {
    match git_ref.strip_prefix("refs/tags/") {
        Some(tag) => format!("ref_type:tag:ref:{tag}"),
        None => {
            let branch = git_ref.strip_prefix("refs/heads/").unwrap_or(git_ref);
            format!("ref_type:branch:ref:{branch}")
        }
    }
}
