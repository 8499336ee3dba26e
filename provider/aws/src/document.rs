//! JSON documents as the services keep them, compared with the ones we want.

use serde_json::Value;

/// The text to report for a document found where `wanted` is wanted.
///
/// Services re-order keys, add white space and (IAM) escape. A document that says the same as the wanted one is reported
/// in the wanted one's words; any other in canonical ones: sorted keys, no white space.
pub(crate) fn reported(found: &str, wanted: &str) -> String {
    let Ok(parsed) = serde_json::from_str::<Value>(found) else {
        return found.to_owned();
    };
    match serde_json::from_str::<Value>(wanted) {
        Ok(ours) if meaning(&ours) == meaning(&parsed) => wanted.to_owned(),
        _ => sorted(&parsed).to_string(),
    }
}

/// Undoes IAM's URL encoding of documents (RFC 3986).
///
/// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetRolePolicy.html>
pub(crate) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .filter(|_| bytes[at] == b'%')
            .and_then(|pair| std::str::from_utf8(pair).ok())
            .and_then(|pair| u8::from_str_radix(pair, 16).ok());
        plain.push(hex.unwrap_or(bytes[at]));
        at += if hex.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&plain).into_owned()
}

/// Same meaning, same value: one string and a list of one are the same to AWS's policy language, and lists of strings are
/// sets.
fn meaning(value: &Value) -> Value {
    match value {
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(meaning).collect();
            if items.iter().all(Value::is_string) {
                items.sort_by(|left, right| left.as_str().cmp(&right.as_str()));
                items.dedup();
            }
            match <[Value; 1]>::try_from(items) {
                Ok([only]) => only,
                Err(items) => Value::Array(items),
            }
        }
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| key.as_str());
            Value::Object(
                keys.into_iter()
                    .map(|(key, value)| (key.clone(), meaning(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        Value::Object(map) => {
            let mut keys: Vec<_> = map.iter().collect();
            keys.sort_by_key(|(key, _)| key.as_str());
            Value::Object(
                keys.into_iter()
                    .map(|(key, value)| (key.clone(), sorted(value)))
                    .collect(),
            )
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_the_wanted_words_for_the_same_meaning() {
        let wanted = r#"{"Version":"2012-10-17","Statement":[{"Action":["b","a"],"Effect":"Allow"}]}"#;
        let found = "{\n \"Statement\": {\"Effect\": \"Allow\", \"Action\": [\"a\", \"b\"]},\n \"Version\": \"2012-10-17\"}";
        assert_eq!(reported(found, wanted), wanted);
    }

    #[test]
    fn reports_a_difference_in_canonical_words() {
        assert_eq!(
            reported("{ \"b\": 1, \"a\": [2, 1] }", "{}"),
            r#"{"a":[2,1],"b":1}"#
        );
    }

    #[test]
    fn the_order_of_statements_is_kept() {
        let one = r#"[{"a":1},{"b":2}]"#;
        let other = r#"[{"b":2},{"a":1}]"#;
        assert_eq!(reported(other, one), other);
    }

    #[test]
    fn decodes_what_iam_encodes() {
        assert_eq!(decoded("%7B%22a%22%3A%20%22%C3%A4%22%7D"), r#"{"a": "ä"}"#);
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("a+b%zz"), "a+b%zz");
    }
}
