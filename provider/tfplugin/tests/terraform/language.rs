//! Everything a configuration can say about the provider.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use super::workspace::{Workspace, provider};

#[test]
fn a_board_is_made_changed_and_removed() {
    let Some(workspace) = Workspace::with(
        r#"
        resource "example_board" "a" {
          name  = "a"
          notes = { one = { text = "x" }, two = { text = "y", pin = "blue" } }
        }
        output "board" { value = example_board.a }
        "#,
    ) else {
        return;
    };
    workspace.apply().ok();
    workspace.converged();
    assert_eq!(workspace.board("a").unwrap()["notes"]["one"]["id"], "note-a-one");

    workspace.write(
        r#"
        resource "example_board" "a" {
          name  = "a"
          title = "changed"
          notes = { one = { text = "x" }, three = { text = "z" } }
        }
        "#,
    );
    // What stays keeps its identifiers: only the new note's is open.
    let said = workspace.plan().ok().says("will be updated in-place");
    assert_eq!(said.text.matches("known after apply").count(), 2, "{}", said.text);
    workspace.apply().ok();
    workspace.converged();
    assert_eq!(workspace.board("a").unwrap()["revision"], 2);

    workspace.write("resource \"example_board\" \"a\" {\n  name = \"b\"\n}\n");
    workspace
        .plan()
        .ok()
        .says("must be replaced")
        .says("forces replacement");
    workspace.apply().ok();
    workspace.converged();
    assert!(workspace.board("a").is_none());

    workspace.destroy().ok();
    assert!(workspace.board("b").is_none());
}

#[test]
fn unknown_values_reach_the_provider_as_unknown() {
    let Some(workspace) = Workspace::with(
        r#"
        resource "terraform_data" "late" { input = "late" }
        resource "example_board" "a" {
          name  = terraform_data.late.output
          notes = { one = { text = terraform_data.late.id } }
        }
        resource "example_board" "b" {
          for_each = toset(["b", "c"])
          name     = each.key
          title    = example_board.a.id
        }
        "#,
    ) else {
        return;
    };
    workspace.apply().ok();
    workspace.converged();
    assert_eq!(workspace.board("b").unwrap()["title"], "board-late");
    workspace.destroy().ok();
}

#[test]
fn a_write_only_value_arrives_and_is_stored_nowhere() {
    let Some(workspace) = Workspace::with(
        r#"
        resource "example_board" "a" {
          name      = "a"
          secret_wo = "do-not-keep-me"
        }
        "#,
    ) else {
        return;
    };
    workspace
        .run(&["plan", "-no-color", "-input=false", "-out=saved"])
        .ok();
    workspace
        .run(&["apply", "-no-color", "-input=false", "saved"])
        .ok();
    assert_eq!(workspace.board("a.secret").unwrap(), 14, "its length was seen");
    let state = std::fs::read_to_string(workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains("do-not-keep-me"));
    let shown = workspace.run(&["show", "-json", "saved"]).ok();
    assert!(!shown.text.contains("do-not-keep-me\",\"title"), "{}", shown.text);
    workspace.converged();
}

#[test]
fn a_board_is_looked_up_as_data() {
    let Some(workspace) = Workspace::with(
        r#"
        resource "example_board" "a" {
          name  = "a"
          title = "found"
        }
        data "example_board" "a" { name = example_board.a.name }
        output "title" { value = data.example_board.a.title }
        "#,
    ) else {
        return;
    };
    workspace.apply().ok().says("title = \"found\"");
    workspace.write("data \"example_board\" \"no\" { name = \"nobody\" }\n");
    workspace
        .plan()
        .failed()
        .says("There is no board \"nobody\".")
        .says("name = \"nobody\"");
}

#[test]
fn functions_take_repeated_arguments_and_name_the_wrong_one() {
    let Some(workspace) = Workspace::with(
        "output \"joined\" { value = provider::example::join(\"-\", \"a\", \"b\", \"c\") }\n\
         output \"number\" { value = provider::example::positive(1.5) }\n\
         output \"big\" { value = provider::example::positive(36893488147419103232) }\n",
    ) else {
        return;
    };
    workspace
        .apply()
        .ok()
        .says("joined = \"a-b-c\"")
        .says("number = 1.5")
        .says("big = 36893488147419103232");
    workspace.write("output \"number\" { value = provider::example::positive(-1) }\n");
    workspace
        .plan()
        .failed()
        .says("Invalid value for \"number\" parameter")
        .says("must be greater than 0");
    workspace.write("output \"number\" { value = provider::example::positive(42) }\n");
    workspace
        .plan()
        .failed()
        .says("no answer may be 42")
        .says("This is a bug in the provider");
}

#[test]
fn an_ephemeral_token_is_opened_and_closed_and_never_stored() {
    let Some(workspace) = Workspace::with(
        r#"
        ephemeral "example_token" "a" { board = "a" }
        resource "example_board" "a" {
          name      = "a"
          secret_wo = ephemeral.example_token.a.token
        }
        "#,
    ) else {
        return;
    };
    workspace.apply().ok();
    assert_eq!(workspace.board("a.token").unwrap(), "closed");
    assert_eq!(workspace.board("a.secret").unwrap(), "key-to-a".len());
    let state = std::fs::read_to_string(workspace.path().join("terraform.tfstate")).unwrap();
    assert!(!state.contains("key-to-a"));
}

