//! What users see while an apply is under way.

use std::collections::BTreeSet;

use crate::ground::{Ground, On, Story as _};

/// Lines of the provider's log at info level, which start with a component's address.
fn lines(ground: &Ground, command: &[&str]) -> Vec<String> {
    let log = ground.workspace.path("terraform.log");
    let output = ground
        .workspace
        .command(command)
        .env("TF_LOG_PROVIDER", "INFO")
        .env("TF_LOG_PATH", &log)
        .output()
        .expect("terraform starts");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = std::fs::read_to_string(&log).expect("a log");
    std::fs::remove_file(&log).expect("a log");
    text.lines().map(str::to_owned).collect()
}

/// Each component says when it begins and when it is done, with the time it took.
#[test]
fn every_component_says_when_it_begins_and_when_it_is_done() {
    for on in On::BOTH {
        let Some(ground) = Ground::new(on, "every_component_says_when_it_begins_and_when_it_is_done") else {
            return;
        };
        ground.configure(on.first());
        let made = lines(&ground, &["apply", "-auto-approve"]);
        let environment = ground.workspace.resource("mlops_environment.this");
        let components = environment["components"].as_object().expect("components");
        assert!(components.len() > 20, "{components:?}");
        for address in components.keys() {
            let mine: Vec<&String> = made
                .iter()
                .filter(|line| line.contains(&format!("{address}: ")))
                .collect();
            let says = |words: &[&str]| {
                mine.iter().any(|line| {
                    line.contains("[INFO]")
                        && line.contains("elapsed_s=")
                        && words
                            .iter()
                            .any(|word| line.contains(&format!("{address}: {word}")))
                })
            };
            assert!(
                says(&["creating", "looking for it"]),
                "{address} never began:\n{mine:#?}"
            );
            assert!(says(&["ready"]), "{address} never ended:\n{mine:#?}");
        }
        let gone = lines(&ground, &["destroy", "-auto-approve"]);
        let ended: BTreeSet<&str> = components
            .keys()
            .map(String::as_str)
            .filter(|address| gone.iter().any(|line| line.contains(&format!("{address}: gone"))))
            .collect();
        assert!(ended.contains("cluster") && ended.len() > 15, "{ended:?}");
    }
}
