//! Is there a request to which some statements apply and others do not?
//!
//! Every question about sets of permissions comes down to this one: *allowed* is statements that must apply (one of each layer) and
//! denials that must not; *overlap* asks it of two identities at once; *not contained* asks that a layer of the larger set has no
//! statement that applies. The search builds a request (resource by [`pattern::witness`](crate::pattern::witness), condition keys
//! one by one), looks which unwanted statement applies to it, and tries each way to avoid that one. A request it finds is checked by
//! [`evaluate`](super::evaluate()); *none* is claimed only when every way was closed for sure.

use super::actions::{self, Action};
use super::arn::Arn;
use super::condition::{Condition, Operator, Quantifier};
use super::context::{Context, KeyValue};
use super::evaluate::Request;
use super::policy::{Scope, Statement};
use super::principal::Caller;
use super::template::Resolved;
use crate::pattern::{Pattern, witness};
use crate::verdict::{Doubt, Verdict};

/// What a search found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Found {
    /// This request, as each side makes it.
    Request(Vec<Request>),
    /// There is none.
    Nothing,
    /// Perhaps.
    Unclear(Doubt),
}

impl Found {
    fn unclear(reason: impl Into<String>) -> Found {
        Found::Unclear(Doubt::new(reason))
    }

    /// Either of two ways may lead to it.
    pub(crate) fn or(self, other: impl FnOnce() -> Found) -> Found {
        if matches!(self, Found::Request(_)) {
            return self;
        }
        match (self, other()) {
            (_, found @ Found::Request(_)) => found,
            (Found::Unclear(one), Found::Unclear(two)) => Found::Unclear(one.and(two)),
            (Found::Unclear(doubt), _) | (_, Found::Unclear(doubt)) => Found::Unclear(doubt),
            (one, _) => one,
        }
    }
}

