//! Path templates: `v1/{parent=projects/*/locations/*}/clusters`, `v1/{name=projects/*}:undelete`, `b/{bucket}/o`.

use serde::{Deserialize, Deserializer};

/// A template of a request's path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    segments: Vec<Segment>,
    /// The custom verb after the last colon.
    verb: Option<String>,
    /// A colon in the last segment is data, as in names of objects.
    plain: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// A literal inside a parameter's value.
    Within(String, String),
    /// One segment of a parameter's value.
    One(String),
    /// The rest of the path.
    Rest(String),
}

impl Template {
    /// Reads a template.
    pub fn parse(text: &str) -> Self {
        let (path, verb) = match text.rsplit_once('}') {
            Some((head, tail)) => match tail.split_once(':') {
                Some((middle, verb)) => (format!("{head}}}{middle}"), Some(verb.to_owned())),
                None => (text.to_owned(), None),
            },
            None => match text.split_once(':') {
                Some((path, verb)) => (path.to_owned(), Some(verb.to_owned())),
                None => (text.to_owned(), None),
            },
        };
        let mut segments = Vec::new();
        let mut rest = path.as_str();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('{') {
                let (variable, after) = inner.split_once('}').unwrap_or((inner, ""));
                let (name, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
                segments.extend(pattern.split('/').map(|piece| match piece {
                    "*" => Segment::One(name.to_owned()),
                    "**" => Segment::Rest(name.to_owned()),
                    literal => Segment::Within(name.to_owned(), literal.to_owned()),
                }));
                rest = after.trim_start_matches('/');
            } else {
                let (literal, after) = rest.split_once('/').unwrap_or((rest, ""));
                segments.push(Segment::Literal(literal.to_owned()));
                rest = after;
            }
        }
        let plain = text.contains("storage/v1/");
        Self {
            segments,
            verb,
            plain,
        }
    }

    /// The parameters' values for a path cut at its slashes; `None` if it is another path.
    pub fn values(&self, path: &[&str]) -> Option<Vec<(String, String)>> {
        let (last, head) = path.split_last()?;
        let last = match &self.verb {
            Some(verb) => last.strip_suffix(verb.as_str())?.strip_suffix(':')?,
            None if !self.plain && last.contains(':') && !self.ends_in_rest() => return None,
            None => last,
        };
        let mut values: Vec<(String, String)> = Vec::new();
        let mut pieces = head.iter().copied().chain([last]);
        for segment in &self.segments {
            let piece = pieces.next()?;
            match segment {
                Segment::Literal(literal) if literal == piece => {}
                Segment::Within(name, literal) if literal == piece => add(&mut values, name, literal),
                Segment::One(name) if !piece.is_empty() => add(&mut values, name, &decoded(piece)),
                Segment::Rest(name) => {
                    add(&mut values, name, &decoded(piece));
                    for piece in pieces.by_ref() {
                        add(&mut values, name, &decoded(piece));
                    }
                }
                _ => return None,
            }
        }
        pieces.next().is_none().then_some(values)
    }

    /// A path that fits: `project` after `projects`, `europe-west1` for places, `x` elsewhere.
    pub(super) fn example(&self, project: &str) -> String {
        let mut pieces: Vec<&str> = Vec::new();
        for segment in &self.segments {
            let piece = match segment {
                Segment::Literal(literal) | Segment::Within(_, literal) => literal,
                Segment::One(_) | Segment::Rest(_) => match pieces.last().copied() {
                    Some("projects") => project,
                    Some("locations" | "regions") => "europe-west1",
                    Some("zones") => "europe-west1-b",
                    _ => "x",
                },
            };
            pieces.push(piece);
        }
        let path = pieces.join("/");
        match &self.verb {
            Some(verb) => format!("{path}:{verb}"),
            None => path,
        }
    }

    fn ends_in_rest(&self) -> bool {
        matches!(self.segments.last(), Some(Segment::Rest(_)))
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

/// Appends a segment to a parameter's value.
fn add(values: &mut Vec<(String, String)>, name: &str, piece: &str) {
    match values.iter_mut().find(|(known, _)| known == name) {
        Some((_, value)) => {
            value.push('/');
            value.push_str(piece);
        }
        None => values.push((name.to_owned(), piece.to_owned())),
    }
}

/// Without percent-encoding; what is not an encoding stays as it is.
fn decoded(text: &str) -> String {
    crate::exchange::decoded(text, false)
}
