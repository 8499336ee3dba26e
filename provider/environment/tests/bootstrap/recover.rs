//! What was asked for is read back from what stands: nothing else remembers it.

use std::collections::BTreeSet;

use mlops_environment::bootstrap::{Forge, Found, Place, Project, Repository, Spec, candidates};
use mlops_environment::component::Address;
use mlops_environment::spec::Tier;

/// What stands, as far as it is looked for.
fn stands(spec: &Spec) -> Found {
    let sought = candidates(&spec.name, &spec.place).expect("candidates");
    let sought: BTreeSet<Address> = sought.into_iter().map(|component| component.address).collect();
    let components = spec.components().expect("components");
    components
        .into_iter()
        .filter(|component| sought.contains(&component.address))
        .map(|component| (component.address, component.properties))
        .collect()
}

fn recovered(spec: &Spec, found: &Found) -> Option<Spec> {
    Spec::recovered(spec.name.clone(), spec.place.clone(), found)
}

fn forges(place: &Place) -> Vec<Forge> {
    let github = |ids| {
        Forge::Github(Repository {
            name: "acme/infra".to_owned(),
            ids,
        })
    };
    let gitlab = |url: &str, id: Option<&str>| {
        Forge::Gitlab(Project {
            url: url.parse().expect("an instance"),
            path: "acme/platform/infra".to_owned(),
            id: id.map(|id| id.parse().expect("an id")),
        })
    };
    let mut all = vec![
        github(None),
        github(Some(("1".to_owned(), "2".to_owned()))),
        gitlab("https://gitlab.com", None),
        gitlab("https://git.acme.example/gitlab", None),
    ];
    if matches!(place, Place::Gcp(_)) {
        all.push(gitlab("https://gitlab.com", Some("42")));
    }
    all
}

#[test]
fn everything_that_was_asked_for_is_read_back() {
    for spec in [super::aws::spec(), super::gcp::spec()] {
        for forge in forges(&spec.place) {
            for tiers in [
                BTreeSet::from([Tier::Dev]),
                BTreeSet::from([Tier::Staging, Tier::Prod]),
            ] {
                let asked = Spec {
                    tiers,
                    forge: forge.clone(),
                    retention_days: 90,
                    ..spec.clone()
                };
                let found = stands(&asked);
                assert_eq!(recovered(&asked, &found), Some(asked));
            }
        }
    }
}

/// The pool keeps the provider of a forge that was left; the workers' gates tell which one is in use.
#[test]
fn the_forge_in_use_is_told_from_one_that_was_left() {
    let (github, gitlab) = (super::gcp::spec(), super::gcp::of_gitlab());
    for (now, before) in [(&github, &gitlab), (&gitlab, &github)] {
        let mut found = stands(before);
        found.extend(stands(now));
        assert_eq!(recovered(now, &found).as_ref(), Some(now));
    }
}

#[test]
fn without_a_bucket_there_is_nothing_to_read() {
    for spec in [super::aws::spec(), super::gcp::spec()] {
        assert_eq!(recovered(&spec, &Found::new()), None);
    }
}
