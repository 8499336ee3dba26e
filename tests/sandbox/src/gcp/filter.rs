//! `filter` of Compute Engine's lists: `FIELD eq|ne REGEX`, where a whole text field matches an RE2 expression, or `FIELD = VALUE`,
//! `FIELD != VALUE`.
//!
//! <https://cloud.google.com/compute/docs/reference/rest/v1/firewalls/list>, query parameter `filter`. Other forms (`AND`, `:`,
//! parentheses) are not carried and refused.

use regex::Regex;
use serde_json::Value;

use super::refuse::{invalid, not_carried};
use crate::answer::Refusal;

/// What an item must be to be listed.
#[derive(Debug)]
pub(super) struct Filter {
    field: String,
    wanted: Regex,
    equal: bool,
}

impl Filter {
    /// Reads one; an empty filter lets everything through.
    ///
    /// # Errors
    /// 400 for an expression that is none, 501 for one in a form that is not carried.
    pub(super) fn read(text: &str) -> Result<Option<Self>, Refusal> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        let mut words = text.splitn(3, char::is_whitespace);
        let (Some(field), Some(operator), Some(value)) = (words.next(), words.next(), words.next()) else {
            return Err(unreadable(text));
        };
        let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
        let plain = field
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || letter == '.');
        if !plain || (quoted.is_none() && value.contains([' ', '(', ')', '"'])) {
            return Err(not_carried(&format!("filter {text}")));
        }
        let value = quoted.unwrap_or(value);
        let (equal, wanted) = match operator {
            "eq" | "ne" => (operator == "eq", format!("^(?:{value})$")),
            "=" | "!=" => (operator == "=", format!("^{}$", regex::escape(value))),
            _ => return Err(not_carried(&format!("filter {text}"))),
        };
        let wanted = Regex::new(&wanted).map_err(|_| unreadable(text))?;
        Ok(Some(Self {
            field: field.to_owned(),
            wanted,
            equal,
        }))
    }

    /// Whether an item is listed. A field that is not there is empty.
    pub(super) fn lets_through(&self, item: &Value) -> bool {
        let field = item.pointer(&format!("/{}", self.field.replace('.', "/")));
        let text = match field {
            None => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        self.wanted.is_match(&text) == self.equal
    }
}

/// Words of Compute Engine's.
fn unreadable(text: &str) -> Refusal {
    invalid(format!(
        "Invalid value for field 'filter': '{text}'. Invalid list filter expression."
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn expressions_match_whole_fields_and_others_are_refused() {
        let item = json!({"name": "k8s-fw-a1", "description": "two\nlines", "priority": 1000, "logConfig": {"enable": false}});
        let lets = |filter: &str| Filter::read(filter).unwrap().unwrap().lets_through(&item);
        for through in [
            "name eq k8s-.*",
            "name eq \"k8s-fw-a1|other\"",
            "name = k8s-fw-a1",
            "priority = 1000",
            "logConfig.enable eq false",
            "network eq \"\"",
            "name ne k8s",
            "name != k8s-.*",
        ] {
            assert!(lets(through), "{through}");
        }
        for kept in [
            "name eq k8s",
            "name = k8s-.*",
            "name ne .*",
            "description eq two.lines",
        ] {
            assert!(!lets(kept), "{kept}");
        }
        assert!(Filter::read("  ").unwrap().is_none());
        for (refused, status) in [
            ("name", 400),
            ("name eq (", 501),
            ("name eq \"(\"", 400),
            ("(name eq a) (name eq b)", 501),
            ("name : k8s*", 501),
            ("name = a AND priority = 1", 501),
        ] {
            assert_eq!(Filter::read(refused).unwrap_err().status, status, "{refused}");
        }
    }
}
