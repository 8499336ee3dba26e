//! Values of a plan: known, unknown and sensitive are three different things.
//!
//! A rule that wants a string gets one only when the whole string is known. What is known in part (a template with a
//! reference that exists only after apply) is a [`Template`]; what is not known at all is [`Value::Unknown`], which equals
//! nothing. What the plan marks sensitive is wrapped in [`Secret`], which has neither `Display` nor a telling `Debug`:
//! it may be looked at ([`Value::bare`]) but not printed.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A string that borrows from the input where JSON allows it (no escapes) and owns otherwise.
///
/// `Cow` itself borrows only as a direct field; this type does inside `Option` and `Vec` too.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Text<'p>(pub Cow<'p, str>);

impl<'p> Text<'p> {
    /// A text that borrows `s`.
    #[must_use]
    pub const fn borrowed(s: &'p str) -> Self {
        Self(Cow::Borrowed(s))
    }
    /// The characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl From<String> for Text<'_> {
    fn from(s: String) -> Self {
        Self(Cow::Owned(s))
    }
}

impl<'p> From<&'p str> for Text<'p> {
    fn from(s: &'p str) -> Self {
        Self(Cow::Borrowed(s))
    }
}

impl std::ops::Deref for Text<'_> {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de: 'p, 'p> Deserialize<'de> for Text<'p> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(s)))
            }
            fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(s.to_owned())))
            }
            fn visit_string<E>(self, s: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(s)))
            }
        }
        d.deserialize_str(V)
    }
}

/// A value that must not be printed. No `Display`; `Debug` tells nothing.
#[derive(Clone, PartialEq)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a value.
    pub const fn new(inner: T) -> Self {
        Self(inner)
    }
    /// The value, for looking at it. Never format what this returns.
    pub const fn inspect(&self) -> &T {
        &self.0
    }
    /// Unwraps the value. Never format what this returns.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(sensitive)")
    }
}

/// Why a value is not known, as far as that can be said.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Unknown {
    /// The references it hangs on, as addresses with attribute (`aws_s3_bucket.b.arn`); empty when nothing is known.
    pub references: Vec<String>,
}

/// A piece of a [`Template`].
#[derive(Clone, Debug, PartialEq)]
pub enum Part<'p> {
    /// Characters that are known.
    Literal(Text<'p>),
    /// A place where a value will stand that is not known yet.
    Hole(Unknown),
}

/// A string that is known in part: `arn:aws:s3:::` followed by a bucket name that exists only after apply.
#[derive(Clone, Debug, PartialEq)]
pub struct Template<'p>(pub Vec<Part<'p>>);

