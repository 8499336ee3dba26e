//! What a rule may ask while it judges: the plan, the backend, the configuration of the tool, and where references lead.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use crate::address;
use crate::backend::Evidence;
use crate::config::Config;
use crate::graph::Identity;
use crate::plan::{Expression, Plan, Provider, Resource};
use crate::references;
use crate::source::build::Planned;
use crate::source::{Evaluator, Sources};
use crate::value::{Path, Value};

/// The surroundings of a judgement.
#[derive(Debug)]
pub struct Context<'a> {
    evaluators: Evaluators<'a>,
    /// The plan.
    pub plan: &'a Plan<'a>,
    /// What is known of the backend.
    pub backend: &'a Evidence,
    /// The source, or what the plan's configuration tells of it.
    pub sources: &'a Sources,
    /// Configuration of the tool: environments, purposes, what may be trusted, state buckets.
    pub config: &'a Config,
}

/// Evaluators that keep what they worked out: one for each worker, because an evaluator remembers what it is in the middle of.
#[derive(Debug)]
struct Evaluators<'a>(Vec<Mutex<Evaluator<'a>>>);

impl<'a> Evaluators<'a> {
    fn new(plan: &'a Plan<'a>, sources: &'a Sources) -> Self {
        // One more for threads that are no workers.
        let one = |_| Mutex::new(Evaluator::new(sources, Planned::new(plan)));
        Self((0..=rayon::current_num_threads()).map(one).collect())
    }

    fn ask<T>(&self, question: impl FnOnce(&Evaluator<'a>) -> T) -> T {
        let worker = rayon::current_thread_index().map_or(0, |i| i + 1);
        let mine = &self.0[worker % self.0.len()];
        // A poisoned evaluator is one whose thread panicked: what it keeps is forgotten first.
        let evaluator = mine.lock().unwrap_or_else(PoisonError::into_inner);
        evaluator.begin();
        question(&evaluator)
    }
}

impl<'a> Context<'a> {
    /// The surroundings: a plan, the evidence about its backend, its sources, and the configuration of the tool.
    #[must_use]
    pub fn new(plan: &'a Plan<'a>, backend: &'a Evidence, sources: &'a Sources, config: &'a Config) -> Self {
        Self {
            evaluators: Evaluators::new(plan, sources),
            plan,
            backend,
            sources,
            config,
        }
    }

    /// The best known value of an argument: the planned value (`values` is what the hook was given); where that is not wholly
    /// known, completed by evaluating the configuration: literals, references to other resources, policy-document data sources,
    /// module inputs and outputs, and with the source also locals, templates and functions.
    #[must_use]
    pub fn resolve<'v>(&self, r: &Resource<'_>, values: &'v Value<'v>, path: &str) -> Cow<'v, Value<'v>> {
        let planned = values.path(path);
        if planned.is_wholly_known() {
            return Cow::Borrowed(planned);
        }
        Cow::Owned(self.evaluate(&r.address, path))
    }

    /// The value of an attribute of any instance, by address: planned, read or evaluated. Dotted paths as in [`Value::path`].
    #[must_use]
    pub fn evaluate(&self, instance: &str, path: &str) -> Value<'static> {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let v = self.evaluators.ask(|e| e.attribute(instance, first));
        if rest.is_empty() { v } else { v.path(rest).clone() }
    }

    /// The value of a variable in a module instance (empty path: the root), followed through the callers' arguments.
    #[must_use]
    pub fn variable(&self, module: &str, name: &str) -> Value<'static> {
        self.evaluators.ask(|e| e.variable(module, name))
    }

    /// The value of an argument of a provider block (`access_key`, `assume_role.0.role_arn`).
    #[must_use]
    pub fn provider_argument(&self, provider: &Provider<'_>, path: &str) -> Value<'static> {
        let e = provider.expressions.path(&Path::from(path));
        if let Some(v) = e.constant() {
            return v.clone().into_owned();
        }
        if !e.is_set() {
            return Value::Null;
        }
        let scope = crate::source::Scope {
            module: provider.module.to_string(),
            ..Default::default()
        };
        let block = self.sources.module(&provider.module).and_then(|m| {
            m.providers.iter().find(|p| {
                p.block.labels.first().is_some_and(|l| **l == *provider.name)
                    && alias(&p.block.body) == provider.alias.as_deref().map(str::to_owned)
            })
        });
        self.evaluators.ask(|evaluator| match block {
            Some(b) => evaluator.body(&b.block.body, &scope).path(path).clone(),
            None => evaluator.eval(&crate::source::build::expression_of(e), &scope),
        })
    }

    /// The value of an expression of the configuration in a module instance: what it refers to, as far as that is known.
    #[must_use]
    pub fn written(&self, module: &str, e: &Expression<'_>) -> Value<'static> {
        let scope = crate::source::Scope {
            module: module.to_owned(),
            ..Default::default()
        };
        self.evaluators
            .ask(|evaluator| evaluator.eval(&crate::source::build::expression_of(e), &scope))
    }

    /// True when the configuration writes the argument in the block that makes `r`. Without a configuration in the plan, true.
    #[must_use]
    pub fn is_set(&self, r: &Resource<'_>, argument: &str) -> bool {
        self.plan
            .block_of(r)
            .is_none_or(|b| b.expressions().path(&Path::from(argument)).is_set())
    }

    /// The live instances that the argument at `path` refers to, through module inputs and outputs; paired by instance key
    /// when the argument uses `each.key` or `count.index`.
    #[must_use]
    pub fn targets(&self, r: &Resource<'_>, path: &str) -> Vec<&'a Resource<'a>> {
        references::targets(self.plan, r, &Path::from(path))
    }

    /// The environment that a text (an address, a name, a subject) speaks of: by the mapping of the configuration, else by the usual
    /// words.
    #[must_use]
    pub fn environment(&self, text: &str) -> Option<&'a str> {
        self.config.environment_of(text)
    }

    /// What an identity is for, by the configuration: `ci`, `deploy`, …; empty when it is not mapped.
    #[must_use]
    pub fn purposes(&self, identity: &Identity) -> Vec<&'a str> {
        let block = identity.address.as_deref().map(address::without_keys);
        let texts: Vec<&str> = [
            identity.address.as_deref(),
            block.as_deref(),
            identity.name.as_deref(),
        ]
        .into_iter()
        .flatten()
        .collect();
        self.config.purposes_of(&texts)
    }

    /// The module instance in which an address stands (`module.a["x"]`), empty for the root.
    #[must_use]
    pub fn module_of<'s>(&self, address: &'s str) -> &'s str {
        address::split_module(address).0
    }
}

fn alias(body: &crate::source::syntax::Body) -> Option<String> {
    match body.get("alias").map(|e| &e.kind) {
        Some(crate::source::syntax::Kind::Literal(v)) => v.as_str().map(str::to_owned),
        _ => None,
    }
}
