//! An environment seen from elsewhere: by a data source, and as a picture.

use mlops_e2e::terraform::{Workspace, provider_block};
use mlops_sandbox::Sandbox;

use super::doctor::by_hand;
use super::{Ground, SERVICE};

#[test]
fn another_stack_reads_an_environment_by_its_id() {
    if !super::terraform("another_stack_reads_an_environment_by_its_id") {
        return;
    }
    let ground = Ground::new(Sandbox::builder());
    ground.configure(SERVICE, "");
    ground.apply().expect(0);
    let made = ground.workspace.resource("mlops_environment.this");
    let id = made["id"].as_str().unwrap();

    let other = Workspace::new();
    let write = |id: &str| {
        other.write(
            "main.tf",
            &format!(
                "{}\ndata \"mlops_environment\" \"this\" {{\n  id = \"{id}\"\n}}\n",
                provider_block(&ground.cloud)
            ),
        );
    };
    write(id);
    other.terraform(&["apply", "-auto-approve"]).expect(0);
    let read = other.resource("data.mlops_environment.this");
    for output in [
        "uid",
        "phase",
        "generation",
        "tier",
        "services",
        "cluster_info",
        "identity_info",
        "bucket_info",
        "registry_info",
        "keys",
        "kubeconfig",
        "manifests",
        "github",
    ] {
        assert_eq!(read[output], made[output], "{output}");
        assert!(!read[output].is_null(), "{output}");
    }

    write("aws/111122223333/eu-west-1/nobody");
    let refused = other.terraform(&["plan"]).expect(1);
    assert!(
        refused.stderr.contains("There is no environment"),
        "{}",
        refused.stderr
    );
    write("nobody");
    let refused = other.terraform(&["plan"]).expect(1);
    assert!(
        refused.stderr.contains("Not an environment"),
        "{}",
        refused.stderr
    );
}

#[test]
fn a_picture_needs_no_cloud_for_an_example() {
    let draw = |which: &str| by_hand(&["graph", "--example", which], &[], &[]).expect(0).stdout;
    for which in ["aws", "gcp"] {
        let picture = draw(which);
        assert!(
            picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
            "{picture}"
        );
        assert_eq!(picture, draw(which));
        // The README's picture is this one.
        let kept = mlops_e2e::root().join(format!("docs/images/environment-{which}.svg"));
        let kept =
            std::fs::read_to_string(&kept).unwrap_or_else(|error| panic!("{}: {error}", kept.display()));
        assert_eq!(
            kept, picture,
            "draw it again: terraform-provider-mlops graph --example {which}"
        );
    }
    let refused = by_hand(&["graph"], &[], &[]).expect(2);
    assert!(
        refused.stderr.contains("name the environment, or --example"),
        "{}",
        refused.stderr
    );
}
