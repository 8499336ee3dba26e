//! Text of a policy that may hold wildcards, policy variables and parts nobody knows yet.

use super::context::{Context, KeyValue};
use super::policy::Version;
use crate::pattern::{Pattern, Symbol};
use crate::verdict::{Doubt, Verdict};
use std::fmt;

/// Stands in a policy document for text that is not known yet (a value known after apply).
///
/// A reader of plans writes this character where it would write the value; every question then answers *cannot tell* where that
/// text would matter, and only there. It is U+FFFC, which no AWS name may contain.
pub const UNKNOWN_TEXT: char = '\u{fffc}';

/// A string of a policy: literal text, wildcards (where the element knows them), policy variables such as
/// `${aws:username}` or `${aws:PrincipalTag/team, 'none'}`, the escapes `${*}`, `${?}`, `${$}`, and [`UNKNOWN_TEXT`].
///
/// Source: IAM user guide, "IAM policy elements: Variables and tags".
#[derive(Clone)]
pub struct Template {
    /// None where it is the pattern's own text.
    source: Option<Box<str>>,
    /// Accepts at least everything that the template can ever accept: variables and unknown text read as `*`.
    upper: Pattern,
    /// Empty for the usual string, whose pattern is the whole truth.
    parts: Box<[Part]>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Part {
    Symbol(Symbol),
    Variable {
        key: Box<str>,
        default: Option<Box<str>>,
    },
    Unknown,
}

/// What a template means in one context.
pub(crate) enum Resolved {
    Pattern(Pattern),
    /// A variable has no value in this context: the element matches nothing.
    Nothing,
    Unknown(Doubt),
}

impl Template {
    /// Reads a string of an element in which `*` and `?` are wildcards.
    pub fn wild(source: &str, version: Version) -> Self {
        Template::read(source, version, true)
    }

    /// Reads a string of an element in which `*` and `?` are themselves, such as a value of `StringEquals`.
    pub fn plain(source: &str, version: Version) -> Self {
        Template::read(source, version, false)
    }

    fn read(source: &str, version: Version, wild: bool) -> Self {
        let variables = version == Version::V2012 && source.contains('$');
        if !variables && !source.contains(UNKNOWN_TEXT) {
            let upper = if wild {
                Pattern::parse(source)
            } else {
                Pattern::literal(source)
            };
            return Template {
                source: (upper.text() != Some(source)).then(|| source.into()),
                upper,
                parts: Box::default(),
            };
        }
        let mut parts = Vec::new();
        let mut varies = false;
        let mut rest = source;
        while let Some(c) = rest.chars().next() {
            if c == '$'
                && variables
                && let Some((part, after)) = variable(rest)
            {
                varies |= !matches!(part, Part::Symbol(_));
                parts.push(part);
                rest = after;
                continue;
            }
            rest = &rest[c.len_utf8()..];
            parts.push(match c {
                UNKNOWN_TEXT => {
                    varies = true;
                    Part::Unknown
                }
                '*' if wild => Part::Symbol(Symbol::Many),
                '?' if wild => Part::Symbol(Symbol::One),
                other => Part::Symbol(Symbol::Char(other)),
            });
        }
        let upper = Pattern::from_symbols(parts.iter().map(|part| match part {
            Part::Symbol(symbol) => *symbol,
            Part::Variable { .. } | Part::Unknown => Symbol::Many,
        }));
        let parts = if varies { parts.into() } else { Box::default() };
        Template {
            source: (upper.text() != Some(source)).then(|| source.into()),
            upper,
            parts,
        }
    }

    /// The string as the author wrote it.
    pub fn source(&self) -> &str {
        // A pattern without a text of its own always comes with the source.
        self.source
            .as_deref()
            .or_else(|| self.upper.text())
            .unwrap_or_default()
    }

    /// A pattern that accepts at least everything the template can accept: variables and unknown parts read as `*`.
    pub fn upper(&self) -> &Pattern {
        &self.upper
    }

    /// The exact pattern, when there is neither a variable nor an unknown part.
    pub fn fixed(&self) -> Option<&Pattern> {
        self.parts.is_empty().then_some(&self.upper)
    }

    /// Whether some of its text is not known.
    pub fn is_unknown(&self) -> bool {
        self.parts.contains(&Part::Unknown)
    }

