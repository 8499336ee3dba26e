use super::{Breach, Expected, gitlab};
use crate::{
    Purpose,
    generate::{
        Github, SubjectFormat,
        aws::{self, Principal, role_arn},
        gcp,
    },
    trust::{Containment, Token, TokenSet, Trusts, separation as separate},
    verdict::Verdict,
};

/// Which identities a token enters; everything else is closed to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entrance {
    /// None.
    Nobody,
    /// The identities of a purpose: of one service, or all of them.
    Of(Purpose, Option<String>),
}

impl Entrance {
    fn includes(&self, principal: Principal<'_>) -> bool {
        match self {
            Self::Nobody => false,
            Self::Of(purpose, service) => {
                *purpose == principal.purpose
                    && service.as_deref().is_none_or(|s| principal.service == Some(s))
            }
        }
    }
}

/// A row of the trust table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Its permanent id, `T01` to `T23`.
    pub id: &'static str,
    /// What the token is.
    pub what: &'static str,
    /// Tokens of this kind; none where the cloud or the configuration has no such token.
    pub tokens: Vec<Token>,
    /// Whom they enter.
    pub enters: Entrance,
}

const ELSEWHERE: &str = "another-issuer.example";

/// How a cloud's tokens look.
trait Forge {
    fn job(&self, job: &Job<'_>) -> Vec<Token>;
    fn pod(&self, namespace: &str, account: &str) -> Token;
    fn pod_elsewhere(&self, namespace: &str, account: &str) -> Token;
    fn node(&self) -> Token;
}

/// A CI job: where it runs from.
struct Job<'a> {
    repository: &'a str,
    owner_id: &'a str,
    repository_id: &'a str,
    event: &'a str,
    git_ref: &'a str,
    environment: Option<&'a str>,
}

