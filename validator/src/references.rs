//! Follows references of the configuration to the instances they mean.
//!
//! The plan lists the references of an expression, each full path followed by its shorter prefixes, relative to the module. `var.x` leads to
//! the caller's argument, `module.m.o` to the output inside; `local.x` is a dead end in the JSON.

use crate::address;
use crate::plan::{Expression, Plan, Resource};
use crate::value::{Path, Text};

/// References are followed through this many module boundaries; deeper than any real configuration, and a guard against cycles.
const DEPTH: usize = 24;

/// Live instances that the argument at `path` of `r` refers to.
pub(crate) fn targets<'a>(plan: &'a Plan<'a>, r: &Resource<'_>, path: &Path) -> Vec<&'a Resource<'a>> {
    let Some(block) = plan.block_of(r) else {
        return Vec::new();
    };
    let expressions = block.expressions();
    let mut out = Vec::new();
    let mut from = From {
        plan,
        key: address::key(&r.address).map(str::to_owned),
        for_each: block.for_each.clone(),
        out: &mut out,
    };
    from.expression(expressions.path(path), r.module(), DEPTH);
    out
}

struct From<'a, 'o> {
    plan: &'a Plan<'a>,
    key: Option<String>,
    /// What `each.value` ranges over where the expression stands.
    for_each: Expression<'a>,
    out: &'o mut Vec<&'a Resource<'a>>,
}

impl<'a> From<'a, '_> {
    fn expression(&mut self, e: &Expression<'_>, module: &str, depth: usize) {
        match e {
            Expression::References(refs) => self.references(refs, module, depth),
            Expression::Block(entries) => entries
                .iter()
                .for_each(|(_, e)| self.expression(e, module, depth)),
            Expression::Blocks(blocks) => blocks.iter().for_each(|e| self.expression(e, module, depth)),
            _ => {}
        }
    }

    fn references(&mut self, refs: &[Text<'_>], module: &str, depth: usize) {
        if depth == 0 {
            return;
        }
        let paired = refs
            .iter()
            .any(|r| matches!(&**r, "each.key" | "each.value" | "count.index"));
        for r in refs.iter().filter(|r| is_whole(r, refs)) {
            let parts = address::parts(r);
            match parts.as_slice() {
                ["var", name, ..] => {
                    let (caller, call) = parent(module);
                    if let Some(call) = call {
                        let name = address::without_keys(name).into_owned();
                        let argument = self
                            .plan
                            .configuration
                            .module(&address::without_keys(caller))
                            .and_then(|m| m.calls.iter().find(|c| *c.name == *call))
                            .map(|c| (c.arguments.get(&name).clone(), c.for_each.clone()));
                        if let Some((e, for_each)) = argument {
                            let key =
                                std::mem::replace(&mut self.key, address::key(module).map(str::to_owned));
                            let ranged = std::mem::replace(&mut self.for_each, for_each);
                            self.expression(&e, caller, depth - 1);
                            (self.key, self.for_each) = (key, ranged);
                        }
                    }
                }
                ["module", call, output, ..] => {
                    let inner = address::in_module(
                        &address::without_keys(module),
                        &format!("module.{}", address::without_keys(call)),
                    );
                    let found = self.plan.configuration.module(&inner).and_then(|m| {
                        m.outputs
                            .iter()
                            .find(|(n, _, _)| **n == *address::without_keys(output))
                    });
                    if let Some((_, e, _)) = found {
                        let e = e.clone();
                        for instance in self.module_instances(module, call, paired) {
                            self.expression(&e, &instance, depth - 1);
                        }
                    }
                }
                // An element of what is ranged over: the instance of it with the same key.
                ["each", "value", ..] => {
                    let all = std::mem::take(&mut self.for_each);
                    if let Expression::References(inner) = &all {
                        let whole: Vec<Text<'_>> = inner
                            .iter()
                            .cloned()
                            .chain([Text::borrowed("each.key")])
                            .collect();
                        self.references(&whole, module, depth - 1);
                    }
                    self.for_each = all;
                }
                [
                    "local" | "each" | "count" | "path" | "terraform" | "self" | "ephemeral",
                    ..,
                ] => {}
                ["data", kind, name, ..] => self.add(module, &format!("data.{kind}.{name}"), paired),
                [kind, name, ..] => self.add(module, &format!("{kind}.{name}"), paired),
                _ => {}
            }
        }
    }

    /// Instances of the module call `call` as seen from module instance `module`.
    fn module_instances(&self, module: &str, call: &str, paired: bool) -> Vec<String> {
        let wanted = address::in_module(module, &format!("module.{call}"));
        if call.contains('[') {
            return self
                .plan
                .has_module(&wanted)
                .then_some(wanted)
                .into_iter()
                .collect();
        }
        if let Some(key) = self.key.as_deref().filter(|_| paired) {
            let keyed = format!("{wanted}[{key}]");
            if self.plan.has_module(&keyed) {
                return vec![keyed];
            }
            return self
                .plan
                .has_module(&wanted)
                .then_some(wanted)
                .into_iter()
                .collect();
        }
        self.plan.module_instances(&wanted).map(str::to_owned).collect()
    }

    fn add(&mut self, module: &str, inner: &str, paired: bool) {
        let wanted = address::in_module(module, inner);
        let found = match self.key.as_deref().filter(|_| paired) {
            _ if inner.ends_with(']') => self.plan.live_at(&wanted).into_iter().collect(),
            // The one with the same key; a block that is not repeated is the same for all.
            Some(key) => self
                .plan
                .live_at(&format!("{wanted}[{key}]"))
                .or_else(|| self.plan.live_at(&wanted))
                .into_iter()
                .collect(),
            None => self.plan.instances_in(&wanted),
        };
        for r in found {
            if !self.out.iter().any(|o| std::ptr::eq(*o, r)) {
                self.out.push(r);
            }
        }
    }
}

/// A reference is whole unless it is a shorter prefix of another in the list.
pub(crate) fn is_whole(r: &Text<'_>, all: &[Text<'_>]) -> bool {
    !all.iter()
        .any(|o| o.len() > r.len() && o.starts_with(&**r) && matches!(o.as_bytes()[r.len()], b'.' | b'['))
}

/// The module instance above, and the name of the call: `module.a["x"].module.b[0]` gives `module.a["x"]` and `b`.
pub(crate) fn parent(module: &str) -> (&str, Option<&str>) {
    let parts = address::parts(module);
    let Some(last) = parts.last() else {
        return ("", None);
    };
    if parts.len() < 2 {
        return ("", None);
    }
    let above = module.len() - last.len() - ".module.".len().min(module.len() - last.len());
    let name = last.split('[').next();
    (&module[..above], name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_parent_of_a_module_instance() {
        assert_eq!(
            parent(r#"module.a["x"].module.b[0]"#),
            (r#"module.a["x"]"#, Some("b"))
        );
        assert_eq!(parent("module.a"), ("", Some("a")));
        assert_eq!(parent(""), ("", None));
    }

    #[test]
    fn prefixes_of_a_reference_are_not_references_of_their_own() {
        let refs = ["a.b.arn", "a.b", "each.key"].map(Text::borrowed);
        assert!(is_whole(&refs[0], &refs) && !is_whole(&refs[1], &refs) && is_whole(&refs[2], &refs));
    }
}
