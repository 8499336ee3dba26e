//! What names lead to: resources and data sources, modules, locals, variables, and the attributes and elements of all of them.

use std::sync::Arc;

use super::super::files::{Located, Module};
use super::super::syntax::{Body, Expr, Kind};
use super::super::{computed, functions};
use super::{Evaluator, INSTANCE, MODULE, Scope, V, hole, refine};
use crate::address;
use crate::document;
use crate::value::{Secret, Text, Unknown, Value};

impl<'a> Evaluator<'a> {
    /// `base[index]` where base is a repeated block or module call: the one instance, without looking at the others.
    pub(super) fn element(&self, base: &Expr, index: &V, scope: &Scope) -> Option<V> {
        let key = match index.bare() {
            Value::String(s) => serde_json::Value::String(s.to_string()).to_string(),
            Value::Number(n) => n.to_string(),
            _ => return None,
        };
        let Kind::Get(inner, name) = &base.kind else {
            return None;
        };
        let shadowed = |root: &str| scope.names.iter().any(|(n, _)| n == root);
        let (mark, path) = match &inner.kind {
            Kind::Name(root) if shadowed(root) => return None,
            Kind::Name(root) => match root.as_str() {
                "var" | "local" | "each" | "count" | "path" | "terraform" | "self" | "data" | "ephemeral" => {
                    return None;
                }
                "module" => (MODULE, format!("module.{name}")),
                kind => (INSTANCE, format!("{kind}.{name}")),
            },
            Kind::Get(data, kind) if matches!(&data.kind, Kind::Name(n) if n == "data" && !shadowed(n)) => {
                (INSTANCE, format!("data.{kind}.{name}"))
            }
            _ => return None,
        };
        let address = format!("{}[{key}]", address::in_module(&scope.module, &path));
        let there = if mark == MODULE {
            self.world.has_module(&address)
        } else {
            self.world.has_instance(&address)
        };
        there.then(|| Value::Object(vec![(Text::from(mark), Value::string(address))]))
    }

