//! Conditions: operators, set operators, `…IfExists`, and what they say about a context.
//!
//! Source: IAM user guide, "IAM JSON policy elements: Condition operators" and "Multivalued context keys".

use super::context::{Context, KeyValue};
use super::json::Place;
use super::policy::Version;
use super::template::{Resolved, Template};
use crate::pattern::{Pattern, Symbol};
use crate::verdict::{Doubt, Verdict};
use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;
use std::sync::LazyLock;

/// One condition: `{operator: {key: values}}`. Several in a statement must all hold.
///
/// ```
/// use mlops_access::aws::{Condition, Context, Version};
///
/// let sub = "token.actions.githubusercontent.com:sub";
/// let main = Condition::new("StringLike", sub, ["repo:acme/churn:ref:refs/heads/*"], Version::V2012);
/// assert!(main.holds(&Context::closed().with(sub, "repo:acme/churn:ref:refs/heads/main")).is_yes());
/// assert!(main.holds(&Context::closed()).is_no());
/// assert!(main.holds(&Context::open()).is_unknown());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Condition {
    /// How values of a multivalued key are combined.
    pub quantifier: Quantifier,
    /// The comparison.
    pub operator: Operator,
    /// `…IfExists`: holds when the key is absent.
    pub if_exists: bool,
    /// The condition key, as written. Its case does not matter.
    pub key: ConditionKey,
    /// The accepted (or, with a negated operator, refused) values.
    pub values: Vec<Template>,
    /// Where it stands in the document.
    pub at: Place,
}

/// The name of a condition key; equal to others regardless of case.
#[derive(Debug, Clone)]
pub struct ConditionKey {
    text: Box<str>,
    folded: Box<str>,
}

/// How values of a multivalued key are combined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Quantifier {
    /// No set operator: for keys with one value.
    One,
    /// `ForAnyValue:`: at least one value of the request qualifies. An absent key does not.
    Any,
    /// `ForAllValues:`: every value of the request qualifies. **An absent key does, too.**
    All,
}

/// A comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Operator {
    /// Strings are equal; `negated` is `StringNotEquals`, `ignore_case` is `…IgnoreCase`.
    StringEquals {
        /// `Not`.
        negated: bool,
        /// `IgnoreCase`.
        ignore_case: bool,
    },
    /// Strings with wildcards.
    StringLike {
        /// `Not`.
        negated: bool,
    },
    /// Numbers.
    Numeric(Compare),
    /// Dates, in ISO 8601 or seconds since 1970.
    Date(Compare),
    /// `true` or `false`.
    Bool,
    /// Binary data in base64.
    Binary,
    /// Addresses and ranges of them.
    IpAddress {
        /// `Not`.
        negated: bool,
    },
    /// ARNs, part by part, with wildcards (`ArnEquals` and `ArnLike` are the same thing).
    Arn {
        /// `Not`.
        negated: bool,
        /// Whether it is spelled `Like`.
        like: bool,
    },
    /// Whether the key is absent.
    Null,
    /// An operator that this crate does not know, as written.
    Unread(String),
}

/// How numbers and dates are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Compare {
    Equals,
    NotEquals,
    LessThan,
    LessThanEquals,
    GreaterThan,
    GreaterThanEquals,
}

const COMPARES: [Compare; 6] = [
    Compare::Equals,
    Compare::NotEquals,
    Compare::LessThan,
    Compare::LessThanEquals,
    Compare::GreaterThan,
    Compare::GreaterThanEquals,
];

impl Condition {
    /// A condition with the operator as AWS spells it, prefix and `IfExists` included. An operator that is not known is kept and
    /// never decided.
    pub fn new<T: AsRef<str>>(
        operator: &str,
        key: &str,
        values: impl IntoIterator<Item = T>,
        version: Version,
    ) -> Self {
        let (quantifier, operator, if_exists) = read_operator(operator);
        let values = values
            .into_iter()
            .map(|value| operator.template(value.as_ref(), version))
            .collect();
        Condition {
            quantifier,
            operator,
            if_exists,
            key: ConditionKey::new(key),
            values,
            at: Place::default(),
        }
    }

