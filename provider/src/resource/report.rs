//! What users are told of an apply that ended early.

use mlops_environment::component::Address;
use tfplugin::provider::StopReason;
use tfplugin::{CallContext, Diagnostic, Diagnostics};

use crate::executor::{Problem, Results};

/// One error per component that failed, and a summary: done, failed, not started, and what the next apply does.
pub(super) fn failures(id: &str, results: &Results, context: &CallContext, next: &str) -> Diagnostics {
    let mut diagnostics = Diagnostics::new();
    for (address, problem) in &results.problems {
        if problem.is_interruption() {
            continue;
        }
        diagnostics.push(Diagnostic::error(
            summary(address, problem),
            format!("{problem}{}", advice(problem)),
        ));
    }
    let why = match context.stop_reason() {
        Some(StopReason::Interrupted) => "was interrupted",
        Some(StopReason::TimedOut(_)) => "ran out of time (see the timeouts block)",
        None => "is incomplete",
    };
    let list = |addresses: Vec<String>| {
        if addresses.is_empty() {
            "none".to_owned()
        } else {
            addresses.join(", ")
        }
    };
    let cut_off: Vec<String> = results
        .problems
        .iter()
        .filter(|(_, problem)| problem.is_interruption())
        .map(|(address, _)| address.to_string())
        .collect();
    let failed: Vec<String> = results
        .problems
        .iter()
        .filter(|(_, problem)| !problem.is_interruption())
        .map(|(address, _)| address.to_string())
        .collect();
    let total = results.done.len() + results.problems.len() + results.not_started.len();
    let mut text = format!(
        "{} of {total} components are done: {}\nfailed: {}\n",
        results.done.len(),
        list(results.done.keys().map(Address::to_string).collect()),
        list(failed)
    );
    if !cut_off.is_empty() {
        text.push_str(&format!("under way when it stopped: {}\n", list(cut_off)));
    }
    text.push_str(&format!(
        "not started: {}\n\n{next}",
        list(results.not_started.iter().map(Address::to_string).collect())
    ));
    diagnostics.push(Diagnostic::error(format!("{id} {why}"), text));
    diagnostics
}

fn summary(address: &Address, problem: &Problem) -> String {
    match problem {
        Problem::Cloud(failure) => format!("{address}: {} failed", failure.operation),
        Problem::Refused(_) => format!("{address} is not touched"),
        Problem::Unresolved(_) => format!("{address} cannot be made yet"),
        Problem::Panicked(_) => format!("{address}: mistake in the provider"),
        Problem::Aborted => format!("{address} was cut off"),
    }
}

/// What to do about it.
fn advice(problem: &Problem) -> &'static str {
    use mlops_environment::driver::Reason;
    let Problem::Cloud(failure) = problem else {
        return "";
    };
    match failure.reason {
        Reason::Denied => {
            "\n\nThe credentials may not do this. Grant the action to the role that applies (a permissions boundary or a \
             service control policy may also forbid it), then apply again."
        }
        Reason::Unauthenticated => {
            "\n\nThe credentials are over, or none that the cloud knows: sign in again, or have CI ask for a longer session, \
             then apply again. What was reached is kept."
        }
        Reason::Quota => {
            "\n\nA limit of the account or project is reached: free some or ask for more, then apply again."
        }
        Reason::Throttled => {
            "\n\nThe cloud still refused after all retries: there are too many calls in this account or project. Apply \
             again later."
        }
        Reason::Unavailable => {
            "\n\nThe cloud or the network did not answer after all retries. Apply again; what took effect unseen is recognised."
        }
        Reason::Timeout => {
            "\n\nIt took longer than the timeouts block allows. Apply again to go on waiting, or allow more."
        }
        Reason::Conflict => "\n\nSomebody else is changing it. Wait until they are done, then apply again.",
        Reason::AlreadyExists | Reason::NotFound | Reason::Invalid | Reason::Failed | Reason::Cancelled => "",
    }
}
