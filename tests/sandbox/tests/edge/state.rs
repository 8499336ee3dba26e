//! What a state folder keeps.

use std::thread;
use std::time::Duration;

use jiff::SignedDuration;
use mlops_sandbox::sandbox::NoStart;
use mlops_sandbox::store::Unusable;
use mlops_sandbox::{Effect, Fault, Sandbox};

use crate::wire::{create_role, role_stands};

#[test]
fn state_and_time_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
    sandbox.skip(SignedDuration::from_hours(100));
    create_role(&sandbox, "kept").unwrap();
    let (before, then) = (sandbox.snapshot(), sandbox.now());
    drop(sandbox);
    let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
    assert!(role_stands(&sandbox, "kept"));
    assert_eq!(sandbox.compare(&before), []);
    assert!(sandbox.now().duration_since(then).abs() < SignedDuration::from_secs(60));
}

#[test]
fn a_sandbox_that_dies_in_a_write_keeps_what_it_was_before_or_after() {
    for (effect, stands) in [(Effect::HoldBefore, false), (Effect::HoldAfter, true)] {
        let folder = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
        create_role(&sandbox, "first").unwrap();
        sandbox.fault(Fault::new(effect).writes().nth(1, 1));
        thread::scope(|scope| {
            let held = scope.spawn(|| create_role(&sandbox, "second"));
            assert!(sandbox.wait_held(Duration::from_secs(5)));
            sandbox.drop_held();
            held.join().unwrap().unwrap_err();
        });
        drop(sandbox);
        let sandbox = Sandbox::builder().state(folder.path()).start().unwrap();
        assert!(role_stands(&sandbox, "first"));
        assert_eq!(role_stands(&sandbox, "second"), stands);
    }
}

#[test]
fn a_folder_belongs_to_one_sandbox() {
    let folder = tempfile::tempdir().unwrap();
    let _first = Sandbox::builder().state(folder.path()).start().unwrap();
    let refused = Sandbox::builder().state(folder.path()).start().unwrap_err();
    assert!(matches!(refused, NoStart::Folder(Unusable::Busy(_))), "{refused}");
}

#[test]
fn a_folder_that_holds_something_else_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    std::fs::write(&file, "precious").unwrap();
    let refused = Sandbox::builder().state(folder.path()).start().unwrap_err();
    assert!(
        refused.to_string().contains("no state of this version"),
        "{refused}"
    );
    assert_eq!(std::fs::read_to_string(file).unwrap(), "precious");
}
