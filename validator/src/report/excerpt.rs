//! Source lines as reports may show them: without anything that could be a secret.

use crate::finding::Family;
use crate::secrets;
use crate::source::locate::Span;

/// What stands for a value that is not shown.
pub const HIDDEN: &str = "***";

/// A line of source that may be printed.
///
/// In findings about credentials, every string of the line is hidden (not the labels of a block's first line). In others, a line
/// that holds something of the structure of a secret is hidden the same way.
#[must_use]
pub fn line(span: &Span, family: Family) -> String {
    let suspicious = family == Family::StaticCredentials
        || family == Family::StateBackend
        || !secrets::structural(&span.text).is_empty()
        || telling(&span.text);
    if !suspicious || span.header && secrets::structural(&span.text).is_empty() {
        return span.text.clone();
    }
    hide(&span.text)
}

/// True when the line gives a value to a name that tells of a secret.
fn telling(text: &str) -> bool {
    let name = text
        .split(['=', ':'])
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    secrets::inspect(name, "").is_empty()
        && ["password", "secret", "token", "key", "credential", "passwd"]
            .iter()
            .any(|w| name.to_ascii_lowercase().contains(w))
}

/// The text with the content of every quoted string replaced; an unquoted value (in a heredoc, say) after the first `=` or `:` too.
#[must_use]
pub fn hide(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if !text.contains('"') {
        let Some(at) = text.find(['=', ':']) else {
            let indent = text.len() - text.trim_start().len();
            return format!("{}{HIDDEN}", &text[..indent]);
        };
        let value = text[at + 1..].trim();
        // A reference, a number or a boolean says nothing; anything else may be the secret itself.
        let plain = value.is_empty()
            || value.starts_with("<<")
            || value.starts_with('{')
            || value.starts_with('[')
            || [
                "var.", "local.", "data.", "module.", "file(", "each.", "true", "false", "null",
            ]
            .iter()
            .any(|p| value.starts_with(p));
        if plain {
            return text.to_owned();
        }
        return format!("{} {HIDDEN}", &text[..=at]);
    }
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        out.push(c);
        if c != '"' {
            continue;
        }
        let mut escaped = false;
        let mut closed = false;
        let mut any = false;
        for c in chars.by_ref() {
            if !escaped && c == '"' {
                closed = true;
                break;
            }
            escaped = !escaped && c == '\\';
            any = true;
        }
        if any {
            out.push_str(HIDDEN);
        }
        if closed {
            out.push('"');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_hidden_and_names_are_not() {
        assert_eq!(
            hide(r#"  access_key = "AKIAQ" # "x""#),
            r#"  access_key = "***" # "***""#
        );
        assert_eq!(hide(r#"  password = "a\"b""#), r#"  password = "***""#);
        assert_eq!(
            hide("export AWS_SECRET_ACCESS_KEY=abc"),
            "export AWS_SECRET_ACCESS_KEY= ***"
        );
        assert_eq!(hide("  token = var.token"), "  token = var.token");
        assert_eq!(hide("  MIIEowIBAAKCAQEA"), "  ***");
        assert_eq!(hide(r#"  x = "unterminated"#), r#"  x = "***"#);
    }
}