/// A value as the plan or the configuration gives it.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value<'p> {
    /// Null, and what is not there.
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number.
    Number(f64),
    /// A string, known to the last character.
    String(Text<'p>),
    /// A string that is known in part.
    Template(Template<'p>),
    /// A list, set or tuple.
    List(Vec<Value<'p>>),
    /// An object or map, in the order of the input.
    Object(Vec<(Text<'p>, Value<'p>)>),
    /// Not known until apply.
    Unknown(Unknown),
    /// Known, and not to be printed.
    Sensitive(Box<Secret<Value<'p>>>),
}

static NULL: Value<'static> = Value::Null;

impl<'p> Value<'p> {
    /// The null value, borrowed: what stands for an absent attribute.
    #[must_use]
    pub fn null<'a>() -> &'a Value<'p> {
        &NULL
    }

    /// Unknown, without a reason.
    #[must_use]
    pub const fn unknown() -> Self {
        Self::Unknown(Unknown {
            references: Vec::new(),
        })
    }

    /// A string.
    pub fn string(s: impl Into<Text<'p>>) -> Self {
        Self::String(s.into())
    }

    /// The value without its sensitive wrapping: for looking, never for printing.
    #[must_use]
    pub fn bare(&self) -> &Value<'p> {
        let mut v = self;
        while let Value::Sensitive(s) = v {
            v = s.inspect();
        }
        v
    }

    /// The attribute `name` of an object; null when absent or when this is not an object. Unknown stays unknown.
    #[must_use]
    pub fn get(&self, name: &str) -> &Value<'p> {
        match self.bare() {
            Value::Object(entries) => entries
                .iter()
                .find(|(k, _)| &**k == name)
                .map_or(Value::null(), |(_, v)| v),
            u @ Value::Unknown(_) => u,
            _ => Value::null(),
        }
    }

    /// The element at `index` of a list; null when there is none. Unknown stays unknown.
    #[must_use]
    pub fn at(&self, index: usize) -> &Value<'p> {
        match self.bare() {
            Value::List(items) => items.get(index).unwrap_or(Value::null()),
            u @ Value::Unknown(_) => u,
            _ => Value::null(),
        }
    }

    /// Follows a dotted path with numeric steps: `rule.0.apply_server_side_encryption_by_default.0.sse_algorithm`.
    #[must_use]
    pub fn path(&self, path: &str) -> &Value<'p> {
        path.split('.').fold(self, |v, step| match step.parse::<usize>() {
            Ok(i) if matches!(v.bare(), Value::List(_) | Value::Unknown(_)) => v.at(i),
            _ => v.get(step),
        })
    }

    /// The string, when it is known whole. Sees through the sensitive wrapping: do not print unless [`Value::is_sensitive`] is false.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.bare() {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The boolean, when known. The strings `"true"` and `"false"` count: Terraform converts them.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.bare() {
            Value::Bool(b) => Some(*b),
            Value::String(s) if &**s == "true" => Some(true),
            Value::String(s) if &**s == "false" => Some(false),
            _ => None,
        }
    }

    /// The number, when known; numeric strings count.
    #[must_use]
    pub fn as_f64(&self) -> Option<f64> {
        match self.bare() {
            Value::Number(n) => Some(*n),
            Value::String(s) => s.parse().ok(),
            _ => None,
        }
    }

    /// The elements of a list, in order; empty for everything else.
    #[must_use]
    pub fn items(&self) -> &[Value<'p>] {
        match self.bare() {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of an object, in order; empty for everything else.
    #[must_use]
    pub fn entries(&self) -> &[(Text<'p>, Value<'p>)] {
        match self.bare() {
            Value::Object(entries) => entries,
            _ => &[],
        }
    }

    /// A string as one element, a list as its elements: for attributes that take one or many (`Action`, `Principal`).
    #[must_use]
    pub fn one_or_many(&self) -> &[Value<'p>] {
        match self.bare() {
            Value::Null => &[],
            Value::List(items) => items,
            one => std::slice::from_ref(one),
        }
    }

    /// Null or absent.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.bare(), Value::Null)
    }

    /// Null, absent, an empty string, list or object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.bare() {
            Value::Null => true,
            Value::String(s) => s.is_empty(),
            Value::List(l) => l.is_empty(),
            Value::Object(o) => o.is_empty(),
            _ => false,
        }
    }

    /// Not known, not even in part.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.bare(), Value::Unknown(_))
    }

    /// Marked sensitive itself (not: holding something sensitive).
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        matches!(self, Value::Sensitive(_))
    }

    /// True when nothing in it, at any depth, is unknown.
    #[must_use]
    pub fn is_wholly_known(&self) -> bool {
        match self {
            Value::Unknown(_) | Value::Template(_) => false,
            Value::Sensitive(s) => s.inspect().is_wholly_known(),
            Value::List(l) => l.iter().all(Self::is_wholly_known),
            Value::Object(o) => o.iter().all(|(_, v)| v.is_wholly_known()),
            _ => true,
        }
    }

    /// Visits every leaf with the way to it, depth first, in the order of the input. Leaves are null, bool, number, string,
    /// template and unknown; the flag says whether the leaf is sensitive. Nothing is allocated for a leaf.
    pub fn walk<'a>(&'a self, mut visit: impl FnMut(&[Way<'a>], &'a Value<'p>, bool)) {
        fn down<'a, 'p>(
            v: &'a Value<'p>,
            way: &mut Vec<Way<'a>>,
            sensitive: bool,
            visit: &mut impl FnMut(&[Way<'a>], &'a Value<'p>, bool),
        ) {
            match v {
                Value::Sensitive(s) => down(s.inspect(), way, true, visit),
                Value::List(items) => {
                    for (i, v) in items.iter().enumerate() {
                        way.push(Way::Index(i));
                        down(v, way, sensitive, visit);
                        way.pop();
                    }
                }
                Value::Object(entries) => {
                    for (k, v) in entries {
                        way.push(Way::Name(k));
                        down(v, way, sensitive, visit);
                        way.pop();
                    }
                }
                leaf => visit(way, leaf, sensitive),
            }
        }
        down(self, &mut Vec::new(), false, &mut visit);
    }

    /// Every leaf with its path, as [`Value::walk`] visits them.
    #[must_use]
    pub fn leaves(&self) -> Vec<(Path, &Value<'p>, bool)> {
        let mut out = Vec::new();
        self.walk(|way, leaf, sensitive| out.push((Path::of(way), leaf, sensitive)));
        out
    }

    /// What stands at the end of a way.
    #[must_use]
    pub fn along(&self, way: &[Way<'_>]) -> &Value<'p> {
        way.iter().fold(self, |v, step| match step {
            Way::Name(n) => v.get(n),
            Way::Index(i) => v.at(*i),
        })
    }

    /// Lays the masks of a plan (`after_unknown`, `after_sensitive`) over a value: where a mask says `true`, the value
    /// becomes unknown or sensitive; attributes that only the unknown mask names are added as unknown.
    #[must_use]
    pub fn masked(mut self, unknown: &Value<'_>, sensitive: &Value<'_>) -> Self {
        self.lay(unknown, sensitive);
        self
    }

    fn lay(&mut self, unknown: &Value<'_>, sensitive: &Value<'_>) {
        if matches!(unknown, Value::Bool(true)) {
            *self = Self::unknown();
            return;
        }
        let marks = |m: &Value<'_>| match m {
            Value::Object(entries) => !entries.is_empty(),
            Value::List(items) => !items.is_empty(),
            _ => false,
        };
        if marks(unknown) || marks(sensitive) {
            self.lay_inside(unknown, sensitive);
        }
        if matches!(sensitive, Value::Bool(true)) {
            *self = Self::Sensitive(Box::new(Secret::new(std::mem::take(self))));
        }
    }

    fn lay_inside(&mut self, unknown: &Value<'_>, sensitive: &Value<'_>) {
        // An attribute that is wholly absent while something inside it is unknown.
        match (&*self, unknown) {
            (Value::Null, Value::Object(_)) => *self = Value::Object(Vec::new()),
            (Value::Null, Value::List(_)) => *self = Value::List(Vec::new()),
            _ => {}
        }
        match self {
            Value::Object(entries) => {
                let named = entries.len();
                for (k, v) in entries.iter_mut() {
                    v.lay(mask(unknown, k), mask(sensitive, k));
                }
                for (k, m) in unknown.entries() {
                    if entries[..named].iter().all(|(have, _)| **have != **k) {
                        let v = Value::Null.masked(m, mask(sensitive, k));
                        if !v.is_null() {
                            entries.push((Text(Cow::Owned(k.0.clone().into_owned())), v));
                        }
                    }
                }
            }
            Value::List(items) => {
                let n = items.len().max(unknown.items().len());
                items.resize_with(n, Value::default);
                for (i, v) in items.iter_mut().enumerate() {
                    v.lay(mask_at(unknown, i), mask_at(sensitive, i));
                }
            }
            _ => {}
        }
    }

    /// The same value, owning its strings.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        let text = |t: Text<'p>| Text(Cow::Owned(t.0.into_owned()));
        match self {
            Value::Null => Value::Null,
            Value::Bool(b) => Value::Bool(b),
            Value::Number(n) => Value::Number(n),
            Value::String(s) => Value::String(text(s)),
            Value::Template(t) => Value::Template(Template(
                t.0.into_iter()
                    .map(|p| match p {
                        Part::Literal(s) => Part::Literal(text(s)),
                        Part::Hole(u) => Part::Hole(u),
                    })
                    .collect(),
            )),
            Value::List(l) => Value::List(l.into_iter().map(Value::into_owned).collect()),
            Value::Object(o) => {
                Value::Object(o.into_iter().map(|(k, v)| (text(k), v.into_owned())).collect())
            }
            Value::Unknown(u) => Value::Unknown(u),
            Value::Sensitive(s) => Value::Sensitive(Box::new(Secret::new(s.into_inner().into_owned()))),
        }
    }
}

fn mask<'a>(mask: &'a Value<'a>, name: &str) -> &'a Value<'a> {
    match mask {
        Value::Object(entries) => entries
            .iter()
            .find(|(k, _)| &**k == name)
            .map_or(&Value::Null, |(_, v)| v),
        _ => &Value::Null,
    }
}

fn mask_at<'a>(mask: &'a Value<'a>, index: usize) -> &'a Value<'a> {
    match mask {
        Value::List(items) => items.get(index).unwrap_or(&Value::Null),
        _ => &Value::Null,
    }
}

