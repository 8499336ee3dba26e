//! The answer of a create or update: state and private data hold what was reached, whatever happened.

use mlops_environment::component::Outputs;
use mlops_environment::spec::PartialCreate;
use serde_json::{Value as Json, json};
use tfplugin::{ApplyResponse, Diagnostic, Diagnostics, Severity, Value};

use super::apply::Run;
use super::assemble::{self, Absent};
use super::private::Private;
use super::{report, state};
use crate::executor::Results;

/// What stands after an incomplete apply is never rebuilt.
const NEXT: &str =
    "Nothing that stood was rolled back, and nothing is lost: apply again, and it goes on where it stopped.";

impl Run<'_> {
    /// The answer: complete, or incomplete with what failed and what comes next.
    pub(super) fn finish(
        &self,
        results: Results,
        private: &Private,
        own: &Outputs,
        generation: Result<u64, Diagnostic>,
    ) -> ApplyResponse {
        match generation {
            Ok(generation) if results.complete() => ApplyResponse {
                state: self.state(private, own, &results, true, Some(generation)),
                private: private.bytes(),
                diagnostics: Diagnostics::new(),
            },
            Ok(_) => self.answer(results, private, own, None),
            Err(error) => self.answer(results, private, own, Some(error)),
        }
    }

    /// Incomplete: what was reached, and why no more.
    pub(super) fn answer(
        &self,
        results: Results,
        private: &Private,
        own: &Outputs,
        error: Option<Diagnostic>,
    ) -> ApplyResponse {
        let creating = self.request.prior.is_null();
        let mut diagnostics = Diagnostics(error.into_iter().collect());
        if !results.complete() {
            let next = if creating {
                format!("{NEXT} Where a plan must never show a deletion, run terraform untaint first.")
            } else {
                NEXT.to_owned()
            };
            let all = report::failures(&self.id(), &results, self.context, &next);
            diagnostics.0.extend(all.0);
        }
        if creating && self.model.spec.partial_create == PartialCreate::Warn {
            for diagnostic in &mut diagnostics.0 {
                diagnostic.severity = Severity::Warning;
            }
        }
        ApplyResponse {
            state: self.state(private, own, &results, false, None),
            private: private.bytes(),
            diagnostics,
        }
    }

    /// The settings in force, for the claim.
    pub(super) fn settings(&self, private: &Private, own: &Outputs, results: &Results) -> Json {
        let value = self.state(private, own, results, results.complete(), None);
        state::settings_of(&self.resource.schema, &value)
    }

    /// The state's value for what was reached.
    pub(super) fn state(
        &self,
        private: &Private,
        own: &Outputs,
        results: &Results,
        complete: bool,
        generation: Option<u64>,
    ) -> Value {
        let before = state::json(&self.request.prior, "generation");
        let mut values = state::told(self.model, private.world(), own.clone());
        values.insert(
            "phase".into(),
            json!(if complete { "READY" } else { "INCOMPLETE" }),
        );
        values.insert(
            "generation".into(),
            generation.map_or(before.as_u64().unwrap_or(0).into(), Json::from),
        );
        values.insert(
            "last_change".into(),
            state::json(&self.request.planned, "last_change"),
        );
        let actual = assemble::object(
            &self.resource.schema,
            &self.request.config,
            &values,
            &self.request.prior,
            &Absent,
        );
        let mut value = state::settled(&self.request.planned, &actual);
        for component in &self.model.components {
            let found = if results.problems.contains_key(&component.address) {
                "failed"
            } else if private.seen.contains_key(&component.address) {
                "ready"
            } else {
                "pending"
            };
            if found != "ready" || !complete {
                state::set_component(&mut value, &component.address, "state", Value::from(found));
            }
        }
        value
    }
}
