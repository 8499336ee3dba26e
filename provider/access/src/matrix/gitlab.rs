//! The trust table's rows about GitLab.

use super::tokens::{Entrance, TokenRow};
use crate::{
    Purpose,
    generate::{Gitlab, aws, gcp, gitlab_ref},
    trust::Token,
};

/// A CI job of GitLab: where it runs from.
#[derive(Clone, Copy)]
struct Job<'a> {
    project_path: &'a str,
    project_id: &'a str,
    source: &'a str,
    git_ref: &'a str,
    protected: bool,
    environment: Option<Environment<'a>>,
}

#[derive(Clone, Copy)]
struct Environment<'a> {
    name: &'a str,
    tier: &'a str,
    protected: bool,
}

/// How a cloud sees the token of a job.
trait Forge {
    fn token(&self, job: &Job<'_>) -> Token;
    /// Whether it sees that a ref is protected, and from which kind of pipeline a job comes.
    fn sees_protection(&self) -> bool;
    /// Whether it can tell the jobs of deploy's environment from others.
    fn sees_environments(&self) -> bool;
}

pub(super) fn aws_rows(scope: &aws::Scope) -> Vec<TokenRow> {
    match &scope.gitlab {
        Some(gitlab) => configured(gitlab, &Aws(gitlab)),
        None => unconfigured("sts.amazonaws.com"),
    }
}

pub(super) fn gcp_rows(scope: &gcp::Scope) -> Vec<TokenRow> {
    let pool = gcp::workload_pool(scope);
    match &scope.gitlab {
        Some(gitlab) => {
            let audience = format!("https://iam.googleapis.com/{pool}/providers/{}", gitlab.provider);
            configured(gitlab, &Gcp(gitlab, audience))
        }
        None => unconfigured(&format!(
            "https://iam.googleapis.com/{pool}/providers/{}",
            scope.provider
        )),
    }
}

fn row(id: &'static str, what: &'static str, tokens: Vec<Token>, enters: Entrance) -> TokenRow {
    TokenRow {
        id,
        what,
        tokens,
        enters,
    }
}

/// Without GitLab in the configuration no token of it enters.
fn unconfigured(audience: &str) -> Vec<TokenRow> {
    let job = |branch: &str, protected: &str| {
        Token::oidc(Gitlab::ISSUER)
            .with("aud", audience)
            .with(
                "sub",
                &format!("project_path:acme/churn:ref_type:branch:ref:{branch}"),
            )
            .with("ref_protected", protected)
    };
    vec![
        row(
            "T19",
            "GitLab main, protected",
            vec![job("main", "true")],
            Entrance::Nobody,
        ),
        row(
            "T20",
            "GitLab unprotected",
            vec![job("main", "false"), job("x", "false")],
            Entrance::Nobody,
        ),
    ]
}

fn configured(gitlab: &Gitlab, forge: &dyn Forge) -> Vec<TokenRow> {
    let main = "refs/heads/main";
    let tag = "refs/tags/v1.2.3";
    let own = Job {
        project_path: &gitlab.project_path,
        project_id: gitlab.project_id.as_deref().unwrap_or("42"),
        source: "push",
        git_ref: main,
        protected: true,
        environment: None,
    };
    // Strangers are made from what is configured: a fixed one might be what somebody has configured.
    let another_id = format!("{}0", own.project_id);
    let another_environment = format!("another-{}", gitlab.deploy_environment);
    let of_ref = |git_ref| forge.token(&Job { git_ref, ..own });
    let production = Environment {
        name: &gitlab.deploy_environment,
        tier: gitlab.deploy_tier.as_deref().unwrap_or("production"),
        protected: true,
    };
    let deploys = |environment| Job {
        environment: Some(environment),
        ..own
    };
    let ci = |git_ref: &str| {
        let open = gitlab.ci_refs.iter().any(|r| match r.strip_suffix('*') {
            Some(prefix) => git_ref.starts_with(prefix),
            None => r == git_ref,
        });
        if open {
            Entrance::Of(Purpose::Ci, None)
        } else {
            Entrance::Nobody
        }
    };
    let mut rows = vec![
        row("T19", "GitLab main, protected", vec![of_ref(main)], ci(main)),
        row("T19", "GitLab tag v1.2.3, protected", vec![of_ref(tag)], ci(tag)),
    ];

    let mut outside = Vec::new();
    if forge.sees_protection() && gitlab.protected_only {
        for git_ref in [main, tag] {
            outside.push(Job {
                git_ref,
                protected: false,
                ..own
            });
        }
    }
    let sibling = format!("{}-another", gitlab.project_path);
    let nested = format!("{}/nested", gitlab.project_path);
    for project_path in [&sibling, &nested] {
        for job in [own, Job { git_ref: tag, ..own }, deploys(production)] {
            outside.push(Job {
                project_path,
                project_id: &another_id,
                ..job
            });
        }
    }
    if forge.sees_protection() && gitlab.project_id.is_some() {
        // The path was given up and registered again.
        outside.push(Job {
            project_id: &another_id,
            git_ref: tag,
            ..own
        });
    }
    let tokens = outside.iter().map(|job| forge.token(job)).collect();
    rows.push(row(
        "T20",
        "GitLab unprotected, or protected in another project",
        tokens,
        Entrance::Nobody,
    ));

    if forge.sees_environments() {
        let from_anywhere = [main, tag]
            .map(|git_ref| {
                forge.token(&Job {
                    git_ref,
                    ..deploys(production)
                })
            })
            .into();
        let enters = Entrance::Of(Purpose::Deploy, None);
        rows.push(row(
            "T03",
            "GitLab job in the deploy environment",
            from_anywhere,
            enters,
        ));
        let others = [
            Environment {
                name: &another_environment,
                tier: match production.tier {
                    "development" => "testing",
                    _ => "development",
                },
                ..production
            },
            Environment {
                protected: false,
                ..production
            },
        ];
        let tokens = others.map(|e| forge.token(&deploys(e))).into();
        rows.push(row(
            "T04",
            "GitLab job in another environment, or in one that is not protected",
            tokens,
            Entrance::Nobody,
        ));
    }
    if forge.sees_protection() {
        let tokens = [
            "merge_request_event",
            "external_pull_request_event",
            "parent_pipeline",
        ]
        .into_iter()
        .flat_map(|source| {
            [own, Job { git_ref: tag, ..own }, deploys(production)].map(|job| Job { source, ..job })
        })
        .map(|job| forge.token(&job))
        .collect();
        rows.push(row("T05", "GitLab merge request", tokens, Entrance::Nobody));
    }

    let (name, tier) = (format!("{}-x", production.name), format!("{}-x", production.tier));
    let mut similar: Vec<Token> = ["refs/heads/main-evil", "refs/heads/v1", "refs/heads/release/x"]
        .into_iter()
        .filter(|git_ref| !gitlab.ci_refs.contains(*git_ref))
        .map(of_ref)
        .collect();
    if forge.sees_environments() {
        similar.push(forge.token(&deploys(Environment {
            name: &name,
            tier: &tier,
            ..production
        })));
    }
    rows.push(row(
        "T10",
        "similar branch or environment on GitLab",
        similar,
        Entrance::Nobody,
    ));

    let misdirected = [own, Job { git_ref: tag, ..own }, deploys(production)]
        .map(|job| forge.token(&job).with("aud", "https://another.example"))
        .into();
    rows.push(row(
        "T11",
        "wrong audience on GitLab",
        misdirected,
        Entrance::Nobody,
    ));
    rows
}

struct Aws<'a>(&'a Gitlab);

