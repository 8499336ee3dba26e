//! Random schemas, configurations that fit them, and the states they lead to. Made from dice, because a configuration
//! follows from a schema and a state from both.

use std::collections::BTreeMap;

use crate::schema::{Attribute, Block, Kind, Mode, Nesting, OnChange, Schema};
use crate::ty::Type;
use crate::value::{Refinements, Value};

/// A small random source that a seed repeats.
pub(crate) struct Dice {
    state: u64,
    /// Whether [`fill`] made elements of a set equal, so that there are fewer than were planned.
    pub(crate) collapsed: bool,
    /// Whether a configuration may have null among the elements of a nested attribute.
    pub(crate) null_elements: bool,
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed ^ 0x9e37_79b9_7f4a_7c15,
            collapsed: false,
            null_elements: true,
        }
    }

    /// A number below `sides`.
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // SplitMix64: good enough to reach every branch.
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }

    fn names(&mut self, most: u64) -> Vec<&'static str> {
        let count = self.roll(most + 1);
        ["alpha", "beta", "gamma", "delta"]
            .into_iter()
            .take(usize::try_from(count).unwrap())
            .collect()
    }
}

/// A schema Terraform takes.
pub(crate) fn some_schema(dice: &mut Dice) -> Schema {
    let mut schema = Schema::new().attributes(attributes(dice, 3, false, true));
    for name in dice.names(2) {
        let block = block(dice, 2, false, false);
        schema = schema.block(format!("block_{name}"), block);
    }
    schema
}

fn attributes(dice: &mut Dice, depth: u64, in_set: bool, dynamic: bool) -> Vec<(String, Attribute)> {
    let mut made = Vec::new();
    for name in dice.names(4) {
        made.push((name.to_owned(), attribute(dice, depth, in_set, dynamic)));
    }
    made
}

fn nesting(dice: &mut Dice) -> Nesting {
    match dice.roll(5) {
        0 => Nesting::Single,
        1 => Nesting::List,
        2 => Nesting::Set,
        _ => Nesting::Map,
    }
}

fn attribute(dice: &mut Dice, depth: u64, in_set: bool, dynamic: bool) -> Attribute {
    let mut attribute = if depth > 0 && dice.one_in(2) {
        let nesting = nesting(dice);
        let in_set = in_set || nesting == Nesting::Set;
        Attribute::nested(
            nesting,
            attributes(dice, depth - 1, in_set, dynamic && nesting == Nesting::Single),
        )
    } else {
        Attribute::of(match dice.roll(8) {
            0 => Type::Number,
            1 => Type::Bool,
            2 => Type::list(Type::String),
            3 => Type::map(Type::Number),
            4 => Type::set(Type::String),
            5 if dynamic => Type::Dynamic,
            _ => Type::String,
        })
    };
    attribute.mode = match dice.roll(5) {
        0 => Mode::Required,
        1 => Mode::Optional,
        2 => Mode::Computed,
        _ => Mode::OptionalComputed,
    };
    if attribute.mode == Mode::OptionalComputed {
        compute_children(&mut attribute);
    }
    attribute.sensitive = dice.one_in(6);
    if attribute.mode.is_computed() {
        if dice.one_in(2) {
            attribute.on_change = OnChange::Keep;
        }
    } else if !in_set && dice.one_in(5) && !holds_set(&attribute) {
        attribute.write_only = true;
    }
    attribute.requires_replace = attribute.mode != Mode::Computed && dice.one_in(4);
    if attribute.mode == Mode::OptionalComputed && !in_set && dice.one_in(3) {
        attribute.default = Some(sample(&attribute.ty(), dice));
    }
    attribute
}

/// What a provider may compute must be marked so: core takes anything else for a sign of configuration.
fn compute_children(attribute: &mut Attribute) {
    if let Kind::Nested(_, children) = &mut attribute.kind {
        for child in children.values_mut() {
            child.write_only = false;
            if !child.mode.is_computed() {
                child.mode = Mode::OptionalComputed;
            }
            compute_children(child);
        }
    }
}

/// Write-only attributes around sets are refused by Terraform's rule for sets only from inside; keep them simple.
fn holds_set(attribute: &Attribute) -> bool {
    matches!(attribute.kind, Kind::Nested(..))
}

fn block(dice: &mut Dice, depth: u64, in_set: bool, repeated: bool) -> Block {
    let nesting = nesting(dice);
    let in_set = in_set || nesting == Nesting::Set;
    let repeated = repeated || nesting != Nesting::Single;
    let made = attributes(dice, if repeated { 0 } else { depth }, in_set, false);
    let mut block = match nesting {
        Nesting::Single => Block::single(made),
        Nesting::List => Block::list(made),
        Nesting::Set => Block::set(made),
        Nesting::Map => Block::map(made),
    };
    if depth > 0 && dice.one_in(3) {
        block = block.block("inner", self::block(dice, depth - 1, in_set, repeated));
    }
    block
}

/// A configuration that passes Terraform's own validation, with unknown values.
pub(crate) fn some_config(schema: &Schema, dice: &mut Dice) -> Value {
    object(&schema.attributes, Some(&schema.blocks), true, dice)
}

/// A configuration without unknown values.
pub(crate) fn known_config(schema: &Schema, dice: &mut Dice) -> Value {
    object(&schema.attributes, Some(&schema.blocks), false, dice)
}

