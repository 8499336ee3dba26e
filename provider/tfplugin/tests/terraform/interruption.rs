//! Ctrl-C and worse.

use std::time::Duration;

use super::workspace::{Running, Workspace, alive, eventually, signal};

fn creating(fault: &str) -> Option<(Workspace, Running)> {
    let workspace = Workspace::with(&format!(
        "resource \"example_board\" \"a\" {{\n  name  = \"a\"\n  fault = \"{fault}\"\n}}\n"
    ))?;
    let apply = workspace.start_apply();
    eventually("the board is written", Duration::from_secs(30), || {
        workspace.board("a").is_some()
    });
    Some((workspace, apply))
}

#[test]
fn ctrl_c_to_the_process_group_saves_what_was_made() {
    let Some((workspace, mut apply)) = creating("slow") else {
        return;
    };
    signal("INT", -i64::from(apply.id()));
    let (code, took) = apply.ends_within(Duration::from_secs(5));
    assert_eq!(code, Some(1));
    println!("interrupted after {took:?}");
    let stored = workspace.stored().expect("the board is in the state");
    assert_eq!(stored["attributes"]["id"], "board-a");
    workspace.destroy().ok();
    assert!(workspace.board("a").is_none());
}

#[test]
fn ctrl_c_saves_also_what_a_deaf_handler_made() {
    let Some((workspace, mut apply)) = creating("deaf") else {
        return;
    };
    signal("INT", -i64::from(apply.id()));
    let (code, _) = apply.ends_within(Duration::from_secs(6));
    assert_eq!(code, Some(1));
    assert_eq!(workspace.stored().unwrap()["attributes"]["id"], "board-a");
}

#[test]
fn ten_interruptions_lose_nothing() {
    for round in 0..10 {
        let Some((workspace, mut apply)) = creating("slow") else {
            return;
        };
        // To terraform alone, as a supervisor does, and to the whole group, as a terminal does.
        let target = i64::from(apply.id());
        signal("INT", if round % 2 == 0 { target } else { -target });
        apply.ends_within(Duration::from_secs(5));
        assert!(workspace.stored().is_some(), "round {round}");
    }
}

#[test]
fn a_provider_whose_terraform_is_killed_stops_its_work_and_ends() {
    for fault in ["slow", "deaf"] {
        let Some((_workspace, mut apply)) = creating(fault) else {
            return;
        };
        let providers = apply.providers();
        assert!(!providers.is_empty());
        signal("KILL", apply.id().into());
        apply.ends_within(Duration::from_secs(5));
        for provider in providers {
            eventually("the provider ends", Duration::from_secs(8), || !alive(provider));
        }
    }
}

#[test]
fn sigterm_to_the_provider_alone_saves_what_was_made() {
    let Some((workspace, mut apply)) = creating("slow") else {
        return;
    };
    for provider in apply.providers() {
        signal("TERM", provider.into());
    }
    apply.ends_within(Duration::from_secs(8));
    assert_eq!(workspace.stored().unwrap()["attributes"]["id"], "board-a");
}

#[test]
fn a_second_sigterm_ends_the_provider_at_once() {
    let Some((_workspace, apply)) = creating("deaf") else {
        return;
    };
    let providers = apply.providers();
    for round in 0..2 {
        for provider in &providers {
            if alive(*provider) {
                signal("TERM", (*provider).into());
            }
        }
        std::thread::sleep(Duration::from_millis(300 * (1 - round)));
    }
    for provider in providers {
        eventually("the provider ends", Duration::from_secs(2), || !alive(provider));
    }
}
