//! What is known about a request: the values of its condition keys.

use std::sync::Arc;

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
#[derive(Debug, Clone)]
pub struct Context {
    /// What was said before, shared by all the requests of one caller; what is said here goes over it.
    base: Option<Arc<Context>>,
    /// A handful: searched from end to end faster than a tree.
    keys: Vec<(Box<str>, Entry)>,
    rest_unknown: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Entry {
    One(String),
    Many(Vec<String>),
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
            base: None,
            keys: Vec::new(),
            rest_unknown: false,
        }
    }

    /// A request of which only some keys are known: keys that are not named may be absent or have any value.
    pub fn open() -> Self {
        Context {
            base: None,
            keys: Vec::new(),
            rest_unknown: true,
        }
    }

    /// The same, to be added to without touching what it shares.
    pub(crate) fn over(base: &Arc<Context>) -> Self {
        Context {
            base: Some(Arc::clone(base)),
            keys: Vec::with_capacity(6),
            rest_unknown: base.rest_unknown,
        }
    }

    /// The key has this one value.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.put(fold(key), Entry::One(value.into()));
        self
    }

    /// The key has these values (a multivalued key such as `aws:TagKeys`).
    #[must_use]
    pub fn with_all<T: Into<String>>(mut self, key: &str, values: impl IntoIterator<Item = T>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.put(fold(key), Entry::Many(values));
        self
    }

    /// The request does not have the key.
    #[must_use]
    pub fn absent(mut self, key: &str) -> Self {
        self.put(fold(key), Entry::Absent);
        self
    }

    /// The key may be absent or have any value.
    #[must_use]
    pub fn unknown(mut self, key: &str) -> Self {
        self.put(fold(key), Entry::Unknown);
        self
    }

    /// Sets a key only when nothing was said about it.
    pub(crate) fn default_value(&mut self, key: &'static str, value: impl FnOnce() -> Option<String>) {
        if self.entry(key).is_none() {
            let entry = value().map_or(Entry::Absent, Entry::One);
            self.keys.push((key.into(), entry));
        }
    }

    fn put(&mut self, key: Box<str>, entry: Entry) {
        match self.keys.iter_mut().find(|(known, _)| *known == key) {
            Some((_, old)) => *old = entry,
            None => self.keys.push((key, entry)),
        }
    }

    fn entry(&self, folded: &str) -> Option<&Entry> {
        match self.keys.iter().find(|(known, _)| **known == *folded) {
            Some((_, entry)) => Some(entry),
            None => self.base.as_ref()?.entry(folded),
        }
    }

    /// What is known about a key, written in any case.
    pub fn get(&self, key: &str) -> KeyValue<'_> {
        let entry = if key.bytes().any(|b| b.is_ascii_uppercase()) {
            self.entry(&fold(key))
        } else {
            self.entry(key)
        };
        match entry {
            Some(Entry::One(value)) => KeyValue::Present(std::slice::from_ref(value)),
            Some(Entry::Many(values)) => KeyValue::Present(values),
            Some(Entry::Absent) => KeyValue::Absent,
            Some(Entry::Unknown) => KeyValue::Unknown,
            None if self.rest_unknown => KeyValue::Unknown,
            None => KeyValue::Absent,
        }
    }

    fn names(&self) -> Vec<&str> {
        let mut names = self.base.as_ref().map_or_else(Vec::new, |base| base.names());
        names.extend(self.keys.iter().map(|(key, _)| &**key));
        names
    }
}

/// Equal contexts say the same of every key, in whatever order and layers it was said.
impl PartialEq for Context {
    fn eq(&self, other: &Self) -> bool {
        self.rest_unknown == other.rest_unknown
            && self
                .names()
                .into_iter()
                .chain(other.names())
                .all(|key| self.get(key) == other.get(key))
    }
}

impl Eq for Context {}

impl Default for Context {
    fn default() -> Self {
        Context::closed()
    }
}

fn fold(key: &str) -> Box<str> {
    key.to_ascii_lowercase().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_later_goes_over_what_is_shared() {
        let base = Arc::new(
            Context::open()
                .with("aws:SourceIp", "10.0.0.1")
                .absent("s3:prefix"),
        );
        let over = Context::over(&base).with("AWS:SourceIP", "10.0.0.2");
        assert_eq!(
            over.get("aws:sourceip"),
            KeyValue::Present(&["10.0.0.2".to_owned()])
        );
        assert_eq!(over.get("s3:prefix"), KeyValue::Absent);
        assert_eq!(over.get("s3:delimiter"), KeyValue::Unknown);
        let flat = Context::open()
            .absent("s3:prefix")
            .with("aws:SourceIp", "10.0.0.2");
        assert_eq!(over, flat);
        assert_ne!(over, *base);
    }
}
