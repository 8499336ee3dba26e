//! The picture of an environment.
#![allow(clippy::expect_used, reason = "helpers of tests may panic too")]

mod fixtures;

use fixtures::{environment, full, gcp_full, gcp_minimal, minimal};

#[test]
fn every_family_of_components_is_in_it_once_a_wave() {
    for config in [minimal(), full(), gcp_minimal(), gcp_full()] {
        let environment = environment(config);
        let picture = environment.picture();
        for component in &environment.components {
            let family = component.address.as_str().split('.').next().expect("a family");
            assert!(
                picture.contains(&format!(">{}<", family.replace('_', " "))),
                "{family}"
            );
        }
        assert!(picture.contains(&environment.spec.id.to_string()));
    }
}

#[test]
fn the_same_environment_gives_the_same_picture() {
    assert_eq!(environment(full()).picture(), environment(full()).picture());
    insta::assert_snapshot!(environment(minimal()).picture());
}

#[test]
fn it_is_well_formed_and_follows_the_readers_colours() {
    let picture = environment(gcp_full()).picture();
    assert!(picture.contains("prefers-color-scheme:dark"));
    assert_eq!(picture.matches("<g>").count(), picture.matches("</g>").count());
    assert_eq!(
        picture.matches("<text").count(),
        picture.matches("</text>").count()
    );
    // Every arrow goes from left to right.
    for path in picture
        .lines()
        .filter(|line| line.starts_with("<path class=\"arrow\""))
    {
        let d = path
            .split("d=\"M")
            .nth(1)
            .and_then(|rest| rest.split('"').next())
            .expect("a path");
        let from: usize = d.split(' ').next().and_then(|x| x.parse().ok()).expect("a start");
        let to: usize = d.rsplit(' ').nth(1).and_then(|x| x.parse().ok()).expect("an end");
        assert!(from < to, "{path}");
    }
    assert!(
        !picture.contains("http://") || picture.matches("http://").count() == 1,
        "nothing is fetched"
    );
}
