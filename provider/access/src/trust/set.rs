use std::collections::{BTreeMap, BTreeSet};

use super::{Caller, Constraint, Token};
use crate::{
    pattern::TooComplex,
    verdict::{Doubt, Verdict},
};

/// One box of tokens: callers of a kind whose name and claims satisfy independent constraints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What kind of caller.
    pub caller: Caller,
    /// Issuer, service or principal.
    pub name: Constraint,
    /// Claims; a claim that is not mentioned may be anything.
    pub claims: BTreeMap<String, Constraint>,
    /// Why the entry may in truth accept fewer tokens than it says; nothing when it is exact.
    pub doubt: Option<Doubt>,
    /// Which statement or binding it comes from, for messages.
    pub source: String,
}

impl Entry {
    /// All tokens of a kind of caller with this name.
    #[must_use]
    pub fn new(caller: Caller, name: Constraint) -> Self {
        Self {
            caller,
            name,
            claims: BTreeMap::new(),
            doubt: None,
            source: String::new(),
        }
    }

    /// Adds a constraint to a claim.
    #[must_use]
    pub fn with(mut self, claim: &str, constraint: Constraint) -> Self {
        let merged = self.claims.remove(claim).unwrap_or_default().and(constraint);
        self.claims.insert(claim.to_owned(), merged);
        self
    }

    /// Adds a reason why it may accept less.
    #[must_use]
    pub fn doubting(mut self, doubt: Doubt) -> Self {
        self.doubt = Some(match self.doubt {
            Some(present) => present.and(doubt),
            None => doubt,
        });
        self
    }

    fn holds(&self, token: &Token) -> bool {
        self.caller == token.caller
            && self.name.accepts(Some(&token.name))
            && self
                .claims
                .iter()
                .all(|(claim, c)| c.accepts(token.claims.get(claim).map(String::as_str)))
    }

    /// Whether they differ in plain texts; most pairs do, and it is cheap to see.
    fn clearly_apart(&self, other: &Self) -> bool {
        self.claims
            .iter()
            .any(|(claim, c)| other.claims.get(claim).is_some_and(|d| c.clearly_apart(d)))
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        if self.caller != other.caller {
            return None;
        }
        let mut both = self.clone();
        both.name = both.name.and(other.name.clone());
        for (claim, constraint) in &other.claims {
            both = both.with(claim, constraint.clone());
        }
        if let Some(doubt) = &other.doubt {
            both = both.doubting(doubt.clone());
        }
        Some(both)
    }

    fn witness(&self) -> Result<Option<Token>, TooComplex> {
        let Some(Some(name)) = self.name.solve()? else {
            return Ok(None);
        };
        let mut claims = BTreeMap::new();
        for (claim, constraint) in &self.claims {
            match constraint.solve()? {
                None => return Ok(None),
                Some(None) => {}
                Some(Some(value)) => {
                    claims.insert(claim.clone(), value);
                }
            }
        }
        Ok(Some(Token {
            caller: self.caller,
            name,
            claims,
        }))
    }

    /// What of this box lies outside `other`, as boxes.
    fn without(&self, other: &Self) -> Vec<Self> {
        // A box that shares nothing with the other stays whole: cut up, each piece would be cut again by the next.
        let apart = |both: Self| matches!(both.witness(), Ok(None));
        if self.clearly_apart(other) || self.meet(other).is_none_or(apart) {
            return vec![self.clone()];
        }
        let mut rest: Vec<Self> = Vec::new();
        for piece in other.name.complement() {
            let mut outside = self.clone();
            outside.name = outside.name.and(piece);
            rest.push(outside);
        }
        for (claim, constraint) in &other.claims {
            for piece in constraint.complement() {
                rest.push(self.clone().with(claim, piece));
            }
        }
        rest.retain(|entry| !matches!(entry.witness(), Ok(None)));
        rest
    }

    /// Names that are references to what does not exist yet: equal text is the same thing, different text may be.
    fn unresolved_names(&self) -> Option<Vec<String>> {
        let names: Vec<String> = self
            .name
            .groups()
            .iter()
            .flatten()
            .map(ToString::to_string)
            .filter(|n| n.contains("@{"))
            .collect();
        (!names.is_empty()).then_some(names)
    }
}

/// What two sets share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlap {
    /// Nothing.
    None,
    /// This token enters both.
    Token(Token),
    /// Cannot tell: this token may enter both.
    Unknown(Option<Token>, Doubt),
}

/// Whether one set lies in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Containment {
    /// Every token of the one is in the other.
    Yes,
    /// This token is not.
    No(Token),
    /// Cannot tell.
    Unknown(Doubt),
}