/// One search: an action, who asks, and what must and must not apply. Statements carry the number of the caller they concern.
pub(crate) struct Search<'s> {
    pub(crate) action: &'s str,
    pub(crate) callers: &'s [&'s Caller],
    /// The resource lies in all of these.
    pub(crate) region: Vec<Pattern>,
    pub(crate) given: &'s [(&'s str, &'s str)],
    pub(crate) apply: Vec<(usize, &'s Statement)>,
    pub(crate) avoid: Vec<(usize, &'s Statement)>,
    /// Checks a request that seems to fit.
    pub(crate) check: &'s dyn Fn(&[Request]) -> Verdict,
}

#[derive(Clone)]
struct Way<'s> {
    inside: Vec<Pattern>,
    outside: Vec<Pattern>,
    /// A condition, for which caller, and whether it must hold.
    wanted: Vec<(usize, &'s Condition, bool)>,
}

/// More attempts than this and the answer is *unclear*.
const MOST_ATTEMPTS: usize = 4_000;

impl<'s> Search<'s> {
    pub(crate) fn run(&self) -> Found {
        let mut ways = vec![Way {
            inside: self.region.clone(),
            outside: Vec::new(),
            wanted: Vec::new(),
        }];
        for (caller, statement) in &self.apply {
            ways = self.narrowed(ways, *caller, statement);
            if ways.is_empty() {
                return Found::Nothing;
            }
            if ways.len() > MOST_ATTEMPTS {
                return Found::unclear("too many combinations of resources to compare");
            }
        }
        let plain = self
            .avoid
            .iter()
            .filter(|(_, statement)| statement.conditions.is_empty() && statement.unread.is_empty());
        let shut: Vec<Pattern> = plain
            .filter_map(|(_, statement)| fixed_resources(statement))
            .flatten()
            .collect();
        let mut left = MOST_ATTEMPTS;
        let mut found = Found::Nothing;
        for mut way in ways {
            way.outside.extend(shut.iter().cloned());
            found = found.or(|| self.attempt(way, &mut left));
            if matches!(found, Found::Request(_)) {
                break;
            }
        }
        found
    }

    /// The ways that also satisfy a statement's resources and conditions: one for each of its resources.
    fn narrowed(&self, ways: Vec<Way<'s>>, caller: usize, statement: &'s Statement) -> Vec<Way<'s>> {
        let base = self.request(caller, "*", Context::closed());
        let patterns = |items: &[super::Template]| -> Vec<Pattern> {
            let resolve = |template: &super::Template| match template.resolve(base.context()) {
                Resolved::Pattern(pattern) => pattern,
                Resolved::Nothing | Resolved::Unknown(_) => template.upper().clone(),
            };
            items.iter().map(resolve).collect()
        };
        let mut next = Vec::new();
        for mut way in ways {
            way.wanted.extend(
                statement
                    .conditions
                    .iter()
                    .map(|condition| (caller, condition, true)),
            );
            match &statement.resources {
                None => next.push(way),
                Some(Scope::AllBut(items)) => {
                    way.outside
                        .extend(items.iter().filter_map(|item| item.fixed().cloned()));
                    next.push(way);
                }
                Some(Scope::Only(items)) => {
                    for pattern in patterns(items) {
                        if way.inside.iter().all(|other| {
                            other.is_any() || pattern.is_any() || other.overlap(&pattern).is_some()
                        }) {
                            let mut way = way.clone();
                            if !pattern.is_any() && !way.inside.contains(&pattern) {
                                way.inside.push(pattern);
                            }
                            next.push(way);
                        }
                    }
                }
            }
        }
        next
    }

    fn request(&self, caller: usize, resource: &str, context: Context) -> Request {
        let given = self
            .given
            .iter()
            .fold(context, |context, (key, value)| context.with(key, *value));
        let request = Request::in_context(self.callers[caller].clone(), self.action, resource, given);
        // Grants are asked of identities alone: what another account's resource says is a question of its own.
        match self.callers[caller].account().map(str::to_owned) {
            Some(account) => request.owned_by(&account),
            None => request,
        }
    }

    fn attempt(&self, way: Way<'s>, left: &mut usize) -> Found {
        if *left == 0 {
            return Found::unclear("too many combinations of conditions to compare");
        }
        *left -= 1;
        let inside: Vec<&Pattern> = way.inside.iter().collect();
        let outside: Vec<&Pattern> = way.outside.iter().collect();
        let resource = match witness(&inside, &outside) {
            Ok(Some(resource)) => resource,
            Ok(None) => return Found::Nothing,
            Err(error) => return Found::unclear(error.to_string()),
        };
        let context = match self.context(&way, &resource) {
            Built::Context(context) => context,
            Built::Impossible => return Found::Nothing,
            Built::Unclear(doubt) => return Found::Unclear(doubt),
        };
        let requests: Vec<Request> = (0..self.callers.len())
            .map(|caller| self.request(caller, &resource, context.clone()))
            .collect();
        for (caller, statement) in &self.avoid {
            if statement.covers(&requests[*caller]).is_yes() {
                return self.around(&way, *caller, statement, left);
            }
        }
        match (self.check)(&requests) {
            Verdict::Yes => Found::Request(requests),
            Verdict::No => Found::unclear(format!(
                "no request for {} could be built that settles it",
                self.action
            )),
            Verdict::Unknown(doubt) => Found::Unclear(doubt),
        }
    }

    /// Every way on which this statement does not apply.
    fn around(&self, way: &Way<'s>, caller: usize, statement: &'s Statement, left: &mut usize) -> Found {
        let mut found = Found::Nothing;
        for condition in &statement.conditions {
            let mut way = way.clone();
            way.wanted.push((caller, condition, false));
            found = found.or(|| self.attempt(way, left));
        }
        match &statement.resources {
            None => {}
            Some(Scope::Only(_)) => {
                found = found.or(|| match fixed_resources(statement) {
                    Some(patterns) => {
                        let mut way = way.clone();
                        way.outside.extend(patterns);
                        self.attempt(way, left)
                    }
                    None => Found::unclear(format!(
                        "the resources of the statement {} vary",
                        statement.label()
                    )),
                });
            }
            Some(Scope::AllBut(items)) => {
                for item in items {
                    let mut way = way.clone();
                    way.inside.push(item.upper().clone());
                    found = found.or(|| self.attempt(way, left));
                }
            }
        }
        found
    }

    /// Values for the condition keys, one key at a time: conditions on different keys do not depend on each other. So one key without
    /// any value that fits settles it, whatever is unclear about the others.
    fn context(&self, way: &Way<'s>, resource: &str) -> Built {
        let mut context = Context::closed();
        let mut keys: Vec<&str> = way
            .wanted
            .iter()
            .map(|(_, condition, _)| condition.key.folded())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let mut unclear: Option<Doubt> = None;
        for key in keys {
            let wanted: Vec<_> = way
                .wanted
                .iter()
                .filter(|(_, condition, _)| condition.key.folded() == key)
                .copied()
                .collect();
            let fits = |context: &Context| {
                Verdict::all(wanted.iter().map(|(caller, condition, want)| {
                    let request = self.request(*caller, resource, context.clone());
                    let holds = condition.holds(request.context());
                    if *want { holds } else { !holds }
                }))
            };
            // A key that follows from the caller, the resource or the question cannot be chosen.
            if self
                .request(wanted[0].0, resource, Context::closed())
                .context()
                .get(key)
                != KeyValue::Absent
            {
                match fits(&context) {
                    Verdict::Yes => continue,
                    Verdict::No => return Built::Impossible,
                    Verdict::Unknown(doubt) => {
                        unclear.get_or_insert(doubt);
                        continue;
                    }
                }
            }
            let (candidates, complete) = candidates(&wanted);
            let mut doubt = None;
            let chosen = candidates.into_iter().find(|values| {
                let context = if values.is_empty() {
                    context.clone().absent(key)
                } else {
                    context.clone().with_all(key, values.clone())
                };
                let fits = fits(&context);
                if let Verdict::Unknown(new) = &fits {
                    doubt = Some(new.clone());
                }
                fits.is_yes()
            });
            match (chosen, doubt) {
                (Some(values), _) if values.is_empty() => context = context.absent(key),
                (Some(values), _) => context = context.with_all(key, values),
                (None, Some(doubt)) => {
                    unclear.get_or_insert(doubt);
                }
                (None, None) if complete => return Built::Impossible,
                (None, None) => {
                    unclear.get_or_insert_with(|| {
                        Doubt::new(format!("no value of {key} was found that fits all conditions"))
                    });
                }
            }
        }
        unclear.map_or(Built::Context(context), Built::Unclear)
    }
}

