//! A JSON reader that remembers where things stand and refuses what other readers quietly accept.
//!
//! A policy with two `Action` keys in one statement means whatever the reader makes of it; readers differ, and AWS refuses
//! the document. This one refuses it too, and names line and column, which is what a person who fixes the document needs.

use std::borrow::Cow;
use std::fmt;

/// Where something stands in a document: line and column from 1 (columns count characters), and the byte offset.
#[derive(Debug, Clone, Copy, Default)]
pub struct Place {
    /// Line, from 1. 0 in a document that was built rather than read.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte offset, from 0.
    pub offset: u32,
}

/// Where a statement stands is not part of what it says: places are always equal.
impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

impl Eq for Place {}

impl std::hash::Hash for Place {
    fn hash<H: std::hash::Hasher>(&self, _: &mut H) {}
}

impl fmt::Display for Place {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            out.write_str("built in memory")
        } else {
            write!(out, "line {}, column {}", self.line, self.column)
        }
    }
}

/// Why a document could not be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct ParseError {
    /// The place of the offending character, or of the element with the wrong shape.
    pub place: Place,
    /// What is wrong, in words for the author of the document.
    pub what: String,
}

/// A value, where it begins, and how it is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node<'a> {
    pub(crate) value: Value<'a>,
    pub(crate) at: Place,
    pub(crate) json: &'a str,
}

/// A JSON value. Numbers keep their spelling: a policy's numbers are compared as text by most operators.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    Object(Vec<Member<'a>>),
}

/// One `"key": value`, with the place of its key.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) at: Place,
    pub(crate) node: Node<'a>,
}

impl Value<'_> {
    /// What it is, with its article, for messages.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::Text(_) => "a string",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// Deeper than any policy; bounds the recursion on hostile input.
const DEEPEST: usize = 32;

/// The place of a byte offset, found by counting from the start: for the one error that ends the reading.
pub(crate) fn place(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    let line = before.bytes().filter(|b| *b == b'\n').count() as u32 + 1;
    let column = before[line_start..].chars().count() as u32 + 1;
    Place {
        line,
        column,
        offset: offset as u32,
    }
}

/// Reads one JSON document.
pub(crate) fn read(text: &str) -> Result<Node<'_>, ParseError> {
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        continuations: 0,
    };
    if text.starts_with('\u{feff}') {
        reader.at = '\u{feff}'.len_utf8();
        reader.continuations = reader.at - 1;
    }
    reader.space();
    if reader.peek().is_none() {
        return Err(reader.error(reader.at, "the document is empty"));
    }
    let node = reader.value(0)?;
    reader.space();
    match reader.peek() {
        None => Ok(node),
        Some(_) => Err(reader.error(reader.at, "text after the end of the document")),
    }
}