/// Every token that a trust accepts: the union of its entries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenSet {
    /// The boxes.
    pub entries: Vec<Entry>,
}

impl TokenSet {
    /// Whether the token may enter.
    #[must_use]
    pub fn accepts(&self, token: &Token) -> Verdict {
        Verdict::any(
            self.entries
                .iter()
                .filter(|e| e.holds(token))
                .map(|e| match &e.doubt {
                    None => Verdict::Yes,
                    Some(doubt) => Verdict::Unknown(doubt.clone()),
                }),
        )
    }

    /// A token that enters, if there is one: the proof that the set is not empty.
    #[must_use]
    pub fn witness(&self) -> Overlap {
        self.overlap(self)
    }

    /// What both sets accept, with a token that enters both.
    ///
    /// An exact overlap is preferred to a doubtful one.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Overlap {
        Self::overlap_of(&self.entries, || &other.entries)
    }

    pub(super) fn overlap_of<'e, T: IntoIterator<Item = &'e Entry>>(
        ones: impl IntoIterator<Item = &'e Entry>,
        twos: impl Fn() -> T,
    ) -> Overlap {
        let mut unknown: Option<Overlap> = None;
        for one in ones {
            for two in twos() {
                match Self::meeting(one, two) {
                    Overlap::None => {}
                    found @ Overlap::Token(_) => return found,
                    doubtful @ Overlap::Unknown(..) => unknown = unknown.or(Some(doubtful)),
                }
            }
        }
        unknown.unwrap_or(Overlap::None)
    }

    fn meeting(one: &Entry, two: &Entry) -> Overlap {
        if one.clearly_apart(two) {
            return Overlap::None;
        }
        let Some(mut both) = one.meet(two) else {
            return Overlap::None;
        };
        if let (Some(a), b) | (b, Some(a)) = (one.unresolved_names(), two.unresolved_names())
            && b.as_ref() != Some(&a)
        {
            // The issuer is not known yet: judge by the claims alone.
            both.name = Constraint::equals(a.iter().map(String::as_str));
            both = both.doubting(Doubt::new(format!("{} is not known before apply", a.join(", "))));
        }
        match both.witness() {
            Ok(None) => Overlap::None,
            Ok(Some(token)) => match both.doubt {
                None => Overlap::Token(token),
                Some(doubt) => Overlap::Unknown(Some(token), doubt),
            },
            Err(error) => Overlap::Unknown(None, Doubt::new(error.to_string())),
        }
    }

    /// Whether every token of this set is in the other.
    #[must_use]
    pub fn within(&self, other: &Self) -> Containment {
        let exact = |set: &Self| -> Self {
            Self {
                entries: set
                    .entries
                    .iter()
                    .filter(|e| e.doubt.is_none())
                    .cloned()
                    .collect(),
            }
        };
        let doubtless = |set: &Self| set.entries.iter().all(|e| e.doubt.is_none());
        if self == other && doubtless(self) {
            return Containment::Yes;
        }
        let generous = self.minus(&exact(other));
        if generous.as_ref().is_ok_and(|rest| rest.entries.is_empty()) {
            return Containment::Yes;
        }
        let strict = exact(self).minus(other);
        match strict.map(|rest| rest.witness()) {
            Ok(Overlap::Token(token)) => return Containment::No(token),
            Ok(_) => {}
            Err(error) => return Containment::Unknown(Doubt::new(error.to_string())),
        }
        let doubts = self
            .entries
            .iter()
            .chain(&other.entries)
            .filter_map(|e| e.doubt.clone());
        Containment::Unknown(
            doubts
                .reduce(Doubt::and)
                .unwrap_or_else(|| Doubt::new(TooComplex.to_string())),
        )
    }

    /// What of this set lies outside the other. Doubtful entries of `other` are taken as if they were exact.
    ///
    /// # Errors
    /// When the pieces become too many.
    pub fn minus(&self, other: &Self) -> Result<Self, TooComplex> {
        let mut pieces = self.entries.clone();
        pieces.retain(|entry| !other.entries.contains(entry) && !matches!(entry.witness(), Ok(None)));
        for away in &other.entries {
            let mut rest = Vec::new();
            for piece in pieces {
                rest.extend(piece.without(away));
                if rest.len() > 4_096 {
                    return Err(TooComplex);
                }
            }
            pieces = rest;
        }
        Ok(Self { entries: pieces })
    }

    /// Both sets together.
    #[must_use]
    pub fn union(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self
    }

    /// The kinds of callers that can enter.
    #[must_use]
    pub fn callers(&self) -> BTreeSet<Caller> {
        self.entries.iter().map(|e| e.caller).collect()
    }
}
