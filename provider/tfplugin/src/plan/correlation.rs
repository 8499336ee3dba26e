//! Finding the elements of a set again, which have no name.

use std::collections::BTreeMap;

use super::{Body, child, element};
use crate::schema::{Kind, Nesting};
use crate::value::Value;

/// How an element of a set is found again.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Correlation {
    /// As core does (`validPriorFromConfig`): a nested object that the provider computed makes an element a stranger.
    Core,
    /// That is overcome, so that such a resource does not change with every plan.
    Wide,
}

impl Correlation {
    /// For every configured element of a set the prior element it may have become, each used once.
    pub(super) fn correlate<'a>(
        self,
        body: Body<'_>,
        prior: &'a [Value],
        config: &[Value],
    ) -> Vec<Option<&'a Value>> {
        // An element that is not known yet may turn out to be any of the prior ones, and another element must not have been
        // promised the values of that one: the plan made at apply would break the promise.
        if self == Correlation::Wide && !config.iter().all(Value::is_wholly_known) {
            return vec![None; config.len()];
        }
        let fits = |item: usize, index: usize| self.may_come_from(body, &prior[index], &config[item]);
        let mut owner: Vec<Option<usize>> = vec![None; prior.len()];
        // Core takes the first that may be it, also where a later element is the very one.
        if self == Correlation::Wide {
            for (item, value) in config.iter().enumerate() {
                let same =
                    (0..prior.len()).find(|index| owner[*index].is_none() && prior[*index].same(value));
                if let Some(index) = same {
                    owner[index] = Some(item);
                }
            }
        }
        for item in 0..config.len() {
            if owner.contains(&Some(item)) {
                continue;
            }
            match self {
                Correlation::Core => {
                    if let Some(index) = (0..prior.len()).find(|i| owner[*i].is_none() && fits(item, *i)) {
                        owner[index] = Some(item);
                    }
                }
                Correlation::Wide => {
                    place(item, &mut owner, &mut vec![false; prior.len()], &fits);
                }
            }
        }
        let mut found = vec![None; config.len()];
        for (index, item) in owner.into_iter().enumerate() {
            if let Some(item) = item {
                found[item] = Some(&prior[index]);
            }
        }
        found
    }

    /// Whether a prior object may be what the provider made of `config`: only unset computed values may differ.
    fn may_come_from(self, body: Body<'_>, prior: &Value, config: &Value) -> bool {
        if prior.same(config) {
            return true;
        }
        let (Some(_), Some(_)) = (prior.entries(), config.entries()) else {
            // Core walks the prior value: one that is null or unknown has nothing that contradicts.
            return self == Correlation::Core && prior.entries().is_none();
        };
        body.attributes.iter().all(|(name, schema)| {
            let (prior, config) = (child(prior, name), child(config, name));
            prior.same(config)
                || match &schema.kind {
                    Kind::Plain(_) => schema.mode.is_computed() && config.is_null(),
                    Kind::Nested(nesting, attributes) => {
                        let computed = schema.mode.is_computed() && config.is_null();
                        let body = Body::of_attributes(attributes);
                        (self == Correlation::Wide && computed)
                            || self.elements_may_come_from(*nesting, body, prior, config)
                    }
                }
        }) && body.blocks().all(|(name, schema)| {
            let (prior, config) = (child(prior, name), child(config, name));
            prior.same(config)
                || self.elements_may_come_from(schema.nesting, Body::of_block(schema), prior, config)
        })
    }

    fn elements_may_come_from(self, nesting: Nesting, body: Body<'_>, prior: &Value, config: &Value) -> bool {
        let count = |value: &Value| {
            value
                .elements()
                .map(<[_]>::len)
                .or(value.entries().map(BTreeMap::len))
        };
        if self == Correlation::Wide && nesting != Nesting::Single && count(prior) != count(config) {
            return false;
        }
        match nesting {
            // Core does not look into a set within a set.
            Nesting::Set if self == Correlation::Core => false,
            Nesting::Set => {
                let (prior, config) = (
                    prior.elements().unwrap_or_default(),
                    config.elements().unwrap_or_default(),
                );
                prior.len() == config.len() && self.correlate(body, prior, config).iter().all(Option::is_some)
            }
            Nesting::Single => self.may_come_from(body, prior, config),
            Nesting::List => prior
                .elements()
                .unwrap_or_default()
                .iter()
                .enumerate()
                .all(|(index, prior)| {
                    element(config, index).is_some_and(|config| self.may_come_from(body, prior, config))
                }),
            Nesting::Map => prior.entries().into_iter().flatten().all(|(key, prior)| {
                config
                    .get(key)
                    .is_some_and(|config| self.may_come_from(body, prior, config))
            }),
        }
    }
}

/// Gives `item` a prior element that fits, moving others to what also fits them (Kuhn's matching): an element that fits
/// only one must not lose it to one that fits many. Terraform stores sets in an order of its own, so the first that fits
/// may be anybody's.
fn place(
    item: usize,
    owner: &mut [Option<usize>],
    tried: &mut [bool],
    fits: &dyn Fn(usize, usize) -> bool,
) -> bool {
    for index in 0..owner.len() {
        if tried[index] || !fits(item, index) {
            continue;
        }
        tried[index] = true;
        let free = match owner[index] {
            None => true,
            Some(other) => place(other, owner, tried, fits),
        };
        if free {
            owner[index] = Some(item);
            return true;
        }
    }
    false
}
