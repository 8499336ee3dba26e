//! Finding the elements of a set again, which have no name.

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
        let mut found = vec![None; config.len()];
        // An element that is not known yet may turn out to be any of the prior ones, and another element must not have been
        // promised the values of that one: the plan made at apply would break the promise.
        if self == Correlation::Wide && !config.iter().all(Value::is_wholly_known) {
            return found;
        }
        let mut used = vec![false; prior.len()];
        let mut pass = |found: &mut Vec<Option<&'a Value>>, fits: &dyn Fn(&Value, &Value) -> bool| {
            for (slot, item) in found.iter_mut().zip(config).filter(|(slot, _)| slot.is_none()) {
                let first = (0..prior.len()).find(|index| !used[*index] && fits(&prior[*index], item));
                if let Some(index) = first {
                    used[index] = true;
                    *slot = Some(&prior[index]);
                }
            }
        };
        // Core takes the first that may be it, also where a later element is the very one.
        if self == Correlation::Wide {
            pass(&mut found, &|prior, config| prior.same(config));
        }
        pass(&mut found, &|prior, config| {
            self.may_come_from(body, prior, config)
        });
        found
    }

    /// Whether a prior object may be what the provider made of `config`: only unset computed values may differ.
    fn may_come_from(self, body: Body<'_>, prior: &Value, config: &Value) -> bool {
        if prior.same(config) {
            return true;
        }
        let (Some(_), Some(_)) = (prior.entries(), config.entries()) else {
            // Core walks the prior value: one that is null or unknown has nothing that contradicts.
            return prior.entries().is_none();
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
