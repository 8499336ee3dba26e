//! Google Cloud's ways in as sets of tokens: members of a policy, read through the mapping and condition of the
//! provider that their tokens pass.

use super::{Caller, Constraint, Entry, Presence, TokenSet, TrustError};
use crate::{
    gcp::{Provider, WorkloadMember, cel::Expr},
    pattern::{Pattern, Symbol},
    verdict::Doubt,
};

/// More alternatives than this are given up, as a doubt.
const MOST_ALTERNATIVES: usize = 256;

impl TokenSet {
    /// The tokens that a member of a policy stands for.
    ///
    /// Members that are not federated (users, groups, service accounts) are callers of their own; a member of a pool that
    /// no provider feeds stands for nobody.
    ///
    /// # Errors
    /// When a provider's mapping or condition is not an expression.
    pub fn of_gcp_member(member: &str, providers: &[Provider]) -> Result<Self, TrustError> {
        let mut entries = Vec::new();
        match WorkloadMember::parse(member) {
            None if member == "allUsers" || member == "allAuthenticatedUsers" => {
                entries.push(Entry::new(
                    Caller::Principal,
                    Constraint::presence(Presence::Present),
                ));
            }
            None => entries.push(Entry::new(Caller::Principal, Constraint::equals([member]))),
            Some(WorkloadMember::Pods {
                workload_pool,
                namespace,
                service_account,
            }) => {
                let subject = |text: &str| match (&namespace, &service_account) {
                    (Some(ns), Some(sa)) => Constraint::equals([format!("{text}{ns}:{sa}").as_str()]),
                    (Some(ns), None) => Constraint::like([format!("{text}{ns}:*").as_str()]),
                    (None, _) => Constraint::like([format!("{text}*").as_str()]),
                };
                // The node's metadata server asks for the token, always for its own pool.
                entries.push(
                    Entry::new(Caller::Oidc, Constraint::equals([workload_pool.as_str()]))
                        .with("aud", Constraint::equals([workload_pool.as_str()]))
                        .with("sub", subject("system:serviceaccount:")),
                );
            }
            Some(WorkloadMember::Everyone { pool }) => {
                for provider in providers.iter().filter(|p| p.pool == pool) {
                    entries.extend(through(provider, None)?);
                }
            }
            Some(WorkloadMember::Subject { pool, subject }) => {
                for provider in providers.iter().filter(|p| p.pool == pool) {
                    entries.extend(through(provider, Some(("google.subject", &subject)))?);
                }
            }
            Some(WorkloadMember::Attribute {
                pool,
                attribute,
                value,
            }) => {
                for provider in providers.iter().filter(|p| p.pool == pool) {
                    entries.extend(through(provider, Some((&attribute, &value)))?);
                }
            }
        }
        for entry in &mut entries {
            member.clone_into(&mut entry.source);
        }
        Ok(Self { entries })
    }
}

fn through(provider: &Provider, attribute: Option<(&str, &str)>) -> Result<Vec<Entry>, TrustError> {
    let condition = match &provider.condition {
        Some(text) => Expr::parse(text)?,
        None => Expr::Bool(true),
    };
    let wanted = match attribute {
        None => condition,
        Some((name, value)) => {
            let Some(mapped) = provider.mapping.get(name) else {
                return Ok(Vec::new());
            };
            let equal = Expr::Equal(Expr::parse(mapped)?.into(), Expr::Text(value.to_owned()).into());
            Expr::And(condition.into(), equal.into())
        }
    };
    let start = Entry::new(Caller::Oidc, Constraint::equals([provider.issuer.as_str()])).with(
        "aud",
        Constraint::equals(provider.audiences.iter().map(String::as_str)),
    );
    let solver = Solver {
        provider,
        depth: std::cell::Cell::new(0),
    };
    let mut entries = product(vec![start], solver.truth(&wanted, true));
    entries.retain(|e| {
        (TokenSet {
            entries: vec![e.clone()],
        })
        .witness()
            != super::Overlap::None
    });
    Ok(entries)
}

/// Alternatives, each a box of claims.
type Boxes = Vec<Entry>;

fn anything() -> Entry {
    Entry::new(Caller::Oidc, Constraint::default())
}

fn doubtful(why: impl Into<String>) -> Boxes {
    vec![anything().doubting(Doubt::new(why))]
}

fn on(claim: &str, constraint: Constraint) -> Boxes {
    vec![anything().with(claim, constraint)]
}

fn product(left: Boxes, right: Boxes) -> Boxes {
    if left.len() * right.len() > MOST_ALTERNATIVES {
        return left
            .into_iter()
            .map(|e| e.doubting(Doubt::new("the condition has too many alternatives")))
            .collect();
    }
    let mut all = Vec::new();
    for one in &left {
        for two in &right {
            let mut both = one.clone();
            both.name = both.name.and(two.name.clone());
            for (claim, constraint) in &two.claims {
                both = both.with(claim, constraint.clone());
            }
            if let Some(doubt) = &two.doubt {
                both = both.doubting(doubt.clone());
            }
            // Alternatives that contradict themselves are dropped early, or nested conditionals explode.
            if both.claims.values().all(|c| c.solve() != Ok(None)) {
                all.push(both);
            }
        }
    }
    all
}

