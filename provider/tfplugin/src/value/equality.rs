//! When two values are the same.

use std::cmp::Ordering;

use super::Value;

impl Value {
    /// Equality that ignores refinements of unknown values: what Terraform compares a plan with.
    pub fn same(&self, other: &Value) -> bool {
        self == other || (!self.is_wholly_known() && self.unrefined() == other.unrefined())
    }

    /// This value with the refinements of every unknown taken away.
    #[must_use]
    pub fn unrefined(&self) -> Value {
        self.map_leaves(&mut |leaf| match leaf {
            Value::Unknown(_) => Value::unknown(),
            leaf => leaf.clone(),
        })
    }

    fn rank(&self) -> u8 {
        match self {
            Value::Null => 0,
            Value::Unknown(_) => 1,
            Value::Bool(_) => 2,
            Value::Number(_) => 3,
            Value::String(_) => 4,
            Value::List(_) => 5,
            Value::Set(_) => 6,
            Value::Tuple(_) => 7,
            Value::Map(_) => 8,
            Value::Object(_) => 9,
            Value::Dynamic(_) => 10,
        }
    }
}

/// The elements of a set in an order of their own, duplicates of known values left out.
fn members(elements: &[Value]) -> Vec<&Value> {
    let mut sorted: Vec<&Value> = elements.iter().collect();
    sorted.sort();
    // Two elements that are not known yet may still turn out to differ.
    sorted.dedup_by(|a, b| a == b && a.is_wholly_known());
    sorted
}

/// An order without meaning in itself, agreeing with equality.
impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Value::Unknown(left), Value::Unknown(right)) => left.cmp(right),
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::Number(left), Value::Number(right)) => left.cmp(right),
            (Value::String(left), Value::String(right)) => left.cmp(right),
            (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
                left.cmp(right)
            }
            (Value::Set(left), Value::Set(right)) => members(left).cmp(&members(right)),
            (Value::Map(left), Value::Map(right)) | (Value::Object(left), Value::Object(right)) => {
                left.cmp(right)
            }
            (Value::Dynamic(left), Value::Dynamic(right)) => left.cmp(right),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Value::List(left), Value::List(right)) | (Value::Tuple(left), Value::Tuple(right)) => {
                left == right
            }
            (Value::Map(left), Value::Map(right)) | (Value::Object(left), Value::Object(right)) => {
                left == right
            }
            (Value::String(left), Value::String(right)) => left == right,
            _ => self.cmp(other) == Ordering::Equal,
        }
    }
}

impl Eq for Value {}
