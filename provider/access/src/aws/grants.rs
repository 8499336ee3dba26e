//! What an identity's policies grant, as a set of requests: members, containment, overlap.

use super::actions::{self, Action, ResourceType};
use super::evaluate::{Policies, Request, evaluate};
use super::policy::{Effect, Policy, Scope, Statement};
use super::principal::Caller;
use super::search::{Found, Search, regions};
use crate::pattern::{Pattern, witness};
use crate::verdict::{Doubt, Verdict};
use std::collections::{BTreeSet, HashMap};
use std::fmt;

/// All requests that one caller's own policies allow on resources of its account: identity policies, cut by boundary, session and
/// organisation policies. What resources grant by their own policies is not part of it.
///
/// ```
/// use mlops_access::aws::{Caller, Grants, Policies, Policy, Statement};
///
/// let read = Policy::new([Statement::allow(["s3:GetObject"]).on(["arn:aws:s3:::models/churn/*"])]);
/// let write = Policy::new([Statement::allow(["s3:*Object"]).on(["arn:aws:s3:::models/*"])]);
/// let role = |name: &str| Caller::role(format!("arn:aws:iam::123456789012:role/{name}"));
/// let reader = Grants::new(role("reader"), Policies::identity([&read]));
/// let writer = Grants::new(role("writer"), Policies::identity([&write]));
/// assert!(reader.contained_in(&writer).is_contained());
/// assert!(!writer.contained_in(&reader).is_contained());
/// assert!(reader.overlap_in_write(&writer).is_none());
/// ```
#[derive(Debug, Clone)]
pub struct Grants<'a> {
    caller: Caller,
    policies: Policies<'a>,
}

/// Whether something is granted, with a request that shows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// This request is allowed.
    Granted(Box<Request>),
    /// No request of the kind is allowed.
    Never,
    /// It cannot be told.
    Unknown(Doubt),
}

/// Whether one set of grants lies within another.
#[derive(Debug, Clone, PartialEq)]
pub enum Containment {
    /// Every request that the one allows, the other allows.
    Contained,
    /// This request is allowed by the one and denied by the other.
    Exceeds(Box<Request>),
    /// It cannot be told.
    Unknown(Doubt),
}

/// What two identities can both change.
#[derive(Debug, Clone, PartialEq)]
pub enum Overlap {
    /// This request is allowed to both (each makes it in its own name).
    Both {
        /// As the first makes it.
        first: Box<Request>,
        /// As the second makes it.
        second: Box<Request>,
    },
    /// Nothing can be changed by both.
    None,
    /// It cannot be told.
    Unknown(Doubt),
}

impl Reach {
    /// Whether it is granted.
    pub fn verdict(&self) -> Verdict {
        match self {
            Reach::Granted(_) => Verdict::Yes,
            Reach::Never => Verdict::No,
            Reach::Unknown(doubt) => Verdict::Unknown(doubt.clone()),
        }
    }

    /// The request that shows it.
    pub fn witness(&self) -> Option<&Request> {
        match self {
            Reach::Granted(request) => Some(request),
            Reach::Never | Reach::Unknown(_) => None,
        }
    }
}

impl Containment {
    /// `true` only when surely contained.
    pub fn is_contained(&self) -> bool {
        matches!(self, Containment::Contained)
    }
}

impl Overlap {
    /// `true` only when there is surely none.
    pub fn is_none(&self) -> bool {
        matches!(self, Overlap::None)
    }
}

impl<'a> Grants<'a> {
    /// The grants of a user or role. The resource's own policy among `policies` is not looked at.
    pub fn new(caller: Caller, policies: Policies<'a>) -> Self {
        Grants {
            caller,
            policies: Policies {
                resource: None,
                ..policies
            },
        }
    }

    /// The grants of some role of the account, for a document that is not attached to anything yet.
    pub fn of_document(policy: &'a Policy) -> Self {
        Grants::new(
            Caller::role("arn:aws:iam::123456789012:role/any"),
            Policies::identity([policy]),
        )
    }