    /// The source block of an instance.
    #[must_use]
    pub fn block(&self, instance: &str) -> Option<&'a Located> {
        let (module, inner) = address::split_module(instance);
        self.sources
            .module(module)?
            .resources
            .get(&*address::without_keys(inner))
    }

    /// An attribute of an instance: planned, refined by the source where the plan does not know, computed where it is
    /// determined by what is known (the ARN of a bucket by its name), else a hole.
    #[must_use]
    pub fn attribute(&self, instance: &str, name: &str) -> V {
        // A reference back to this attribute while it is being evaluated is unknown.
        let v = self.once(
            format!("{instance}\0{name}"),
            || hole(format!("{instance}.{name}")),
            || self.attribute_uncached(instance, name),
        );
        V::clone(&v)
    }

    pub(super) fn attribute_uncached(&self, instance: &str, name: &str) -> V {
        let planned = self.world.instance(instance);
        let from_plan = planned.as_ref().map(|v| v.get(name).clone());
        if let Some(v) = &from_plan
            && v.is_wholly_known()
            && !(v.is_null() && planned.is_none())
        {
            return v.clone();
        }
        let inner = address::split_module(instance).1;
        let kind = address::parts(inner);
        let (data, kind) = match kind.as_slice() {
            ["data", kind, ..] => (true, (*kind).to_owned()),
            [kind, ..] => (false, (*kind).to_owned()),
            [] => (false, String::new()),
        };
        let written = self.block(instance).and_then(|b| {
            let scope = self.scope_of(instance, &b.block.body);
            self.member(&b.block.body, name, &scope)
        });
        let value = match (from_plan, written) {
            (Some(p), Some(w)) => refine(p, w),
            (None, Some(w)) => w,
            (Some(p), None) if !p.is_unknown() => p,
            _ => Value::unknown(),
        };
        if !value.is_unknown() {
            return value;
        }
        if data && kind == "aws_iam_policy_document" && matches!(name, "json" | "minified_json") {
            let doc = document::of_data_source(&|argument| self.argument(instance, argument));
            return functions::jsonencode(&doc);
        }
        computed::attribute(&kind, data, name, &|attribute| {
            self.attribute(instance, attribute)
        })
        .unwrap_or_else(|| hole(format!("{instance}.{name}")))
    }

    /// An attribute that only the author sets: null when neither the plan nor the source has it.
    pub(super) fn argument(&self, instance: &str, name: &str) -> V {
        let planned = self
            .world
            .instance(instance)
            .is_some_and(|v| !v.get(name).is_null());
        let written = self.block(instance).is_none_or(|b| {
            let body = &b.block.body;
            body.get(name).is_some()
                || body
                    .blocks
                    .iter()
                    .any(|b| b.kind == name || b.labels.first().is_some_and(|l| l == name))
        });
        if planned || written {
            self.attribute(instance, name)
        } else {
            Value::Null
        }
    }

    pub(super) fn get(&self, base: &Expr, name: &str, scope: &Scope) -> V {
        if let Kind::Name(root) = &base.kind
            && !scope.names.iter().any(|(n, _)| n == root)
        {
            match root.as_str() {
                "var" => return self.variable(&scope.module, name),
                "local" => return V::clone(&self.local(&scope.module, name)),
                "module" => return self.module_call(&scope.module, name),
                "path" => {
                    let dir = self
                        .sources
                        .module(&scope.module)
                        .map(|m| m.dir.clone())
                        .unwrap_or_default();
                    return match name {
                        "module" => Value::string(if dir.is_empty() { ".".to_owned() } else { dir }),
                        "root" | "cwd" => Value::string("."),
                        _ => hole(format!("path.{name}")),
                    };
                }
                "terraform" | "self" | "data" | "ephemeral" => return hole(format!("{root}.{name}")),
                "each" | "count" => {}
                kind => return self.block_value(&scope.module, &format!("{kind}.{name}")),
            }
        }
        if let Kind::Get(inner, kind) = &base.kind
            && matches!(&inner.kind, Kind::Name(n) if n == "data")
        {
            return self.block_value(&scope.module, &format!("data.{kind}.{name}"));
        }
        match self.remembered(base, scope) {
            Some(all) => self.member_of(&all, name),
            None => self.member_of(&self.eval(base, scope), name),
        }
    }

    /// The value of `local.x` or `var.x` without a copy: such maps are large, and one element is asked for.
    pub(super) fn remembered(&self, e: &Expr, scope: &Scope) -> Option<Arc<V>> {
        let Kind::Get(root, name) = &e.kind else {
            return None;
        };
        match &root.kind {
            Kind::Name(root) if scope.names.iter().any(|(n, _)| n == root) => None,
            Kind::Name(root) if root == "local" => Some(self.local(&scope.module, name)),
            Kind::Name(root) if root == "var" => Some(self.variable_shared(&scope.module, name)),
            _ => None,
        }
    }

    /// `x.name` of a value: of an instance its attribute, of a module its output.
    pub(super) fn member_of(&self, base: &V, name: &str) -> V {
        match base.bare() {
            Value::Object(entries) => {
                if let Some((_, a)) = entries.first().filter(|(k, _)| &**k == INSTANCE) {
                    return self.attribute(a.as_str().unwrap_or_default(), name);
                }
                if let Some((_, m)) = entries.first().filter(|(k, _)| &**k == MODULE) {
                    return self.output(m.as_str().unwrap_or_default(), name);
                }
                rewrap(base, base.get(name).clone())
            }
            // An attribute of every element: legacy splat without the star is not valid, so this is an index by name.
            Value::Unknown(u) => Value::Unknown(Unknown {
                references: u.references.iter().map(|r| format!("{r}.{name}")).collect(),
            }),
            _ => Value::unknown(),
        }
    }

    pub(super) fn index(&self, base: &V, index: &V) -> V {
        match (base.bare(), index.bare()) {
            (Value::List(items), i) => match i.as_f64() {
                Some(n) => items.get(n as usize).cloned().unwrap_or_else(Value::unknown),
                None => functions::unknown_of(&[base.clone(), index.clone()]),
            },
            (Value::Object(entries), Value::String(k))
                if entries
                    .first()
                    .is_some_and(|(n, _)| &**n == INSTANCE || &**n == MODULE) =>
            {
                // `aws_x.n["arn"]` is the attribute.
                self.member_of(base, k)
            }
            // `x[0]` of a block that the source shows without count: take it as the block itself.
            (Value::Object(entries), Value::Number(_))
                if entries
                    .first()
                    .is_some_and(|(n, _)| &**n == INSTANCE || &**n == MODULE) =>
            {
                base.clone()
            }
            (Value::Object(_), i) => match functions::to_text(i) {
                Some(k) => {
                    let v = base.get(&k).clone();
                    if v.is_null() && !base.entries().iter().any(|(n, _)| **n == *k) {
                        Value::unknown()
                    } else {
                        rewrap(base, v)
                    }
                }
                None => functions::unknown_of(&[base.clone(), index.clone()]),
            },
            (Value::Unknown(u), i) => {
                let key = match i {
                    Value::String(s) => format!("[\"{s}\"]"),
                    Value::Number(n) => format!("[{n}]"),
                    _ => String::new(),
                };
                Value::Unknown(Unknown {
                    references: u.references.iter().map(|r| format!("{r}{key}")).collect(),
                })
            }
            _ => Value::unknown(),
        }
    }

    /// A reference to a whole resource or data source: one instance, or all by key.
    pub(super) fn block_value(&self, module: &str, block: &str) -> V {
        let base = address::in_module(module, block);
        let marker = |a: &str| Value::Object(vec![(Text::from(INSTANCE), Value::string(a.to_owned()))]);
        let source = self.sources.module(module).and_then(|m| m.resources.get(block));
        let planned = self.world.instances(module, block).filter(|p| !p.is_empty());
        let addresses = planned.or_else(|| source.map(|b| self.expand(module, &base, &b.block.body)));
        let Some(addresses) = addresses else {
            return marker(&base);
        };
        by_key(&base, &addresses, &marker)
    }

    /// The instance addresses a body makes, by its `count` or `for_each`; one with an unknown key is given none.
    #[must_use]
    pub fn expand(&self, module: &str, base: &str, body: &Body) -> Vec<String> {
        let scope = Scope::of(module);
        if let Some(e) = body.get("count") {
            let n = self.eval(e, &scope);
            return match n.as_f64() {
                Some(n) => (0..(n.max(0.0) as usize).min(10_000))
                    .map(|i| format!("{base}[{i}]"))
                    .collect(),
                None => vec![format!("{base}[0]")],
            };
        }
        if let Some(e) = body.get("for_each") {
            let v = self.eval(e, &scope);
            let quoted = |k: &str| format!("{base}[{}]", serde_json::Value::String(k.to_owned()));
            return match v.bare() {
                Value::Object(entries) => entries.iter().map(|(k, _)| quoted(k)).collect(),
                Value::List(items) => items
                    .iter()
                    .filter_map(functions::to_text)
                    .map(|k| quoted(&k))
                    .collect(),
                _ => vec![base.to_owned()],
            };
        }
        vec![base.to_owned()]
    }

    pub(super) fn module_call(&self, module: &str, call: &str) -> V {
        let base = address::in_module(module, &format!("module.{call}"));
        let marker = |a: &str| Value::Object(vec![(Text::from(MODULE), Value::string(a.to_owned()))]);
        let mut paths = self.world.module_instances(module, call);
        if paths.is_empty() {
            paths = match self.sources.module(module).and_then(|m| m.calls.get(call)) {
                Some(c) => self.expand(module, &base, &c.block.body),
                None => return hole(base),
            };
        }
        by_key(&base, &paths, &marker)
    }

    pub(super) fn output(&self, module: &str, name: &str) -> V {
        let unknown = || hole(format!("{module}.{name}"));
        let v = self.once(format!("{module}\0output\0{name}"), unknown, || {
            self.sources
                .module(module)
                .and_then(|m| m.outputs.get(name))
                .and_then(|o| o.block.body.get("value"))
                .map_or_else(unknown, |e| self.eval(e, &Scope::of(module)))
        });
        V::clone(&v)
    }

    pub(super) fn local(&self, module: &str, name: &str) -> Arc<V> {
        let unknown = || hole(address::in_module(module, &format!("local.{name}")));
        self.once(format!("{module}\0local\0{name}"), unknown, || {
            match self.sources.module(module).and_then(|m| m.locals.get(name)) {
                Some((_, a)) => self.eval(&a.value, &Scope::of(module)),
                None => unknown(),
            }
        })
    }

    /// The value of a variable in a module instance: the plan's for the root, the caller's argument below, else the default.
    #[must_use]
    pub fn variable(&self, module: &str, name: &str) -> V {
        V::clone(&self.variable_shared(module, name))
    }

    pub(super) fn variable_shared(&self, module: &str, name: &str) -> Arc<V> {
        self.once(
            format!("{module}\0var\0{name}"),
            || hole(address::in_module(module, &format!("var.{name}"))),
            || self.variable_uncached(module, name),
        )
    }

    pub(super) fn variable_uncached(&self, module: &str, name: &str) -> V {
        let declared = self
            .sources
            .module(module)
            .and_then(|m: &Module| m.variables.get(name));
        let given = if module.is_empty() {
            self.world.variable(name)
        } else {
            let (caller, call) = crate::references::parent(module);
            call.and_then(|c| self.sources.module(caller)?.calls.get(c))
                .and_then(|c| {
                    let scope = self.keyed(caller, address::key(module), &c.block.body);
                    c.block.body.get(name).map(|e| self.eval(e, &scope))
                })
        };
        let value = match given {
            Some(v) if !v.is_null() => Some(v),
            given => declared
                .and_then(|d| d.block.body.get("default"))
                .map(|e| self.eval(e, &Scope::of(module)))
                .or(given),
        };
        let value = value.unwrap_or_else(|| hole(address::in_module(module, &format!("var.{name}"))));
        let sensitive = declared.is_some_and(|d| {
            matches!(
                d.block.body.get("sensitive").map(|e| &e.kind),
                Some(Kind::Literal(Value::Bool(true)))
            )
        });
        if sensitive && !value.is_sensitive() {
            Value::Sensitive(Box::new(Secret::new(value)))
        } else {
            value
        }
    }
}

