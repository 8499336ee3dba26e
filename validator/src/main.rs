//! Judges Terraform plans in CI.

use std::process::ExitCode;

use tfplan_check::backend::Evidence;
use tfplan_check::context::Context;
use tfplan_check::{judge, plan, report, rules};

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: tfplan-check PLAN.json");
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(t) => t,
        Err(e) => {
            eprintln!("error: cannot read {path}: {e}");
            return ExitCode::from(2);
        }
    };
    let plan = match plan::json::read(&text) {
        Ok(p) => p,
        Err(e) => {
            eprintln!("error: {path}: {e}");
            return ExitCode::from(2);
        }
    };
    let backend = Evidence::default();
    let sources = tfplan_check::source::build::sources_of(&plan.configuration);
    let rules: Vec<_> = rules::all().collect();
    let found = judge::judge(
        &Context {
            plan: &plan,
            backend: &backend,
            sources: &sources,
        },
        &rules,
    );
    print!("{}", report::text::render(&found));
    ExitCode::from(u8::from(!found.is_empty()))
}
