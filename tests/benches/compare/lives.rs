//! The same environment by our provider and by the hashicorp/aws provider, in turns, on the same kind of local AWS.

use std::collections::BTreeMap;

use mlops_e2e::cloud::{Cloud, Network, SERVICES};
use mlops_e2e::root;
use mlops_e2e::terraform::{Workspace, aws_block, plugin_mirror, provider_block};
use mlops_sandbox::{Behaviour, Sandbox};

use crate::measure::{self, Taken};
use crate::report::{Table, megabytes, seconds, times};
use crate::start;

/// What an environment goes through, in order.
pub(crate) const PHASES: [(&str, &[&str]); 6] = [
    ("providers schema", &["providers", "schema", "-json"]),
    ("validate", &["validate"]),
    ("plan of a create", &["plan"]),
    ("apply", &["apply", "-auto-approve"]),
    ("plan without changes", &["plan", "-detailed-exitcode"]),
    ("destroy", &["destroy", "-auto-approve"]),
];

/// One phase of one life.
#[derive(Debug, Clone, Default)]
pub(crate) struct Phase {
    pub(crate) taken: Taken,
    /// Calls by service.
    pub(crate) calls: BTreeMap<String, usize>,
}

/// One figure of what something took.
type Figure = fn(&Taken) -> f64;
/// How a figure is written.
type Written = fn(f64) -> String;

/// Who makes the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Maker {
    Ours,
    Theirs,
}

/// Our configuration of the environment: the resource of `examples/aws-dev`.
pub(crate) fn resource(name: &str, place: &str) -> String {
    let blocks = [
        format!("name = \"{name}\""),
        "tier = \"dev\"".to_owned(),
        place.to_owned(),
        "services = {\n    churn = {\n      secrets = {\n        feature-store = { readers = [\"runtime\", \"retrain\"] }\n      }\n    }\n  }"
            .to_owned(),
        "federation = {\n    github = {\n      repository    = \"acme/churn\"\n      owner_id      = \"123456\"\n      repository_id = \"456789\"\n    }\n  }"
            .to_owned(),
    ];
    blocks.map(|block| format!("  {block}\n")).concat()
}

/// A workspace in which a maker can begin: configuration, provider and network are there.
///
/// # Errors
/// What is missing.
pub(crate) fn workspace(maker: Maker, cloud: &Cloud, network: &Network) -> Result<Workspace, String> {
    let mut workspace = match maker {
        Maker::Ours => Workspace::installed(),
        Maker::Theirs => Workspace::mirrored(&plugin_mirror().ok_or("no mirror with hashicorp/aws")?),
    };
    match maker {
        Maker::Ours => {
            let environment = resource("churn-dev", &aws_block(network));
            let text = format!(
                "{}\nresource \"mlops_environment\" \"this\" {{\n{environment}}}\n",
                provider_block(cloud)
            );
            workspace.write("main.tf", &text);
        }
        Maker::Theirs => {
            workspace.set("AWS_ENDPOINT_URL", &cloud.url);
            workspace.write("main.tf", &theirs()?);
            let subnets = [&network.private_subnet_ids[..], &network.public_subnet_ids[..]].concat();
            let given = format!(
                "network = {{ vpc_id = {:?}, private_subnet_ids = {subnets:?} }}\n",
                network.vpc_id
            );
            workspace.write("terraform.tfvars", &given);
        }
    }
    measure::run(&mut workspace.command(&["init"]))?;
    Ok(workspace)
}