fn rows(
    forge: &dyn Forge,
    github: Option<&Github>,
    gitlab: Vec<TokenRow>,
    services: &std::collections::BTreeMap<String, crate::generate::Service>,
    cluster: bool,
) -> Vec<TokenRow> {
    let mut rows = Vec::new();
    let mut add = |id, what, tokens: Vec<Token>, enters| {
        rows.push(TokenRow {
            id,
            what,
            tokens,
            enters,
        })
    };
    if let Some(github) = github {
        let own = Job {
            repository: &github.repository,
            owner_id: github.owner_id.as_deref().unwrap_or("1"),
            repository_id: github.repository_id.as_deref().unwrap_or("2"),
            event: "push",
            git_ref: "refs/heads/main",
            environment: None,
        };
        // Strangers are made from what is configured: a fixed one might be what somebody has configured.
        let another = |own: &str| format!("{own}0");
        let (other_owner, other_repository) = (another(own.owner_id), another(own.repository_id));
        let job = |git_ref: &str, environment: Option<&str>| {
            forge.job(&Job {
                git_ref,
                environment,
                ..own
            })
        };
        let ci = |git_ref: &str| {
            let open = github.ci_refs.iter().any(|r| match r.strip_suffix('*') {
                Some(prefix) => git_ref.starts_with(prefix),
                None => r == git_ref,
            });
            if open {
                Entrance::Of(Purpose::Ci, None)
            } else {
                Entrance::Nobody
            }
        };
        let main = "refs/heads/main";
        let deploy = github.deploy_environment.as_str();
        let doors = [&github.drift_environment, &github.retrain_environment];
        let free = |mut environment: String| {
            while doors.iter().any(|door| door.as_ref() == Some(&environment)) {
                environment.push('x');
            }
            environment
        };
        add("T01", "push to main", job(main, None), ci(main));
        add(
            "T02",
            "tag v1.2.3",
            job("refs/tags/v1.2.3", None),
            ci("refs/tags/v1.2.3"),
        );
        add(
            "T03",
            "job in the deploy environment",
            job(main, Some(deploy)),
            Entrance::Of(Purpose::Deploy, None),
        );
        add(
            "T04",
            "job in another environment's deploy",
            job(main, Some(&free(format!("another-{deploy}")))),
            Entrance::Nobody,
        );
        let pull = |event: &str| {
            forge.job(&Job {
                event,
                git_ref: "refs/pull/1/merge",
                ..own
            })
        };
        add("T05", "pull request", pull("pull_request"), Entrance::Nobody);
        let forked = format!("mallory-{}", github.repository);
        let fork = |event: &str| {
            forge.job(&Job {
                repository: &forked,
                owner_id: &other_owner,
                repository_id: &other_repository,
                event,
                ..own
            })
        };
        add(
            "T06",
            "fork",
            [fork("pull_request"), fork("push")].concat(),
            Entrance::Nobody,
        );
        add(
            "T07",
            "pull_request_target",
            pull("pull_request_target"),
            Entrance::Nobody,
        );
        let sibling = format!("{}-another", github.repository);
        let of_sibling = |git_ref: &str, environment: Option<&str>| {
            forge.job(&Job {
                repository: &sibling,
                repository_id: &other_repository,
                git_ref,
                environment,
                ..own
            })
        };
        add(
            "T08",
            "other repository of the owner",
            [
                of_sibling(main, None),
                of_sibling("refs/tags/v1", None),
                of_sibling(main, Some(deploy)),
            ]
            .concat(),
            Entrance::Nobody,
        );
        // Without ids a name that somebody registers again is the same name: nothing can tell.
        let reborn = if github.repository_id.is_some() && github.owner_id.is_some() {
            let again = |git_ref: &str, environment: Option<&str>| {
                forge.job(&Job {
                    owner_id: &other_owner,
                    repository_id: &other_repository,
                    git_ref,
                    environment,
                    ..own
                })
            };
            [
                again("refs/tags/v1.2.3", None),
                again(main, None),
                again(main, Some(deploy)),
            ]
            .concat()
        } else {
            Vec::new()
        };
        let by_name =
            |token: &Token| token.claims["sub"].starts_with(&format!("repo:{}:", github.repository));
        let reborn = reborn
            .into_iter()
            .filter(|t| t.claims.contains_key("repository_id") || !by_name(t))
            .collect();
        add("T09", "same name, other owner", reborn, Entrance::Nobody);
        let similar = ["refs/heads/main-evil", "refs/heads/release/x", "refs/heads/v1"]
            .into_iter()
            .filter(|git_ref| !github.ci_refs.contains(*git_ref))
            .flat_map(|git_ref| job(git_ref, None))
            .chain(job(main, Some(&free(format!("{deploy}-x")))))
            .collect();
        add("T10", "similar branch or environment", similar, Entrance::Nobody);
        let misdirected = [
            job(main, None),
            job("refs/tags/v1.2.3", None),
            job(main, Some(deploy)),
        ]
        .concat()
        .into_iter()
        .map(|t| t.with("aud", "https://another.example"))
        .collect();
        add("T11", "wrong audience", misdirected, Entrance::Nobody);
        for (purpose, environment) in [
            (Purpose::Drift, &github.drift_environment),
            (Purpose::Retrain, &github.retrain_environment),
        ] {
            let (tokens, enters) = match environment {
                Some(name) => (job(main, Some(name)), Entrance::Of(purpose, None)),
                None => (job(main, Some(&format!("{deploy}-{purpose}"))), Entrance::Nobody),
            };
            add("T22", "job in the purpose's ci_environment", tokens, enters);
        }
        let mutable = if github.subject_format == SubjectFormat::Immutable
            && github.subjects().iter().any(|s| s.contains('@'))
        {
            [
                Some(deploy),
                github.drift_environment.as_deref(),
                github.retrain_environment.as_deref(),
            ]
            .into_iter()
            .flatten()
            .flat_map(|name| job(main, Some(name)))
            .chain(job("refs/tags/v1.2.3", None))
            .filter(|t| !t.claims.contains_key("repository_id"))
            .map(|t| {
                let sub = t.claims["sub"].clone();
                let place = sub.splitn(3, ':').nth(2).unwrap_or_default().to_owned();
                t.with("sub", &format!("repo:{}:{place}", github.repository))
            })
            .collect()
        } else {
            Vec::new()
        };
        add(
            "T23",
            "mutable-format token while immutable",
            mutable,
            Entrance::Nobody,
        );
    }
    for (name, service) in services {
        let kinds = [
            ("T12", Purpose::Runtime),
            ("T13", Purpose::Drift),
            ("T14", Purpose::Retrain),
        ];
        for (id, purpose) in kinds {
            let Some((namespace, account)) = service.workload(purpose) else {
                continue;
            };
            let pod = forge.pod(namespace, account);
            let enters = if cluster {
                Entrance::Of(purpose, Some(name.clone()))
            } else {
                Entrance::Nobody
            };
            add(id, "pod of a purpose", vec![pod.clone()], enters);
            add(
                "T17",
                "same pod in another cluster",
                vec![forge.pod_elsewhere(namespace, account)],
                Entrance::Nobody,
            );
            add(
                "T18",
                "pod token with another audience",
                vec![pod.with("aud", "vault")],
                Entrance::Nobody,
            );
        }
        add(
            "T15",
            "default account of the namespace",
            vec![forge.pod(&service.namespace, "default")],
            Entrance::Nobody,
        );
    }
    add(
        "T16",
        "pod of another service",
        vec![forge.pod("another-prod", "another-sa")],
        Entrance::Nobody,
    );
    add("T21", "node credential", vec![forge.node()], Entrance::Nobody);
    rows.extend(gitlab);
    rows.sort_by_key(|row| row.id);
    rows
}