#[test]
fn an_existing_board_is_imported_by_its_name() {
    let Some(workspace) = Workspace::with(
        r#"
        import {
          to = example_board.a
          id = "a"
        }
        resource "example_board" "a" {
          name  = "a"
          title = "here before"
        }
        "#,
    ) else {
        return;
    };
    workspace
        .plan()
        .failed()
        .says("There is no board \"a\" to import.");
    let board = r#"{"name":"a","title":"here before","id":"board-a","revision":7,"notes":null}"#;
    std::fs::write(workspace.boards().join("a.json"), board).unwrap();
    workspace
        .apply()
        .ok()
        .says("1 imported, 0 added, 0 changed, 0 destroyed");
    workspace.converged();
}

#[test]
fn a_page_becomes_a_board_by_a_moved_block() {
    let Some(workspace) = Workspace::with("resource \"example_page\" \"a\" {\n  name = \"a\"\n}\n") else {
        return;
    };
    workspace.apply().ok();
    workspace.write(
        r#"
        moved {
          from = example_page.a
          to   = example_board.a
        }
        resource "example_board" "a" { name = "a" }
        "#,
    );
    workspace.apply().ok().says("0 added, 0 changed, 0 destroyed");
    workspace.converged();
    assert_eq!(workspace.stored().unwrap()["attributes"]["id"], "board-a");
}

#[test]
fn state_of_an_older_version_is_brought_up_to_date() {
    let Some(workspace) =
        Workspace::with("resource \"example_board\" \"a\" {\n  name  = \"a\"\n  title = \"old\"\n}\n")
    else {
        return;
    };
    workspace.apply().ok();
    // Version 0 called the title a label, and had neither blob nor notes.
    let path = workspace.path().join("terraform.tfstate");
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let instance = &mut state["resources"][0]["instances"][0];
    instance["schema_version"] = 0.into();
    instance["attributes"] =
        serde_json::json!({ "name": "a", "label": "old", "id": "board-a", "revision": 1 });
    std::fs::write(&path, state.to_string()).unwrap();
    workspace.converged();
    workspace.apply().ok();
    workspace
        .run(&["apply", "-refresh-only", "-no-color", "-auto-approve"])
        .ok();
    workspace.write("resource \"example_board\" \"a\" {\n  name  = \"a\"\n  title = \"new\"\n}\n");
    workspace.apply().ok();
    assert_eq!(workspace.stored().unwrap()["attributes"]["title"], "new");
}

#[test]
fn attributes_added_within_a_version_are_filled_in() {
    let Some(workspace) = Workspace::with("resource \"example_board\" \"a\" {\n  name = \"a\"\n}\n") else {
        return;
    };
    workspace.apply().ok();
    let path = workspace.path().join("terraform.tfstate");
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let attributes = state["resources"][0]["instances"][0]["attributes"]
        .as_object_mut()
        .unwrap();
    attributes.remove("blob");
    attributes.remove("fault");
    std::fs::write(&path, state.to_string()).unwrap();
    workspace.converged();
}

#[test]
fn values_of_megabytes_pass() {
    let Some(workspace) = Workspace::with(
        "resource \"example_board\" \"a\" {\n  name = \"a\"\n  blob = file(\"blob.txt\")\n}\n",
    ) else {
        return;
    };
    std::fs::write(workspace.path().join("blob.txt"), "x".repeat(5 << 20)).unwrap();
    workspace.apply().ok();
    workspace.converged();
    assert_eq!(
        workspace.board("a").unwrap()["blob"].as_str().unwrap().len(),
        5 << 20
    );
}

#[test]
fn a_long_temporary_folder_is_no_obstacle() {
    let Some(mut workspace) = Workspace::with("resource \"example_board\" \"a\" {\n  name = \"a\"\n}\n")
    else {
        return;
    };
    let long = workspace.path().join("x".repeat(150));
    std::fs::create_dir(&long).unwrap();
    workspace.set("TMPDIR", long.to_str().unwrap());
    workspace.apply().ok();
}

#[test]
fn without_tls_it_works_as_well() {
    let Some(mut workspace) = Workspace::with("resource \"example_board\" \"a\" {\n  name = \"a\"\n}\n")
    else {
        return;
    };
    workspace.set("TF_DISABLE_PLUGIN_TLS", "1");
    workspace.apply().ok();
}

#[test]
fn logs_reach_terraforms_log_with_their_level() {
    let Some(mut workspace) = Workspace::with("resource \"example_board\" \"a\" {\n  name = \"a\"\n}\n")
    else {
        return;
    };
    workspace.set("TF_LOG", "INFO");
    let said = workspace.plan().ok();
    let line = said
        .text
        .lines()
        .find(|line| line.contains("configured"))
        .unwrap_or_else(|| panic!("{}", said.text));
    assert!(
        line.contains("[INFO]") && line.contains("terraform_version"),
        "{line}"
    );
    assert!(
        !said.text.contains("[WARN]  provider.terraform-provider-example"),
        "{}",
        said.text
    );
}

#[test]
fn one_reattached_process_serves_many_runs() {
    let Some(mut workspace) = Workspace::with("resource \"example_board\" \"a\" {\n  name = \"a\"\n}\n")
    else {
        return;
    };
    // Reattach alone must do: no dev_overrides.
    std::fs::write(workspace.path().join("terraformrc"), "").unwrap();
    let mut server = Command::new(provider())
        .arg("--debug")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let document = line
        .trim()
        .strip_prefix("TF_REATTACH_PROVIDERS='")
        .unwrap()
        .strip_suffix('\'')
        .unwrap();
    workspace.set("TF_REATTACH_PROVIDERS", document);
    workspace.apply().ok();
    workspace.converged();
    workspace.destroy().ok();
    assert!(server.try_wait().unwrap().is_none(), "it stays for the next run");
    super::workspace::signal("INT", server.id().into());
    super::workspace::eventually("Ctrl-C ends it", std::time::Duration::from_secs(5), || {
        server.try_wait().unwrap().is_some()
    });
}