impl<'de: 'p, 'p> Deserialize<'de> for Value<'p> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Value<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any JSON value")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Value::Null)
            }
            fn visit_bool<E>(self, b: bool) -> Result<Self::Value, E> {
                Ok(Value::Bool(b))
            }
            fn visit_i64<E>(self, n: i64) -> Result<Self::Value, E> {
                Ok(Value::Number(n as f64))
            }
            fn visit_u64<E>(self, n: u64) -> Result<Self::Value, E> {
                Ok(Value::Number(n as f64))
            }
            fn visit_f64<E>(self, n: f64) -> Result<Self::Value, E> {
                Ok(Value::Number(n))
            }
            fn visit_borrowed_str<E>(self, s: &'de str) -> Result<Self::Value, E> {
                Ok(Value::String(Text(Cow::Borrowed(s))))
            }
            fn visit_str<E>(self, s: &str) -> Result<Self::Value, E> {
                Ok(Value::String(Text(Cow::Owned(s.to_owned()))))
            }
            fn visit_string<E>(self, s: String) -> Result<Self::Value, E> {
                Ok(Value::String(Text(Cow::Owned(s))))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut out = Vec::new();
                while let Some(v) = seq.next_element()? {
                    out.push(v);
                }
                Ok(Value::List(out))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut out: Vec<(Text<'de>, Value<'de>)> = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    out.push(entry);
                }
                Ok(Value::Object(out))
            }
        }
        d.deserialize_any(V)
    }
}

