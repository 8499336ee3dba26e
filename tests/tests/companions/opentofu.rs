//! OpenTofu, where it is on the path: the life of an environment by the other program that speaks the protocol.

use std::ffi::OsStr;

use mlops_e2e::terraform::starts;
use mlops_sandbox::Sandbox;
use mlops_sandbox::fault::{Effect, Fault};

use super::{Ground, SERVICE};

const PROGRAM: &str = "tofu";

#[test]
fn the_life_of_an_environment_by_opentofu() {
    if !starts(OsStr::new(PROGRAM)) {
        eprintln!("skipped the_life_of_an_environment_by_opentofu: {PROGRAM} is not on the path");
        return;
    }
    let mut ground = Ground::new(Sandbox::builder());
    ground.workspace.by(PROGRAM);
    let plan = |ground: &Ground| ground.workspace.terraform(&["plan", "-detailed-exitcode"]);

    // A configuration that cannot be is refused where it is wrong.
    ground.configure("services = { \"Churn Model\" = {} }", "");
    ground.workspace.terraform(&["validate"]).expect(1);

    // A create that fails half-way is told, kept, and gone on with.
    ground.configure(SERVICE, "");
    let refused = Effect::Refused {
        status: 403,
        code: "AccessDeniedException".to_owned(),
        message: "not now".to_owned(),
        retry_after: None,
    };
    ground
        .sandbox()
        .fault(Fault::new(refused).on("eks", "CreateNodegroup"));
    ground.apply().expect(1);
    ground.sandbox().heal();
    let resumed = ground.apply().expect(0);
    assert!(resumed.stdout.contains("Apply complete!"), "{}", resumed.text());
    plan(&ground).expect(0);

    // Changes are made in place, functions answer, and what was made can be destroyed.
    ground.configure(
        &SERVICE.replace("churn = {", "fraud = {}\n    churn = {"),
        "output \"name\" { value = provider::mlops::parse_id(mlops_environment.this.id).name }",
    );
    let changed = ground.apply().expect(0);
    assert!(
        changed.stdout.contains("0 added, 1 changed, 0 destroyed"),
        "{}",
        changed.text()
    );
    assert!(
        changed.stdout.contains("name = \"churn-dev\""),
        "{}",
        changed.text()
    );
    plan(&ground).expect(0);
    ground
        .workspace
        .terraform(&["destroy", "-auto-approve"])
        .expect(0);
}
