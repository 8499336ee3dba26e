//! Does a condition really narrow? Many that look as if they did hold for every request, or for every request that wants them to.

use super::condition::{Compare, Condition, Operator, Quantifier};
use super::policy::Statement;

/// What a condition takes away from an Allow.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Narrowing {
    /// Only the listed values pass.
    Pins,
    /// All but the listed values pass.
    Excludes,
    /// Everything passes, or everything that leaves the key out; with the reason in words.
    Nothing(String),
    /// It depends on text that is not known.
    Unknown(String),
}

/// Keys that every request of a signed-in principal carries, so that `…IfExists` and `ForAllValues` change nothing about them.
/// Source: "AWS global condition context keys", the notes on availability.
const ALWAYS_PRESENT: [&str; 11] = [
    "aws:principalarn",
    "aws:principalaccount",
    "aws:principaltype",
    "aws:userid",
    "aws:principalisawsservice",
    "aws:requestedregion",
    "aws:securetransport",
    "aws:currenttime",
    "aws:epochtime",
    "aws:useragent",
    // Not global, but part of every iam:PassRole.
    "iam:passedtoservice",
];

impl Condition {
    /// What it takes away from an Allow.
    ///
    /// ```
    /// use mlops_access::aws::{Condition, Narrowing, Version};
    ///
    /// let narrowing = |operator, key, value| Condition::new(operator, key, [value], Version::V2012).narrowing();
    /// assert_eq!(narrowing("StringEquals", "aws:PrincipalOrgID", "o-1"), Narrowing::Pins);
    /// assert!(matches!(narrowing("ForAllValues:StringEquals", "x.example:sub", "a"), Narrowing::Nothing(_)));
    /// assert!(matches!(narrowing("StringLike", "x.example:sub", "*"), Narrowing::Nothing(_)));
    /// ```
    pub fn narrowing(&self) -> Narrowing {
        let name = self.operator_name();
        if let Operator::Unread(operator) = &self.operator {
            return Narrowing::Unknown(format!("the operator {operator} is not known"));
        }
        if let Some(value) = self.values.iter().find(|value| value.is_unknown()) {
            return Narrowing::Unknown(format!("the value \"{value}\" of {} is not known", self.key));
        }
        let key = self.key.folded();
        let always_present = ALWAYS_PRESENT.contains(&key);
        if self.operator == Operator::Null {
            return self.null_narrowing(always_present);
        }
        if self.values.is_empty() && !self.operator.is_negated() {
            return Narrowing::Pins;
        }
        if self.accepts_any_value() {
            return Narrowing::Nothing(format!("{name} accepts every value of {}", self.key));
        }
        if self.quantifier == Quantifier::All && !always_present {
            return Narrowing::Nothing(format!(
                "ForAllValues holds for every request without {}",
                self.key
            ));
        }
        if self.if_exists && !always_present {
            return Narrowing::Nothing(format!("{name} holds for every request without {}", self.key));
        }
        if key == "aws:securetransport" {
            return Narrowing::Nothing("every caller can use TLS".into());
        }
        if self.operator == Operator::Bool {
            let listed = |text: &str| {
                self.values
                    .iter()
                    .any(|value| value.source().eq_ignore_ascii_case(text))
            };
            if listed("true") && listed("false") {
                return Narrowing::Nothing(format!("both values of {} are accepted", self.key));
            }
            if key == "aws:multifactorauthpresent" && listed("false") {
                return Narrowing::Nothing("it asks for callers without MFA".into());
            }
        }
        let bounded_below_or_above = matches!(
            self.operator,
            Operator::Numeric(compare) | Operator::Date(compare) if compare != Compare::Equals
        );
        if self.operator.is_negated() || bounded_below_or_above {
            Narrowing::Excludes
        } else {
            Narrowing::Pins
        }
    }

    fn null_narrowing(&self, always_present: bool) -> Narrowing {
        let wants = |text: &str| {
            self.values
                .iter()
                .any(|value| value.source().eq_ignore_ascii_case(text))
        };
        match (wants("true"), wants("false")) {
            (true, true) => Narrowing::Nothing("it accepts requests with and without the key".into()),
            (false, true) if always_present => Narrowing::Nothing(format!("every request has {}", self.key)),
            (true, false) if always_present => Narrowing::Pins,
            _ => Narrowing::Excludes,
        }
    }
}

impl Statement {
    /// The conditions that really narrow it: those that pin values or exclude some, and those of which that is not known.
    pub fn narrowing_conditions(&self) -> impl Iterator<Item = &Condition> {
        self.conditions
            .iter()
            .filter(|condition| !matches!(condition.narrowing(), Narrowing::Nothing(_)))
    }

    /// Whether any condition pins it to listed values.
    pub fn is_pinned(&self) -> bool {
        self.conditions
            .iter()
            .any(|condition| condition.narrowing() == Narrowing::Pins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::Version;

    #[test]
    fn conditions_that_hold_for_everybody_narrow_nothing() {
        for (operator, key, values) in [
            ("StringLike", "x.example:sub", &["repo:a/b:*", "*"][..]),
            ("StringLike", "aws:PrincipalArn", &["*"]),
            ("StringEqualsIfExists", "x.example:sub", &["a"]),
            ("ForAllValues:StringEquals", "x.example:sub", &["a"]),
            ("BoolIfExists", "aws:MultiFactorAuthPresent", &["false"]),
            ("Bool", "aws:MultiFactorAuthPresent", &["false"]),
            ("Bool", "aws:SecureTransport", &["true"]),
            ("IpAddress", "aws:SourceIp", &["0.0.0.0/0", "::/0"]),
            ("Null", "aws:PrincipalArn", &["false"]),
            ("ArnLike", "aws:SourceArn", &["*"]),
        ] {
            let condition = Condition::new(operator, key, values, Version::V2012);
            assert!(
                matches!(condition.narrowing(), Narrowing::Nothing(_)),
                "{condition}"
            );
        }
    }

    #[test]
    fn conditions_that_pin_or_exclude_are_told_apart() {
        let narrowing =
            |operator, key, value| Condition::new(operator, key, [value], Version::V2012).narrowing();
        assert_eq!(
            narrowing("StringEquals", "aws:PrincipalOrgID", "o-1"),
            Narrowing::Pins
        );
        assert_eq!(
            narrowing("StringEqualsIfExists", "iam:PassedToService", "ec2.amazonaws.com"),
            Narrowing::Pins
        );
        assert_eq!(
            narrowing("ForAllValues:StringEquals", "aws:PrincipalArn", "x"),
            Narrowing::Pins
        );
        assert_eq!(
            narrowing("StringNotEquals", "aws:RequestedRegion", "us-east-1"),
            Narrowing::Excludes
        );
        assert_eq!(
            narrowing("IpAddress", "aws:SourceIp", "10.0.0.0/8"),
            Narrowing::Pins
        );
        assert_eq!(
            narrowing("DateLessThan", "aws:CurrentTime", "2030-01-01"),
            Narrowing::Excludes
        );
        assert!(matches!(
            narrowing("StringEquals", "a:b", "\u{fffc}"),
            Narrowing::Unknown(_)
        ));
        assert!(matches!(
            narrowing("StringMatches", "a:b", "x"),
            Narrowing::Unknown(_)
        ));
    }
}