/// The string under `key` of a JSON object, everything else skipped.
pub(crate) fn string_of<'p>(json: &'p str, key: &str) -> Option<Cow<'p, str>> {
    struct Pick<'k>(&'k str);
    impl<'de> Visitor<'de> for Pick<'_> {
        type Value = Option<Text<'de>>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(k) = map.next_key::<Text<'de>>()? {
                if &*k == self.0 && found.is_none() {
                    found = Some(map.next_value::<Text<'de>>()?);
                } else {
                    map.next_value::<serde::de::IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut d = serde_json::Deserializer::from_str(json);
    d.deserialize_map(Pick(key)).ok().flatten().map(|t| t.0)
}

/// A step of a [`Path`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// An attribute or map key.
    Name(String),
    /// An element of a list.
    Index(usize),
}

/// A step on the way to a leaf: a [`Step`] that borrows its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way<'a> {
    /// An attribute or map key.
    Name(&'a str),
    /// An element of a list.
    Index(usize),
}

/// The last name on a way: the key under which a value stands.
#[must_use]
pub fn last_name<'a>(way: &[Way<'a>]) -> Option<&'a str> {
    way.iter().rev().find_map(|s| match s {
        Way::Name(n) => Some(*n),
        Way::Index(_) => None,
    })
}