/// A piece of a text that an expression builds.
#[derive(Debug, Clone)]
enum Part {
    Literal(String),
    Claim(String),
}

struct Solver<'a> {
    provider: &'a Provider,
    depth: std::cell::Cell<usize>,
}

impl Solver<'_> {
    /// The boxes of claims for which the expression is `want`.
    fn truth(&self, expr: &Expr, want: bool) -> Boxes {
        match expr {
            Expr::Bool(flag) => {
                if *flag == want {
                    vec![anything()]
                } else {
                    Vec::new()
                }
            }
            Expr::Not(e) => self.truth(e, !want),
            Expr::And(a, b) | Expr::Or(a, b) => {
                let (a, b) = (self.truth(a, want), self.truth(b, want));
                if matches!(expr, Expr::And(..)) == want {
                    product(a, b)
                } else {
                    [a, b].concat()
                }
            }
            Expr::If(c, a, b) => {
                let yes = product(self.truth(c, true), self.truth(a, want));
                let no = product(self.truth(c, false), self.truth(b, want));
                [yes, no].concat()
            }
            Expr::Equal(a, b) => self.equal(a, b, want),
            Expr::In(a, list) => match &**list {
                // Anything else among the items may fail, and with it the whole list.
                Expr::List(items)
                    if items
                        .iter()
                        .all(|i| matches!(i, Expr::Text(_) | Expr::Int(_) | Expr::Bool(_))) =>
                {
                    let any = items
                        .iter()
                        .cloned()
                        .map(|item| Expr::Equal(a.clone(), item.into()));
                    match any.reduce(|x, y| Expr::Or(x.into(), y.into())) {
                        Some(any) => self.truth(&any, want),
                        None => self.truth(&Expr::Bool(false), want),
                    }
                }
                Expr::Path(path) if path.len() == 1 && path[0] == "assertion" => match &**a {
                    Expr::Text(claim) => presence(claim, want),
                    _ => doubtful("a computed claim name is not followed"),
                },
                _ => doubtful("a list in the token is not followed"),
            },
            Expr::Call(None, name, args) if name == "has" => match args.as_slice() {
                [Expr::Path(path)] if path.len() == 2 && path[0] == "assertion" => presence(&path[1], want),
                _ => doubtful("has() of something else than a claim is not followed"),
            },
            Expr::Call(Some(target), name, args) => match (name.as_str(), args.as_slice()) {
                ("startsWith" | "endsWith" | "contains", [Expr::Text(text)]) => {
                    self.affix(target, name, text, want)
                }
                _ => doubtful(format!("the function {name} is not followed")),
            },
            // A claim that is a truth itself.
            Expr::Path(path) if path.len() == 2 && path[0] == "assertion" => on(
                &path[1],
                Constraint::equals([if want { "true" } else { "false" }]),
            ),
            _ => doubtful("a part of the condition is not followed"),
        }
    }

    fn equal(&self, a: &Expr, b: &Expr, want: bool) -> Boxes {
        let (left, right) = (self.spelled(a), self.spelled(b));
        let (Some(left), Some(right)) = (left, right) else {
            return doubtful("a comparison is not followed");
        };
        let mut all = Vec::new();
        for (guard_a, parts_a) in &left {
            for (guard_b, parts_b) in &right {
                let guards = product(vec![guard_a.clone()], vec![guard_b.clone()]);
                let solutions = match (literal(parts_a), literal(parts_b)) {
                    (Some(text), _) => solve(parts_b, &text, want),
                    (_, Some(text)) => solve(parts_a, &text, want),
                    (None, None) => doubtful("a comparison of two claims is not followed"),
                };
                all.extend(product(guards, solutions));
            }
        }
        all
    }

    /// As [`Self::texts`], also for truths and numbers, which are compared with what a token's claim says in words.
    fn spelled(&self, expr: &Expr) -> Option<Vec<(Entry, Vec<Part>)>> {
        let literal = |text: String| Some(vec![(anything(), vec![Part::Literal(text)])]);
        match expr {
            Expr::Bool(flag) => literal(flag.to_string()),
            Expr::Int(number) => literal(number.to_string()),
            other => self.texts(other),
        }
    }

    fn affix(&self, target: &Expr, function: &str, text: &str, want: bool) -> Boxes {
        let Some(targets) = self.texts(target) else {
            return doubtful(format!("{function} is not followed"));
        };
        let mut all = Vec::new();
        for (guard, parts) in targets {
            let inner = match parts.as_slice() {
                [Part::Claim(claim)] => {
                    let chars = text.chars().map(Symbol::Char);
                    let pattern = match function {
                        "startsWith" => Pattern::from_symbols(chars.chain([Symbol::Many])),
                        "endsWith" => Pattern::from_symbols([Symbol::Many].into_iter().chain(chars)),
                        _ => Pattern::from_symbols(
                            [Symbol::Many].into_iter().chain(chars).chain([Symbol::Many]),
                        ),
                    };
                    on(
                        claim,
                        if want {
                            Constraint::matching(pattern)
                        } else {
                            Constraint::avoiding(pattern)
                        },
                    )
                }
                _ => match literal(&parts) {
                    Some(whole) => {
                        let holds = match function {
                            "startsWith" => whole.starts_with(text),
                            "endsWith" => whole.ends_with(text),
                            _ => whole.contains(text),
                        };
                        self.truth(&Expr::Bool(holds), want)
                    }
                    None => doubtful(format!("{function} of a joined text is not followed")),
                },
            };
            all.extend(product(vec![guard], inner));
        }
        all
    }

    /// The texts that an expression may build, each with the box in which it does; none when it is not a text of
    /// literals and claims.
    fn texts(&self, expr: &Expr) -> Option<Vec<(Entry, Vec<Part>)>> {
        Some(match expr {
            Expr::Text(text) => vec![(anything(), vec![Part::Literal(text.clone())])],
            Expr::Path(path) if path.len() == 2 && path[0] == "assertion" => {
                vec![(anything(), vec![Part::Claim(path[1].clone())])]
            }
            Expr::Path(path) if path.len() == 2 && (path[0] == "attribute" || path[0] == "google") => {
                // A mapping may not refer to itself; a crafted one that does ends here.
                if self.depth.get() > 8 {
                    return None;
                }
                let mapped = Expr::parse(self.provider.mapping.get(&path.join("."))?).ok()?;
                self.depth.set(self.depth.get() + 1);
                let texts = self.texts(&mapped);
                self.depth.set(self.depth.get() - 1);
                texts?
            }
            Expr::Call(None, name, args) if name == "string" && args.len() == 1 => self.spelled(&args[0])?,
            Expr::Add(a, b) => {
                let (left, right) = (self.texts(a)?, self.texts(b)?);
                let mut all = Vec::new();
                for (guard_a, parts_a) in &left {
                    for (guard_b, parts_b) in &right {
                        for guard in product(vec![guard_a.clone()], vec![guard_b.clone()]) {
                            all.push((guard, [parts_a.as_slice(), parts_b].concat()));
                        }
                    }
                }
                all
            }
            Expr::If(c, a, b) => {
                let mut all = Vec::new();
                for (condition, value) in [(true, a), (false, b)] {
                    for guard in self.truth(c, condition) {
                        for (inner, parts) in self.texts(value)? {
                            for both in product(vec![guard.clone()], vec![inner]) {
                                all.push((both, parts.clone()));
                            }
                        }
                    }
                }
                all
            }
            _ => return None,
        })
    }
}