    /// Whose they are.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The policies.
    pub fn policies(&self) -> &Policies<'a> {
        &self.policies
    }

    /// Whether the action is allowed on any resource within the pattern, in any context.
    pub fn may(&self, action: &str, resources: &Pattern) -> Reach {
        self.may_given(action, resources, &[])
    }

    /// The same, with some condition keys given, such as `iam:PassedToService`.
    pub fn may_given(&self, action: &str, resources: &Pattern, given: &[(&str, &str)]) -> Reach {
        let sides = [self];
        let found = find(&sides, action, resources, given, |_| Vec::new(), &|requests| {
            self.allows(&requests[0])
        });
        match found {
            Found::Request(mut requests) => Reach::Granted(Box::new(requests.remove(0))),
            Found::Nothing => Reach::Never,
            Found::Unclear(doubt) => Reach::Unknown(doubt),
        }
    }

    fn allows(&self, request: &Request) -> Verdict {
        evaluate(request, &self.policies).verdict()
    }

    /// Every known action that is allowed, or perhaps allowed, on some resource within the pattern; sorted by service and name.
    pub fn actions_on(&self, resources: &Pattern) -> Vec<(&'static Action, Reach)> {
        let mut cache: HashMap<Signature, Reach> = HashMap::new();
        let mut found = Vec::new();
        for name in self.action_names() {
            let Some(action) = actions::lookup(&name) else {
                continue;
            };
            let signature = Signature::of(&[self], &name);
            let reach = cache
                .entry(signature)
                .or_insert_with(|| self.may(&name, resources));
            if *reach != Reach::Never {
                let reach = match reach {
                    // The cached request is that of a sibling; its own differs in the action only.
                    Reach::Granted(request) => Reach::Granted(Box::new(request.with_action(action.id()))),
                    other => other.clone(),
                };
                found.push((action, reach));
            }
        }
        found
    }

    /// Whether every request that these grants allow is also allowed by `other`, looking at all known actions.
    pub fn contained_in(&self, other: &Grants<'_>) -> Containment {
        let mut cache: HashMap<Signature, ()> = HashMap::new();
        let mut doubt: Option<Doubt> = None;
        for name in self.action_names() {
            if cache.insert(Signature::of(&[self, other], &name), ()).is_some() {
                continue;
            }
            for escape in other.escapes(&name) {
                let check = |requests: &[Request]| self.allows(&requests[0]).and(!other.allows(&requests[1]));
                let found = Escape::find(self, other, &name, &escape, &check);
                match found {
                    Found::Request(mut requests) => {
                        return Containment::Exceeds(Box::new(requests.remove(0)));
                    }
                    Found::Nothing => {}
                    Found::Unclear(new) => doubt = Some(doubt.take().map_or(new.clone(), |old| old.and(new))),
                }
            }
        }
        doubt.map_or(Containment::Contained, Containment::Unknown)
    }

    /// Whether both can change the same thing: a request for an action that writes, allowed to both.
    pub fn overlap_in_write(&self, other: &Grants<'_>) -> Overlap {
        self.overlap(other, |action| {
            action.is_none_or(|action| action.level.is_write())
        })
    }

    /// Whether the same request for one of the chosen actions is allowed to both. Actions that are not known come as `None`.
    ///
    /// The answer to *(a, b)* is the answer to *(b, a)*: a search that gives up may have been led astray by the order in which it met
    /// the statements, so what one order leaves open the other is asked. Either one's certain answer holds.
    pub fn overlap(&self, other: &Grants<'_>, chosen: impl Fn(Option<&'static Action>) -> bool) -> Overlap {
        match self.overlap_searched_from_here(other, &chosen) {
            Overlap::Unknown(doubt) => match other.overlap_searched_from_here(self, &chosen) {
                Overlap::Both { first, second } => Overlap::Both {
                    first: second,
                    second: first,
                },
                Overlap::None => Overlap::None,
                Overlap::Unknown(_) => Overlap::Unknown(doubt),
            },
            certain => certain,
        }
    }

    fn overlap_searched_from_here(
        &self,
        other: &Grants<'_>,
        chosen: &dyn Fn(Option<&'static Action>) -> bool,
    ) -> Overlap {
        let mut cache: HashMap<Signature, ()> = HashMap::new();
        let mut doubt: Option<Doubt> = None;
        let theirs = other.action_names();
        for name in self.action_names().intersection(&theirs) {
            if !chosen(actions::lookup(name))
                || cache.insert(Signature::of(&[self, other], name), ()).is_some()
            {
                continue;
            }
            let check = |requests: &[Request]| self.allows(&requests[0]).and(other.allows(&requests[1]));
            match find(&[self, other], name, &Pattern::any(), &[], |_| Vec::new(), &check) {
                Found::Request(requests) => {
                    if let [first, second] = &requests[..] {
                        return Overlap::Both {
                            first: Box::new(first.clone()),
                            second: Box::new(second.clone()),
                        };
                    }
                }
                Found::Nothing => {}
                Found::Unclear(new) => doubt = Some(doubt.take().map_or(new.clone(), |old| old.and(new))),
            }
        }
        doubt.map_or(Overlap::None, Overlap::Unknown)
    }

    /// The names, in lower case, of the actions that some identity statement may allow; patterns expanded by what is known,
    /// names that are not known kept as they are.
    pub(crate) fn action_names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for statement in statements(&self.policies.identity) {
            if statement.effect == Effect::Deny {
                continue;
            }
            match &statement.actions {
                Scope::AllBut(_) => names.extend(
                    actions::matching("*")
                        .map(Action::folded)
                        .filter(|folded| !statement.covers_action(folded).is_no())
                        .map(str::to_owned),
                ),
                Scope::Only(patterns) => {
                    for pattern in patterns {
                        let before = names.len();
                        names.extend(
                            actions::matching_pattern(pattern.folded().clone())
                                .map(|action| action.folded().to_owned()),
                        );
                        // What the data do not know is still granted: the name itself, or one that the pattern accepts.
                        if names.len() == before
                            && let Ok(Some(name)) = witness(&[pattern.folded()], &[])
                        {
                            names.insert(name);
                        }
                    }
                }
            }
        }
        names
    }

    /// For each layer, the statements that may allow the action; a layer without any is an empty list.
    fn allowing(&self, action: &str) -> Vec<Vec<&'a Statement>> {
        let of = |policies: &[&'a Policy]| -> Vec<&'a Statement> {
            statements(policies)
                .filter(|statement| {
                    statement.effect != Effect::Deny && !statement.covers_action(action).is_no()
                })
                .collect()
        };
        let mut layers = vec![of(&self.policies.identity)];
        if let Some(boundary) = self.policies.boundary {
            layers.push(of(&[boundary]));
        }
        if !self.policies.session.is_empty() {
            layers.push(of(&self.policies.session));
        }
        layers.extend(self.policies.service_control.iter().map(|level| of(level)));
        layers
    }

    /// The statements that may deny the action, of all layers.
    fn denying(&self, action: &str) -> Vec<&'a Statement> {
        self.every_policy()
            .flat_map(|policy| &policy.statements)
            .filter(|statement| statement.effect == Effect::Deny && !statement.covers_action(action).is_no())
            .collect()
    }

    fn every_policy(&self) -> impl Iterator<Item = &'a Policy> + '_ {
        let own = self
            .policies
            .identity
            .iter()
            .chain(&self.policies.boundary)
            .chain(&self.policies.session);
        own.chain(self.policies.service_control.iter().flatten()).copied()
    }

    /// The ways in which a request for the action can fail here: a layer that has no statement for it, or a denial.
    fn escapes(&self, action: &str) -> Vec<Escape<'a>> {
        let layers = self
            .allowing(action)
            .into_iter()
            .map(|avoid| Escape { apply: None, avoid });
        let denials = self.denying(action).into_iter().map(|denial| Escape {
            apply: Some(denial),
            avoid: Vec::new(),
        });
        layers.chain(denials).collect()
    }
}

