//! Wildcard patterns (`*`: any run of characters, `?`: any one character) and their algebra.
//!
//! One search answers every question: [`witness`] looks for a text that lies in all of some patterns and in none of
//! others. Matching two patterns is its emptiness with nothing outside, containment is its emptiness with the larger
//! pattern outside, and the answer is never a bare boolean but a text that anybody can check.
//!
//! The search is exact. It rests on one fact: a character that occurs in no pattern is matched by wildcards only, so it is the
//! hardest one to accept; wherever the inside leaves the choice, trying that *fresh* character alone is enough.

use std::cmp::Ordering;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::OnceLock;

/// One position of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Symbol {
    /// Exactly this character.
    Char(char),
    /// Any one character: `?`.
    One,
    /// Any run of characters, also none: `*`.
    Many,
}

/// A pattern in the form that is cheapest to match. Each pattern has one form only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Shape {
    Any,
    Exact(Box<str>),
    /// Text, then one `*`, which is kept as part of it.
    Prefix(Box<str>),
    General(Box<[Symbol]>),
}

/// A wildcard pattern. Equal patterns accept the same texts as long as their wildcard runs are written alike: `?*` and `*?`
/// are stored in one form.
///
/// ```
/// use mlops_access::pattern::Pattern;
///
/// let models = Pattern::parse("arn:aws:s3:::models/churn/*");
/// assert!(models.matches("arn:aws:s3:::models/churn/1/model.joblib"));
/// assert!(Pattern::parse("arn:aws:s3:::models/*").contains(&models));
/// assert_eq!(Pattern::parse("a*").overlap(&Pattern::parse("*b")).as_deref(), Some("ab"));
/// ```
#[derive(Clone)]
pub struct Pattern {
    shape: Shape,
    /// The positions of a shape that is text. Most patterns of a policy are only ever matched and never need them.
    symbols: OnceLock<Box<[Symbol]>>,
}

impl Pattern {
    /// Reads `*` and `?` as wildcards and everything else as itself.
    pub fn parse(text: &str) -> Self {
        Pattern::read(text.into())
    }

    /// As [`Pattern::parse`], keeping the text.
    pub(crate) fn read(text: Box<str>) -> Self {
        match text.bytes().position(|b| matches!(b, b'*' | b'?')) {
            None => Shape::Exact(text).into(),
            Some(0) if &*text == "*" => Pattern::any(),
            Some(at) if at > 0 && at + 1 == text.len() && text.ends_with('*') => Shape::Prefix(text).into(),
            Some(_) => Pattern::from_symbols(text.chars().map(|c| match c {
                '*' => Symbol::Many,
                '?' => Symbol::One,
                other => Symbol::Char(other),
            })),
        }
    }

    /// The pattern that accepts exactly this text, wildcard characters included.
    pub fn literal(text: &str) -> Self {
        Shape::Exact(text.into()).into()
    }

    /// The pattern that accepts everything.
    pub fn any() -> Self {
        Shape::Any.into()
    }

    /// A pattern of these positions; runs of wildcards are brought into one form.
    pub fn from_symbols(symbols: impl IntoIterator<Item = Symbol>) -> Self {
        let symbols = symbols.into_iter();
        let mut tidy: Vec<Symbol> = Vec::with_capacity(symbols.size_hint().0);
        let mut many = false;
        for symbol in symbols {
            match symbol {
                Symbol::Many => many = true,
                Symbol::One => tidy.push(Symbol::One),
                Symbol::Char(_) => {
                    if many {
                        tidy.push(Symbol::Many);
                        many = false;
                    }
                    tidy.push(symbol);
                }
            }
        }
        if many {
            tidy.push(Symbol::Many);
        }
        Shape::of(tidy).into()
    }

    /// The positions.
    pub fn symbols(&self) -> &[Symbol] {
        match &self.shape {
            Shape::General(symbols) => symbols,
            Shape::Any => &[Symbol::Many],
            Shape::Exact(text) => self
                .symbols
                .get_or_init(|| text.chars().map(Symbol::Char).collect()),
            Shape::Prefix(text) => self.symbols.get_or_init(|| {
                let head = without_star(text).chars().map(Symbol::Char);
                head.chain([Symbol::Many]).collect()
            }),
        }
    }

