//! From a value to what is wanted: configuration, spec, components.

use mlops_environment::spec::Segment;
use mlops_environment::{Config, Environment, Facts, Spec, Violation};
use tfplugin::schema::Schema;
use tfplugin::{Diagnostic, Diagnostics, Path, Value};

use crate::decode;

/// What a value asks for.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// This environment.
    Environment(Box<Environment>),
    /// Not known yet: these numbers, switches or objects are open.
    Open(Vec<Path>),
}

/// Reads the settings of a value and takes them apart.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn wanted(schema: &Schema, value: &Value, facts: &Facts) -> Result<Wanted, Diagnostics> {
    read(schema, value, facts, Environment::new)
}

/// The same of a state: what stands is not judged again by rules that may be younger than it.
///
/// # Errors
/// Settings that cannot be read, or credentials of another account.
pub(crate) fn remembered(schema: &Schema, state: &Value, facts: &Facts) -> Result<Wanted, Diagnostics> {
    read(schema, state, facts, Environment::remembered)
}

fn read(
    schema: &Schema,
    value: &Value,
    facts: &Facts,
    make: fn(Spec) -> Result<Environment, Vec<Violation>>,
) -> Result<Wanted, Diagnostics> {
    let (config, open) = config(schema, value)?;
    if !open.is_empty() {
        return Ok(Wanted::Open(open));
    }
    let spec = Spec::build(&config, facts).map_err(|violations| errors(&violations))?;
    let environment = make(spec).map_err(|violations| errors(&violations))?;
    Ok(Wanted::Environment(Box::new(environment)))
}

/// The settings of a value, and the paths of those that are not known yet and have no stand-in.
///
/// # Errors
/// A shape that the configuration does not have: a mistake of ours, said as such.
pub(crate) fn config(schema: &Schema, value: &Value) -> Result<(Config, Vec<Path>), Diagnostics> {
    let settings = settings_only(schema, value);
    let partial = decode::partial(&settings, &schema.ty());
    let config = serde_json::from_value(partial.json).map_err(|error| {
        Diagnostics(vec![Diagnostic::error(
            "The configuration cannot be read",
            format!("{error}. This is a mistake in the provider: please report it."),
        )])
    })?;
    Ok((config, partial.missing))
}

/// Without computed attributes and blocks.
fn settings_only(schema: &Schema, value: &Value) -> Value {
    let fields = schema
        .attributes
        .iter()
        .filter(|(_, attribute)| attribute.mode != tfplugin::schema::Mode::Computed);
    Value::Object(
        fields
            .map(|(name, _)| (name.clone(), value.get(name).cloned().unwrap_or(Value::Null)))
            .collect(),
    )
}

/// Violations as errors.
pub(crate) fn errors(violations: &[Violation]) -> Diagnostics {
    Diagnostics(
        violations
            .iter()
            .map(|violation| Diagnostic::error(&violation.summary, &violation.detail).at(path(violation)))
            .collect(),
    )
}

/// Violations as warnings.
pub(crate) fn warnings(violations: &[Violation]) -> Diagnostics {
    Diagnostics(
        violations
            .iter()
            .map(|violation| Diagnostic::warning(&violation.summary, &violation.detail).at(path(violation)))
            .collect(),
    )
}

fn path(violation: &Violation) -> Path {
    violation
        .path
        .0
        .iter()
        .fold(Path::root(), |path, segment| match segment {
            Segment::Attribute(name) => path.attribute(name.clone()),
            Segment::Key(key) => path.key(key.clone()),
            Segment::Index(index) => path.index(i64::try_from(*index).unwrap_or(i64::MAX)),
        })
}