enum Built {
    Context(Context),
    Impossible,
    Unclear(Doubt),
}

fn fixed_resources(statement: &Statement) -> Option<Vec<Pattern>> {
    match statement.resources.as_ref()? {
        Scope::Only(items) => items.iter().map(|item| item.fixed().cloned()).collect(),
        Scope::AllBut(_) => None,
    }
}

/// Values worth trying for a key (no values: absent), and whether they are all that could ever fit.
fn candidates(wanted: &[(usize, &Condition, bool)]) -> (Vec<Vec<String>>, bool) {
    let shut_to_values = |(_, condition, want): &(usize, &Condition, bool)| {
        let present = condition.holds_for_any_value();
        present.is_some_and(|holds| if *want { holds.is_no() } else { holds.is_yes() })
    };
    if wanted.iter().any(shut_to_values) {
        return (vec![Vec::new()], true);
    }
    let mut single: Vec<String> = Vec::new();
    let mut complete = true;
    let (mut positive, mut negative): (Vec<Vec<Pattern>>, Vec<Pattern>) = (Vec::new(), Vec::new());
    for (_, condition, want) in wanted {
        let fixed: Vec<Pattern> = condition
            .values
            .iter()
            .filter_map(|value| value.fixed().cloned())
            .collect();
        complete &= fixed.len() == condition.values.len() && condition.quantifier == Quantifier::One;
        match condition.operator {
            Operator::StringEquals {
                ignore_case: false, ..
            }
            | Operator::StringLike { .. } => {
                if condition.operator.is_negated() == *want {
                    negative.extend(fixed)
                } else {
                    positive.push(fixed)
                }
            }
            Operator::Bool => single.extend(["true".to_owned(), "false".to_owned()]),
            Operator::Null => {}
            _ => {
                complete = false;
                single.extend(
                    condition
                        .values
                        .iter()
                        .flat_map(|value| nearby(&condition.operator, value.source())),
                );
            }
        }
    }
    let refused: Vec<&Pattern> = negative.iter().collect();
    let mut choices: Vec<Vec<&Pattern>> = vec![Vec::new()];
    for values in &positive {
        choices = choices
            .iter()
            .flat_map(|chosen| values.iter().map(|value| [&chosen[..], &[value]].concat()))
            .collect();
        if choices.len() > 1_000 {
            complete = false;
            choices.truncate(1_000);
        }
    }
    for chosen in &choices {
        match witness(chosen, &refused) {
            Ok(Some(text)) => single.push(if text.is_empty() {
                witness(chosen, &[&refused[..], &[&Pattern::literal("")]].concat())
                    .ok()
                    .flatten()
                    .unwrap_or(text)
            } else {
                text
            }),
            Ok(None) => {}
            Err(_) => complete = false,
        }
    }
    // `ForAnyValue` twice on one key may need two values.
    let together: Vec<String> = single.clone();
    let mut all: Vec<Vec<String>> = single.into_iter().map(|value| vec![value]).collect();
    if wanted
        .iter()
        .any(|(_, condition, _)| condition.quantifier == Quantifier::Any)
        && together.len() > 1
    {
        all.push(together);
    }
    all.push(Vec::new());
    (all, complete)
}

