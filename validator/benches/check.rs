//! A whole judgement against a bare typed parse of the same text. Budget: at most three times that.
#![allow(missing_docs, clippy::unwrap_used)]

mod generated;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::build;
use tfplan_check::{judge, plan};

#[derive(Deserialize)]
struct Bare<'p> {
    #[serde(borrow)]
    resource_changes: Vec<BareChange<'p>>,
}

#[derive(Deserialize)]
struct BareChange<'p> {
    #[serde(borrow)]
    address: Cow<'p, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'p, str>,
    #[serde(borrow)]
    change: BareBody<'p>,
}

#[derive(Deserialize)]
struct BareBody<'p> {
    #[serde(borrow)]
    actions: Vec<Cow<'p, str>>,
    #[serde(borrow)]
    after: Option<&'p RawValue>,
    #[serde(borrow)]
    after_unknown: Option<&'p RawValue>,
}

/// The floor: a typed, borrowed parse, nothing judged.
fn bare(text: &str) -> usize {
    let b: Bare<'_> = serde_json::from_str(text).unwrap();
    b.resource_changes
        .iter()
        .map(|r| {
            r.address.len()
                + r.kind.len()
                + r.change.actions.len()
                + r.change.after.map_or(0, |a| a.get().len())
                + r.change.after_unknown.map_or(0, |a| a.get().len())
        })
        .sum()
}

/// The whole: read, join, judge by every rule.
fn whole(text: &str) -> usize {
    let plan = plan::json::read(text).unwrap();
    let sources = build::sources_of(&plan.configuration);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    judge::judge(
        &Context {
            plan: &plan,
            backend: &Evidence::default(),
            sources: &sources,
            config: &Config::default(),
        },
        &all,
    )
    .len()
}

fn check(c: &mut Criterion) {
    let mut group = c.benchmark_group("check");
    group.sample_size(10);
    for n in [100, 5_000, 50_000] {
        let text = generated::plan(n);
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_with_input(BenchmarkId::new("bare parse", n), &text, |b, t| {
            b.iter(|| bare(t))
        });
        group.bench_with_input(BenchmarkId::new("whole judgement", n), &text, |b, t| {
            b.iter(|| whole(t))
        });
    }
    group.finish();
}

criterion_group!(benches, check);
criterion_main!(benches);
