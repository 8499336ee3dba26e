//! AWS's published API descriptions: which operations there are, how they travel, and what their members may hold.
//!
//! The data below `data/aws/` is trimmed from botocore (Apache-2.0) by `data/trim_aws.py`; each file names its source. A
//! description is read when its service is called for the first time, and then kept for the whole process.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use indexmap::IndexMap;
use regex::Regex;
use serde::Deserialize;

/// A service.
#[derive(Debug, Deserialize)]
pub struct Service {
    /// How its calls travel.
    pub metadata: Metadata,
    /// Operations by name.
    pub operations: BTreeMap<String, Operation>,
    /// Shapes by name.
    pub shapes: HashMap<String, Shape>,
    /// Its name in signatures and endpoints: `eks`.
    #[serde(skip)]
    pub name: &'static str,
}

/// How the calls of a service travel.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The protocol.
    pub protocol: Protocol,
    /// Version of the API, a date.
    pub api_version: String,
    /// Before the operation in `X-Amz-Target`.
    #[serde(default)]
    pub target_prefix: String,
    /// Namespace of XML answers.
    #[serde(default)]
    pub xml_namespace: String,
}

/// AWS's protocols: <https://smithy.io/2.0/aws/protocols/index.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// Path, query and headers; JSON bodies.
    RestJson,
    /// Path, query and headers; XML bodies.
    RestXml,
    /// A form; XML answers.
    Query,
    /// The same in EC2's own way.
    Ec2,
    /// `X-Amz-Target`; JSON bodies.
    Json,
}

/// An operation.
#[derive(Debug, Deserialize)]
pub struct Operation {
    /// Its name.
    pub name: String,
    /// Verb and path.
    pub http: Http,
    /// What it is given.
    pub input: Option<Member>,
    /// What it answers.
    pub output: Option<Member>,
    /// How it may refuse.
    #[serde(default)]
    pub errors: Vec<Member>,
}

/// Verb and path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Http {
    /// Verb.
    pub method: String,
    /// `/clusters/{name}?query`, `/{Bucket}/{Key+}`.
    pub request_uri: String,
    /// Status of success.
    #[serde(default = "ok")]
    pub response_code: u16,
}

fn ok() -> u16 {
    200
}

/// A place that holds a shape: a member, a list's element, an operation's input or output.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// Name of the shape.
    pub shape: String,
    /// Where it travels.
    #[serde(default)]
    pub location: Location,
    /// Its name there, if another than the member's.
    pub location_name: Option<String>,
    /// Lists and maps without an element around them.
    #[serde(default)]
    pub flattened: bool,
    /// An attribute of the element.
    #[serde(default)]
    pub xml_attribute: bool,
    /// The element around an output.
    pub result_wrapper: Option<String>,
    /// Of a timestamp, if another than the protocol's.
    pub timestamp_format: Option<String>,
}

/// Where a member travels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Location {
    /// In the body.
    #[default]
    Body,
    /// A segment of the path.
    Uri,
    /// A query parameter.
    #[serde(rename = "querystring")]
    Query,
    /// A header.
    Header,
    /// All headers with a prefix.
    Headers,
    /// The status.
    StatusCode,
}

/// What a value looks like.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Shape {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Members of a structure, in the order in which XML writes them.
    #[serde(default)]
    pub members: IndexMap<String, Member>,
    /// Members that must be there.
    #[serde(default)]
    pub required: Vec<String>,
    /// Elements of a list.
    pub member: Option<Box<Member>>,
    /// Keys of a map.
    pub key: Option<Box<Member>>,
    /// Values of a map.
    pub value: Option<Box<Member>>,
    /// Values of an enumeration.
    #[serde(rename = "enum", default)]
    pub values: Vec<String>,
    /// Least number, length or count.
    pub min: Option<f64>,
    /// Greatest number, length or count.
    pub max: Option<f64>,
    /// What a string looks like.
    pub pattern: Option<String>,
    /// The member that is the whole body.
    pub payload: Option<String>,
    /// A list or map without an element around it.
    #[serde(default)]
    pub flattened: bool,
    /// Name of the element.
    pub location_name: Option<String>,
    /// Of a timestamp, if another than the protocol's.
    pub timestamp_format: Option<String>,
    /// Code and status of an error.
    #[serde(default)]
    pub error: ErrorTraits,
    /// Exactly one member is given.
    #[serde(default)]
    pub union: bool,
    /// Never shown.
    #[serde(default)]
    pub sensitive: bool,
}

