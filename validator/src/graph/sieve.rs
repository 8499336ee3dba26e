//! Which rules a policy text concerns: asked once for each distinct text, before the graph is joined.
//!
//! A large plan holds tens of thousands of policies, and nearly all of them are of no interest to any rule. Each distinct text is parsed
//! once, every rule says whether it could have something to say about it ([`Rule::sift`]), and only what some rule wants is parsed again
//! when its holders are known. Before that, a plain policy is gone over word by word ([`Rule::glance`]): most are done with there.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{LazyLock, Mutex, PoisonError};

use mlops_access::aws::{Policy, Skimmed, Word, skim};

use super::{Purpose, Reading};
use crate::context::Context;
use crate::rules::{self, Meta, Rule};

/// The rules that a document concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest(u128);

/// The place of every rule in an [`Interest`].
static BITS: LazyLock<HashMap<&'static str, u128>> = LazyLock::new(|| {
    rules::all()
        .enumerate()
        .map(|(i, r)| (r.meta().code, 1_u128 << (i % 128)))
        .collect()
});

fn bit(meta: &Meta) -> u128 {
    // A rule that is not registered is one of a test: it is concerned by everything.
    BITS.get(meta.code).copied().unwrap_or(u128::MAX)
}

impl Interest {
    /// Nobody's.
    pub const NONE: Self = Self(0);
    /// Everybody's: what cannot be parsed, and what nobody has looked at.
    pub const ALL: Self = Self(u128::MAX);

    /// That of all these rules together.
    pub(crate) fn of(rules: &[&'static dyn Rule]) -> Self {
        Self(rules.iter().fold(0, |all, r| all | bit(r.meta())))
    }

    /// True when it concerns one of those.
    pub(crate) const fn meets(self, those: Self) -> bool {
        self.0 & those.0 != 0
    }

    /// True when it concerns this rule.
    #[must_use]
    pub fn has(self, meta: &Meta) -> bool {
        self.0 & bit(meta) != 0
    }
}

/// Asks rules about texts, and remembers what they said.
pub(crate) struct Sieve<'c, 'a> {
    cx: &'c Context<'a>,
    rules: Vec<(u128, &'static dyn Rule)>,
    /// Those that ask for documents of a purpose.
    concerned: [Vec<&'static dyn Rule>; Purpose::ALL.len()],
    /// Random for each run: nobody can write two texts that are taken for one.
    keys: RandomState,
    said: [Mutex<HashMap<u64, Interest>>; 16],
}

impl<'c, 'a> Sieve<'c, 'a> {
    /// A sieve for these rules; with none, everything concerns everybody.
    pub(crate) fn new(cx: &'c Context<'a>, rules: &[&'static dyn Rule]) -> Self {
        Self {
            cx,
            rules: rules.iter().map(|&r| (bit(r.meta()), r)).collect(),
            concerned: Purpose::ALL.map(|p| {
                let of = rules.iter().copied();
                of.filter(|r| r.documents().contains(&p)).collect()
            }),
            keys: RandomState::new(),
            said: Default::default(),
        }
    }

    /// True when nobody can have anything to say about a text: known without parsing it, or even remembering it.
    pub(crate) fn is_ordinary(&self, purpose: Purpose, text: &str) -> bool {
        if self.rules.is_empty() || purpose == Purpose::Trust {
            return false;
        }
        let concerned = |word: Word<'_>| {
            self.concerned[purpose as usize]
                .iter()
                .any(|r| r.glance(self.cx, word))
        };
        let ordinary = skim(text, concerned) == Skimmed::Through;
        debug_assert!(
            !ordinary || self.asked(purpose, text) == Interest::NONE,
            "a glance overlooked what a sift sees in {text}"
        );
        ordinary
    }

    fn asked(&self, purpose: Purpose, text: &str) -> Interest {
        match Policy::parse(text) {
            Ok(policy) => {
                let reading = Reading::of(&policy);
                let wants =
                    |r: &dyn Rule| r.documents().contains(&purpose) && r.sift(self.cx, purpose, &reading);
                let bits = self.rules.iter().filter(|(_, r)| wants(*r)).map(|(b, _)| b);
                Interest(bits.fold(0, |all, b| all | b))
            }
            Err(_) => Interest::ALL,
        }
    }

    /// What a text is known by.
    pub(crate) fn hash(&self, text: &str) -> u64 {
        self.keys.hash_one(text)
    }

    /// The rules that a document with this text concerns.
    pub(crate) fn interest(&self, hash: u64, purpose: Purpose, text: &str) -> Interest {
        if self.rules.is_empty() {
            return Interest::ALL;
        }
        let key = hash ^ (purpose as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let shard = &self.said[(hash >> 60) as usize];
        let lock = || shard.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(said) = lock().get(&key) {
            return *said;
        }
        let interest = self.asked(purpose, text);
        lock().insert(key, interest);
        interest
    }
}