struct Aws<'a>(&'a aws::Scope);

impl Forge for Aws<'_> {
    fn job(&self, job: &Job<'_>) -> Vec<Token> {
        let Some(github) = &self.0.github else {
            return Vec::new();
        };
        let as_job = Github {
            repository: job.repository.to_owned(),
            owner_id: github.owner_id.as_ref().map(|_| job.owner_id.to_owned()),
            repository_id: github
                .repository_id
                .as_ref()
                .map(|_| job.repository_id.to_owned()),
            ..github.clone()
        };
        // STS sees only the subject. What it says for pull_request_target is not documented; a job of a protected
        // environment is the only gate that holds there.
        let place = match (job.event, job.environment) {
            (_, Some(environment)) => format!("environment:{environment}"),
            ("pull_request" | "pull_request_target", None) => "pull_request".to_owned(),
            _ => format!("ref:{}", job.git_ref),
        };
        as_job
            .subjects()
            .into_iter()
            .map(|repository| {
                Token::oidc(&github.issuer)
                    .with("aud", "sts.amazonaws.com")
                    .with("sub", &format!("{repository}:{place}"))
            })
            .collect()
    }

    fn pod(&self, namespace: &str, account: &str) -> Token {
        let issuer = self.0.cluster.as_ref().map_or(ELSEWHERE, |c| &c.oidc_issuer);
        Token::pod(issuer, namespace, account, "sts.amazonaws.com")
    }

    fn pod_elsewhere(&self, namespace: &str, account: &str) -> Token {
        Token::pod(
            "oidc.eks.eu-west-1.amazonaws.com/id/ANOTHER",
            namespace,
            account,
            "sts.amazonaws.com",
        )
    }

    fn node(&self) -> Token {
        Token::principal(&role_arn(self.0, Principal::of_environment(Purpose::Node)))
    }
}

struct Gcp<'a>(&'a gcp::Scope);

impl Forge for Gcp<'_> {
    fn job(&self, job: &Job<'_>) -> Vec<Token> {
        let Some(github) = &self.0.github else {
            return Vec::new();
        };
        let providers = gcp::providers(self.0);
        let Some(provider) = providers.iter().find(|p| p.issuer == github.issuer) else {
            return Vec::new();
        };
        let token = Token::oidc(&provider.issuer)
            .with("aud", provider.audiences.first().map_or("", String::as_str))
            .with("sub", &format!("repo:{}:any", job.repository))
            .with("repository", job.repository)
            .with(
                "repository_owner",
                job.repository.split('/').next().unwrap_or_default(),
            )
            .with("repository_owner_id", job.owner_id)
            .with("repository_id", job.repository_id)
            .with("event_name", job.event)
            .with("ref", job.git_ref)
            .with("run_id", "7");
        vec![match job.environment {
            Some(environment) => token.with("environment", environment),
            None => token,
        }]
    }

    fn pod(&self, namespace: &str, account: &str) -> Token {
        let pool = format!("{}.svc.id.goog", self.0.project);
        Token::pod(&pool, namespace, account, &pool)
    }

    fn pod_elsewhere(&self, namespace: &str, account: &str) -> Token {
        Token::pod(
            "another-project.svc.id.goog",
            namespace,
            account,
            "another-project.svc.id.goog",
        )
    }

    fn node(&self) -> Token {
        let email = self
            .0
            .account(Principal::of_environment(Purpose::Node))
            .unwrap_or("node");
        Token::principal(&format!("serviceAccount:{email}"))
    }
}

