//! A whole judgement against a bare typed parse of the same text. Budget: at most three times that.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

mod generated;

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use generated::{Mix, bare};

use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::build;
use tfplan_check::{judge, plan};

/// The whole: read, join, judge by every rule.
fn whole(text: &str) -> usize {
    let plan = plan::json::read(text).unwrap();
    let sources = build::sources_of(&plan.configuration);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let (backend, config) = (Evidence::default(), Config::default());
    judge::judge(&Context::new(&plan, &backend, &sources, &config), &all).len()
}

fn check(c: &mut Criterion) {
    for mix in Mix::ALL {
        let mut group = c.benchmark_group(format!("check/{}", mix.name()));
        group.sample_size(10);
        for n in [100, 5_000, 50_000] {
            let text = generated::plan(n, mix);
            group.throughput(Throughput::Bytes(text.len() as u64));
            group.bench_with_input(BenchmarkId::new("bare parse", n), &text, |b, t| {
                b.iter(|| bare::parse(black_box(t)));
            });
            group.bench_with_input(BenchmarkId::new("whole judgement", n), &text, |b, t| {
                b.iter(|| whole(black_box(t)));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, check);
criterion_main!(benches);