    /// The operator as AWS spells it, with its prefix and suffix.
    pub fn operator_name(&self) -> String {
        self.operator_parts().concat()
    }

    /// The operator's prefix, name and suffix.
    fn operator_parts(&self) -> [&str; 3] {
        let prefix = match self.quantifier {
            Quantifier::One => "",
            Quantifier::Any => "ForAnyValue:",
            Quantifier::All => "ForAllValues:",
        };
        let suffix = if self.if_exists { "IfExists" } else { "" };
        [prefix, self.operator.name(), suffix]
    }

    /// The order in which a statement keeps its conditions: by operator, then key.
    pub(crate) fn canonical_order(&self, other: &Condition) -> Ordering {
        let ours = self.operator_parts().into_iter().flat_map(str::bytes);
        let theirs = other.operator_parts().into_iter().flat_map(str::bytes);
        let operators = ours.cmp(theirs);
        operators.then_with(|| self.key.folded().cmp(other.key.folded()))
    }

    /// Whether it holds in this context.
    pub fn holds(&self, context: &Context) -> Verdict {
        if let Operator::Unread(name) = &self.operator {
            return Verdict::unknown(format!("the condition operator {name} is not known"));
        }
        match context.get(self.key.folded()) {
            KeyValue::Absent => self.holds_absent(),
            KeyValue::Present(values) => self.holds_present(values, context),
            KeyValue::Unknown => {
                let present = if self.accepts_any_value() {
                    Verdict::Yes
                } else {
                    Verdict::unknown(self.key_doubt())
                };
                self.holds_absent().either(present, || self.key_doubt())
            }
        }
    }

    fn key_doubt(&self) -> String {
        format!("the value of {} is not known", self.key)
    }

    /// Whether it holds for a request without the key.
    pub fn holds_absent(&self) -> Verdict {
        if self.operator == Operator::Null {
            return self.null_accepts("true");
        }
        if self.if_exists || self.quantifier == Quantifier::All {
            return Verdict::Yes;
        }
        if self.quantifier == Quantifier::Any {
            return Verdict::No;
        }
        self.operator.is_negated().into()
    }

    /// Whether every value a key could have qualifies, so that it pins nothing beyond the presence of the key.
    pub fn accepts_any_value(&self) -> bool {
        match &self.operator {
            Operator::StringLike { negated: false } | Operator::Arn { negated: false, .. } => {
                // An empty set of values does not satisfy ForAnyValue, but a present key with no values hardly exists.
                self.values
                    .iter()
                    .any(|value| value.fixed().is_some_and(Pattern::is_any))
            }
            Operator::Null => self.null_accepts("false").is_yes(),
            Operator::IpAddress { negated: false } => {
                let all = |range: &str| self.values.iter().any(|value| value.source() == range);
                all("0.0.0.0/0") && all("::/0")
            }
            _ => false,
        }
    }

    /// Whether it holds for a key that is there, where that does not depend on the value: only `Null` asks no more than that.
    pub(crate) fn holds_for_any_value(&self) -> Option<Verdict> {
        (self.operator == Operator::Null).then(|| self.null_accepts("false"))
    }

    fn null_accepts(&self, absent: &str) -> Verdict {
        Verdict::any(
            self.values
                .iter()
                .map(|value| match value.fixed().and_then(Pattern::as_literal) {
                    Some(text) => text.eq_ignore_ascii_case(absent).into(),
                    None => Verdict::unknown(format!("the value \"{value}\" of Null is not known")),
                }),
        )
    }

