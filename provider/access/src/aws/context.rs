//! What is known about a request: the values of its condition keys.

use std::collections::BTreeMap;

/// The condition keys of a request. Keys ignore case, as AWS does.
///
/// A key is present with its values, absent, or unknown. What holds for keys that are not named is the difference between
/// [`Context::closed`] (they are absent: a probe with everything said) and [`Context::open`] (they may be anything).
///
/// ```
/// use mlops_access::aws::Context;
///
/// let context = Context::closed().with("aws:SecureTransport", "true").unknown("aws:SourceIp");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    keys: BTreeMap<Box<str>, Entry>,
    rest_unknown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    Present(Vec<String>),
    Absent,
    Unknown,
}

/// What is known about one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyValue<'a> {
    /// The request has the key, with these values (usually one; none is an empty set).
    Present(&'a [String]),
    /// The request does not have the key.
    Absent,
    /// Nobody knows.
    Unknown,
}

impl Context {
    /// A request about which everything is said: keys that are not named are absent.
    pub fn closed() -> Self {
        Context {
            keys: BTreeMap::new(),
            rest_unknown: false,
        }
    }

    /// A request of which only some keys are known: keys that are not named may be absent or have any value.
    pub fn open() -> Self {
        Context {
            keys: BTreeMap::new(),
            rest_unknown: true,
        }
    }

    /// The key has this one value.
    #[must_use]
    pub fn with(self, key: &str, value: impl Into<String>) -> Self {
        self.with_all(key, [value.into()])
    }

    /// The key has these values (a multivalued key such as `aws:TagKeys`).
    #[must_use]
    pub fn with_all<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.keys.insert(fold(key), Entry::Present(values));
        self
    }

    /// The request does not have the key.
    #[must_use]
    pub fn absent(mut self, key: &str) -> Self {
        self.keys.insert(fold(key), Entry::Absent);
        self
    }

    /// The key may be absent or have any value.
    #[must_use]
    pub fn unknown(mut self, key: &str) -> Self {
        self.keys.insert(fold(key), Entry::Unknown);
        self
    }

    /// Sets a key only when nothing was said about it.
    pub(crate) fn default_value(&mut self, key: &'static str, value: impl FnOnce() -> Option<String>) {
        if !self.keys.contains_key(key) {
            let entry = value().map_or(Entry::Absent, |value| Entry::Present(vec![value]));
            self.keys.insert(key.into(), entry);
        }
    }

    /// What is known about a key, written in any case.
    pub fn get(&self, key: &str) -> KeyValue<'_> {
        let entry = if key.bytes().any(|b| b.is_ascii_uppercase()) {
            self.keys.get(&*fold(key))
        } else {
            self.keys.get(key)
        };
        match entry {
            Some(Entry::Present(values)) => KeyValue::Present(values),
            Some(Entry::Absent) => KeyValue::Absent,
            Some(Entry::Unknown) => KeyValue::Unknown,
            None if self.rest_unknown => KeyValue::Unknown,
            None => KeyValue::Absent,
        }
    }
}

impl Default for Context {
    fn default() -> Self {
        Context::closed()
    }
}

fn fold(key: &str) -> Box<str> {
    key.to_ascii_lowercase().into()
}
