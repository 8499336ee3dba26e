//! What is known beside the source, as an evaluator asks for it.

use std::sync::Arc;

use crate::value::Value;

type V = Value<'static>;

/// What is known beside the source: planned values.
pub trait World {
    /// Planned values of an instance (or data source) at an instance address.
    fn instance(&self, address: &str) -> Option<Arc<V>>;
    /// Instance addresses that a block makes inside one module instance: `module.a["x"]` and `aws_iam_role.r`.
    fn instances(&self, module: &str, block: &str) -> Option<Vec<String>>;
    /// Instances of a module call inside one module instance, as paths.
    fn module_instances(&self, module: &str, call: &str) -> Vec<String>;
    /// The value of a root variable.
    fn variable(&self, name: &str) -> Option<V>;
    /// Whether there is an instance at an instance address.
    fn has_instance(&self, address: &str) -> bool {
        self.instance(address).is_some()
    }
    /// Whether there is a module instance at a path.
    fn has_module(&self, _path: &str) -> bool {
        false
    }
    /// Forgets what it keeps beside the plan, when that has become much.
    fn tidy(&self) {}
}

/// Nothing is known but the source.
#[derive(Debug)]
pub struct Nothing;

impl World for Nothing {
    fn instance(&self, _: &str) -> Option<Arc<V>> {
        None
    }
    fn instances(&self, _: &str, _: &str) -> Option<Vec<String>> {
        None
    }
    fn module_instances(&self, _: &str, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn variable(&self, _: &str) -> Option<V> {
        None
    }
}