fn presence(claim: &str, want: bool) -> Boxes {
    on(
        claim,
        Constraint::presence(if want { Presence::Present } else { Presence::Absent }),
    )
}

fn literal(parts: &[Part]) -> Option<String> {
    parts
        .iter()
        .map(|part| match part {
            Part::Literal(text) => Some(text.as_str()),
            Part::Claim(_) => None,
        })
        .collect()
}

/// The boxes in which the parts, joined, are (or are not) the text.
fn solve(parts: &[Part], text: &str, want: bool) -> Boxes {
    if let (false, [Part::Claim(claim)]) = (want, parts) {
        return on(claim, Constraint::avoiding(Pattern::literal(text)));
    }
    let mut solutions = Vec::new();
    split(parts, text, anything(), &mut solutions);
    if want {
        return solutions;
    }
    if solutions.is_empty() {
        return vec![anything()];
    }
    if parts.iter().all(|p| matches!(p, Part::Literal(_))) {
        return Vec::new();
    }
    doubtful("the opposite of a joined text is not followed")
}

fn split(parts: &[Part], text: &str, so_far: Entry, solutions: &mut Boxes) {
    if solutions.len() > MOST_ALTERNATIVES {
        return;
    }
    match parts {
        [] => {
            if text.is_empty() && so_far.claims.values().all(|c| c.solve() != Ok(None)) {
                solutions.push(so_far);
            }
        }
        [Part::Literal(literal), rest @ ..] => {
            if let Some(text) = text.strip_prefix(literal.as_str()) {
                split(rest, text, so_far, solutions);
            }
        }
        [Part::Claim(claim), rest @ ..] => {
            let ends = text.char_indices().map(|(i, _)| i).chain([text.len()]);
            for end in ends {
                if rest.is_empty() && end != text.len() {
                    continue;
                }
                let entry = so_far.clone().with(claim, Constraint::equals([&text[..end]]));
                split(rest, &text[end..], entry, solutions);
            }
        }
    }
}