    /// Its text, where it is kept: `*` at its end is a wildcard if the pattern is no literal.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.shape {
            Shape::Any => Some("*"),
            Shape::Exact(text) | Shape::Prefix(text) => Some(text),
            Shape::General(_) => None,
        }
    }

    /// Whether it accepts everything.
    pub fn is_any(&self) -> bool {
        self.shape == Shape::Any
    }

    /// The only text it accepts, when it has no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        match &self.shape {
            Shape::Exact(text) => Some(text),
            _ => None,
        }
    }

    /// The text before its first wildcard.
    pub fn literal_prefix(&self) -> String {
        let chars = self.symbols().iter().map_while(|symbol| match symbol {
            Symbol::Char(c) => Some(*c),
            Symbol::One | Symbol::Many => None,
        });
        chars.collect()
    }

    /// The same pattern in lower case, for names that ignore case.
    #[must_use]
    pub fn to_lowercase(&self) -> Self {
        Pattern::from_symbols(self.symbols().iter().map(|symbol| match symbol {
            Symbol::Char(c) => Symbol::Char(c.to_ascii_lowercase()),
            other => *other,
        }))
    }

    /// Whether it accepts `text`. Case matters. Time is linear for the usual shapes and at worst pattern times text.
    pub fn matches(&self, text: &str) -> bool {
        match &self.shape {
            Shape::Any => true,
            Shape::Exact(literal) => **literal == *text,
            Shape::Prefix(prefix) => text.starts_with(without_star(prefix)),
            Shape::General(symbols) => glob(symbols, text),
        }
    }

    /// Whether it accepts everything that `other` accepts. An answer that would take too long to find counts as no.
    pub fn contains(&self, other: &Pattern) -> bool {
        if self.is_any() {
            return true;
        }
        if let Some(text) = other.as_literal() {
            return self.matches(text);
        }
        matches!(witness(&[other], &[self]), Ok(None))
    }

    /// A text that both accept, if there is one: the shortest.
    pub fn overlap(&self, other: &Pattern) -> Option<String> {
        match (self.as_literal(), other.as_literal()) {
            (Some(text), _) => other.matches(text).then(|| text.to_owned()),
            (_, Some(text)) => self.matches(text).then(|| text.to_owned()),
            // With nothing outside the number of states is the product of two lengths: never too many for two patterns
            // that fit into a policy, and no overlap found is the cautious answer for two that do not.
            _ => witness(&[self, other], &[]).unwrap_or_default(),
        }
    }
}

/// The text of [`Shape::Prefix`] that comes before its `*`.
fn without_star(prefix: &str) -> &str {
    prefix.strip_suffix('*').unwrap_or(prefix)
}

impl Shape {
    /// The shape of positions whose runs of wildcards are tidy.
    fn of(symbols: Vec<Symbol>) -> Shape {
        let is_text = |symbols: &[Symbol]| symbols.iter().all(|symbol| matches!(symbol, Symbol::Char(_)));
        let spelled = || {
            let chars = symbols.iter().map(|symbol| match symbol {
                Symbol::Char(c) => *c,
                Symbol::One => '?',
                Symbol::Many => '*',
            });
            chars.collect::<String>().into()
        };
        match &*symbols {
            [Symbol::Many] => Shape::Any,
            [head @ .., Symbol::Many] if is_text(head) => Shape::Prefix(spelled()),
            all if is_text(all) => Shape::Exact(spelled()),
            _ => Shape::General(symbols.into()),
        }
    }
}

