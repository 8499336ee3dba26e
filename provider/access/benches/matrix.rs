//! How fast the matrix and the trust algebra are. Target: the full matrix for 30 services under 50 ms; the last lines of the
//! run say what part of it was used.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use mlops_access::{
    Purpose,
    generate::{
        Service,
        aws::{self, Principal},
        gcp,
    },
    matrix::{AwsDocuments, GcpDocuments, check_aws, check_gcp},
    trust::{TokenSet, separation},
};

fn thirty_services() -> (aws::Scope, gcp::Scope) {
    let (mut on_aws, mut on_gcp) = (aws::Scope::example(), gcp::Scope::example());
    for i in 0..28 {
        let name = format!("service-{i:02}");
        on_aws
            .services
            .insert(name.clone(), Service::named(&name, "prod"));
        on_gcp
            .services
            .insert(name.clone(), Service::named(&name, "prod"));
        for purpose in [Purpose::Runtime, Purpose::Drift, Purpose::Retrain] {
            let email = format!("{purpose}-{name}@acme-ml-prod.iam.gserviceaccount.com");
            on_gcp.accounts.insert((purpose, Some(name.clone())), email);
        }
    }
    (on_aws, on_gcp)
}

fn matrix(c: &mut Criterion) {
    let (on_aws, on_gcp) = thirty_services();
    c.bench_function("generate and parse every document, AWS, 30 services", |b| {
        b.iter(|| AwsDocuments::generated(black_box(&on_aws)));
    });
    let Ok(documents) = AwsDocuments::generated(&on_aws) else {
        return;
    };
    c.bench_function("full matrix, AWS, 30 services", |b| {
        b.iter(|| check_aws(black_box(&on_aws), black_box(&documents)));
    });
    c.bench_function("separation of all trusts, AWS, 30 services", |b| {
        let trusts = documents.trusts(&on_aws);
        b.iter(|| separation(black_box(&trusts)));
    });
    let documents = GcpDocuments::generated(&on_gcp);
    c.bench_function("full matrix, Google Cloud, 30 services", |b| {
        b.iter(|| check_gcp(black_box(&on_gcp), black_box(&documents)));
    });
}

fn overlap(c: &mut Criterion) {
    let scope = aws::Scope::example();
    let set =
        |purpose| TokenSet::of_aws_trust(&aws::trust(&scope, Principal::of_environment(purpose)).to_string());
    let (Ok(ci), Ok(deploy)) = (set(Purpose::Ci), set(Purpose::Deploy)) else {
        return;
    };
    c.bench_function("overlap of two trusts", |b| {
        b.iter(|| black_box(&ci).overlap(black_box(&deploy)))
    });
    c.bench_function("overlap of a trust with itself, with a witness", |b| {
        b.iter(|| black_box(&ci).overlap(black_box(&ci)));
    });
}

/// The full matrix for 30 services may take this long.
const BUDGET: Duration = Duration::from_millis(50);

/// Medians against the budget, and against making the documents alone.
fn budget(_: &mut Criterion) {
    fn median<T>(mut run: impl FnMut() -> T) -> Duration {
        let mut times: Vec<Duration> = (0..31)
            .map(|_| {
                let start = Instant::now();
                black_box(run());
                start.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    }
    let (on_aws, on_gcp) = thirty_services();
    let Ok(documents) = AwsDocuments::generated(&on_aws) else {
        return;
    };
    let making = median(|| AwsDocuments::generated(&on_aws));
    let of_gcp = GcpDocuments::generated(&on_gcp);
    for (cloud, taken) in [
        ("AWS", median(|| check_aws(&on_aws, &documents))),
        ("Google Cloud", median(|| check_gcp(&on_gcp, &of_gcp))),
    ] {
        println!(
            "full matrix, {cloud}, 30 services: median {taken:.1?}, {:.2} of the budget of {BUDGET:?}, {:.1} x making the documents for AWS",
            taken.as_secs_f64() / BUDGET.as_secs_f64(),
            taken.as_secs_f64() / making.as_secs_f64(),
        );
    }
}

criterion_group!(benches, matrix, overlap, budget);
criterion_main!(benches);
