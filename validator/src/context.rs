//! What a rule may ask while it judges: the plan, the backend, the configuration of the tool, and where references lead.

use std::borrow::Cow;

use crate::address;
use crate::backend::Evidence;
use crate::plan::{Plan, Resource};
use crate::references;
use crate::value::{Path, Value};

/// The surroundings of a judgement.
#[derive(Debug)]
pub struct Context<'a> {
    /// The plan.
    pub plan: &'a Plan<'a>,
    /// What is known of the backend.
    pub backend: &'a Evidence,
}

impl<'a> Context<'a> {
    /// The best known value of an argument: the planned value (`values` is what the hook was given); where that is unknown, the
    /// literal of the configuration, then the value of the one thing it refers to, then the evaluated source.
    #[must_use]
    pub fn resolve<'v>(&self, r: &Resource<'_>, values: &'v Value<'v>, path: &str) -> Cow<'v, Value<'v>> {
        let planned = values.path(path);
        if !planned.is_unknown() {
            return Cow::Borrowed(planned);
        }
        let expression = self.plan.block_of(r).map(crate::plan::Block::expressions);
        if let Some(constant) = expression
            .as_ref()
            .and_then(|e| e.path(&Path::from(path)).constant())
        {
            return Cow::Owned(constant.clone().into_owned());
        }
        Cow::Borrowed(planned)
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

    /// The module instance in which an address stands (`module.a["x"]`), empty for the root.
    #[must_use]
    pub fn module_of<'s>(&self, address: &'s str) -> &'s str {
        address::split_module(address).0
    }
}
