//! Members of an input that are no plain strings. What is missing or of another type counts as not given: the edge has
//! held the input against the API's description before.

use serde_json::Value;

/// The strings of a list.
pub fn texts<'a>(input: &'a Value, member: &str) -> Vec<&'a str> {
    items(input, member).iter().filter_map(Value::as_str).collect()
}

/// The strings of a list, owned.
pub fn strings(input: &Value, member: &str) -> Vec<String> {
    texts(input, member).into_iter().map(str::to_owned).collect()
}

/// A string.
pub fn text<'a>(input: &'a Value, member: &str) -> Option<&'a str> {
    input.get(member).and_then(Value::as_str)
}

/// A whole number.
pub fn number(input: &Value, member: &str) -> Option<i64> {
    input.get(member).and_then(Value::as_i64)
}

/// A truth value.
pub fn flag(input: &Value, member: &str) -> Option<bool> {
    input.get(member).and_then(Value::as_bool)
}

/// The entries of a list.
pub fn items<'a>(input: &'a Value, member: &str) -> &'a [Value] {
    input
        .get(member)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A member that is there and not null.
pub fn given<'a>(input: &'a Value, member: &str) -> Option<&'a Value> {
    input.get(member).filter(|value| !value.is_null())
}