/// The path of an attribute inside a resource, printed as Terraform does: `environment[0].variables["DB_PASSWORD"]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// The path of a way.
    #[must_use]
    pub fn of(way: &[Way<'_>]) -> Self {
        let step = |w: &Way<'_>| match w {
            Way::Name(n) => Step::Name((*n).to_owned()),
            Way::Index(i) => Step::Index(*i),
        };
        Self(way.iter().map(step).collect())
    }
    /// The path one name deeper.
    #[must_use]
    pub fn name(&self, name: &str) -> Self {
        let mut p = self.clone();
        p.0.push(Step::Name(name.to_owned()));
        p
    }
    /// The path one element deeper.
    #[must_use]
    pub fn index(&self, i: usize) -> Self {
        let mut p = self.clone();
        p.0.push(Step::Index(i));
        p
    }
    /// This path, and `inner` below it.
    #[must_use]
    pub fn join(&self, inner: &Self) -> Self {
        Self(self.0.iter().chain(&inner.0).cloned().collect())
    }
    /// True for the path of the thing itself.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// The last name on the path: the key under which a value stands.
    #[must_use]
    pub fn last_name(&self) -> Option<&str> {
        self.0.iter().rev().find_map(|s| match s {
            Step::Name(n) => Some(n.as_str()),
            Step::Index(_) => None,
        })
    }
}

/// `environment.0.variables.KEY`: numbers are list elements, the rest are names.
impl From<&str> for Path {
    fn from(s: &str) -> Self {
        if s.is_empty() {
            return Self::default();
        }
        Self(
            s.split('.')
                .map(|p| p.parse().map_or_else(|_| Step::Name(p.to_owned()), Step::Index))
                .collect(),
        )
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(n) => write!(f, "[{n}]")?,
                Step::Name(n) => {
                    let plain = !n.is_empty()
                        && !n.starts_with(|c: char| c.is_ascii_digit())
                        && n.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
                    if plain {
                        write!(f, "{}{n}", if i > 0 { "." } else { "" })?;
                    } else {
                        write!(f, "[{n:?}]")?;
                    }
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(s: &str) -> Value<'_> {
        serde_json::from_str(s).unwrap()
    }

    #[test]
    fn masks_make_unknown_and_sensitive_what_they_name() {
        let v = parse(r#"{"a":"x","l":["s",null],"b":{"k":"v"}}"#).masked(
            &parse(r#"{"id":true,"l":[false,true],"n":[{"policy":true}]}"#),
            &parse(r#"{"b":{"k":true}}"#),
        );
        assert_eq!(v.get("a").as_str(), Some("x"));
        assert!(v.get("id").is_unknown());
        assert_eq!(v.path("l.0").as_str(), Some("s"));
        assert!(v.path("l.1").is_unknown());
        assert!(v.path("n.0.policy").is_unknown());
        assert!(v.path("b.k").is_sensitive());
        assert!(
            !format!("{v:?}").contains("\"v\""),
            "a sensitive value is not in Debug output"
        );
    }

    #[test]
    fn unknown_is_not_null() {
        let v = Value::Null.masked(&Value::Bool(true), &Value::Null);
        assert!(v.is_unknown() && !v.is_null() && v.get("deep").is_unknown());
    }

    #[test]
    fn paths_print_as_terraform_writes_them() {
        assert_eq!(
            Path::from("environment.0.variables.KEY").to_string(),
            "environment[0].variables.KEY"
        );
        assert_eq!(
            Path::default().name("tags").name("a.b").to_string(),
            "tags[\"a.b\"]"
        );
    }
}