/// One way in which a request is not allowed: this denial applies, or none of these statements does.
struct Escape<'a> {
    apply: Option<&'a Statement>,
    avoid: Vec<&'a Statement>,
}

impl Escape<'_> {
    fn find(
        inner: &Grants<'_>,
        outer: &Grants<'_>,
        action: &str,
        escape: &Escape<'_>,
        check: &dyn Fn(&[Request]) -> Verdict,
    ) -> Found {
        let callers = [&inner.caller, &outer.caller];
        let apply: Vec<_> = escape.apply.iter().map(|statement| (1, *statement)).collect();
        let avoid: Vec<_> = escape.avoid.iter().map(|statement| (1, *statement)).collect();
        combine(
            &[inner],
            &callers,
            action,
            &Pattern::any(),
            &[],
            &apply,
            &avoid,
            check,
        )
    }
}

impl Statement {
    /// Whether its `Resource` is `*`.
    fn is_about_everything(&self) -> bool {
        match &self.resources {
            Some(Scope::Only(items)) => items.iter().any(|item| item.fixed().is_some_and(Pattern::is_any)),
            Some(Scope::AllBut(_)) | None => false,
        }
    }
}

fn statements<'a>(policies: &[&'a Policy]) -> impl Iterator<Item = &'a Statement> {
    policies
        .iter()
        .copied()
        .flat_map(|policy| &policy.statements)
        .collect::<Vec<_>>()
        .into_iter()
}