/// Code and status of an error.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorTraits {
    /// The code, if another than the shape's name.
    pub code: Option<String>,
    /// HTTP status.
    pub http_status_code: Option<u16>,
}

/// Kinds of shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// Named members.
    Structure,
    /// Elements.
    List,
    /// Keys and values.
    Map,
    /// Text.
    String,
    /// 32 bits.
    Integer,
    /// 64 bits.
    Long,
    /// A fraction.
    Double,
    /// A fraction.
    Float,
    /// Yes or no.
    Boolean,
    /// A moment.
    Timestamp,
    /// Bytes.
    Blob,
}

impl Service {
    /// A shape by name.
    ///
    /// # Panics
    /// Where the data names a shape that it does not hold: `every_shape_is_there` tests that it never does.
    #[allow(clippy::panic, reason = "the embedded data is closed, which a test shows")]
    pub fn shape(&self, name: &str) -> &Shape {
        self.shapes
            .get(name)
            .unwrap_or_else(|| panic!("{}'s description lacks the shape {name}", self.name))
    }

    /// The input's shape.
    pub fn input(&self, operation: &Operation) -> Option<&Shape> {
        operation.input.as_ref().map(|input| self.shape(&input.shape))
    }

    /// The output's shape.
    pub fn output(&self, operation: &Operation) -> Option<&Shape> {
        operation.output.as_ref().map(|output| self.shape(&output.shape))
    }

    /// An error of this operation by the code on the wire.
    pub fn error(&self, operation: &Operation, code: &str) -> Option<&Shape> {
        operation
            .errors
            .iter()
            .map(|error| (error, self.shape(&error.shape)))
            .find(|(error, shape)| shape.error.code.as_deref().unwrap_or(&error.shape) == code)
            .map(|(_, shape)| shape)
    }
}

impl Metadata {
    /// Whether bodies are JSON.
    pub fn json(&self) -> bool {
        matches!(self.protocol, Protocol::Json | Protocol::RestJson)
    }
}

macro_rules! embedded {
    ($($name:literal),* $(,)?) => {
        /// Services that are described, by their name in signatures.
        pub const SERVICES: &[&str] = &[$($name),*];

        fn slot(name: &str) -> Option<(&'static str, &'static str, &'static OnceLock<Service>)> {
            match name {
                $($name => {
                    static SLOT: OnceLock<Service> = OnceLock::new();
                    Some(($name, include_str!(concat!("../../data/aws/", $name, ".json")), &SLOT))
                })*
                _ => None,
            }
        }
    };
}

embedded!(
    "budgets",
    "ec2",
    "ecr",
    "eks",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sts"
);

/// The description of a service by its name in signatures (`eks`, `secretsmanager`).
///
/// # Panics
/// Where the embedded data is not a description: `every_shape_is_there` tests that it always is.
#[allow(
    clippy::panic,
    reason = "the embedded data is a description, which a test shows"
)]
pub fn service(name: &str) -> Option<&'static Service> {
    let (name, text, slot) = slot(name)?;
    Some(slot.get_or_init(|| {
        let mut service: Service =
            serde_json::from_str(text).unwrap_or_else(|error| panic!("data/aws/{name}.json: {error}"));
        service.name = name;
        service
    }))
}