fn object(
    attributes: &BTreeMap<String, Attribute>,
    blocks: Option<&BTreeMap<String, Block>>,
    unknown: bool,
    dice: &mut Dice,
) -> Value {
    let mut made = BTreeMap::new();
    for (name, schema) in attributes {
        made.insert(name.clone(), configured(schema, unknown, dice));
    }
    for (name, schema) in blocks.into_iter().flatten() {
        let value = if unknown && schema.nesting != Nesting::Single && dice.one_in(12) {
            Value::unknown()
        } else if schema.nesting == Nesting::Single && dice.one_in(3) {
            Value::Null
        } else {
            held(schema.nesting, dice, false, &mut |dice| {
                object(&schema.attributes, Some(&schema.blocks), unknown, dice)
            })
        };
        made.insert(name.clone(), value);
    }
    Value::Object(made)
}

fn configured(schema: &Attribute, unknown: bool, dice: &mut Dice) -> Value {
    if schema.mode == Mode::Computed || (schema.mode != Mode::Required && dice.one_in(3)) {
        return Value::Null;
    }
    if unknown && dice.one_in(8) {
        let not_null = schema.mode == Mode::Required || dice.one_in(2);
        return Value::Unknown(Refinements {
            null: not_null.then_some(false),
            ..Refinements::default()
        });
    }
    match &schema.kind {
        Kind::Plain(ty) => sample(ty, dice),
        Kind::Nested(nesting, attributes) => held(*nesting, dice, true, &mut |dice| {
            object(attributes, None, unknown, dice)
        }),
    }
}

fn held(nesting: Nesting, dice: &mut Dice, nulls: bool, one: &mut dyn FnMut(&mut Dice) -> Value) -> Value {
    let mut item = |dice: &mut Dice| {
        if nulls && dice.null_elements && dice.one_in(12) {
            Value::Null
        } else {
            one(dice)
        }
    };
    match nesting {
        Nesting::Single => one(dice),
        Nesting::List => Value::List((0..dice.roll(3)).map(|_| item(dice)).collect()),
        Nesting::Set => without_duplicates((0..dice.roll(3)).map(|_| one(dice)).collect()),
        Nesting::Map => Value::Map(
            dice.names(3)
                .into_iter()
                .map(|name| (name.to_owned(), item(dice)))
                .collect(),
        ),
    }
}

/// As core would hold it.
fn without_duplicates(items: Vec<Value>) -> Value {
    let mut kept: Vec<Value> = Vec::new();
    for item in items {
        if !kept.contains(&item) {
            kept.push(item);
        }
    }
    Value::Set(kept)
}

/// A known value of `ty` that is not null, from a small range so that values meet again.
pub(crate) fn sample(ty: &Type, dice: &mut Dice) -> Value {
    match ty {
        Type::String => ["x", "y", "z"][usize::try_from(dice.roll(3)).unwrap()].into(),
        Type::Number => dice.roll(3).into(),
        Type::Bool => dice.one_in(2).into(),
        Type::Dynamic => {
            let ty = if dice.one_in(2) {
                Type::String
            } else {
                Type::list(Type::Number)
            };
            let value = sample(&ty, dice);
            Value::Dynamic(Box::new((ty, value)))
        }
        Type::List(element) => Value::List((0..dice.roll(3)).map(|_| sample(element, dice)).collect()),
        Type::Set(element) => without_duplicates((0..dice.roll(3)).map(|_| sample(element, dice)).collect()),
        Type::Map(element) => Value::Map(
            dice.names(3)
                .into_iter()
                .map(|name| (name.to_owned(), sample(element, dice)))
                .collect(),
        ),
        Type::Tuple(types) => Value::Tuple(types.iter().map(|ty| sample(ty, dice)).collect()),
        Type::Object(types) => Value::Object(
            types
                .iter()
                .map(|(name, ty)| (name.clone(), sample(ty, dice)))
                .collect(),
        ),
    }
}

/// `value` with every unknown replaced by something that may take its place: what an apply, or the resolution of a
/// reference, makes of it.
pub(crate) fn fill(ty: &Type, value: &Value, dice: &mut Dice) -> Value {
    match (ty, value) {
        (_, Value::Unknown(refinements)) => {
            if refinements.null.is_none() && dice.one_in(4) {
                Value::Null
            } else {
                sample(ty, dice)
            }
        }
        (Type::List(element), Value::List(items)) => {
            Value::List(items.iter().map(|item| fill(element, item, dice)).collect())
        }
        (Type::Set(element), Value::Set(items)) => {
            let filled = without_duplicates(items.iter().map(|item| fill(element, item, dice)).collect());
            dice.collapsed |= filled.elements().map(<[_]>::len) != Some(items.len());
            filled
        }
        (Type::Tuple(types), Value::Tuple(items)) => Value::Tuple(
            types
                .iter()
                .zip(items)
                .map(|(ty, item)| fill(ty, item, dice))
                .collect(),
        ),
        (Type::Map(element), Value::Map(entries)) => Value::Map(
            entries
                .iter()
                .map(|(key, item)| (key.clone(), fill(element, item, dice)))
                .collect(),
        ),
        (Type::Object(types), Value::Object(entries)) => {
            let filled = entries
                .iter()
                .map(|(name, item)| (name.clone(), fill(&types[name], item, dice)));
            Value::Object(filled.collect())
        }
        (_, value) => value.clone(),
    }
}
