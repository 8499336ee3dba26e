//! What was asked for is read back from what stands: nothing else remembers it.

use std::collections::BTreeSet;

use mlops_environment::bootstrap::{Found, Repository, Spec};
use mlops_environment::spec::Tier;

fn stands(spec: &Spec) -> Found {
    let components = spec.components().expect("components");
    components
        .into_iter()
        .map(|component| (component.address, component.properties))
        .collect()
}

fn repositories() -> [Repository; 2] {
    let name = "acme/infra".to_owned();
    [
        Repository {
            name: name.clone(),
            ids: None,
        },
        Repository {
            name,
            ids: Some(("1".to_owned(), "2".to_owned())),
        },
    ]
}

#[test]
fn everything_that_was_asked_for_is_read_back() {
    for spec in [super::aws::spec(), super::gcp::spec()] {
        for repository in repositories() {
            for tiers in [
                BTreeSet::from([Tier::Dev]),
                BTreeSet::from([Tier::Staging, Tier::Prod]),
            ] {
                let asked = Spec {
                    tiers,
                    repository: repository.clone(),
                    retention_days: 90,
                    ..spec.clone()
                };
                let found = stands(&asked);
                assert_eq!(asked.clone().candidate().recovered(&found), Some(asked));
            }
        }
    }
}

#[test]
fn without_a_bucket_there_is_nothing_to_read() {
    for spec in [super::aws::spec(), super::gcp::spec()] {
        assert_eq!(spec.candidate().recovered(&Found::new()), None);
    }
}