impl Forge for Aws<'_> {
    fn token(&self, job: &Job<'_>) -> Token {
        let environment = match (job.environment, &self.0.deploy_tier) {
            (Some(e), Some(_)) => format!(
                "environment_protected:{}:deployment_tier:{}:",
                e.protected, e.tier
            ),
            _ => String::new(),
        };
        let subject = format!(
            "project_path:{}:{environment}{}",
            job.project_path,
            gitlab_ref(job.git_ref)
        );
        Token::oidc(&self.0.issuer)
            .with("aud", &self.0.audience)
            .with("sub", &subject)
    }

    fn sees_protection(&self) -> bool {
        false
    }

    fn sees_environments(&self) -> bool {
        self.0.deploy_tier.is_some()
    }
}

/// With the audience of the provider.
struct Gcp<'a>(&'a Gitlab, String);

impl Forge for Gcp<'_> {
    fn token(&self, job: &Job<'_>) -> Token {
        let (kind, name) = match job.git_ref.strip_prefix("refs/tags/") {
            Some(tag) => ("tag", tag),
            None => ("branch", job.git_ref.trim_start_matches("refs/heads/")),
        };
        let token = Token::oidc(&self.0.issuer)
            .with("aud", &self.1)
            .with(
                "sub",
                &format!("project_path:{}:{}", job.project_path, gitlab_ref(job.git_ref)),
            )
            .with("project_path", job.project_path)
            .with("project_id", job.project_id)
            .with("pipeline_source", job.source)
            .with("ref", name)
            .with("ref_type", kind)
            .with("ref_path", job.git_ref)
            .with("ref_protected", &job.protected.to_string())
            .with("job_id", "7");
        match job.environment {
            Some(environment) => token
                .with("environment", environment.name)
                .with("environment_protected", &environment.protected.to_string())
                .with("deployment_tier", environment.tier),
            None => token,
        }
    }

    fn sees_protection(&self) -> bool {
        true
    }

    fn sees_environments(&self) -> bool {
        true
    }
}
