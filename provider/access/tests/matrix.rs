//! The matrix holds for everything generated, on both clouds, and breaks when anything is loosened.
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::collections::BTreeSet;

use mlops_access::{
    Purpose,
    generate::{Github, Gitlab, RegistryMode, Secret, Service, SubjectFormat, aws, gcp},
    matrix::{
        AwsDocuments, Breach, Entrance, GcpDocuments, PROBES, TokenRow, aws_tokens, check_aws, check_gcp,
        gcp_tokens,
    },
};

fn aws_breaches(scope: &aws::Scope) -> Vec<Breach> {
    check_aws(scope, &AwsDocuments::generated(scope).unwrap())
}

fn gcp_breaches(scope: &gcp::Scope) -> Vec<Breach> {
    check_gcp(scope, &GcpDocuments::generated(scope)).unwrap()
}

fn show(breaches: &[Breach]) -> String {
    breaches.iter().take(12).map(|b| format!("{b}\n")).collect()
}

#[test]
fn everything_generated_for_aws_satisfies_the_matrix() {
    let base = aws::Scope::example();
    let mut scopes = vec![("example", base.clone())];
    let mut vary = |name, change: &dyn Fn(&mut aws::Scope)| {
        let mut scope = base.clone();
        change(&mut scope);
        scopes.push((name, scope));
    };
    vary("no customer keys", &|s| {
        (s.storage_key_arn, s.secrets_key_arn) = (None, None)
    });
    vary("referenced registry", &|s| {
        s.registry.mode = RegistryMode::Reference
    });
    vary("no cluster", &|s| s.cluster = None);
    vary("no CI", &|s| s.github = None);
    vary("write once", &|s| s.options.write_once = true);
    vary("metrics", &|s| s.options.metrics_read = true);
    vary("open writers", &|s| {
        (s.options.exclusive_writers, s.options.tls_only) = (false, false)
    });
    vary("both subjects", &|s| {
        s.github.as_mut().unwrap().subject_format = SubjectFormat::Both
    });
    vary("no ids", &|s| {
        let github = s.github.as_mut().unwrap();
        (github.owner_id, github.repository_id) = (None, None);
        github.subject_format = SubjectFormat::Name;
    });
    vary("dev refs", &|s| {
        s.github.as_mut().unwrap().ci_refs =
            BTreeSet::from(["refs/heads/main".into(), "refs/tags/v*".into()]);
    });
    vary("ci environments", &|s| {
        let github = s.github.as_mut().unwrap();
        github.retrain_environment = Some("aws-prod-retrain".into());
        github.drift_environment = Some("aws-prod-drift".into());
    });
    for (name, github) in [("GitLab and GitHub", true), ("GitLab alone", false)] {
        vary(name, &|s| {
            s.gitlab = Some(Gitlab::example(
                "arn:aws:iam::111122223333:oidc-provider/gitlab.com",
            ));
            if !github {
                s.github = None;
            }
        });
    }
    vary("GitLab of our own, without a tier", &|s| {
        s.gitlab = Some(Gitlab {
            issuer: "gitlab.acme.example".into(),
            audience: "https://gitlab.acme.example".into(),
            project_path: "ml/teams/churn".into(),
            ci_refs: BTreeSet::from(["refs/heads/main".into(), "refs/tags/v*".into()]),
            deploy_tier: None,
            ..Gitlab::example("@{federation.gitlab:arn}")
        });
    });
    vary("china", &|s| {
        s.partition = "aws-cn".into();
        s.services
            .values_mut()
            .for_each(|service| service.secrets.clear());
    });
    vary("references", &|s| {
        s.storage_key_arn = Some("@{keys.storage:arn}".into());
        let cluster = s.cluster.as_mut().unwrap();
        cluster.oidc_issuer = "@{cluster:issuer_host}".into();
        cluster.oidc_provider_arn = "@{oidc.cluster:arn}".into();
    });
    vary("dev namespaces", &|s| {
        s.services.insert("churn".into(), Service::named("churn", "dev"));
    });
    vary("many repositories", &|s| {
        for i in 0..60 {
            let name = format!("a-service-with-a-long-name-{i}");
            let mut service = Service::named(&name, "prod");
            service.repositories = (0..4).map(|r| format!("{name}-image-{r}")).collect();
            s.services.insert(name, service);
        }
    });
    vary("what the table's strangers are called", &|s| {
        strangers(s.github.as_mut().unwrap());
        s.gitlab = Some(stranger("arn:aws:iam::111122223333:oidc-provider/gitlab.com"));
    });
    for (name, scope) in scopes {
        let breaches = aws_breaches(&scope);
        assert!(
            breaches.is_empty(),
            "{name}: {} breaches\n{}",
            breaches.len(),
            show(&breaches)
        );
    }
}

