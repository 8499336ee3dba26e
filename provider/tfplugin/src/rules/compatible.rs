//! The rules of an apply: whether a value completes what was planned.

use super::Findings;
use crate::path::{Path, PathStep};
use crate::plan::{Body, child};
use crate::schema::{Block, Nesting};
use crate::value::Value;

impl Findings<'_> {
    /// The whole object.
    pub(super) fn compatible(&mut self, planned: &Value, actual: &Value) {
        let body = Body::of_schema(self.schema);
        self.compatible_object(body, planned, actual, &mut Path::root());
    }

    fn compatible_object(&mut self, body: Body<'_>, planned: &Value, actual: &Value, path: &mut Path) {
        match (planned.is_null(), actual.is_null()) {
            (true, false) => return self.add(path, "was absent, but now present"),
            (false, true) => return self.add(path, "was present, but now absent"),
            (true, true) => return,
            (false, false) => {}
        }
        for name in body.attributes.keys() {
            path.push(PathStep::Attribute(name.clone()));
            self.compatible_value(child(planned, name), child(actual, name), path);
            path.pop();
        }
        for (name, schema) in body.blocks() {
            path.push(PathStep::Attribute(name.clone()));
            self.compatible_block(schema, child(planned, name), child(actual, name), path);
            path.pop();
        }
    }

    fn compatible_block(&mut self, schema: &Block, planned: &Value, actual: &Value, path: &mut Path) {
        let body = Body::of_block(schema);
        if schema.nesting == Nesting::Single {
            // An unknown block may turn out to be none.
            if !(planned.is_unknown() && actual.is_null()) {
                self.compatible_object(body, planned, actual, path);
            }
            return;
        }
        if [planned, actual]
            .iter()
            .any(|value| value.is_null() || value.is_unknown())
        {
            return;
        }
        match schema.nesting {
            Nesting::Single => {}
            Nesting::List => {
                let (planned, actual) = (
                    planned.elements().unwrap_or_default(),
                    actual.elements().unwrap_or_default(),
                );
                if planned.len() != actual.len() {
                    let text = format!("block count changed from {} to {}", planned.len(), actual.len());
                    return self.add(path, text);
                }
                for (index, (planned, actual)) in (0..).zip(planned.iter().zip(actual)) {
                    path.push(PathStep::Index(index));
                    self.compatible_object(body, planned, actual, path);
                    path.pop();
                }
            }
            Nesting::Map => {
                let (Some(planned), Some(actual)) = (planned.entries(), actual.entries()) else {
                    return;
                };
                if planned.len() != actual.len() {
                    let text = format!("block count changed from {} to {}", planned.len(), actual.len());
                    return self.add(path, text);
                }
                for (key, planned) in planned {
                    path.push(PathStep::Key(key.clone()));
                    match actual.get(key) {
                        Some(actual) => self.compatible_object(body, planned, actual, path),
                        None => self.add(path, "the block has vanished"),
                    }
                    path.pop();
                }
            }
            Nesting::Set => self.compatible_set(planned, actual, path, &|this, planned, actual, path| {
                this.compatible_object(body, planned, actual, path);
            }),
        }
    }

    fn compatible_value(&mut self, planned: &Value, actual: &Value, path: &mut Path) {
        match (planned, actual) {
            (Value::Unknown(refinements), actual) => {
                if !refinements.admits(actual.inner()) {
                    let actual = self.show(path, actual);
                    self.add(
                        path,
                        format!("final value {actual} does not keep what the plan said of it"),
                    );
                }
            }
            (Value::Dynamic(planned), Value::Dynamic(actual)) => {
                // An unknown value in a dynamic place may take any type.
                if planned.0 != actual.0 && !planned.0.has_dynamic() && !actual.1.is_null() {
                    self.add(
                        path,
                        format!(
                            "wrong final value type: {} was planned, now {}",
                            planned.0, actual.0
                        ),
                    );
                } else {
                    self.compatible_value(&planned.1, &actual.1, path);
                }
            }
            (planned, actual) if planned.is_null() && actual.is_null() => {}
            (planned, actual) if actual.is_null() => {
                let planned = self.show(path, planned);
                self.add(path, format!("was {planned}, but now null"));
            }
            (planned, actual) if planned.is_null() => {
                let actual = self.show(path, actual);
                self.add(path, format!("was null, but now {actual}"));
            }
            (_, Value::Unknown(_)) => self.add(path, "was known, but now unknown"),
            (Value::List(planned), Value::List(actual)) | (Value::Tuple(planned), Value::Tuple(actual)) => {
                for (index, item) in planned.iter().enumerate() {
                    let step = i64::try_from(index).unwrap_or(i64::MAX);
                    match actual.get(index) {
                        Some(actual) => {
                            path.push(PathStep::Index(step));
                            self.compatible_value(item, actual, path);
                            path.pop();
                        }
                        None => self.add(path, format!("element {index} has vanished")),
                    }
                }
                for index in planned.len()..actual.len() {
                    self.add(path, format!("new element {index} has appeared"));
                }
            }
            (Value::Map(planned), Value::Map(actual)) => {
                for (key, item) in planned {
                    match actual.get(key) {
                        Some(actual) => {
                            path.push(PathStep::Key(key.clone()));
                            self.compatible_value(item, actual, path);
                            path.pop();
                        }
                        None => self.add(path, format!("element {key:?} has vanished")),
                    }
                }
                for key in actual.keys().filter(|key| !planned.contains_key(*key)) {
                    self.add(path, format!("new element {key:?} has appeared"));
                }
            }
            (Value::Object(attributes), actual) => {
                for (name, item) in attributes {
                    path.push(PathStep::Attribute(name.clone()));
                    self.compatible_value(item, child(actual, name), path);
                    path.pop();
                }
            }
            (Value::Set(_), Value::Set(_)) => {
                self.compatible_set(planned, actual, path, &|this, planned, actual, path| {
                    this.compatible_value(planned, actual, path);
                });
            }
            (planned, actual) => {
                if planned != actual {
                    let (planned, actual) = (self.show(path, planned), self.show(path, actual));
                    self.add(path, format!("was {planned}, but now {actual}"));
                }
            }
        }
    }

    /// Every element must go with some element of the other side, and there must not be more than planned.
    fn compatible_set(
        &mut self,
        planned: &Value,
        actual: &Value,
        path: &mut Path,
        compare: &dyn Fn(&mut Self, &Value, &Value, &mut Path),
    ) {
        let (planned_items, actual_items) = (
            planned.elements().unwrap_or_default(),
            actual.elements().unwrap_or_default(),
        );
        let goes_with = |planned: &Value, actual: &Value, path: &mut Path| {
            if planned == actual {
                return true;
            }
            let mut trial = Findings::new(self.schema, self.rule);
            compare(&mut trial, planned, actual, path);
            trial.found.is_empty()
        };
        let missing = planned_items
            .iter()
            .filter(|planned| !actual_items.iter().any(|actual| goes_with(planned, actual, path)))
            .collect::<Vec<_>>();
        let extra = actual_items
            .iter()
            .filter(|actual| {
                !planned_items
                    .iter()
                    .any(|planned| goes_with(planned, actual, path))
            })
            .collect::<Vec<_>>();
        for item in &missing {
            let item = self.show(path, item);
            self.add(
                path,
                format!("planned set element {item} does not correlate with any element in actual"),
            );
        }
        // Core names only one side, to not say everything twice.
        if missing.is_empty() {
            for item in extra {
                let item = self.show(path, item);
                self.add(
                    path,
                    format!("actual set element {item} does not correlate with any element in plan"),
                );
            }
        }
        let (_, most) = super::planned::count_range(planned);
        let (least, _) = super::planned::count_range(actual);
        if least > most {
            self.add(path, format!("length changed from {most} to {least}"));
        }
    }
}