fn theirs() -> Result<String, String> {
    let path = root().join("tests/peer/aws.tf");
    std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Lines that say something.
fn lines(text: &str) -> usize {
    let said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    text.lines().filter(said).count()
}

/// A local AWS in which nothing takes time of its own, with a network.
///
/// # Errors
/// Why it does not start.
pub(crate) fn cloud(behaviour: Behaviour) -> Result<(Cloud, Network), String> {
    let cloud = Cloud::behaving(Sandbox::builder(), behaviour)?;
    let network = cloud.network()?;
    Ok((cloud, network))
}

/// An environment's whole life.
fn life(maker: Maker) -> Result<Vec<Phase>, String> {
    let (cloud, network) = cloud(Behaviour {
        scale: 0.0,
        ..Behaviour::default()
    })?;
    let workspace = workspace(maker, &cloud, &network)?;
    let mut phases = Vec::new();
    for (_, arguments) in PHASES {
        phases.push(phase(&workspace, &cloud, arguments)?);
    }
    Ok(phases)
}

/// One command, with the calls it made.
///
/// # Errors
/// What the command said where it failed.
pub(crate) fn phase(workspace: &Workspace, cloud: &Cloud, arguments: &[&str]) -> Result<Phase, String> {
    let sandbox = cloud.sandbox().ok_or("calls are counted on the sandbox")?;
    sandbox.forget_calls();
    let (taken, _) = measure::run(&mut workspace.command(arguments))?;
    let mut calls = BTreeMap::new();
    for (operation, number) in sandbox.calls() {
        let service = operation.split(':').next().unwrap_or(&operation).to_owned();
        *calls.entry(service).or_default() += number;
    }
    Ok(Phase { taken, calls })
}

/// What Terraform itself takes to make and destroy something that is nowhere.
fn alone() -> Result<f64, String> {
    let workspace = Workspace::empty();
    workspace.write("main.tf", "resource \"terraform_data\" \"this\" {}\n");
    measure::run(&mut workspace.command(&["init"]))?;
    let (made, _) = measure::run(&mut workspace.command(&["apply", "-auto-approve"]))?;
    let (gone, _) = measure::run(&mut workspace.command(&["destroy", "-auto-approve"]))?;
    Ok(made.wall + gone.wall)
}

/// Lives in turns, and the table of their medians.
///
/// # Errors
/// What failed.
pub(crate) fn compare(rounds: usize) -> Result<Vec<Table>, String> {
    let rivals = plugin_mirror().is_some();
    let mut lives: BTreeMap<bool, Vec<Vec<Phase>>> = BTreeMap::new();
    let mut bare = Vec::new();
    for round in 1..=rounds {
        bare.push(alone()?);
        lives.entry(true).or_default().push(life(Maker::Ours)?);
        if rivals {
            lives.entry(false).or_default().push(life(Maker::Theirs)?);
        }
        eprintln!("lives: round {round} of {rounds}");
    }
    let middle = |ours: bool, phase: usize| -> Option<Phase> {
        let lives = lives.get(&ours)?;
        let all: Vec<Taken> = lives
            .iter()
            .filter_map(|life| Some(life.get(phase)?.taken))
            .collect();
        let calls = lives.last()?.get(phase)?.calls.clone();
        Some(Phase {
            taken: measure::median(&all),
            calls,
        })
    };

    let mut took = Table::new(
        "One environment: this provider and the hashicorp/aws provider",
        &format!(
            "The environment of `examples/aws-dev` and the same objects written on {} (`tests/peer/aws.tf`), by the same Terraform on the \
             same local AWS in which nothing takes time of its own; medians of {rounds} lives in turns. CPU and memory are of Terraform \
             and all its providers. Much of their `apply` is waiting \
             that is written into that provider (S3 lifecycle rules, KMS keys).",
            start::rivals_name()
        ),
        &[
            "phase",
            "wall",
            "theirs",
            "ratio",
            "CPU",
            "theirs",
            "ratio",
            "peak memory",
            "theirs",
            "ratio",
        ],
    );
    let mut calls = Table::new(
        "API calls by phase and service",
        "Of the same lives. Calls that only wait for a state are among them.",
        &[
            "phase",
            "ours",
            "theirs",
            "ratio",
            "ours by service",
            "theirs by service",
        ],
    );
    let absent = || "not available here".to_owned();
    for (number, (name, _)) in PHASES.iter().enumerate() {
        let (Some(ours), theirs) = (middle(true, number), middle(false, number)) else {
            continue;
        };
        let mut cells = vec![(*name).to_owned()];
        let figures: [(Figure, Written); 3] = [
            (|taken| taken.wall, seconds),
            (|taken| taken.cpu, seconds),
            (|taken| taken.memory, megabytes),
        ];
        for (figure, written) in figures {
            let own = figure(&ours.taken);
            let other = theirs.as_ref().map(|phase| figure(&phase.taken));
            cells.extend([
                written(own),
                other.map_or_else(absent, written),
                other.map_or("-".to_owned(), |other| times(own, other)),
            ]);
        }
        took.row(cells);
        let sum = |phase: &Phase| phase.calls.values().sum::<usize>();
        let by_service = |phase: &Phase| {
            let each = phase
                .calls
                .iter()
                .map(|(service, number)| format!("{service} {number}"));
            each.collect::<Vec<_>>().join(", ")
        };
        #[expect(clippy::cast_precision_loss, reason = "hundreds of calls")]
        calls.row([
            (*name).to_owned(),
            sum(&ours).to_string(),
            theirs
                .as_ref()
                .map_or_else(absent, |phase| sum(phase).to_string()),
            theirs.as_ref().map_or("-".to_owned(), |phase| {
                times(sum(&ours) as f64, sum(phase) as f64)
            }),
            by_service(&ours),
            theirs.as_ref().map_or_else(absent, by_service),
        ]);
    }
    let whole = lives.get(&true).into_iter().flatten().map(|life| {
        let wall = |name: &str| {
            let at = PHASES.iter().position(|(phase, _)| *phase == name);
            at.and_then(|at| life.get(at))
                .map_or(0.0, |phase| phase.taken.wall)
        };
        wall("apply") + wall("destroy")
    });
    took.notes.push(format!(
        "Made and destroyed in {} besides Terraform itself, which takes {} for a resource that is nowhere. Budget: 1 s.",
        seconds(measure::middle(whole) - measure::middle(bare.iter().copied())),
        seconds(measure::middle(bare.iter().copied()))
    ));
    let (cloud, network) = cloud(Behaviour::default())?;
    let environment = resource("churn-dev", &aws_block(&network));
    let own = format!(
        "{}resource \"mlops_environment\" \"this\" {{\n{environment}}}",
        provider_block(&cloud)
    );
    let endpoints = SERVICES.len();
    took.notes.push(format!(
        "Lines of configuration, without blanks and comments: {} ({endpoints} of them endpoints of the local cloud), theirs {}.",
        lines(&own),
        lines(&theirs()?)
    ));
    Ok(vec![took, calls])
}

/// How a refresh grows with the number of environments in one state.
///
/// # Errors
/// What failed.
pub(crate) fn refresh() -> Result<Table, String> {
    let mut table = Table::new(
        "Refresh of many environments in one state",
        "`terraform plan` without changes; every environment reads all its components. 60 ms of latency a call where said.",
        &[
            "environments",
            "latency",
            "wall",
            "CPU",
            "peak memory",
            "calls",
            "calls an environment",
        ],
    );
    for (number, latency) in [(1_usize, 0_u64), (20, 0), (1, 60), (20, 60)] {
        let builder = Sandbox::builder().latency(std::time::Duration::from_millis(latency));
        let cloud = Cloud::behaving(
            builder,
            Behaviour {
                scale: 0.0,
                ..Behaviour::default()
            },
        )?;
        let network = cloud.network()?;
        let workspace = Workspace::installed();
        let names: Vec<String> = (0..number).map(|i| format!("m{i:02}-dev")).collect();
        let environment = resource("NAME", &aws_block(&network)).replace("\"NAME\"", "each.key");
        let text = format!(
            "{}\nresource \"mlops_environment\" \"this\" {{\n  for_each = toset({names:?})\n{environment}}}\n",
            provider_block(&cloud)
        );
        workspace.write("main.tf", &text);
        measure::run(&mut workspace.command(&["init"]))?;
        measure::run(&mut workspace.command(&["apply", "-auto-approve"]))?;
        let phase = phase(&workspace, &cloud, &["plan", "-detailed-exitcode"])?;
        let calls: usize = phase.calls.values().sum();
        table.row([
            number.to_string(),
            format!("{latency} ms"),
            seconds(phase.taken.wall),
            seconds(phase.taken.cpu),
            megabytes(phase.taken.memory),
            calls.to_string(),
            (calls / number).to_string(),
        ]);
        eprintln!("refresh: {number} at {latency} ms");
    }
    Ok(table)
}