    /// The condition keys that its variables read, in lower case.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Variable { key, .. } => Some(&**key),
            Part::Symbol(_) | Part::Unknown => None,
        })
    }

    /// Whether it accepts `text` in this context.
    pub fn matches(&self, text: &str, context: &Context) -> Verdict {
        if !self.upper.matches(text) {
            return Verdict::No;
        }
        if self.parts.is_empty() {
            return Verdict::Yes;
        }
        match self.resolve(context) {
            Resolved::Pattern(pattern) => pattern.matches(text).into(),
            Resolved::Nothing => Verdict::No,
            Resolved::Unknown(doubt) => Verdict::Unknown(doubt),
        }
    }

    /// The pattern with the variables replaced. A value of a variable is literal text: its `*` is no wildcard.
    pub(crate) fn resolve(&self, context: &Context) -> Resolved {
        if self.parts.is_empty() {
            return Resolved::Pattern(self.upper.clone());
        }
        let mut symbols = Vec::new();
        let mut doubt: Option<Doubt> = None;
        let mut doubtful = |reason: String| {
            let new = Doubt::new(reason);
            doubt = Some(doubt.take().map_or(new.clone(), |old| old.and(new)));
        };
        for part in &self.parts {
            match part {
                Part::Symbol(symbol) => symbols.push(*symbol),
                Part::Unknown => doubtful(format!("part of \"{self}\" is not known yet")),
                Part::Variable { key, default } => match (context.get(key), default) {
                    (KeyValue::Present([one]), _) => symbols.extend(one.chars().map(Symbol::Char)),
                    (KeyValue::Absent, Some(text)) => symbols.extend(text.chars().map(Symbol::Char)),
                    (KeyValue::Absent, None) => return Resolved::Nothing,
                    (KeyValue::Unknown, _) => doubtful(format!("the value of ${{{key}}} is not known")),
                    (KeyValue::Present(_), _) => doubtful(format!(
                        "${{{key}}} has several values and cannot be put into text"
                    )),
                },
            }
        }
        match doubt {
            Some(doubt) => Resolved::Unknown(doubt),
            None => Resolved::Pattern(Pattern::from_symbols(symbols)),
        }
    }
}

/// Reads `${…}` at the start of `text`; `None` when it is not a variable but plain text.
fn variable(text: &str) -> Option<(Part, &str)> {
    let inner = text.strip_prefix("${")?;
    let (name, after) = inner.split_once('}')?;
    if let literal @ ("*" | "?" | "$") = name {
        return literal
            .chars()
            .next()
            .map(|c| (Part::Symbol(Symbol::Char(c)), after));
    }
    let (key, default) = match name.split_once(',') {
        None => (name, None),
        Some((key, default)) => {
            let default = default.trim().strip_prefix('\'')?.strip_suffix('\'')?;
            (key, Some(default.into()))
        }
    };
    let key = key.trim();
    // A variable is a condition key, `service:name`; anything else is text that happens to look like one.
    if !key.contains(':') || key.contains(['{', '$', '*', '?']) {
        return None;
    }
    Some((
        Part::Variable {
            key: key.to_ascii_lowercase().into(),
            default,
        },
        after,
    ))
}

impl fmt::Display for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.source().chars() {
            if c == UNKNOWN_TEXT {
                out.write_str("(known after apply)")?
            } else {
                write!(out, "{c}")?
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Template({self})")
    }
}

/// Two templates are equal when they read the same and mean the same.
impl PartialEq for Template {
    fn eq(&self, other: &Template) -> bool {
        self.source() == other.source() && self.parts == other.parts && self.upper == other.upper
    }
}

impl Eq for Template {}

impl std::hash::Hash for Template {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.source().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(context: &Context) -> Verdict {
        Template::wild("arn:aws:s3:::home/${aws:username}/*", Version::V2012)
            .matches("arn:aws:s3:::home/ada/notes", context)
    }

    #[test]
    fn a_variable_is_the_value_of_its_key() {
        assert_eq!(home(&Context::closed().with("aws:UserName", "ada")), Verdict::Yes);
        assert_eq!(home(&Context::closed().with("aws:username", "bob")), Verdict::No);
        assert_eq!(home(&Context::closed()), Verdict::No);
        assert!(home(&Context::open()).is_unknown());
    }

    #[test]
    fn an_unknown_variable_does_not_matter_where_the_rest_differs() {
        let template = Template::wild("arn:aws:s3:::home/${aws:username}/*", Version::V2012);
        assert_eq!(
            template.matches("arn:aws:s3:::models/1", &Context::open()),
            Verdict::No
        );
    }

    #[test]
    fn a_wildcard_in_a_value_is_literal() {
        assert_eq!(home(&Context::closed().with("aws:username", "*")), Verdict::No);
    }

    #[test]
    fn a_default_stands_in_for_an_absent_key() {
        let template = Template::wild("team-${aws:PrincipalTag/team, 'none'}", Version::V2012);
        assert_eq!(template.matches("team-none", &Context::closed()), Verdict::Yes);
        assert_eq!(
            template.matches("team-ml", &Context::closed().with("aws:PrincipalTag/team", "ml")),
            Verdict::Yes
        );
    }

    #[test]
    fn variables_are_plain_text_before_2012() {
        let template = Template::wild("${aws:username}", Version::V2008);
        assert_eq!(
            template.matches("${aws:username}", &Context::closed()),
            Verdict::Yes
        );
    }

    #[test]
    fn escaped_wildcards_are_characters() {
        let template = Template::wild("a${*}b${?}c${$}*", Version::V2012);
        assert_eq!(template.matches("a*b?c$rest", &Context::closed()), Verdict::Yes);
        assert_eq!(template.matches("aXb?c$", &Context::closed()), Verdict::No);
    }

    #[test]
    fn unknown_text_is_unknown_only_where_the_rest_fits() {
        let template = Template::wild("arn:aws:s3:::\u{fffc}/*", Version::V2012);
        assert!(
            template
                .matches("arn:aws:s3:::models/x", &Context::closed())
                .is_unknown()
        );
        assert_eq!(
            template.matches("arn:aws:iam::1:role/x", &Context::closed()),
            Verdict::No
        );
    }
}
