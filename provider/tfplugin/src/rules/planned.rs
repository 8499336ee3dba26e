//! The rules of a plan: what a provider may plan beside the configuration.

use std::collections::BTreeMap;

use super::Findings;
use crate::path::{Path, PathStep};
use crate::plan::{Body, NULL, child, element};
use crate::schema::{Attribute, Block, Kind, Nesting};
use crate::value::Value;

const UNKNOWN_ELEMENT: &str =
    "an element representing a nested block must not be unknown itself; make its attributes unknown instead";

impl Findings<'_> {
    /// The whole object.
    pub(super) fn planned(&mut self, prior: &Value, config: &Value, planned: &Value) {
        let body = Body::of_schema(self.schema);
        self.planned_object(body, prior, config, planned, &mut Path::root());
    }

    /// Whether presence agrees; says so if not. `false` also where nothing more can be compared.
    fn presence(&mut self, config: &Value, planned: &Value, path: &Path) -> bool {
        match (planned.is_null(), config.is_null()) {
            (true, false) => self.add(path, "planned for absence but config wants existence"),
            (false, true) => self.add(path, "planned for existence but config wants absence"),
            (true, true) => {}
            (false, false) => return true,
        }
        false
    }

    fn planned_object(
        &mut self,
        body: Body<'_>,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &mut Path,
    ) {
        if !self.presence(config, planned, path) {
            return;
        }
        self.planned_attributes(body.attributes, prior, config, planned, path);
        for (name, schema) in body.blocks() {
            path.push(PathStep::Attribute(name.clone()));
            self.planned_block(
                schema,
                child(prior, name),
                child(config, name),
                child(planned, name),
                path,
            );
            path.pop();
        }
    }

    fn planned_attributes(
        &mut self,
        attributes: &BTreeMap<String, Attribute>,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &mut Path,
    ) {
        for (name, schema) in attributes {
            path.push(PathStep::Attribute(name.clone()));
            self.planned_attribute(
                schema,
                child(prior, name),
                child(config, name),
                child(planned, name),
                path,
            );
            path.pop();
        }
    }

    fn planned_attribute(
        &mut self,
        schema: &Attribute,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &mut Path,
    ) {
        if schema.write_only {
            if !planned.is_null() {
                self.add(path, "planned value for write-only attribute is not null");
            }
            return;
        }
        let unchanged = planned.same(prior) && !prior.is_null() && !config.is_null();
        if planned.same(config) || unchanged {
            return;
        }
        // The provider decides what nobody configured, and a computed-only value in any case.
        let computed_only = schema.mode.is_computed() && !schema.mode.is_optional();
        if computed_only || (schema.mode.is_computed() && config.is_null()) {
            return;
        }
        if config.is_null() {
            let planned = self.show(path, planned);
            self.add(
                path,
                format!("planned value {planned} for a non-computed attribute"),
            );
            return;
        }
        if let Kind::Nested(nesting, attributes) = &schema.kind {
            return self.planned_nested(*nesting, attributes, prior, config, planned, path);
        }
        let (planned, config) = (self.show(path, planned), self.show(path, config));
        let mut text = format!("planned value {planned} does not match config value {config}");
        if !prior.is_null() {
            text = format!("{text} nor prior value {}", self.show(path, prior));
        }
        self.add(path, text);
    }

    fn planned_nested(
        &mut self,
        nesting: Nesting,
        attributes: &BTreeMap<String, Attribute>,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &mut Path,
    ) {
        if !self.presence(config, planned, path) {
            return;
        }
        if planned.is_unknown() {
            return self.add(path, "planned unknown for configured value");
        }
        match nesting {
            Nesting::Single => self.planned_attributes(attributes, prior, config, planned, path),
            Nesting::List => {
                if !self.same_count(config, planned, path) {
                    return;
                }
                for (index, planned) in planned.elements().unwrap_or_default().iter().enumerate() {
                    let at = |value| element(value, index).unwrap_or(&NULL);
                    path.push(step(index));
                    self.planned_attributes(attributes, at(prior), at(config), planned, path);
                    path.pop();
                }
            }
            Nesting::Map => {
                if !self.same_count(config, planned, path) {
                    return;
                }
                for (key, planned) in planned.entries().into_iter().flatten() {
                    let Some(config) = config.get(key) else {
                        self.add(
                            path,
                            format!("map key {key:?} from plan is not present in config"),
                        );
                        continue;
                    };
                    path.push(PathStep::Key(key.clone()));
                    self.planned_attributes(attributes, child(prior, key), config, planned, path);
                    path.pop();
                }
                for key in config.entries().into_iter().flatten().map(|(key, _)| key) {
                    if planned.get(key).is_none() {
                        self.add(
                            path,
                            format!("map key {key:?} from config is not present in plan"),
                        );
                    }
                }
            }
            Nesting::Set => {
                // Elements cannot be told apart; their number can, as far as it is known.
                let (least, most) = count_range(planned);
                if let Some(count) = known_count(config)
                    && !(least..=most).contains(&count)
                {
                    self.add(
                        path,
                        format!("count in plan ({most}) disagrees with count in config ({count})"),
                    );
                }
            }
        }
    }

    fn same_count(&mut self, config: &Value, planned: &Value, path: &Path) -> bool {
        let (config, planned) = (known_count(config), known_count(planned));
        if config.is_some() && config == planned {
            return true;
        }
        let words = |count: Option<usize>| count.map_or("unknown".to_owned(), |count| count.to_string());
        let (planned, config) = (words(planned), words(config));
        self.add(
            path,
            format!("count in plan ({planned}) disagrees with count in config ({config})"),
        );
        false
    }

    fn planned_block(
        &mut self,
        schema: &Block,
        prior: &Value,
        config: &Value,
        planned: &Value,
        path: &mut Path,
    ) {
        if planned.is_null() && schema.nesting != Nesting::Single {
            return self.add(
                path,
                "the value of nested blocks must be empty to indicate no blocks, not null",
            );
        }
        if planned == config {
            return;
        }
        if config.is_unknown() {
            let planned = self.show(path, planned);
            return self.add(path, format!("planned value {planned} for unknown dynamic block"));
        }
        if planned.is_unknown() {
            return self.add(
                path,
                "attribute representing nested block must not be unknown itself",
            );
        }
        let body = Body::of_block(schema);
        match schema.nesting {
            Nesting::Single => self.planned_object(body, prior, config, planned, path),
            Nesting::List => {
                if !self.same_block_count(config, planned, path) {
                    return;
                }
                for (index, planned) in planned.elements().unwrap_or_default().iter().enumerate() {
                    let at = |value| element(value, index).unwrap_or(&NULL);
                    path.push(step(index));
                    if planned.is_unknown() {
                        self.add(path, UNKNOWN_ELEMENT);
                    } else {
                        self.planned_object(body, at(prior), at(config), planned, path);
                    }
                    path.pop();
                }
            }
            Nesting::Map => {
                if !self.same_block_count(config, planned, path) {
                    return;
                }
                for (key, planned) in planned.entries().into_iter().flatten() {
                    path.push(PathStep::Key(key.clone()));
                    match config.get(key) {
                        _ if planned.is_unknown() => self.add(path, UNKNOWN_ELEMENT),
                        None => self.add(
                            path,
                            format!("block key {key:?} from plan is not present in config"),
                        ),
                        Some(config) => self.planned_object(body, child(prior, key), config, planned, path),
                    }
                    path.pop();
                }
            }
            Nesting::Set => {
                if planned
                    .elements()
                    .unwrap_or_default()
                    .iter()
                    .any(Value::is_unknown)
                {
                    self.add(path, UNKNOWN_ELEMENT);
                }
            }
        }
    }

    fn same_block_count(&mut self, config: &Value, planned: &Value, path: &Path) -> bool {
        let (config, planned) = (
            known_count(config).unwrap_or(0),
            known_count(planned).unwrap_or(0),
        );
        if config != planned {
            self.add(
                path,
                format!("block count in plan ({planned}) disagrees with count in config ({config})"),
            );
        }
        config == planned
    }
}

fn step(index: usize) -> PathStep {
    PathStep::Index(i64::try_from(index).unwrap_or(i64::MAX))
}

/// How many elements there are, where that is certain: unknown elements of a set may turn out equal.
fn known_count(value: &Value) -> Option<usize> {
    match value.inner() {
        Value::Unknown(_) => None,
        Value::Set(_) => {
            let (least, most) = count_range(value);
            (least == most).then_some(most)
        }
        value => Some(
            value
                .elements()
                .map_or_else(|| value.entries().map_or(0, BTreeMap::len), <[_]>::len),
        ),
    }
}

/// Fewest and most elements a set may have in the end.
pub(super) fn count_range(value: &Value) -> (usize, usize) {
    let mut elements: Vec<&Value> = value.elements().unwrap_or_default().iter().collect();
    elements.sort();
    elements.dedup_by(|a, b| a == b && a.is_wholly_known());
    let most = elements.len();
    let least = if value.is_wholly_known() {
        most
    } else {
        most.min(1)
    };
    (least, most)
}
