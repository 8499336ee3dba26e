//! The three-valued answer that travels through every question of this crate.
//!
//! A policy may hold a key whose value nobody knows before apply, an operator newer than this crate, or a statement
//! that cannot be read. None of these may turn into a quiet *yes* or a quiet *no*: they become [`Verdict::Unknown`] with
//! the reasons, and the usual (strong Kleene) connectives carry them only as far as they matter: a `No` beside an
//! unknown is still `No` under *and*.

use std::fmt;

/// Why a question could not be answered: one or more sentences fit for a person, without duplicates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Doubt(Vec<String>);

/// More reasons than this help nobody; the rest are counted away.
const MOST_REASONS: usize = 8;

impl Doubt {
    /// A doubt with one reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Doubt(vec![reason.into()])
    }

    /// The reasons, in the order in which they were met.
    pub fn reasons(&self) -> &[String] {
        &self.0
    }

    /// Both doubts together. Equal reasons are kept once, and only the first few are kept at all.
    #[must_use]
    pub fn and(mut self, other: Doubt) -> Self {
        for reason in other.0 {
            if self.0.len() >= MOST_REASONS {
                break;
            }
            if !self.0.contains(&reason) {
                self.0.push(reason);
            }
        }
        self
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, reason) in self.0.iter().enumerate() {
            if place > 0 {
                out.write_str("; ")?;
            }
            out.write_str(reason)?;
        }
        Ok(())
    }
}

/// Yes, no, or cannot tell and why.
///
/// ```
/// use mlops_access::verdict::Verdict;
///
/// let doubt = Verdict::unknown("aws:SourceIp is not known before apply");
/// assert_eq!(doubt.clone().and(Verdict::No), Verdict::No);   // the doubt does not matter
/// assert!(doubt.clone().and(Verdict::Yes).is_unknown());     // here it does
/// assert_eq!(doubt.or(Verdict::Yes), Verdict::Yes);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It holds, whatever the unknown parts turn out to be.
    Yes,
    /// It does not hold, whatever the unknown parts turn out to be.
    No,
    /// It depends on something that is not known.
    Unknown(Doubt),
}

impl Verdict {
    /// Cannot tell, for this one reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Verdict::Unknown(Doubt::new(reason))
    }

    /// `true` only for [`Verdict::Yes`].
    pub fn is_yes(&self) -> bool {
        matches!(self, Verdict::Yes)
    }

    /// `true` only for [`Verdict::No`].
    pub fn is_no(&self) -> bool {
        matches!(self, Verdict::No)
    }

    /// `true` only for [`Verdict::Unknown`].
    pub fn is_unknown(&self) -> bool {
        matches!(self, Verdict::Unknown(_))
    }

    /// The doubt, when there is one.
    pub fn doubt(&self) -> Option<&Doubt> {
        match self {
            Verdict::Unknown(doubt) => Some(doubt),
            Verdict::Yes | Verdict::No => None,
        }
    }

    /// Both hold. `No` wins over an unknown.
    #[must_use]
    pub fn and(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
            (Verdict::Unknown(one), Verdict::Unknown(two)) => Verdict::Unknown(one.and(two)),
            (Verdict::Unknown(doubt), Verdict::Yes) | (Verdict::Yes, Verdict::Unknown(doubt)) => {
                Verdict::Unknown(doubt)
            }
            (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
        }
    }

    /// At least one holds. `Yes` wins over an unknown.
    #[must_use]
    pub fn or(self, other: Verdict) -> Verdict {
        match (self, other) {
            (Verdict::Yes, _) | (_, Verdict::Yes) => Verdict::Yes,
            (Verdict::Unknown(one), Verdict::Unknown(two)) => Verdict::Unknown(one.and(two)),
            (Verdict::Unknown(doubt), Verdict::No) | (Verdict::No, Verdict::Unknown(doubt)) => {
                Verdict::Unknown(doubt)
            }
            (Verdict::No, Verdict::No) => Verdict::No,
        }
    }

    /// It is one of the two, nobody knows which: equal answers stay, different ones are unknown for `reason`.
    #[must_use]
    pub fn either(self, other: Verdict, reason: impl FnOnce() -> String) -> Verdict {
        match (self, other) {
            (Verdict::Yes, Verdict::Yes) => Verdict::Yes,
            (Verdict::No, Verdict::No) => Verdict::No,
            (Verdict::Unknown(one), Verdict::Unknown(two)) => Verdict::Unknown(one.and(two)),
            (Verdict::Unknown(doubt), _) | (_, Verdict::Unknown(doubt)) => Verdict::Unknown(doubt),
            (Verdict::Yes, Verdict::No) | (Verdict::No, Verdict::Yes) => Verdict::unknown(reason()),
        }
    }

    /// Whether all hold; stops at the first `No`.
    pub fn all(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut sum = Verdict::Yes;
        for verdict in verdicts {
            sum = sum.and(verdict);
            if sum.is_no() {
                break;
            }
        }
        sum
    }

    /// Whether any holds; stops at the first `Yes`.
    pub fn any(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut sum = Verdict::No;
        for verdict in verdicts {
            sum = sum.or(verdict);
            if sum.is_yes() {
                break;
            }
        }
        sum
    }
}

impl std::ops::Not for Verdict {
    type Output = Verdict;

    fn not(self) -> Verdict {
        match self {
            Verdict::Yes => Verdict::No,
            Verdict::No => Verdict::Yes,
            unknown @ Verdict::Unknown(_) => unknown,
        }
    }
}

impl From<bool> for Verdict {
    fn from(holds: bool) -> Self {
        if holds { Verdict::Yes } else { Verdict::No }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Yes => out.write_str("yes"),
            Verdict::No => out.write_str("no"),
            Verdict::Unknown(doubt) => write!(out, "cannot tell: {doubt}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_matters_only_where_the_other_side_leaves_it_open() {
        let doubt = || Verdict::unknown("why");
        assert_eq!(doubt().and(Verdict::No), Verdict::No);
        assert_eq!(doubt().or(Verdict::Yes), Verdict::Yes);
        assert_eq!(doubt().and(Verdict::Yes), doubt());
        assert_eq!(!doubt(), doubt());
        assert_eq!(Verdict::Yes.either(Verdict::No, || "why".into()), doubt());
        assert_eq!(Verdict::No.either(Verdict::No, || "why".into()), Verdict::No);
    }

    #[test]
    fn reasons_are_kept_once() {
        let both = Verdict::unknown("a")
            .and(Verdict::unknown("b"))
            .and(Verdict::unknown("a"));
        assert_eq!(both.to_string(), "cannot tell: a; b");
    }
}