/// Finds a request for the action that every side allows.
fn find<'s>(
    sides: &[&'s Grants<'s>],
    action: &str,
    resources: &Pattern,
    given: &[(&str, &str)],
    avoid: impl Fn(usize) -> Vec<&'s Statement>,
    check: &dyn Fn(&[Request]) -> Verdict,
) -> Found {
    let callers: Vec<&Caller> = sides.iter().map(|side| &side.caller).collect();
    let avoid: Vec<_> = (0..sides.len())
        .flat_map(|side| avoid(side).into_iter().map(move |statement| (side, statement)))
        .collect();
    combine(sides, &callers, action, resources, given, &[], &avoid, check)
}

/// Goes through every choice of one allowing statement for each layer of each side.
#[expect(clippy::too_many_arguments, reason = "the parts of one question, used twice")]
fn combine(
    sides: &[&Grants<'_>],
    callers: &[&Caller],
    action: &str,
    resources: &Pattern,
    given: &[(&str, &str)],
    apply: &[(usize, &Statement)],
    avoid: &[(usize, &Statement)],
    check: &dyn Fn(&[Request]) -> Verdict,
) -> Found {
    let folded = action.to_ascii_lowercase();
    let mut avoid = avoid.to_vec();
    let mut choices: Vec<Vec<(usize, &Statement)>> = vec![apply.to_vec()];
    for (number, side) in sides.iter().enumerate() {
        avoid.extend(
            side.denying(&folded)
                .into_iter()
                .map(|statement| (number, statement)),
        );
        for layer in side.allowing(&folded) {
            choices = choices
                .iter()
                .flat_map(|chosen| {
                    layer
                        .iter()
                        .map(|statement| [&chosen[..], &[(number, *statement)]].concat())
                })
                .collect();
            if choices.len() > 10_000 {
                return Found::Unclear(Doubt::new(format!(
                    "too many statements allow {action} to compare them all"
                )));
            }
        }
    }
    let mut found = Found::Nothing;
    for region in regions(&folded, callers[0]) {
        for chosen in &choices {
            let mut inside = vec![region.clone()];
            if !resources.is_any() {
                inside.push(resources.clone());
            }
            let name = actions::lookup(&folded).map_or(action, Action::id);
            let search = Search {
                action: name,
                callers,
                region: inside,
                given,
                apply: chosen.clone(),
                avoid: avoid.clone(),
                check,
            };
            found = found.or(|| search.run());
            if matches!(found, Found::Request(_)) {
                return found;
            }
        }
    }
    found
}

/// Actions that the same statements speak of, on the same resource types, get the same answers.
#[derive(PartialEq, Eq, Hash)]
struct Signature {
    coverage: Vec<u8>,
    /// The resource types, unless every statement that counts is about everything.
    region: Option<Vec<*const ResourceType>>,
}

impl Signature {
    fn of(sides: &[&Grants<'_>], action: &str) -> Signature {
        let mut coverage = Vec::new();
        let mut everything = true;
        for policy in sides.iter().flat_map(|side| side.every_policy()) {
            coverage.extend(policy.statements.iter().map(|statement| {
                let covers = statement.covers_action(action);
                everything &= covers.is_no() || statement.is_about_everything();
                match covers {
                    Verdict::No => 0,
                    Verdict::Yes => 1,
                    Verdict::Unknown(_) => 2,
                }
            }));
        }
        let types = || match actions::lookup(action) {
            Some(action) => action
                .resource_types()
                .map(|(kind, _)| std::ptr::from_ref(kind))
                .collect(),
            None => vec![std::ptr::null()],
        };
        Signature {
            coverage,
            region: (!everything).then(types),
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Overlap::Both { first, .. } => write!(out, "both may {} on {}", first.action(), first.resource()),
            Overlap::None => out.write_str("nothing can be changed by both"),
            Overlap::Unknown(doubt) => write!(out, "cannot tell: {doubt}"),
        }
    }
}
