//! From [`Policy`] to JSON: one spelling for one meaning, so that texts can be compared, and the limits on their size.

use super::json::write_string;
use super::policy::{Policy, Scope, Statement};
use super::principal::{PrincipalName, Principals};
use std::fmt;

/// What a document may measure, in characters without white space outside strings.
///
/// Source: "IAM and AWS STS quotas". Inline policies of one identity count together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SizeLimit {
    /// All inline policies of a role together: 10,240.
    InlineOfRole,
    /// All inline policies of a user together: 2,048.
    InlineOfUser,
    /// A customer managed policy, also a boundary: 6,144.
    Managed,
    /// A role's trust policy: 2,048 unless the quota is raised (to at most 4,096).
    Trust,
    /// A session policy: 2,048.
    Session,
    /// A service control policy: 10,240.
    ServiceControl,
    /// A bucket policy: 20 KB.
    Bucket,
}

/// A document is larger than AWS takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the {limit} measures {size} characters and AWS takes {} at most: split it or name fewer resources", limit.characters())]
pub struct TooLarge {
    /// The limit that is passed.
    pub limit: SizeLimit,
    /// What the document measures.
    pub size: usize,
}

impl SizeLimit {
    /// The number of characters.
    pub fn characters(self) -> usize {
        match self {
            SizeLimit::InlineOfRole | SizeLimit::ServiceControl => 10_240,
            SizeLimit::InlineOfUser | SizeLimit::Trust | SizeLimit::Session => 2_048,
            SizeLimit::Managed => 6_144,
            SizeLimit::Bucket => 20_480,
        }
    }

    /// Measures documents that count together under this limit.
    ///
    /// # Errors
    /// [`TooLarge`] with the measured size.
    pub fn check<'a>(self, policies: impl IntoIterator<Item = &'a Policy>) -> Result<usize, TooLarge> {
        let size = policies.into_iter().map(Policy::size).sum();
        if size > self.characters() {
            Err(TooLarge { limit: self, size })
        } else {
            Ok(size)
        }
    }
}

impl fmt::Display for SizeLimit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            SizeLimit::InlineOfRole => "sum of the role's inline policies",
            SizeLimit::InlineOfUser => "sum of the user's inline policies",
            SizeLimit::Managed => "managed policy",
            SizeLimit::Trust => "trust policy",
            SizeLimit::Session => "session policy",
            SizeLimit::ServiceControl => "service control policy",
            SizeLimit::Bucket => "bucket policy",
        })
    }
}

impl Policy {
    /// The document in its one canonical spelling: no white space, elements in AWS's usual order, a single value as a string,
    /// conditions sorted by operator and key. The order of statements and of values stays.
    ///
    /// [`Policy::parse`] reads it back to an equal policy, provided that no statement names one key twice under one operator.
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(256);
        out.push_str("{\"Version\":\"");
        out.push_str(self.version.as_str());
        out.push('"');
        if let Some(id) = &self.id {
            out.push_str(",\"Id\":");
            write_string(&mut out, id);
        }
        for unread in self
            .unread
            .iter()
            .filter(|unread| !unread.element.eq_ignore_ascii_case("version"))
        {
            out.push(',');
            write_string(&mut out, &unread.element);
            out.push(':');
            out.push_str(&unread.json);
        }
        out.push_str(",\"Statement\":[");
        for (place, statement) in self.statements.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            statement.write(&mut out);
        }
        out.push_str("]}");
        out
    }

    /// What the canonical document measures: characters, as AWS counts them.
    pub fn size(&self) -> usize {
        self.to_json().chars().count()
    }
}