/// The value itself and its neighbours, for operators that compare sizes.
fn nearby(operator: &Operator, text: &str) -> Vec<String> {
    let mut near = vec![text.to_owned()];
    match operator {
        Operator::Numeric(_) => {
            if let Ok(number) = text.parse::<f64>() {
                near.extend([(number - 1.0).to_string(), (number + 1.0).to_string()]);
            }
        }
        Operator::Date(_) => near.extend([
            "1970-01-01T00:00:00Z".to_owned(),
            "9999-01-01T00:00:00Z".to_owned(),
        ]),
        Operator::IpAddress { .. } => {
            near = vec![
                text.split('/').next().unwrap_or(text).to_owned(),
                "192.0.2.1".into(),
                "198.51.100.7".into(),
                "2001:db8::1".into(),
            ];
        }
        Operator::Arn { .. } => {
            let concrete: String = text
                .chars()
                .map(|c| if matches!(c, '*' | '?') { 'x' } else { c })
                .collect();
            near = vec![concrete, "arn:aws:x:::x".to_owned()];
        }
        _ => near.push("x".to_owned()),
    }
    near
}

/// The regions of resources on which an action can be asked for by this caller: one for each of its resource types, with the
/// caller's own account and partition first.
pub(crate) fn regions(action: &str, caller: &Caller) -> Vec<Pattern> {
    let Some(known) = actions::lookup(action) else {
        return vec![Pattern::any()];
    };
    if !known.is_scopable() {
        return vec![Pattern::literal("*")];
    }
    let own = own_regions(known, caller);
    let wide = known
        .resource_types()
        .map(|(kind, _)| kind.pattern.clone())
        .filter(|pattern| !own.contains(pattern));
    own.iter().cloned().chain(wide.collect::<Vec<_>>()).collect()
}

fn own_regions(action: &Action, caller: &Caller) -> Vec<Pattern> {
    let arn = caller.principal_arn();
    let partition = arn
        .as_deref()
        .and_then(Arn::parse)
        .map_or("aws", |arn| arn.partition);
    let account = caller.account().unwrap_or("*");
    let own = |arn: &str| {
        let mut text = arn
            .replace("${Partition}", partition)
            .replace("${Account}", account);
        while let Some((before, after)) = text.split_once("${") {
            let rest = after.split_once('}').map_or("", |(_, rest)| rest);
            text = format!("{before}*{rest}");
        }
        Pattern::parse(&text)
    };
    action.resource_types().map(|(kind, _)| own(&kind.arn)).collect()
}
