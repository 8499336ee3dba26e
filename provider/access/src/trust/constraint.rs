use crate::pattern::{Pattern, TooComplex, witness};

/// Whether a claim must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Presence {
    /// A missing claim is accepted as well.
    #[default]
    Either,
    /// The claim must be there.
    Present,
    /// The claim must be missing.
    Absent,
}

/// What a set of tokens asks of one claim: in every group one pattern matches the value, and none of `outside` does.
///
/// ```
/// use mlops_access::trust::Constraint;
/// let tags = Constraint::like(["refs/tags/*"]);
/// let v2 = tags.clone().and(Constraint::not_like(["refs/tags/v1*"]));
/// assert!(v2.accepts(Some("refs/tags/v2")) && !v2.accepts(Some("refs/tags/v1.0")));
/// assert!(!tags.accepts(None), "a missing claim matches no pattern");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default, Hash)]
pub struct Constraint {
    groups: Vec<Vec<Pattern>>,
    outside: Vec<Pattern>,
    presence: Presence,
    impossible: bool,
}

/// Most combinations of patterns tried before giving up.
const MOST_COMBINATIONS: usize = 1 << 14;

impl Constraint {
    /// The value is one of these.
    pub fn equals<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self::group(values.into_iter().map(Pattern::literal).collect())
    }

    /// The value matches one of these patterns.
    pub fn like<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self::group(patterns.into_iter().map(Pattern::parse).collect())
    }

    /// The value matches this pattern.
    #[must_use]
    pub fn matching(pattern: Pattern) -> Self {
        Self::group(vec![pattern])
    }

    /// There is a value, and it does not match this pattern.
    #[must_use]
    pub fn avoiding(pattern: Pattern) -> Self {
        Self {
            outside: vec![pattern],
            presence: Presence::Present,
            ..Self::default()
        }
    }

    /// The value matches one of these patterns.
    pub fn any_of(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        Self::group(patterns.into_iter().collect())
    }

    /// The value matches none of these patterns, or is missing.
    pub fn none_of(patterns: impl IntoIterator<Item = Pattern>) -> Self {
        Self {
            outside: patterns.into_iter().collect(),
            ..Self::default()
        }
    }

    fn group(patterns: Vec<Pattern>) -> Self {
        Self {
            groups: vec![patterns],
            presence: Presence::Present,
            ..Self::default()
        }
    }

    /// The value is none of these, or missing.
    pub fn not_equals<'a>(values: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            outside: values.into_iter().map(Pattern::literal).collect(),
            ..Self::default()
        }
    }

    /// The value matches none of these patterns, or is missing.
    pub fn not_like<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            outside: patterns.into_iter().map(Pattern::parse).collect(),
            ..Self::default()
        }
    }

    /// The claim is there, or is missing; its value does not matter.
    #[must_use]
    pub fn presence(presence: Presence) -> Self {
        Self {
            presence,
            ..Self::default()
        }
    }

    /// Nothing satisfies it.
    #[must_use]
    pub fn never() -> Self {
        Self {
            impossible: true,
            ..Self::default()
        }
    }

    /// The same, but a missing claim is accepted: what `…IfExists` and `ForAllValues` do.
    #[must_use]
    pub fn or_absent(mut self) -> Self {
        if self.presence == Presence::Present {
            self.presence = Presence::Either;
        }
        self
    }

    /// Both hold.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for group in other.groups {
            if !self.groups.contains(&group) {
                self.groups.push(group);
            }
        }
        for pattern in other.outside {
            if !self.outside.contains(&pattern) {
                self.outside.push(pattern);
            }
        }
        let (presence, contradiction) = match (self.presence, other.presence) {
            (Presence::Either, p) | (p, Presence::Either) => (p, false),
            (a, b) => (a, a != b),
        };
        self.presence = presence;
        self.impossible |= other.impossible || contradiction;
        self
    }

    /// Whether it must be a value and not a missing claim.
    #[must_use]
    pub fn requires_value(&self) -> bool {
        self.impossible || self.presence == Presence::Present
    }

    /// Whether the value, or its absence, is accepted.
    #[must_use]
    pub fn accepts(&self, value: Option<&str>) -> bool {
        if self.impossible {
            return false;
        }
        match value {
            None => self.presence != Presence::Present,
            Some(value) => {
                self.presence != Presence::Absent
                    && self
                        .groups
                        .iter()
                        .all(|group| group.iter().any(|p| p.matches(value)))
                    && !self.outside.iter().any(|p| p.matches(value))
            }
        }
    }

    /// Whether both demand values from lists of plain texts that have none in common; a cheap way to say no.
    pub(super) fn clearly_apart(&self, other: &Self) -> bool {
        match (
            self.presence,
            other.presence,
            self.groups.first(),
            other.groups.first(),
        ) {
            (Presence::Present, Presence::Present, Some(a), Some(b)) => {
                let literal = |p: &Pattern| p.as_literal().is_some();
                a.iter().all(literal) && b.iter().all(literal) && !a.iter().any(|p| b.contains(p))
            }
            _ => false,
        }
    }

    /// The groups of patterns; in each one at least one pattern matches.
    #[must_use]
    pub fn groups(&self) -> &[Vec<Pattern>] {
        &self.groups
    }

    /// Everything that it does not accept, as a union.
    #[must_use]
    pub fn complement(&self) -> Vec<Self> {
        if self.impossible {
            return vec![Self::default()];
        }
        let mut rest = Vec::new();
        match self.presence {
            Presence::Absent => return vec![Self::presence(Presence::Present)],
            Presence::Present => rest.push(Self::presence(Presence::Absent)),
            Presence::Either => {}
        }
        for group in &self.groups {
            rest.push(Self {
                outside: group.clone(),
                presence: Presence::Present,
                ..Self::default()
            });
        }
        for pattern in &self.outside {
            rest.push(Self::group(vec![pattern.clone()]));
        }
        rest
    }

    /// A value that is accepted: `Some(Some(value))`, or `Some(None)` when only a missing claim is, or `None` when
    /// nothing is.
    ///
    /// # Errors
    /// When the patterns are too entangled to tell.
    pub fn solve(&self) -> Result<Option<Option<String>>, TooComplex> {
        if self.impossible {
            return Ok(None);
        }
        if self.presence != Presence::Absent
            && let Some(value) = self.value()?
        {
            return Ok(Some(Some(value)));
        }
        Ok(if self.presence == Presence::Present {
            None
        } else {
            Some(None)
        })
    }

    fn value(&self) -> Result<Option<String>, TooComplex> {
        // A group of exact values leaves only those to try.
        if let Some(values) = self.groups.iter().find_map(|group| {
            group
                .iter()
                .map(Pattern::as_literal)
                .collect::<Option<Vec<&str>>>()
        }) {
            return Ok(values
                .into_iter()
                .find(|v| self.accepts(Some(v)))
                .map(str::to_owned));
        }
        let combinations = self
            .groups
            .iter()
            .try_fold(1usize, |n, group| n.checked_mul(group.len()));
        if combinations.is_none_or(|n| n > MOST_COMBINATIONS) {
            return Err(TooComplex);
        }
        let outside: Vec<&Pattern> = self.outside.iter().collect();
        let mut choice = vec![0; self.groups.len()];
        loop {
            let inside: Option<Vec<&Pattern>> = self
                .groups
                .iter()
                .zip(&choice)
                .map(|(group, i)| group.get(*i))
                .collect();
            let Some(inside) = inside else { return Ok(None) };
            if let Some(text) = witness(&inside, &outside)? {
                return Ok(Some(text));
            }
            // Counts through all combinations like an odometer.
            let Some(wheel) = (0..choice.len()).find(|i| choice[*i] + 1 < self.groups[*i].len()) else {
                return Ok(None);
            };
            choice[wheel] += 1;
            choice[..wheel].fill(0);
        }
    }
}
