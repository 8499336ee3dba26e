//! Create and destroy on clouds in which clusters and node pools take a tenth of the real time, against the longest path through
//! what the cloud itself takes.

use std::collections::BTreeMap;

use mlops_e2e::gcp;
use mlops_e2e::terraform::{Workspace, plugin_mirror};
use mlops_sandbox::Behaviour;

use crate::lives::{self, Maker};
use crate::measure::{self, Taken};
use crate::report::{Table, seconds};

/// A tenth of real time.
const SCALE: f64 = 0.1;

/// Seconds that the real clouds take. EKS: logs of DevopsArtFactory/terraform-provisioning PR 46 and 47 and
/// terraform-aws-modules/terraform-aws-eks PR 3218; GKE: usual times of public logs. The environment has two node pools, which EKS makes
/// and removes side by side, and GKE with the cluster.
const TIMES: [(&str, f64); 6] = [
    ("eks.cluster.create", 513.0),
    ("eks.nodegroup.create", 119.0),
    ("eks.nodegroup.delete", 150.0),
    ("eks.cluster.delete", 180.0),
    ("container.cluster.create", 400.0),
    ("container.cluster.delete", 240.0),
];

fn time(name: &str) -> f64 {
    TIMES
        .iter()
        .find(|(listed, _)| *listed == name)
        .map_or(0.0, |(_, seconds)| *seconds)
}

fn behaviour() -> Behaviour {
    let durations: BTreeMap<String, f64> = TIMES.map(|(name, seconds)| (name.to_owned(), seconds)).into();
    Behaviour {
        durations,
        scale: SCALE,
        ..Behaviour::default()
    }
}

/// Create and destroy of one maker on AWS.
fn aws(maker: Maker) -> Result<[Taken; 2], String> {
    let (cloud, network) = lives::cloud(behaviour())?;
    both(&lives::workspace(maker, &cloud, &network)?)
}

/// The same on Google Cloud.
fn google() -> Result<[Taken; 2], String> {
    let sandbox = mlops_sandbox::Sandbox::builder()
        .behaviour(behaviour())
        .start()
        .map_err(|error| error.to_string())?;
    gcp::furnish(&sandbox);
    let mut workspace = Workspace::installed();
    workspace.set(gcp::DUMMY_TOKEN.0, gcp::DUMMY_TOKEN.1);
    let environment = lives::resource("churn-dev", &gcp::gcp_block());
    let text = format!(
        "{}\nresource \"mlops_environment\" \"this\" {{\n{environment}}}\n",
        gcp::provider_block(&sandbox)
    );
    workspace.write("main.tf", &text);
    measure::run(&mut workspace.command(&["init"]))?;
    both(&workspace)
}

fn both(workspace: &Workspace) -> Result<[Taken; 2], String> {
    let (made, _) = measure::run(&mut workspace.command(&["apply", "-auto-approve"]))?;
    let (gone, _) = measure::run(&mut workspace.command(&["destroy", "-auto-approve"]))?;
    Ok([made, gone])
}

/// The table. The lives run side by side: they wait nearly all the time.
///
/// # Errors
/// What failed.
pub(crate) fn compare() -> Result<Table, String> {
    let mut table = Table::new(
        "Wall time against the critical path",
        "Clusters and node pools take a tenth of their real time. The path is the longest chain of what the cloud itself takes: control \
         plane, then node pools (GKE makes and removes them with the cluster), and back. One run each, side by side; Terraform's own start is inside.",
        &["who", "create", "path", "ratio", "destroy", "path", "ratio"],
    );
    let eks = [
        time("eks.cluster.create") + time("eks.nodegroup.create"),
        time("eks.nodegroup.delete") + time("eks.cluster.delete"),
    ];
    let gke = [time("container.cluster.create"), time("container.cluster.delete")];
    let (ours, google, theirs) = std::thread::scope(|scope| {
        let ours = scope.spawn(|| aws(Maker::Ours));
        let google = scope.spawn(google);
        let theirs = plugin_mirror().map(|_| scope.spawn(|| aws(Maker::Theirs)));
        (ours.join(), google.join(), theirs.map(|life| life.join()))
    });
    let finished = |life: std::thread::Result<Result<[Taken; 2], String>>| {
        life.unwrap_or_else(|_| Err("it panicked".to_owned()))
    };
    let mut absent = None;
    let mut row = |who: &str, [made, gone]: [Taken; 2], path: [f64; 2]| {
        let path = path.map(|seconds| seconds * SCALE);
        table.row([
            who.to_owned(),
            seconds(made.wall),
            seconds(path[0]),
            format!("{:.2}", made.wall / path[0]),
            seconds(gone.wall),
            seconds(path[1]),
            format!("{:.2}", gone.wall / path[1]),
        ]);
    };
    row("this provider, AWS", finished(ours)?, eks);
    match theirs {
        Some(life) => row("hashicorp/aws", finished(life)?, eks),
        None => absent = Some("hashicorp/aws: not available here.".to_owned()),
    }
    row("this provider, Google Cloud", finished(google)?, gke);
    table.notes.extend(absent);
    table
        .notes
        .push("Budget: 1.10 of the path for create and destroy.".to_owned());
    Ok(table)
}