/// Lines and columns are counted along the way, so that a place costs nothing however long the document is. A line can end
/// in white space only, and a character of several bytes can stand in a string only.
struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: u32,
    line_start: usize,
    /// Bytes of this line that continue a character and are no column of their own.
    continuations: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn here(&self) -> Place {
        Place {
            line: self.line,
            column: (self.at - self.line_start - self.continuations) as u32 + 1,
            offset: self.at as u32,
        }
    }

    fn error(&self, at: usize, what: impl Into<String>) -> ParseError {
        ParseError {
            place: place(self.text, at),
            what: what.into(),
        }
    }

    fn unexpected(&self, wanted: &str) -> ParseError {
        match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(c) => self.error(self.at, format!("expected {wanted}, found {c:?}")),
            None => self.error(self.at, format!("expected {wanted}, but the document ends here")),
        }
    }

    fn space(&mut self) {
        while let Some(byte @ (b' ' | b'\t' | b'\n' | b'\r')) = self.peek() {
            self.at += 1;
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.at;
                self.continuations = 0;
            }
        }
    }

    fn take(&mut self, byte: u8, wanted: &str) -> Result<(), ParseError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected(wanted))
    }

    fn value(&mut self, depth: usize) -> Result<Node<'a>, ParseError> {
        if depth > DEEPEST {
            return Err(self.error(self.at, format!("nested more than {DEEPEST} levels deep")));
        }
        let (at, start) = (self.here(), self.at);
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(b'-' | b'0'..=b'9') => self.number()?,
            _ => self.word()?,
        };
        Ok(Node {
            value,
            at,
            json: &self.text[start..self.at],
        })
    }

    fn object(&mut self, depth: usize) -> Result<Value<'a>, ParseError> {
        self.at += 1;
        let mut members: Vec<Member<'a>> = Vec::new();
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Object(members));
        }
        loop {
            self.space();
            let at = self.here();
            if self.peek() != Some(b'"') {
                return Err(self.unexpected("a key in double quotes"));
            }
            let key = self.string()?;
            if members.iter().any(|member| member.key == key) {
                return Err(ParseError {
                    place: at,
                    what: format!("the key {key:?} is written twice in one object"),
                });
            }
            self.space();
            self.take(b':', "`:` after the key")?;
            self.space();
            let node = self.value(depth + 1)?;
            members.push(Member { key, at, node });
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(Value::Object(members));
                }
                _ => return Err(self.unexpected("`,` or `}`")),
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Value<'a>, ParseError> {
        self.at += 1;
        let mut nodes = Vec::new();
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(nodes));
        }
        loop {
            self.space();
            nodes.push(self.value(depth + 1)?);
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(Value::List(nodes));
                }
                _ => return Err(self.unexpected("`,` or `]`")),
            }
        }
    }

    fn word(&mut self) -> Result<Value<'a>, ParseError> {
        let rest = &self.text[self.at..];
        for (word, value) in [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("null", Value::Null),
        ] {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("a value"))
    }

    fn number(&mut self) -> Result<Value<'a>, ParseError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let number = &self.text[start..self.at];
        // The standard library reads more than JSON allows, such as `1.e5`, but knows what is too large.
        let well_formed = is_number(number) && number.parse::<f64>().is_ok_and(f64::is_finite);
        if !well_formed {
            return Err(self.error(start, format!("{number} is not a JSON number")));
        }
        Ok(Value::Number(number))
    }

    fn string(&mut self) -> Result<Cow<'a, str>, ParseError> {
        let open = self.at;
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut run = self.at;
        loop {
            let rest = &self.text.as_bytes()[self.at..];
            let Some(plain) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..=0x1f)) else {
                return Err(self.error(open, "the string that begins here has no end"));
            };
            self.at += plain;
            match rest[plain] {
                b'"' => {
                    let last = &self.text[run..self.at];
                    self.at += 1;
                    self.continuations += continuations(&self.text[open..self.at]);
                    return Ok(match owned {
                        None => Cow::Borrowed(last),
                        Some(mut text) => {
                            text.push_str(last);
                            Cow::Owned(text)
                        }
                    });
                }
                b'\\' => {
                    let text = owned.get_or_insert_with(String::new);
                    text.push_str(&self.text[run..self.at]);
                    let escaped = self.escape()?;
                    if let Some(text) = &mut owned {
                        text.push(escaped);
                    }
                    run = self.at;
                }
                control => {
                    return Err(self.error(
                        self.at,
                        format!("control character U+{control:04X} in a string; write it as an escape"),
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, ParseError> {
        let start = self.at;
        self.at += 1;
        let kind = self.peek();
        self.at += 1;
        Ok(match kind {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                let first = self.hex(start)?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first)
                        .ok_or_else(|| self.error(start, "half of a surrogate pair"));
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.error(start, "half of a surrogate pair"));
                }
                self.at += 2;
                let second = self.hex(start)?;
                if !(0xdc00..0xe000).contains(&second) {
                    return Err(self.error(start, "half of a surrogate pair"));
                }
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                char::from_u32(code).ok_or_else(|| self.error(start, "not a character"))?
            }
            _ => {
                self.at = start;
                return Err(self.error(start, "unknown escape in a string"));
            }
        })
    }

    fn hex(&mut self, start: usize) -> Result<u32, ParseError> {
        let digits = self
            .text
            .get(self.at..self.at + 4)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.error(start, "`\\u` needs four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }
}

/// How many bytes of a text continue a character.
fn continuations(text: &str) -> usize {
    if text.is_ascii() {
        return 0;
    }
    text.len() - text.chars().count()
}

/// Whether a text is a number by the grammar of RFC 8259, section 6.
fn is_number(text: &str) -> bool {
    fn after_digits(text: &str) -> Option<&str> {
        let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
        (rest.len() < text.len()).then_some(rest)
    }
    fn after_number(text: &str) -> Option<&str> {
        let integer = text.strip_prefix('-').unwrap_or(text);
        let rest = integer.strip_prefix('0').or_else(|| after_digits(integer))?;
        let rest = match rest.strip_prefix('.') {
            Some(fraction) => after_digits(fraction)?,
            None => rest,
        };
        match rest.strip_prefix(['e', 'E']) {
            Some(exponent) => after_digits(exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
            None => Some(rest),
        }
    }
    after_number(text) == Some("")
}

/// Writes a string with the escapes JSON needs and no others.
pub(crate) fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if (control as u32) < 0x20 => out.push_str(&format!("\\u{:04x}", control as u32)),
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn says_where_and_why_a_document_cannot_be_read() {
        assert_eq!(refused(""), "line 1, column 1: the document is empty");
        assert_eq!(
            refused("{\n  \"a\": 1,\n  \"a\": 2\n}"),
            "line 3, column 3: the key \"a\" is written twice in one object"
        );
        assert_eq!(
            refused("{\"a\": [1,}"),
            "line 1, column 10: expected a value, found '}'"
        );
        assert_eq!(
            refused("{\"a\""),
            "line 1, column 5: expected `:` after the key, but the document ends here"
        );
        assert_eq!(
            refused("\"ä\" x"),
            "line 1, column 5: text after the end of the document"
        );
        assert_eq!(
            refused("\"abc"),
            "line 1, column 1: the string that begins here has no end"
        );
        assert!(refused(&"[".repeat(100_000)).contains("nested more than 32 levels deep"));
        assert!(refused("\"\\ud800x\"").contains("surrogate"));
    }

    #[test]
    fn reads_the_numbers_of_rfc_8259_and_no_others() {
        for number in ["0", "-0", "10", "0.5", "-1.25e+7", "1E5", "0e0", "1e-400"] {
            assert_eq!(read(number).unwrap().value, Value::Number(number));
        }
        for number in [
            "01", "-", "-01", "1.", "0.E0", "1.e5", "-.5", "1e", "1e+", "--1", "1-2", "1e400",
        ] {
            assert!(refused(number).contains("not a JSON number"), "{number}");
        }
    }

    /// Every node and key with the place that counting from the start gives it.
    fn assert_places(text: &str, node: &Node<'_>) {
        let same = |at: Place| {
            let counted = place(text, at.offset as usize);
            assert_eq!((at.line, at.column), (counted.line, counted.column), "{text:?}");
        };
        same(node.at);
        assert!(text[node.at.offset as usize..].starts_with(node.json), "{text:?}");
        match &node.value {
            Value::List(nodes) => nodes.iter().for_each(|node| assert_places(text, node)),
            Value::Object(members) => members.iter().for_each(|member| {
                same(member.at);
                assert_places(text, &member.node);
            }),
            _ => {}
        }
    }

    #[test]
    fn places_count_characters_after_a_byte_order_mark_and_wide_text() {
        let text = "\u{feff}{\"ä\": [\"\u{fffc}😀\", 1,\r\n\"ß\", 2], \"k\": {\n\n \"x\\u00e4ö\": [3]}}";
        assert_places(text, &read(text).unwrap());
    }

    proptest! {
        #[test]
        fn agrees_with_serde_json_on_random_text(text in r#"[\[\]{}:,"\\a0-9.eEu \n-]{0,24}"#) {
            // Stricter about duplicate keys only.
            if read(&text).is_ok() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
            } else if serde_json::from_str::<serde_json::Value>(&text).is_ok() {
                prop_assert!(refused(&text).contains("twice"), "{text}: {}", refused(&text));
            }
        }

        #[test]
        fn places_are_those_that_counting_gives(text in r#"[ \n]{0,3}\[([ \n]{0,2}("[aä😀\u{fffc}]{0,3}"|\{ ?"ö" ?:\n?1\}),){0,4}[ \n]{0,2}0\]"#) {
            assert_places(&text, &read(&text).unwrap());
        }

        #[test]
        fn strings_read_back_as_written(text in any::<String>()) {
            let mut out = String::new();
            write_string(&mut out, &text);
            prop_assert_eq!(read(&out).unwrap().value, Value::Text(text.into()));
        }
    }
}
