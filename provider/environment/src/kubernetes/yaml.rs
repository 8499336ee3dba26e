//! Values as YAML, in a form that never changes by itself.
//!
//! The text lands in Terraform's state: a library that lays it out differently in its next version would show a change of
//! every environment. So the little that is needed is written here: block maps and lists, strings always quoted as in
//! JSON, which YAML 1.2 takes as they are (<https://yaml.org/spec/1.2.2/#13-terminology>).

use std::fmt::Write;

use serde_json::Value;

/// Documents of one file, parted by `---`.
pub(super) fn documents(values: &[Value]) -> String {
    let mut text = String::new();
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            text.push_str("---\n");
        }
        write(&mut text, value, 0);
    }
    text
}

/// Writes a value whose first line the caller has indented.
fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (at, (key, value)) in fields.iter().enumerate() {
                indent(text, if at == 0 { 0 } else { depth });
                text.push_str(&key_text(key));
                text.push(':');
                if is_block(value) {
                    text.push('\n');
                    indent(text, depth + 1);
                    write(text, value, depth + 1);
                } else {
                    line(text, value);
                }
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                indent(text, if at == 0 { 0 } else { depth });
                text.push('-');
                if is_block(item) {
                    text.push(' ');
                    write(text, item, depth + 1);
                } else {
                    line(text, item);
                }
            }
        }
        scalar => line(text, scalar),
    }
}

/// Whether a value takes lines of its own.
fn is_block(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn line(text: &mut String, scalar: &Value) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, " {scalar}");
}

fn indent(text: &mut String, depth: usize) {
    for _ in 0..depth {
        text.push_str("  ");
    }
}

/// Keys of the Kubernetes API are plain words; what is not (a label) is quoted.
fn key_text(key: &str) -> String {
    if !key.is_empty()
        && key.chars().all(|c| c.is_ascii_alphanumeric())
        && !matches!(
            key,
            "y" | "n" | "on" | "off" | "yes" | "no" | "true" | "false" | "null"
        )
    {
        key.to_owned()
    } else {
        Value::from(key).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn maps_lists_and_scalars_stand_in_blocks() {
        let text = documents(&[
            json!({ "kind": "Role", "rules": [{ "verbs": ["get"], "apiGroups": [""] }], "spec": {}, "n": 1 }),
            json!({ "metadata": { "labels": { "mlops/environment": "a: b # c" } } }),
        ]);
        assert_eq!(
            text,
            "kind: \"Role\"\n\"n\": 1\nrules:\n  - apiGroups:\n      - \"\"\n    verbs:\n      - \"get\"\nspec: {}\n---\nmetadata:\n  \
             labels:\n    \"mlops/environment\": \"a: b # c\"\n"
        );
    }
}
