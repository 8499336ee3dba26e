//! UpgradeResourceState: states of older versions of the schema, brought to today's one version at a time.

use serde_json::Value as Json;
use tfplugin::Diagnostic;

use super::schema::VERSION;

/// Brings a state of one version to the next, or says what in it cannot be.
type Step = fn(Json) -> Result<Json, String>;

/// The step that leaves version n stands at place n. A new attribute needs none, because it is null in an older state; one
/// that is renamed, moved or of another type does. Each comes with a recorded state in the tests.
const STEPS: &[Step] = &[];

const _: () = assert!(
    STEPS.len() as u64 == VERSION,
    "every version but the last has a step that leaves it"
);

/// Brings a state up to date.
pub(super) fn upgrade(from: u64, state: Json) -> Result<Json, Diagnostic> {
    through(STEPS, from, state)
}

fn through(steps: &[Step], from: u64, state: Json) -> Result<Json, Diagnostic> {
    let newest = steps.len();
    let first = usize::try_from(from).unwrap_or(usize::MAX);
    let Some(left) = steps.get(first..) else {
        return Err(Diagnostic::error(
            "The state was stored by a newer provider",
            format!(
                "It has version {from}; this provider knows versions up to {newest}. Use the version of the provider that stored \
                 it, or a newer one."
            ),
        ));
    };
    let mut state = state;
    for (version, step) in (from..).zip(left) {
        state = step(state).map_err(|what| {
            Diagnostic::error(
                "The state cannot be brought up to date",
                format!(
                    "From version {version} to {}: {what}. Nothing was changed. Use the version of the provider that stored it.",
                    version + 1
                ),
            )
        })?;
    }
    Ok(state)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rename(mut state: Json) -> Result<Json, String> {
        let fields = state.as_object_mut().ok_or("not an object")?;
        let size = fields.remove("size").ok_or("size is missing")?;
        fields.insert("sizes".into(), json!([size]));
        Ok(state)
    }

    fn count(mut state: Json) -> Result<Json, String> {
        let number = state["sizes"].as_array().map_or(0, Vec::len);
        state["count"] = json!(number);
        Ok(state)
    }

    #[test]
    fn each_version_goes_through_all_that_follow() {
        let steps: &[Step] = &[rename, count];
        let newest = json!({ "sizes": ["small"], "count": 1 });
        assert_eq!(through(steps, 0, json!({ "size": "small" })).unwrap(), newest);
        assert_eq!(through(steps, 1, json!({ "sizes": ["small"] })).unwrap(), newest);
        assert_eq!(through(steps, 2, newest.clone()).unwrap(), newest);
    }

    #[test]
    fn what_cannot_be_upgraded_is_said_and_left() {
        let steps: &[Step] = &[rename];
        let error = through(steps, 0, json!({})).unwrap_err();
        assert!(
            error.detail.contains("From version 0 to 1: size is missing"),
            "{}",
            error.detail
        );
        let error = through(steps, 2, json!({})).unwrap_err();
        assert!(
            error.detail.contains("knows versions up to 1"),
            "{}",
            error.detail
        );
    }
}