#[test]
fn everything_generated_for_google_cloud_satisfies_the_matrix() {
    let base = gcp::Scope::example();
    let mut scopes = vec![("example", base.clone())];
    let mut vary = |name, change: &dyn Fn(&mut gcp::Scope)| {
        let mut scope = base.clone();
        change(&mut scope);
        scopes.push((name, scope));
    };
    vary("referenced registry", &|s| {
        s.registry.mode = RegistryMode::Reference
    });
    vary("no cluster", &|s| s.cluster = None);
    vary("no CI", &|s| s.github = None);
    vary("everything optional", &|s| {
        s.options = gcp::Options {
            metrics_read: true,
            runtime_telemetry: true,
            scan_results: true,
            mutable_records: true,
        };
    });
    vary("no ids", &|s| {
        let github = s.github.as_mut().unwrap();
        (github.owner_id, github.repository_id) = (None, None);
    });
    vary("dev refs", &|s| {
        s.github.as_mut().unwrap().ci_refs =
            BTreeSet::from(["refs/heads/main".into(), "refs/tags/v*".into()]);
    });
    vary("ci environments", &|s| {
        s.github.as_mut().unwrap().retrain_environment = Some("gcp-prod-retrain".into());
    });
    for (name, github) in [("GitLab and GitHub", true), ("GitLab alone", false)] {
        vary(name, &|s| {
            s.gitlab = Some(Gitlab::example("gitlab"));
            if !github {
                s.github = None;
            }
        });
    }
    vary("a GitLab project with the id of the GitHub repository", &|s| {
        s.gitlab = Some(Gitlab {
            project_id: s.github.as_ref().unwrap().repository_id.clone(),
            deploy_environment: s.github.as_ref().unwrap().deploy_environment.clone(),
            ..Gitlab::example("gitlab")
        });
    });
    vary("GitLab by path, unprotected refs too", &|s| {
        s.gitlab = Some(Gitlab {
            issuer: "gitlab.acme.example".into(),
            project_path: "ml/teams/churn".into(),
            project_id: None,
            protected_only: false,
            ci_refs: BTreeSet::from(["refs/heads/main".into(), "refs/tags/v*".into()]),
            ..Gitlab::example("gitlab")
        });
    });
    vary("what the table's strangers are called", &|s| {
        strangers(s.github.as_mut().unwrap());
        s.gitlab = Some(stranger("gitlab"));
    });
    for (name, scope) in scopes {
        let breaches = gcp_breaches(&scope);
        assert!(
            breaches.is_empty(),
            "{name}: {} breaches\n{}",
            breaches.len(),
            show(&breaches)
        );
    }
}

#[test]
fn the_tables_are_complete() {
    assert_eq!(PROBES.len(), 40);
    let ids: BTreeSet<_> = PROBES.iter().map(|probe| probe.id).collect();
    assert_eq!(ids.len(), 40, "each row has its own id");
    for probe in PROBES {
        assert_eq!(probe.expect.len(), Purpose::ALL.len(), "{}", probe.id);
        assert!(probe.expect.bytes().all(|cell| b"ADO".contains(&cell)));
    }
    let tokens = |rows: Vec<TokenRow>| -> BTreeSet<&'static str> { rows.iter().map(|row| row.id).collect() };
    let all: BTreeSet<String> = (1..=23).map(|row| format!("T{row:02}")).collect();
    for ids in [
        tokens(aws_tokens(&aws::Scope::example())),
        tokens(gcp_tokens(&gcp::Scope::example())),
    ] {
        assert!(ids.iter().copied().eq(all.iter().map(String::as_str)), "{ids:?}");
    }
}

/// Names and ids that somebody may have, and that a table of fixed questions would take for somebody else's.
fn strangers(github: &mut Github) {
    github.repository = "mallory/another".to_owned();
    (github.owner_id, github.repository_id) = (Some("666".to_owned()), Some("667".to_owned()));
    github.deploy_environment = "another-dev".to_owned();
    github.retrain_environment = Some("another-dev-x".to_owned());
    github.ci_refs = ["refs/heads/v1", "refs/heads/release/x"]
        .map(str::to_owned)
        .into();
}

fn stranger(provider: &str) -> Gitlab {
    Gitlab {
        project_path: "acme/another".to_owned(),
        project_id: Some("43".to_owned()),
        deploy_environment: "another-dev".to_owned(),
        deploy_tier: Some("development".to_owned()),
        ..Gitlab::example(provider)
    }
}

/// A table of which nobody puts the questions holds for everything.
#[test]
fn the_trust_table_asks_about_gitlab() {
    let mut on_aws = aws::Scope::example();
    let mut on_gcp = gcp::Scope::example();
    on_aws.gitlab = Some(Gitlab::example(
        "arn:aws:iam::111122223333:oidc-provider/gitlab.com",
    ));
    on_gcp.gitlab = Some(Gitlab::example("gitlab"));
    for (rows, wanted) in [
        (
            aws_tokens(&on_aws),
            BTreeSet::from(["T03", "T04", "T10", "T11", "T19", "T20"]),
        ),
        (
            gcp_tokens(&on_gcp),
            BTreeSet::from(["T03", "T04", "T05", "T10", "T11", "T19", "T20"]),
        ),
    ] {
        let of_gitlab = rows.iter().filter(|row| row.what.contains("GitLab"));
        let asked: BTreeSet<_> = of_gitlab.clone().map(|row| row.id).collect();
        assert_eq!(asked, wanted);
        let entered: BTreeSet<_> = of_gitlab
            .filter_map(|row| match &row.enters {
                Entrance::Of(purpose, _) => Some(*purpose),
                Entrance::Nobody => None,
            })
            .collect();
        assert_eq!(entered, BTreeSet::from([Purpose::Ci, Purpose::Deploy]));
        assert!(
            rows.iter()
                .filter(|row| row.what.contains("GitLab"))
                .all(|row| !row.tokens.is_empty())
        );
    }
}

#[test]
fn listed_secrets_are_read_by_their_readers_only() {
    let mut scope = aws::Scope::example();
    let id = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:shop/churn/labels-XyZ123".to_owned();
    let secret = Secret {
        id,
        readers: BTreeSet::from([Purpose::Retrain, Purpose::Drift]),
    };
    scope
        .services
        .get_mut("churn")
        .unwrap()
        .secrets
        .insert("labels".to_owned(), secret);
    assert_eq!(aws_breaches(&scope), []);
}
