//! What goes wrong in a handler, and what is left in the state.

use super::workspace::Workspace;

fn board(fault: &str) -> String {
    format!(
        "resource \"example_board\" \"a\" {{\n  name  = \"a\"\n  notes = {{ one = {{ text = \"x\" }}, two = {{ text = \"y\" }} }}\n  \
         {fault}\n}}\n"
    )
}

#[test]
fn a_create_that_fails_half_way_keeps_what_it_made() {
    let Some(workspace) = Workspace::with(&board("fault = \"half\"")) else {
        return;
    };
    workspace.apply().failed().says("The second note did not stick.");
    let stored = workspace.stored().expect("the half-made board is in the state");
    assert_eq!(stored["status"], "tainted");
    assert_eq!(stored["attributes"]["notes"]["one"]["id"], "note-a-one");
    assert_eq!(
        stored["attributes"]["notes"]["two"]["id"],
        serde_json::Value::Null
    );
    workspace.write(&board(""));
    workspace.apply().ok();
    workspace.converged();
}

#[test]
fn a_panic_in_create_keeps_the_last_checkpoint() {
    let Some(workspace) = Workspace::with(&board("fault = \"panic\"")) else {
        return;
    };
    workspace
        .apply()
        .failed()
        .says("While creating example_board, the provider panicked: the board fell off the wall")
        .says("The last state recorded during the operation was saved.");
    assert_eq!(workspace.stored().unwrap()["attributes"]["id"], "board-a");
    workspace.destroy().ok();
    assert!(workspace.board("a").is_none());
}

#[test]
fn an_update_that_fails_is_not_tainted() {
    let Some(workspace) = Workspace::with(&board("")) else {
        return;
    };
    workspace.apply().ok();
    workspace.write(&board("fault = \"panic\""));
    workspace.apply().failed().says("While updating example_board");
    let stored = workspace.stored().unwrap();
    assert_eq!(stored["status"], serde_json::Value::Null);
    assert_eq!(
        stored["attributes"]["revision"], 2,
        "the checkpoint, not the state before"
    );
}

#[test]
fn a_panic_in_validate_is_an_error_like_any_other() {
    let Some(workspace) = Workspace::with(&board("fault = \"validate-panic\"")) else {
        return;
    };
    workspace.plan().failed().says("cannot even look at it");
    workspace.write(&board("fault = \"validate\""));
    workspace
        .plan()
        .failed()
        .says("`fault = \"validate\"` is refused")
        .says("fault = \"validate\"");
}

#[test]
fn a_handler_that_outlives_its_timeout_is_cut_off_with_its_progress_saved() {
    let Some(workspace) = Workspace::with(&board("fault = \"deaf\"\n  blob = \"time out\"")) else {
        return;
    };
    workspace
        .apply()
        .failed()
        .says("took longer than its timeout of 200ms");
    assert_eq!(workspace.stored().unwrap()["attributes"]["id"], "board-a");
}

#[test]
fn an_answer_against_the_rules_keeps_the_state_and_says_whose_fault_it_is() {
    let Some(workspace) = Workspace::with(&board("fault = \"lie\"")) else {
        return;
    };
    workspace
        .apply()
        .failed()
        .says("Bug in the provider: invalid answer to ApplyResourceChange")
        .says("title");
    assert_eq!(workspace.stored().unwrap()["attributes"]["id"], "board-a");
}