/// The pattern as a regular expression over the whole string, compiled once; `None` for one that this crate's engine lacks
/// (a look-ahead): such a string's pattern stays unchecked.
///
/// The descriptions write Java's dialect: `\w`, `\d` and `\s` mean ASCII, and `\u10000` a code point of five digits. A
/// pattern always speaks of the whole string, with anchors or without
/// (<https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html>: `RoleName` `[\w+=,.@-]+` allows no space).
pub fn pattern(source: &'static str) -> Option<&'static Regex> {
    static COMPILED: LazyLock<Mutex<HashMap<&'static str, Option<&'static Regex>>>> =
        LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    *compiled.entry(source).or_insert_with(|| {
        Regex::new(&translated(source))
            .ok()
            .map(|regex| &*Box::leak(Box::new(regex)))
    })
}

fn translated(source: &str) -> String {
    let mut text = String::with_capacity(source.len() + 16);
    let mut characters = source.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        match characters.next() {
            Some((_, 'w')) => text.push_str("[0-9A-Za-z_]"),
            Some((_, 'd')) => text.push_str("[0-9]"),
            Some((_, 's')) => text.push_str(r"[\t\n\x0B\f\r ]"),
            Some((_, 'S')) => text.push_str(r"[^\t\n\x0B\f\r ]"),
            Some((_, 'u')) => {
                let digits = source[at + 2..]
                    .chars()
                    .take_while(char::is_ascii_hexdigit)
                    .count();
                let long = source[at + 2..].starts_with("10");
                let length = match digits {
                    6.. if source[at + 2..].starts_with("10FFFF") => 6,
                    5.. if long => 5,
                    _ => digits.min(4),
                };
                text.push_str(&format!(r"\u{{{}}}", &source[at + 2..at + 2 + length]));
                for _ in 0..length {
                    characters.next();
                }
            }
            Some((_, other @ ('/' | ':' | '@' | '=' | '_' | '%' | ',' | '"' | '\'' | '<' | '>'))) => {
                // Escapes that mean the character itself; some are no escapes in this crate's dialect.
                text.push(other);
            }
            Some((_, other)) => {
                text.push('\\');
                text.push(other);
            }
            None => text.push('\\'),
        }
    }
    format!(r"\A(?:{text})\z")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(shape: &Shape) -> impl Iterator<Item = &Member> {
        shape
            .members
            .values()
            .chain(shape.member.as_deref())
            .chain(shape.key.as_deref())
            .chain(shape.value.as_deref())
    }

    #[test]
    fn every_shape_is_there() {
        for name in SERVICES {
            let service = service(name).unwrap();
            for operation in service.operations.values() {
                for place in operation
                    .input
                    .iter()
                    .chain(&operation.output)
                    .chain(&operation.errors)
                {
                    assert!(
                        service.shapes.contains_key(&place.shape),
                        "{name}: {}",
                        place.shape
                    );
                }
            }
            for shape in service.shapes.values() {
                for member in members(shape) {
                    assert!(
                        service.shapes.contains_key(&member.shape),
                        "{name}: {}",
                        member.shape
                    );
                }
                for required in &shape.required {
                    assert!(shape.members.contains_key(required), "{name}: {required}");
                }
            }
        }
    }

    #[test]
    fn patterns_are_understood_but_for_look_ahead() {
        let lost: Vec<&str> = SERVICES
            .iter()
            .flat_map(|name| service(name).unwrap().shapes.values())
            .filter_map(|shape| shape.pattern.as_deref())
            .filter(|source| pattern(source).is_none())
            .collect();
        assert_eq!(
            lost,
            [
                // Names of budgets; the alias of an account.
                r"^(?![^:\\]*/action/|(?i).*<script>.*</script>.*)[^:\\]+$",
                r"^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$",
            ]
        );
    }

    #[test]
    fn a_pattern_speaks_of_the_whole_string_in_ascii() {
        let role = pattern(r"[\w+=,.@-]+").unwrap();
        assert!(role.is_match("mlops-role_1@x"));
        for refused in ["two words", "", "café", "line\n"] {
            assert!(!role.is_match(refused), "{refused:?}");
        }
        let description = pattern(r"[\u0009\u000A\u000D\u0020-\u007E\u00A1-\u00FF]*").unwrap();
        assert!(description.is_match("café\n"));
        assert!(!description.is_match("–"));
        let wide = pattern(r"[\u0020-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+").unwrap();
        assert!(wide.is_match("🦀 0"));
    }
}