impl From<Shape> for Pattern {
    fn from(shape: Shape) -> Self {
        Pattern {
            shape,
            symbols: OnceLock::new(),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.shape == other.shape
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shape.hash(state);
    }
}

impl PartialOrd for Pattern {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Pattern {
    fn cmp(&self, other: &Self) -> Ordering {
        self.symbols().cmp(other.symbols())
    }
}

/// Greedy match: on a mismatch go back to the last `*` only and let it take one character more.
fn glob(symbols: &[Symbol], text: &str) -> bool {
    let mut at = 0;
    let mut rest = text.chars();
    let mut back: Option<(usize, std::str::Chars<'_>)> = None;
    loop {
        if symbols.get(at) == Some(&Symbol::Many) {
            at += 1;
            if at == symbols.len() {
                return true;
            }
            back = Some((at, rest.clone()));
            continue;
        }
        let fits = match (rest.next(), symbols.get(at)) {
            (None, None) => return true,
            (None, Some(_)) => return false,
            (Some(_), Some(Symbol::One)) => true,
            (Some(c), Some(Symbol::Char(wanted))) => c == *wanted,
            (Some(_), _) => false,
        };
        if fits {
            at += 1;
            continue;
        }
        match &mut back {
            Some((after_star, from)) => {
                if from.next().is_none() {
                    return false;
                }
                at = *after_star;
                rest = from.clone();
            }
            None => return false,
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for symbol in self.symbols() {
            match symbol {
                Symbol::Char(c) => write!(out, "{c}")?,
                Symbol::One => out.write_str("?")?,
                Symbol::Many => out.write_str("*")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Pattern({self})")
    }
}

/// The search was given up: the patterns would need more states than is reasonable. Nothing is known then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the patterns are too entangled to compare ({MOST_STATES} states were not enough)")]
pub struct TooComplex;

const MOST_STATES: usize = 1 << 16;

/// A text that every pattern of `inside` accepts and none of `outside` does; `None` when there is no such text.
///
/// With an empty `inside` every text qualifies. The text found is one of the shortest.
///
/// ```
/// use mlops_access::pattern::{Pattern, witness};
///
/// let allowed = Pattern::parse("models/*");
/// let denied = Pattern::parse("models/?*");
/// assert_eq!(witness(&[&allowed], &[&denied]), Ok(Some("models/".to_owned())));
/// ```
///
/// # Errors
/// [`TooComplex`] when the search passes its limit of states; only crafted patterns with many `?` do.
pub fn witness(inside: &[&Pattern], outside: &[&Pattern]) -> Result<Option<String>, TooComplex> {
    Search::new(
        inside.iter().map(|pattern| pattern.symbols()).collect(),
        outside.iter().map(|pattern| pattern.symbols()).collect(),
    )
    .run()
}

/// A set of positions in the patterns outside, as bits: all patterns laid end to end, each with one position more than symbols.
type Positions = Box<[u64]>;

struct Search<'a> {
    inside: Vec<&'a [Symbol]>,
    outside: Vec<&'a [Symbol]>,
    /// Where each outside pattern begins among the bits.
    offsets: Vec<usize>,
    words: usize,
    fresh: char,
    nodes: Vec<Node>,
    /// For each inside state the outside sets already met; a set with a met subset cannot succeed where that one failed.
    met: HashMap<Box<[u32]>, Vec<Positions>>,
    queue: VecDeque<usize>,
}

struct Node {
    inside: Box<[u32]>,
    outside: Positions,
    parent: usize,
    via: char,
}

impl<'a> Search<'a> {
    fn new(inside: Vec<&'a [Symbol]>, outside: Vec<&'a [Symbol]>) -> Self {
        let mut offsets = Vec::with_capacity(outside.len());
        let mut bits = 0;
        for pattern in &outside {
            offsets.push(bits);
            bits += pattern.len() + 1;
        }
        let used = |c: char| {
            inside
                .iter()
                .chain(&outside)
                .any(|p| p.contains(&Symbol::Char(c)))
        };
        // A readable character first; there are more characters than any pattern can hold.
        let fresh = ('x'..='z')
            .chain('0'..='9')
            .chain('a'..='w')
            .chain('\u{4e00}'..)
            .find(|c| !used(*c))
            .unwrap_or('x');
        Search {
            inside,
            outside,
            offsets,
            words: bits.div_ceil(64),
            fresh,
            nodes: Vec::new(),
            met: HashMap::new(),
            queue: VecDeque::new(),
        }
    }

    fn run(mut self) -> Result<Option<String>, TooComplex> {
        let mut start: Positions = vec![0; self.words].into();
        for which in 0..self.outside.len() {
            self.enter(&mut start, which, 0);
        }
        let origin: Box<[u32]> = vec![0; self.inside.len()].into();
        self.reach(origin, start, usize::MAX, self.fresh);
        while let Some(node) = self.queue.pop_front() {
            if self.accepts(node) {
                return Ok(Some(self.spell(node)));
            }
            if self.nodes.len() > MOST_STATES {
                return Err(TooComplex);
            }
            for via in self.choices(node) {
                let outside = self.step_outside(&self.nodes[node].outside, via);
                for inside in self.step_inside(&self.nodes[node].inside, via) {
                    self.reach(inside, outside.clone(), node, via);
                }
            }
        }
        Ok(None)
    }

    /// Adds a position, and those behind a `*` that may be empty.
    fn enter(&self, set: &mut [u64], which: usize, mut at: usize) {
        let symbols = self.outside[which];
        loop {
            let bit = self.offsets[which] + at;
            set[bit / 64] |= 1 << (bit % 64);
            if symbols.get(at) != Some(&Symbol::Many) {
                return;
            }
            at += 1;
        }
    }

    fn step_outside(&self, from: &Positions, via: char) -> Positions {
        let mut next: Positions = vec![0; self.words].into();
        for (which, pattern) in self.outside.iter().enumerate() {
            for (at, symbol) in pattern.iter().enumerate() {
                let bit = self.offsets[which] + at;
                if from[bit / 64] >> (bit % 64) & 1 == 0 {
                    continue;
                }
                match symbol {
                    Symbol::Many => self.enter(&mut next, which, at),
                    Symbol::One => self.enter(&mut next, which, at + 1),
                    Symbol::Char(c) if *c == via => self.enter(&mut next, which, at + 1),
                    Symbol::Char(_) => {}
                }
            }
        }
        next
    }

    /// The positions from which one inside pattern can read next, seen through empty `*`s.
    fn readable(symbols: &[Symbol], at: u32) -> impl Iterator<Item = (usize, Symbol)> + '_ {
        let at = at as usize;
        let here = symbols.get(at).map(|symbol| (at, *symbol));
        // Wildcard runs are tidy, so a `*` is followed by a character or by the end.
        let beyond = match here {
            Some((_, Symbol::Many)) => symbols.get(at + 1).map(|symbol| (at + 1, *symbol)),
            _ => None,
        };
        here.into_iter().chain(beyond)
    }

    /// The characters worth trying: those that some inside pattern names here, and the fresh one.
    fn choices(&self, node: usize) -> Vec<char> {
        let mut chars = vec![self.fresh];
        for (pattern, at) in self.inside.iter().zip(&self.nodes[node].inside) {
            for (_, symbol) in Self::readable(pattern, *at) {
                if let Symbol::Char(c) = symbol
                    && !chars.contains(&c)
                {
                    chars.push(c);
                }
            }
        }
        chars
    }

    fn step_inside(&self, from: &[u32], via: char) -> Vec<Box<[u32]>> {
        let mut states: Vec<Vec<u32>> = vec![Vec::with_capacity(from.len())];
        for (pattern, at) in self.inside.iter().zip(from) {
            let mut next = Vec::new();
            for (place, symbol) in Self::readable(pattern, *at) {
                let to = match symbol {
                    Symbol::Many => place,
                    Symbol::One => place + 1,
                    Symbol::Char(c) if c == via => place + 1,
                    Symbol::Char(_) => continue,
                };
                for state in &states {
                    let mut state = state.clone();
                    state.push(to as u32);
                    next.push(state);
                }
            }
            states = next;
        }
        states.into_iter().map(Vec::into_boxed_slice).collect()
    }

    fn reach(&mut self, inside: Box<[u32]>, outside: Positions, parent: usize, via: char) {
        let met = self.met.entry(inside.clone()).or_default();
        if met
            .iter()
            .any(|old| old.iter().zip(&outside).all(|(old, new)| old & !new == 0))
        {
            return;
        }
        met.push(outside.clone());
        self.queue.push_back(self.nodes.len());
        self.nodes.push(Node {
            inside,
            outside,
            parent,
            via,
        });
    }

    fn accepts(&self, node: usize) -> bool {
        let node = &self.nodes[node];
        let done = |pattern: &[Symbol], at: usize| {
            at == pattern.len() || (at + 1 == pattern.len() && pattern[at] == Symbol::Many)
        };
        let inside = self
            .inside
            .iter()
            .zip(&node.inside)
            .all(|(pattern, at)| done(pattern, *at as usize));
        inside
            && self.outside.iter().zip(&self.offsets).all(|(pattern, offset)| {
                let end = offset + pattern.len();
                node.outside[end / 64] >> (end % 64) & 1 == 0
            })
    }

    fn spell(&self, mut node: usize) -> String {
        let mut chars = Vec::new();
        while self.nodes[node].parent != usize::MAX {
            chars.push(self.nodes[node].via);
            node = self.nodes[node].parent;
        }
        chars.iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition, word for word, as slow as it is clear.
    fn naive(symbols: &[Symbol], text: &[char]) -> bool {
        match (symbols, text) {
            ([], []) => true,
            ([Symbol::Many, rest @ ..], _) => {
                naive(rest, text) || (!text.is_empty() && naive(symbols, &text[1..]))
            }
            ([Symbol::One, rest @ ..], [_, tail @ ..]) => naive(rest, tail),
            ([Symbol::Char(c), rest @ ..], [head, tail @ ..]) => c == head && naive(rest, tail),
            _ => false,
        }
    }

    fn every_text(letters: &[char], longest: usize) -> Vec<String> {
        let mut all = vec![String::new()];
        let mut from = 0;
        for _ in 0..longest {
            let to = all.len();
            for place in from..to {
                for letter in letters {
                    all.push(format!("{}{letter}", all[place]));
                }
            }
            from = to;
        }
        all
    }

    #[test]
    fn wildcard_runs_have_one_form() {
        assert_eq!(Pattern::parse("*?**?"), Pattern::parse("??*"));
        assert!(Pattern::parse("?*").contains(&Pattern::parse("*a")));
        assert!(!Pattern::parse("?*").contains(&Pattern::parse("*")));
    }

    #[test]
    fn a_wildcard_character_can_be_meant_literally() {
        assert!(Pattern::literal("a*").matches("a*"));
        assert!(!Pattern::literal("a*").matches("ab"));
    }

    #[test]
    fn a_long_hostile_pattern_is_matched_quickly() {
        let pattern = Pattern::parse(&"a*".repeat(500));
        assert!(!pattern.matches(&format!("{}b", "b".repeat(5_000))));
        let stars = Pattern::parse(&format!("{}b", "*a".repeat(200)));
        assert!(!stars.matches(&"a".repeat(20_000)));
    }

    #[test]
    fn a_union_may_contain_what_none_of_its_parts_does() {
        let (empty, longer) = (Pattern::literal("a"), Pattern::parse("a?*"));
        assert_eq!(witness(&[&Pattern::parse("a*")], &[&empty, &longer]), Ok(None));
        assert!(!empty.contains(&Pattern::parse("a*")) && !longer.contains(&Pattern::parse("a*")));
    }

    #[test]
    fn patterns_beyond_the_limit_say_so() {
        let hostile = Pattern::parse(&format!("*a{}", "?".repeat(40)));
        let wide = Pattern::parse(&format!("*{}*", "a*b*".repeat(40)));
        assert!(matches!(
            witness(&[&wide], &[&hostile]),
            Err(TooComplex) | Ok(Some(_))
        ));
    }

    proptest! {
        #[test]
        fn a_text_read_at_once_is_the_pattern_of_its_symbols(text in "[aä]{0,3}[ab*?😀]{0,4}[*]{0,2}") {
            let symbol = |c| match c {
                '*' => Symbol::Many,
                '?' => Symbol::One,
                other => Symbol::Char(other),
            };
            prop_assert_eq!(Pattern::parse(&text), Pattern::from_symbols(text.chars().map(symbol)));
            let literal = Pattern::from_symbols(text.chars().map(Symbol::Char));
            prop_assert_eq!(Pattern::literal(&text), literal);
        }

        #[test]
        fn matches_as_the_definition_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,10}") {
            let compiled = Pattern::parse(&pattern);
            let chars: Vec<char> = text.chars().collect();
            prop_assert_eq!(compiled.matches(&text), naive(compiled.symbols(), &chars));
        }

        #[test]
        fn a_witness_is_inside_all_and_outside_all(
            inside in proptest::collection::vec("[ab*?]{0,6}", 1..3),
            outside in proptest::collection::vec("[ab*?]{0,6}", 0..3),
        ) {
            let inside: Vec<Pattern> = inside.iter().map(|p| Pattern::parse(p)).collect();
            let outside: Vec<Pattern> = outside.iter().map(|p| Pattern::parse(p)).collect();
            let found = witness(&inside.iter().collect::<Vec<_>>(), &outside.iter().collect::<Vec<_>>()).unwrap();
            let fits = |text: &str| inside.iter().all(|p| p.matches(text)) && !outside.iter().any(|p| p.matches(text));
            match found {
                Some(text) => prop_assert!(fits(&text), "{text} does not fit"),
                None => {
                    for text in every_text(&['a', 'b', 'x'], 5) {
                        prop_assert!(!fits(&text), "{text} was overlooked");
                    }
                }
            }
        }

        #[test]
        fn containment_is_transitive(a in "[ab*?]{0,5}", b in "[ab*?]{0,5}", c in "[ab*?]{0,5}") {
            let (a, b, c) = (Pattern::parse(&a), Pattern::parse(&b), Pattern::parse(&c));
            if a.contains(&b) && b.contains(&c) {
                prop_assert!(a.contains(&c));
            }
        }

        #[test]
        fn overlap_is_symmetric(a in "[ab*?]{0,7}", b in "[ab*?]{0,7}") {
            let (a, b) = (Pattern::parse(&a), Pattern::parse(&b));
            prop_assert_eq!(a.overlap(&b).is_some(), b.overlap(&a).is_some());
        }
    }
}