    fn holds_present(&self, values: &[String], context: &Context) -> Verdict {
        if self.operator == Operator::Null {
            return self.null_accepts("false");
        }
        let qualifies = |value: &String| {
            let listed = Verdict::any(
                self.values
                    .iter()
                    .map(|template| self.operator.accepts(value, template, context)),
            );
            if self.operator.is_negated() {
                !listed
            } else {
                listed
            }
        };
        match (self.quantifier, values) {
            (Quantifier::One, [one]) => qualifies(one),
            (Quantifier::One, []) => self.holds_absent(),
            (Quantifier::All, _) => Verdict::all(values.iter().map(qualifies)),
            (Quantifier::Any, _) => Verdict::any(values.iter().map(qualifies)),
            (Quantifier::One, many) => {
                let reason = || {
                    format!(
                        "{} has several values and the condition has no set operator",
                        self.key
                    )
                };
                Verdict::all(many.iter().map(qualifies))
                    .either(Verdict::any(many.iter().map(qualifies)), reason)
            }
        }
    }
}

impl Operator {
    /// Whether it refuses the listed values instead of accepting them.
    pub fn is_negated(&self) -> bool {
        match self {
            Operator::StringEquals { negated, .. }
            | Operator::StringLike { negated }
            | Operator::IpAddress { negated }
            | Operator::Arn { negated, .. } => *negated,
            Operator::Numeric(compare) | Operator::Date(compare) => *compare == Compare::NotEquals,
            Operator::Bool | Operator::Binary | Operator::Null | Operator::Unread(_) => false,
        }
    }

    pub(crate) fn template(&self, text: &str, version: Version) -> Template {
        match self {
            Operator::StringLike { .. } | Operator::Arn { .. } => Template::wild(text, version),
            _ => Template::plain(text, version),
        }
    }

    /// Whether a value of the request is the listed one; of a negated operator, without its negation.
    fn accepts(&self, value: &str, template: &Template, context: &Context) -> Verdict {
        match self {
            Operator::StringEquals {
                ignore_case: false,
                negated,
            }
            | Operator::StringLike { negated } => match (template.matches(value, context), negated) {
                (Verdict::No, true) => nothing_is_unclear(template, context),
                (verdict, _) => verdict,
            },
            Operator::StringEquals {
                ignore_case: true, ..
            } => self.compare(template, context, |text| {
                Some(text.to_lowercase() == value.to_lowercase())
            }),
            Operator::Arn { .. } => match resolve(template, context) {
                Ok(Some(pattern)) => arn_matches(&pattern, value).into(),
                Ok(None) => Verdict::No,
                Err(doubt) if template.upper().matches(value) => Verdict::Unknown(doubt),
                Err(_) => Verdict::No,
            },
            Operator::Numeric(compare) => self.compare(template, context, |text| {
                let (listed, value) = (number(text)?, number(value)?);
                Some(compare.listed(value.partial_cmp(&listed)?))
            }),
            Operator::Date(compare) => self.compare(template, context, |text| {
                let (listed, value) = (date(text)?, date(value)?);
                Some(compare.listed(value.cmp(&listed)))
            }),
            Operator::Bool => self.compare(template, context, |text| Some(text.eq_ignore_ascii_case(value))),
            Operator::Binary => self.compare(template, context, |text| {
                Some(text.trim_end_matches('=') == value.trim_end_matches('='))
            }),
            Operator::IpAddress { .. } => self.compare(template, context, |text| {
                Some(Range::read(text)?.holds(value.parse().ok()?))
            }),
            Operator::Null | Operator::Unread(_) => {
                Verdict::unknown(format!("{self} does not compare values"))
            }
        }
    }

    fn compare(
        &self,
        template: &Template,
        context: &Context,
        test: impl FnOnce(&str) -> Option<bool>,
    ) -> Verdict {
        match resolve(template, context) {
            Ok(Some(pattern)) => match pattern.as_literal().map(test) {
                Some(Some(holds)) => holds.into(),
                _ => Verdict::unknown(format!("{self} cannot compare with \"{template}\"")),
            },
            Ok(None) if self.is_negated() => nothing_is_unclear(template, context),
            Ok(None) => Verdict::No,
            Err(doubt) => Verdict::Unknown(doubt),
        }
    }
}

