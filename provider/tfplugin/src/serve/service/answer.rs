//! What happens to a handler's answer before it leaves.

use crate::diagnostic::Diagnostics;
use crate::plan::replace_paths;
use crate::provider::{ApplyRequest, ApplyResponse, PlanRequest, PlanResponse};
use crate::schema::Schema;

/// The plan, with the paths whose change replaces the resource by the schema.
pub(super) fn plan(schema: &Schema, asked: &PlanRequest, mut response: PlanResponse) -> PlanResponse {
    response
        .requires_replace
        .extend(replace_paths(schema, &asked.prior, &response.planned));
    response.requires_replace.sort();
    response.requires_replace.dedup();
    response
}

/// The state reached, without unknown values: Terraform would save them as null, and complain only of success.
pub(super) fn apply(_: &Schema, _: &ApplyRequest, mut response: ApplyResponse) -> ApplyResponse {
    if Diagnostics::has_errors(&response.diagnostics) {
        response.state = response.state.unknown_as_null();
    }
    response
}