/// Instances by key: the one without a key alone, indexed ones as a list, keyed ones as an object.
pub(super) fn by_key(base: &str, addresses: &[String], marker: &dyn Fn(&str) -> V) -> V {
    if let [one] = addresses
        && one == base
    {
        return marker(one);
    }
    let key = |a: &str| {
        a.get(base.len() + 1..a.len().saturating_sub(1))
            .unwrap_or_default()
            .to_owned()
    };
    if addresses.iter().all(|a| key(a).parse::<usize>().is_ok()) {
        let mut sorted: Vec<(usize, &String)> = addresses
            .iter()
            .filter_map(|a| Some((key(a).parse().ok()?, a)))
            .collect();
        sorted.sort();
        return Value::List(sorted.into_iter().map(|(_, a)| marker(a)).collect());
    }
    Value::Object(
        addresses
            .iter()
            .map(|a| {
                (
                    Text::from(serde_json::from_str::<String>(&key(a)).unwrap_or_else(|_| key(a))),
                    marker(a),
                )
            })
            .collect(),
    )
}

pub(super) fn rewrap(outer: &V, inner: V) -> V {
    if outer.is_sensitive() && !inner.is_sensitive() {
        Value::Sensitive(Box::new(Secret::new(inner)))
    } else {
        inner
    }
}