/// The trust table for an environment on AWS.
#[must_use]
pub fn aws_tokens(scope: &aws::Scope) -> Vec<TokenRow> {
    rows(
        &Aws(scope),
        scope.github.as_ref(),
        gitlab::aws_rows(scope),
        &scope.services,
        scope.cluster.is_some(),
    )
}

/// The trust table for an environment on Google Cloud.
#[must_use]
pub fn gcp_tokens(scope: &gcp::Scope) -> Vec<TokenRow> {
    rows(
        &Gcp(scope),
        scope.github.as_ref(),
        gitlab::gcp_rows(scope),
        &scope.services,
        scope.cluster.is_some(),
    )
}

pub(super) fn check(rows: &[TokenRow], trusts: &[(Principal<'_>, &TokenSet)], breaches: &mut Vec<Breach>) {
    for row in rows {
        for token in &row.tokens {
            for (principal, set) in trusts {
                let wanted = row.enters.includes(*principal);
                let because = match (set.accepts(token), wanted) {
                    (Verdict::Yes, true) | (Verdict::No, false) => continue,
                    (Verdict::Yes, false) => "its trust accepts it".to_owned(),
                    (Verdict::No, true) => "its trust does not accept it".to_owned(),
                    (Verdict::Unknown(doubt), _) => format!("that cannot be told: {doubt}"),
                };
                breaches.push(Breach {
                    row: row.id,
                    what: row.what.to_owned(),
                    identity: principal.to_string(),
                    expected: if wanted { Expected::Allow } else { Expected::Deny },
                    ask: format!("be entered by the {token}"),
                    because,
                });
            }
        }
    }
}

/// Row `S0`: nobody enters but those whom the configuration lets in.
pub(super) fn nobody_else(
    principal: Principal<'_>,
    set: &TokenSet,
    configured: &TokenSet,
    breaches: &mut Vec<Breach>,
) {
    let (ask, because) = match set.within(configured) {
        Containment::Yes => return,
        Containment::No(token) => (
            format!("be entered by the {token}"),
            "the configuration does not let it in".to_owned(),
        ),
        Containment::Unknown(doubt) => (
            "be entered by others than configured".to_owned(),
            format!("that cannot be told: {doubt}"),
        ),
    };
    breaches.push(Breach {
        row: "S0",
        what: "nobody enters but those configured".to_owned(),
        identity: principal.to_string(),
        expected: Expected::Deny,
        ask,
        because,
    });
}

/// The rules of separation, as rows `S1` to `S7`. The node is entered by machines, not by tokens, and left out.
pub(super) fn separation(trusts: &[Trusts], breaches: &mut Vec<Breach>) {
    const ROWS: [&str; 8] = ["S0", "S1", "S2", "S3", "S4", "S5", "S6", "S7"];
    let five: Vec<Trusts> = trusts
        .iter()
        .filter(|t| t.purpose != Purpose::Node)
        .cloned()
        .collect();
    for violation in separate(&five) {
        let witness = violation
            .witness
            .as_ref()
            .map(|t| format!(", for example by the {t}"))
            .unwrap_or_default();
        let doubt = violation
            .doubt
            .as_ref()
            .map(|d| format!(" (cannot tell: {d})"))
            .unwrap_or_default();
        breaches.push(Breach {
            row: ROWS.get(usize::from(violation.rule)).copied().unwrap_or("S0"),
            what: "separation of trusts".to_owned(),
            identity: violation.identities.join(" and "),
            expected: Expected::Deny,
            ask: format!("be entered so{witness}"),
            because: format!("{}{doubt}", violation.message),
        });
    }
}
