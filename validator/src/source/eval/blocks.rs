//! Blocks: the scope of an instance by its key, nested and `dynamic` blocks, whole bodies as objects.

use std::sync::Arc;

use super::super::syntax::{Body, Expr, Kind};
use super::{Evaluator, Scope, V};
use crate::address;
use crate::value::{Text, Value};

impl Evaluator<'_> {
    /// The scope in which the block of an instance is evaluated: its module, and `each`/`count` from its key.
    #[must_use]
    pub fn scope_of(&self, instance: &str, block: &Body) -> Scope {
        let module = address::split_module(instance).0;
        self.keyed(module, address::key(instance), block)
    }

    pub(super) fn keyed(&self, module: &str, key: Option<&str>, block: &Body) -> Scope {
        let mut scope = Scope::of(module);
        match key {
            Some(k) if k.starts_with('"') => {
                let key: V = Value::string(
                    serde_json::from_str::<String>(k).unwrap_or_else(|_| k.trim_matches('"').to_owned()),
                );
                let value = match block.get("for_each") {
                    Some(e) => self
                        .element(e, &key, &scope)
                        .unwrap_or_else(|| self.ranged(e, &key, &scope)),
                    None => Value::unknown(),
                };
                scope.each = Some((key, value));
            }
            Some(k) => scope.count = k.parse().ok(),
            None => {}
        }
        scope
    }

    /// `each.value` for a key of what `for_each` ranges over.
    pub(super) fn ranged(&self, for_each: &Expr, key: &V, scope: &Scope) -> V {
        let known = (scope.module.clone(), std::ptr::from_ref(for_each).addr());
        let remembered = self.ranges.borrow().get(&known).map(Arc::clone);
        let all = remembered.unwrap_or_else(|| {
            let all = Arc::new(self.eval(for_each, scope));
            self.ranges.borrow_mut().insert(known, Arc::clone(&all));
            all
        });
        match all.bare() {
            Value::Object(_) => all.get(key.as_str().unwrap_or_default()).clone(),
            Value::List(_) => key.clone(),
            _ => Value::unknown(),
        }
    }

    /// An attribute or the nested blocks of a name in a body; `None` when neither is written.
    pub(super) fn member(&self, body: &Body, name: &str, scope: &Scope) -> Option<V> {
        if let Some(e) = body.get(name) {
            return Some(self.eval(e, scope));
        }
        let mut list = Vec::new();
        let mut any = false;
        for b in &body.blocks {
            if b.kind == name {
                any = true;
                list.push(self.body(&b.body, scope));
            } else if b.kind == "dynamic" && b.labels.first().is_some_and(|l| l == name) {
                any = true;
                self.dynamic(&b.body, name, scope, &mut list);
            }
        }
        any.then_some(Value::List(list))
    }

    pub(super) fn dynamic(&self, body: &Body, name: &str, scope: &Scope, out: &mut Vec<V>) {
        let iterator = match body.get("iterator").map(|e| &e.kind) {
            Some(Kind::Name(n)) => n.clone(),
            _ => name.to_owned(),
        };
        let Some(content) = body.blocks_of("content").next() else {
            return;
        };
        let all = body
            .get("for_each")
            .map(|e| self.eval(e, scope))
            .unwrap_or_default();
        let mut one = |key: V, value: V| {
            let mut inner = scope.clone();
            inner.names.push((
                iterator.clone(),
                Value::Object(vec![(Text::from("key"), key), (Text::from("value"), value)]),
            ));
            out.push(self.body(&content.body, &inner));
        };
        match all.bare() {
            Value::List(items) => items.iter().for_each(|v| one(v.clone(), v.clone())),
            Value::Object(entries) => entries
                .iter()
                .for_each(|(k, v)| one(Value::String(k.clone()), v.clone())),
            Value::Unknown(_) | Value::Template(_) => out.push(all.clone()),
            _ => {}
        }
    }

    /// All attributes and nested blocks of a body as an object; nested blocks are lists.
    #[must_use]
    pub fn body(&self, body: &Body, scope: &Scope) -> V {
        let mut out: Vec<(Text<'static>, V)> = Vec::new();
        for a in &body.attributes {
            out.push((Text::from(a.name.clone()), self.eval(&a.value, scope)));
        }
        for b in &body.blocks {
            let name = if b.kind == "dynamic" {
                b.labels.first().map_or("", String::as_str)
            } else {
                &b.kind
            };
            if out.iter().any(|(k, _)| &**k == name) {
                continue;
            }
            if let Some(v) = self.member(body, name, scope) {
                out.push((Text::from(name.to_owned()), v));
            }
        }
        Value::Object(out)
    }
}