impl Statement {
    fn write(&self, out: &mut String) {
        let mut members: Vec<(String, String)> = Vec::new();
        if let Some(sid) = &self.sid {
            members.push(("Sid".into(), quoted(sid)));
        }
        if self.effect != super::Effect::Unread {
            members.push(("Effect".into(), quoted(self.effect.as_str())));
        }
        if let Some(principals) = &self.principals {
            let key = if principals.negated {
                "NotPrincipal"
            } else {
                "Principal"
            };
            members.push((key.into(), write_principals(principals)));
        }
        if !self
            .unread
            .iter()
            .any(|unread| ["action", "notaction"].contains(&&*unread.element.to_ascii_lowercase()))
        {
            let texts = self.actions.items().iter().map(|action| action.text());
            members.push((scoped("Action", &self.actions), one_or_many(texts)));
        }
        if let Some(resources) = &self.resources {
            let texts = resources.items().iter().map(|resource| resource.source());
            members.push((scoped("Resource", resources), one_or_many(texts)));
        }
        if let Some(conditions) = self.write_conditions() {
            members.push(("Condition".into(), conditions));
        }
        for unread in self
            .unread
            .iter()
            .filter(|unread| unread.element != "Condition" && !unread.json.is_empty())
        {
            members.push((unread.element.clone(), unread.json.clone()));
        }
        out.push('{');
        for (place, (key, json)) in members.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            write_string(out, key);
            out.push(':');
            out.push_str(json);
        }
        out.push('}');
    }

    fn write_conditions(&self) -> Option<String> {
        // A condition block that could not be read stands for itself.
        let unread: Vec<&str> = self
            .unread
            .iter()
            .filter(|unread| unread.element == "Condition")
            .map(|unread| &*unread.json)
            .collect();
        if self.conditions.is_empty() && unread.is_empty() {
            return None;
        }
        // One that is no block at all stands alone.
        if let [alone] = unread[..]
            && !alone.starts_with('{')
        {
            return Some(alone.to_owned());
        }
        let mut sorted: Vec<_> = self
            .conditions
            .iter()
            .map(|condition| (condition.operator_name(), condition))
            .collect();
        sorted.sort_by(|(one, a), (two, b)| (one, a.key.folded()).cmp(&(two, b.key.folded())));
        let mut out = String::from("{");
        let mut open: Option<&str> = None;
        for (operator, condition) in &sorted {
            match open {
                Some(last) if last == operator => out.push(','),
                Some(_) => out.push_str("},"),
                None => {}
            }
            if open != Some(operator) {
                write_string(&mut out, operator);
                out.push_str(":{");
                open = Some(operator);
            }
            write_string(&mut out, condition.key.text());
            out.push(':');
            out.push_str(&one_or_many(condition.values.iter().map(|value| value.source())));
        }
        if open.is_some() {
            out.push('}');
        }
        for json in unread {
            if out.len() > 1 {
                out.push(',');
            }
            out.push_str(json.trim_start_matches('{').strip_suffix('}').unwrap_or(json));
        }
        out.push('}');
        Some(out)
    }
}

fn scoped<T>(key: &str, scope: &Scope<T>) -> String {
    if scope.is_negated() {
        format!("Not{key}")
    } else {
        key.into()
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    write_string(&mut out, text);
    out
}

fn one_or_many<'a>(texts: impl ExactSizeIterator<Item = &'a str>) -> String {
    let single = texts.len() == 1;
    let list = texts.map(quoted).collect::<Vec<_>>().join(",");
    if single { list } else { format!("[{list}]") }
}

fn write_principals(principals: &Principals) -> String {
    if let [PrincipalName::Anyone] = &principals.names[..] {
        return quoted("*");
    }
    if let [PrincipalName::Unread { kind, name }] = &principals.names[..]
        && kind == "Principal"
    {
        return quoted(name);
    }
    let mut kinds: Vec<(&str, Vec<String>)> = Vec::new();
    for name in &principals.names {
        let (kind, text) = name.written();
        match kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, texts)) => texts.push(text),
            None => kinds.push((kind, vec![text])),
        }
    }
    let members: Vec<String> = kinds
        .iter()
        .map(|(kind, texts)| format!("{}:{}", quoted(kind), one_or_many(texts.iter().map(|t| &**t))))
        .collect();
    format!("{{{}}}", members.join(","))
}
