//! `make demo`: the main job, start to end, against a local AWS and a local Google Cloud: no account, nothing left behind.

mod aws;
mod gcp;
mod run;
mod table;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use mlops_e2e::cloud::Cloud;
use mlops_sandbox::Sandbox;
use run::Run;

fn main() -> ExitCode {
    let started = Instant::now();
    match demo(started) {
        Ok(()) => {
            println!(
                "\nDone in {:.1} s. Nothing is left running or lying about.",
                started.elapsed().as_secs_f32()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("\nerror: {error}");
            ExitCode::FAILURE
        }
    }
}

/// A cloud, as the demonstration needs it: prepared, shown, and looked at afterwards.
trait Place {
    /// `AWS`.
    fn name(&self) -> &'static str;
    /// The folder of the example.
    fn example(&self) -> &'static str;
    /// Makes what a platform team would have made, and says so.
    fn prepare(&self, run: &mut Run) -> Result<(), String>;
    /// Variables of the example.
    fn variables(&self) -> Result<serde_json::Value, String>;
    /// Where the state goes, for `terraform init`.
    fn backend(&self) -> Vec<String>;
    /// What each identity may do, read back from the cloud.
    fn identities(&self, environment: &serde_json::Value) -> Result<Vec<[String; 2]>, String>;
    /// What carries the environment's mark, and why it is meant to stay where it is.
    fn marked(&self) -> Result<Vec<(String, Option<&'static str>)>, String>;
}

fn demo(started: Instant) -> Result<(), String> {
    println!(
        "One ML environment on a local AWS and one on a local Google Cloud: plan, check, apply, plan again, destroy."
    );
    let cloud = Cloud::start()?;
    let own;
    let sandbox = match cloud.sandbox() {
        Some(sandbox) => sandbox,
        // The AWS side runs on another emulator, which knows no Google Cloud.
        None => {
            own = Sandbox::builder().start().map_err(|error| error.to_string())?;
            &own
        }
    };
    let places: [Box<dyn Place + '_>; 2] =
        [Box::new(aws::Aws::new(&cloud)?), Box::new(gcp::Gcp::new(sandbox))];
    for place in &places {
        show(place.as_ref(), &mut Run::new(started))?;
    }
    Ok(())
}

/// One environment's life on one cloud.
fn show(place: &dyn Place, run: &mut Run) -> Result<(), String> {
    println!("\n=== {} ===\n", place.name());
    place.prepare(run)?;
    run.take(place.example(), &place.variables()?)?;
    println!();
    let mut init = vec!["init".to_owned()];
    init.extend(place.backend());
    run.terraform(&init, &[0], |line| {
        line.contains("successfully initialized").then(|| line.to_owned())
    })?;
    run.terraform(&["plan", "-out=plan.tfplan"], &[0], run::summary)?;
    run.check("plan.tfplan")?;
    run.terraform(&["apply", "plan.tfplan"], &[0], run::summary)?;
    if run.terraform(&["plan", "-detailed-exitcode"], &[0, 2], run::summary)? != 0 {
        return Err("the second plan is not empty".into());
    }
    let environment = run.resource();

    println!();
    table::print(
        ["component", "kind", "state", "managed"],
        &table::components(&environment),
    );
    println!();
    table::print(
        [
            "identity",
            "may (as the policies in the cloud say, read back from it)",
        ],
        &place.identities(&environment)?,
    );
    println!();

    run.terraform(&["apply", "-destroy", "-auto-approve"], &[0], run::summary)?;
    let mut meant: BTreeMap<&str, usize> = BTreeMap::new();
    let mut forgotten = Vec::new();
    for (what, why) in place.marked()? {
        match why {
            Some(why) => *meant.entry(why).or_default() += 1,
            None => forgotten.push(what),
        }
    }
    let meant: Vec<String> = meant
        .iter()
        .map(|(why, count)| format!("{count} {why}"))
        .collect();
    println!();
    println!("second plan   empty");
    println!("left behind   nothing but {}", meant.join(" and "));
    if forgotten.is_empty() {
        return Ok(());
    }
    Err(format!("destroy left {}", forgotten.join(", ")))
}