fn resolve(template: &Template, context: &Context) -> Result<Option<Pattern>, Doubt> {
    match template.resolve(context) {
        Resolved::Pattern(pattern) => Ok(Some(pattern)),
        Resolved::Nothing => Ok(None),
        Resolved::Unknown(doubt) => Err(doubt),
    }
}

/// A negated operator whose listed value has a variable without a value: AWS does not say whether the statement then applies.
fn nothing_is_unclear(template: &Template, context: &Context) -> Verdict {
    match template.resolve(context) {
        Resolved::Nothing => Verdict::unknown(format!(
            "a variable in \"{template}\" has no value, under a negated operator"
        )),
        Resolved::Pattern(_) | Resolved::Unknown(_) => Verdict::No,
    }
}

impl Compare {
    /// For `NotEquals` equality itself: the negation is applied over all listed values.
    fn listed(self, ordering: Ordering) -> bool {
        match self {
            Compare::Equals | Compare::NotEquals => ordering == Ordering::Equal,
            Compare::LessThan => ordering == Ordering::Less,
            Compare::LessThanEquals => ordering != Ordering::Greater,
            Compare::GreaterThan => ordering == Ordering::Greater,
            Compare::GreaterThanEquals => ordering != Ordering::Less,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
}

/// Milliseconds since 1970 of an ISO 8601 date, date and time, or a count of seconds.
fn date(text: &str) -> Option<i64> {
    if let Ok(seconds) = text.parse::<i64>()
        && text.len() != 4
    {
        return seconds.checked_mul(1000);
    }
    let (day, time) = match text.split_once('T') {
        Some((day, time)) => (day, time),
        None => (text, "00:00:00Z"),
    };
    let mut parts = day.splitn(3, '-');
    let year: i64 = parts.next()?.parse().ok()?;
    let month: i64 = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    let day: i64 = parts.next().map_or(Some(1), |part| part.parse().ok())?;
    if !(0..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let (clock, offset) = match time.find(['Z', '+', '-']) {
        Some(at) => (&time[..at], offset_minutes(&time[at..])?),
        None => (time, 0),
    };
    let mut parts = clock.splitn(3, ':');
    let hour: i64 = parts.next()?.parse().ok()?;
    let minute: i64 = parts.next()?.parse().ok()?;
    let second: f64 = parts.next().map_or(Some(0.0), |part| part.parse().ok())?;
    if !(0..=24).contains(&hour) || !(0..=59).contains(&minute) || !(0.0..61.0).contains(&second) {
        return None;
    }
    // Days from the civil date, counted from March so that the leap day is the last of its year.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute - offset) * 60_000 + (second * 1000.0) as i64)
}

fn offset_minutes(text: &str) -> Option<i64> {
    if text == "Z" {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
    let hours: i64 = digits.get(..2)?.parse().ok()?;
    let minutes: i64 = digits
        .get(2..)
        .filter(|rest| !rest.is_empty())
        .map_or(Some(0), |rest| rest.parse().ok())?;
    Some(sign * (hours * 60 + minutes))
}

/// A range of addresses in CIDR notation, or one address.
struct Range {
    address: IpAddr,
    bits: u32,
}

impl Range {
    fn read(text: &str) -> Option<Range> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse().ok()?, Some(bits.parse().ok()?)),
            None => (text.parse().ok()?, None),
        };
        let width = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        (bits <= width).then_some(Range { address, bits })
    }

    fn holds(&self, value: IpAddr) -> bool {
        fn number(address: IpAddr) -> (u128, u32) {
            match address {
                IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
                IpAddr::V6(address) => (u128::from(address), 128),
            }
        }
        let ((range, width), (value, value_width)) = (number(self.address), number(value));
        let dropped = width - self.bits;
        width == value_width && (dropped == 128 || range >> dropped == value >> dropped)
    }
}

/// ARNs are compared part by part: a wildcard in one of the first five parts does not reach into the next.
fn arn_matches(pattern: &Pattern, value: &str) -> bool {
    if pattern.is_any() {
        return true;
    }
    if let Some(text) = pattern.as_literal() {
        return text == value;
    }
    let mut parts = vec![Vec::new()];
    for symbol in pattern.symbols() {
        if *symbol == Symbol::Char(':') && parts.len() < 6 {
            parts.push(Vec::new());
        } else if let Some(last) = parts.last_mut() {
            last.push(*symbol);
        }
    }
    let values: Vec<&str> = value.splitn(6, ':').collect();
    values.len() == parts.len()
        && parts
            .into_iter()
            .zip(values)
            .all(|(part, value)| Pattern::from_symbols(part).matches(value))
}

fn read_operator(text: &str) -> (Quantifier, Operator, bool) {
    static EVERY: LazyLock<Box<[Operator]>> = LazyLock::new(|| Operator::every().collect());
    let split = |at: usize| text.split_at_checked(at);
    let (quantifier, rest) = match (split("ForAnyValue:".len()), split("ForAllValues:".len())) {
        (Some((prefix, rest)), _) if prefix.eq_ignore_ascii_case("ForAnyValue:") => (Quantifier::Any, rest),
        (_, Some((prefix, rest))) if prefix.eq_ignore_ascii_case("ForAllValues:") => (Quantifier::All, rest),
        _ => (Quantifier::One, text),
    };
    let suffix = rest.len().checked_sub("IfExists".len());
    let (name, if_exists) = match suffix.and_then(|at| rest.split_at_checked(at)) {
        Some((name, suffix)) if suffix.eq_ignore_ascii_case("IfExists") => (name, true),
        _ => (rest, false),
    };
    let operator = EVERY
        .iter()
        .find(|operator| operator.name().eq_ignore_ascii_case(name))
        .cloned();
    match operator {
        // `NullIfExists` is not a thing.
        Some(Operator::Null) if if_exists => (Quantifier::One, Operator::Unread(text.into()), false),
        Some(operator) => (quantifier, operator, if_exists),
        None => (Quantifier::One, Operator::Unread(text.into()), false),
    }
}

impl Operator {
    /// Every operator there is.
    pub fn every() -> impl Iterator<Item = Operator> {
        let compares = COMPARES
            .iter()
            .flat_map(|compare| [Operator::Numeric(*compare), Operator::Date(*compare)]);
        [false, true]
            .into_iter()
            .flat_map(|negated| {
                [
                    Operator::StringEquals {
                        negated,
                        ignore_case: false,
                    },
                    Operator::StringEquals {
                        negated,
                        ignore_case: true,
                    },
                    Operator::StringLike { negated },
                    Operator::IpAddress { negated },
                    Operator::Arn { negated, like: false },
                    Operator::Arn { negated, like: true },
                ]
            })
            .chain([Operator::Bool, Operator::Binary, Operator::Null])
            .chain(compares)
    }
}

impl Operator {
    /// As AWS spells it.
    fn name(&self) -> &str {
        match self {
            Operator::StringEquals { negated, ignore_case } => match (negated, ignore_case) {
                (false, false) => "StringEquals",
                (false, true) => "StringEqualsIgnoreCase",
                (true, false) => "StringNotEquals",
                (true, true) => "StringNotEqualsIgnoreCase",
            },
            Operator::StringLike { negated: false } => "StringLike",
            Operator::StringLike { negated: true } => "StringNotLike",
            Operator::Numeric(compare) => match compare {
                Compare::Equals => "NumericEquals",
                Compare::NotEquals => "NumericNotEquals",
                Compare::LessThan => "NumericLessThan",
                Compare::LessThanEquals => "NumericLessThanEquals",
                Compare::GreaterThan => "NumericGreaterThan",
                Compare::GreaterThanEquals => "NumericGreaterThanEquals",
            },
            Operator::Date(compare) => match compare {
                Compare::Equals => "DateEquals",
                Compare::NotEquals => "DateNotEquals",
                Compare::LessThan => "DateLessThan",
                Compare::LessThanEquals => "DateLessThanEquals",
                Compare::GreaterThan => "DateGreaterThan",
                Compare::GreaterThanEquals => "DateGreaterThanEquals",
            },
            Operator::Bool => "Bool",
            Operator::Binary => "BinaryEquals",
            Operator::IpAddress { negated: false } => "IpAddress",
            Operator::IpAddress { negated: true } => "NotIpAddress",
            Operator::Arn { negated, like } => match (negated, like) {
                (false, false) => "ArnEquals",
                (false, true) => "ArnLike",
                (true, false) => "ArnNotEquals",
                (true, true) => "ArnNotLike",
            },
            Operator::Null => "Null",
            Operator::Unread(name) => name,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}

impl ConditionKey {
    /// A key as written.
    pub fn new(text: &str) -> Self {
        ConditionKey {
            text: text.into(),
            folded: text.to_ascii_lowercase().into(),
        }
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// In lower case, for comparison.
    pub fn folded(&self) -> &str {
        &self.folded
    }
}

impl PartialEq for ConditionKey {
    fn eq(&self, other: &Self) -> bool {
        self.folded == other.folded
    }
}

impl Eq for ConditionKey {}

impl std::hash::Hash for ConditionKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.folded.hash(state);
    }
}

impl fmt::Display for ConditionKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {} ", self.operator_name(), self.key)?;
        for (place, value) in self.values.iter().enumerate() {
            write!(out, "{}{value}", if place > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(operator: &str, listed: &[&str], present: &[&str]) -> Verdict {
        let context = Context::closed().with_all("k:k", present.iter().copied());
        Condition::new(operator, "K:k", listed, Version::V2012).holds(&context)
    }

    fn holds_absent(operator: &str, listed: &[&str]) -> Verdict {
        Condition::new(operator, "k:k", listed, Version::V2012).holds(&Context::closed())
    }

    #[test]
    fn operators_read_back_as_they_are_spelled() {
        for operator in Operator::every() {
            let condition = Condition::new(&format!("ForAnyValue:{operator}"), "k:k", ["x"], Version::V2012);
            assert_eq!(condition.operator, operator);
            assert_eq!(condition.operator_name(), format!("ForAnyValue:{operator}"));
        }
        assert_eq!(Operator::every().count(), 27);
        assert!(matches!(
            Condition::new("StringMatches", "k:k", ["x"], Version::V2012).operator,
            Operator::Unread(_)
        ));
    }

    #[test]
    fn compares_each_kind_of_value() {
        let cases: &[(&str, &[&str], &str, bool)] = &[
            ("StringEquals", &["a", "b"], "b", true),
            ("StringEquals", &["A*"], "Ab", false),
            ("StringEquals", &["a"], "A", false),
            ("StringEqualsIgnoreCase", &["a"], "A", true),
            ("StringNotEquals", &["a", "b"], "b", false),
            ("StringNotEquals", &["a", "b"], "c", true),
            ("StringLike", &["a*c"], "abc", true),
            ("StringNotLike", &["a*", "b*"], "c", true),
            ("NumericLessThanEquals", &["3600"], "3600", true),
            ("NumericLessThan", &["3600"], "3600", false),
            ("NumericNotEquals", &["1", "2"], "2", false),
            (
                "DateGreaterThan",
                &["2026-01-01T00:00:00Z"],
                "2026-01-01T01:00:00+00:30",
                true,
            ),
            ("DateLessThan", &["2020-02-29"], "1582934399", true),
            ("DateEquals", &["1970-01-02"], "86400", true),
            ("Bool", &["TRUE"], "true", true),
            ("BinaryEquals", &["QUI="], "QUI=", true),
            (
                "IpAddress",
                &["203.0.113.0/24", "2001:DB8:1234:5678::/64"],
                "203.0.113.77",
                true,
            ),
            (
                "IpAddress",
                &["2001:DB8:1234:5678::/64"],
                "2001:db8:1234:5678::1",
                true,
            ),
            ("NotIpAddress", &["203.0.113.0/24"], "203.0.113.77", false),
            ("IpAddress", &["0.0.0.0/0"], "::1", false),
            (
                "ArnLike",
                &["arn:aws:iam::*:role/mlops/*"],
                "arn:aws:iam::123456789012:role/mlops/x",
                true,
            ),
            // A wildcard does not leave its part of the ARN.
            (
                "ArnLike",
                &["arn:aws:*:role/x"],
                "arn:aws:iam::123456789012:role/x",
                false,
            ),
            (
                "ArnEquals",
                &["arn:aws:iam::1:role/*"],
                "arn:aws:iam::1:role/x:y",
                true,
            ),
            ("Null", &["false"], "x", true),
            ("Null", &["true"], "x", false),
        ];
        for (operator, listed, present, wanted) in cases {
            assert_eq!(
                holds(operator, listed, &[present]),
                (*wanted).into(),
                "{operator} {listed:?} on {present}"
            );
        }
    }

    #[test]
    fn an_absent_key_satisfies_negation_if_exists_for_all_values_and_null() {
        for (operator, wanted) in [
            ("StringEquals", false),
            ("StringNotEquals", true),
            ("StringEqualsIfExists", true),
            ("BoolIfExists", true),
            ("ForAllValues:StringEquals", true),
            ("ForAnyValue:StringEquals", false),
            ("ForAnyValue:StringNotEquals", false),
        ] {
            assert_eq!(holds_absent(operator, &["x"]), wanted.into(), "{operator}");
        }
        assert_eq!(holds_absent("Null", &["true"]), Verdict::Yes);
        assert_eq!(holds_absent("Null", &["false"]), Verdict::No);
    }

    #[test]
    fn set_operators_look_at_every_value() {
        assert_eq!(
            holds("ForAllValues:StringEquals", &["a", "b"], &["a", "b"]),
            Verdict::Yes
        );
        assert_eq!(
            holds("ForAllValues:StringEquals", &["a", "b"], &["a", "c"]),
            Verdict::No
        );
        assert_eq!(
            holds("ForAnyValue:StringEquals", &["a", "b"], &["a", "c"]),
            Verdict::Yes
        );
        assert_eq!(
            holds("ForAnyValue:StringNotEquals", &["a"], &["a", "c"]),
            Verdict::Yes
        );
        assert_eq!(
            holds("ForAllValues:StringNotEquals", &["a"], &["a", "c"]),
            Verdict::No
        );
        // Without a set operator the answer is known only where both readings agree.
        assert!(holds("StringEquals", &["a"], &["a", "c"]).is_unknown());
        assert_eq!(holds("StringEquals", &["a"], &["b", "c"]), Verdict::No);
    }

    #[test]
    fn an_unknown_key_is_no_doubt_where_every_value_qualifies() {
        let open = Context::open();
        let holds = |operator, value| Condition::new(operator, "k:k", [value], Version::V2012).holds(&open);
        assert!(holds("StringLike", "*").is_unknown());
        assert_eq!(holds("StringLikeIfExists", "*"), Verdict::Yes);
        assert_eq!(holds("ForAllValues:StringLike", "*"), Verdict::Yes);
        assert!(holds("StringEqualsIfExists", "x").is_unknown());
    }

    #[test]
    fn values_that_cannot_be_compared_are_unknown() {
        assert!(holds("NumericLessThan", &["many"], &["1"]).is_unknown());
        assert!(holds("DateLessThan", &["soon"], &["2020-01-01"]).is_unknown());
        assert!(holds("IpAddress", &["10.0.0.0/33"], &["10.0.0.1"]).is_unknown());
    }
}
