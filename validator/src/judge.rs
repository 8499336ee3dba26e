//! Walks a plan once and hands every part to the rules that want it.

use std::collections::HashMap;

use rayon::prelude::*;

use crate::context::Context;
use crate::finding::{Finding, Findings};
use crate::graph::{self, Fact, Graph, Interest, PolicyId, Purpose, Reading, Sieve};
use crate::plan::{Mode, Resource};
use crate::rules::Rule;
use crate::value::Value;

/// Judges a plan by the given rules. The result is sorted by address, path and rule.
#[must_use]
pub fn judge(cx: &Context<'_>, rules: &[&'static dyn Rule]) -> Vec<Finding> {
    let mut by_type: HashMap<&str, Vec<&'static dyn Rule>> = HashMap::new();
    let mut every: Vec<&'static dyn Rule> = Vec::new();
    for &rule in rules {
        for &t in rule.types() {
            if t == "*" {
                every.push(rule);
            } else {
                by_type.entry(t).or_default().push(rule);
            }
        }
    }

    // One walk over the instances, each parsed once: rules about resources judge them, and facts for the identity graph are taken.
    let sieve = Sieve::new(cx, rules);
    let resources: Vec<&Resource<'_>> = cx.plan.live().chain(&cx.plan.read_data).collect();
    let parts: Vec<(Vec<Finding>, Vec<Fact>)> = resources
        .par_chunks(256)
        .map(|chunk| {
            let (mut found, mut facts) = (Vec::new(), Vec::new());
            for r in chunk {
                one(cx, &sieve, r, &by_type, &every, &mut found, &mut facts);
            }
            facts.shrink_to_fit();
            (found, facts)
        })
        .collect();
    let mut found: Vec<Finding> = Vec::new();
    let mut facts: Vec<Vec<Fact>> = Vec::with_capacity(parts.len());
    for (some, more) in parts {
        found.extend(some);
        facts.push(more);
    }

    let graph = Graph::join(cx, &sieve, facts);
    let readers: Vec<&'static dyn Rule> = rules.iter().copied().filter(|r| r.reads_documents()).collect();
    let theirs = Interest::of(&readers);
    let wanted: Vec<PolicyId> = (0..graph.policies.len())
        .filter(|&id| graph.policies[id].undecided || graph.policies[id].interest.meets(theirs))
        .collect();
    found.par_extend(wanted.into_par_iter().flat_map_iter(|id| {
        let mut out = Vec::new();
        document(cx, &graph, id, &readers, &mut out);
        out
    }));
    found.par_extend(graph.identities.par_iter().flat_map_iter(|identity| {
        let mut out = Vec::new();
        graph::keeping(|| {
            for rule in rules {
                rule.identity(cx, &graph, identity, &mut Findings::new(rule.meta(), &mut out));
            }
        });
        out
    }));

    for &rule in rules {
        let mut sink = Findings::new(rule.meta(), &mut found);
        for p in &cx.plan.configuration.providers {
            rule.provider(cx, p, &mut sink);
        }
        for module in cx.plan.configuration.modules() {
            for v in &module.variables {
                let value = if module.path.is_empty() {
                    cx.plan.variable(&v.name).unwrap_or_default()
                } else {
                    Value::Null
                };
                rule.variable(cx, module, v, &value, &mut sink);
            }
            for c in &module.calls {
                rule.call(cx, module, c, &mut sink);
            }
        }
        for o in &cx.plan.outputs {
            rule.output(cx, o, &mut sink);
        }
        for g in &graph.grants {
            rule.grant(cx, &graph, g, &mut sink);
        }
        rule.graph(cx, &graph, &mut sink);
        rule.backend(cx, cx.backend, &mut sink);
        rule.plan(cx, &mut sink);
    }
    found.sort_by(|a, b| (&a.place, a.rule.code, &a.what).cmp(&(&b.place, b.rule.code, &b.what)));
    found
}

fn one(
    cx: &Context<'_>,
    sieve: &Sieve<'_, '_>,
    r: &Resource<'_>,
    by_type: &HashMap<&str, Vec<&'static dyn Rule>>,
    every: &[&'static dyn Rule],
    out: &mut Vec<Finding>,
    facts: &mut Vec<Fact>,
) {
    let named = match r.mode {
        Mode::Managed => by_type.get(&*r.kind),
        Mode::Data => by_type.get(format!("data.{}", r.kind).as_str()),
    };
    let (bytes, marked) = (r.bytes(), r.marks_sensitive());
    let wanted = every
        .iter()
        .filter(|rule| r.mode == Mode::Managed && bytes.is_none_or(|b| marked || rule.prefilter(b)));
    let rules: Vec<&&'static dyn Rule> = named.into_iter().flatten().chain(wanted).collect();
    // Data sources that were read are no live instances of the graph.
    let concerns = graph::concerns(r);
    if rules.is_empty() && !concerns {
        return;
    }
    let values = r.values();
    for rule in rules {
        rule.resource(cx, r, &values, &mut Findings::new(rule.meta(), out));
    }
    if concerns {
        graph::take(cx, sieve, r, &values, facts);
    }
}

fn document(
    cx: &Context<'_>,
    graph: &Graph,
    id: PolicyId,
    rules: &[&'static dyn Rule],
    out: &mut Vec<Finding>,
) {
    let d = &graph.policies[id];
    let concerned = rules.iter().filter(|r| d.interest.has(r.meta()));
    match graph.policy(cx, id) {
        Ok(policy) => {
            let reading = Reading::of(&policy);
            for rule in concerned {
                let out = &mut Findings::new(rule.meta(), out);
                if d.purpose == Purpose::Trust {
                    rule.trust(cx, graph, d, &reading, out);
                } else {
                    rule.policy(cx, graph, d, &reading, out);
                }
            }
        }
        Err(why) => {
            for rule in rules {
                rule.unreadable(cx, graph, d, &why, &mut Findings::new(rule.meta(), out));
            }
        }
    }
}
