//! How fast documents of realistic size are read and decided.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mlops_access::aws::{Caller, Grants, Policies, Policy, Request, Statement, actions, evaluate, managed};
use std::hint::black_box;

/// An identity policy of about 6 KB: one read and one write statement for each of many services' prefixes.
fn realistic() -> Policy {
    let mut statements = Vec::new();
    for service in 0.. {
        let policy = Policy::new(statements.clone());
        if policy.size() > 6_000 {
            return policy;
        }
        let models = format!("arn:aws:s3:::acme-models-prod-eu/service-{service}/*");
        statements.push(
            Statement::allow(["s3:GetObject", "s3:GetObjectVersion"])
                .sid(format!("ReadModels{service}"))
                .on([models.as_str()])
                .when("StringEquals", "aws:ResourceAccount", ["123456789012"]),
        );
        statements.push(
            Statement::allow(["s3:PutObject", "s3:AbortMultipartUpload"])
                .sid(format!("AppendPredictions{service}"))
                .on([format!(
                    "arn:aws:s3:::acme-predictions-prod-eu/service-{service}/*"
                )])
                .when("StringEquals", "aws:ResourceAccount", ["123456789012"])
                .when("StringLike", "s3:x-amz-acl", ["private"]),
        );
    }
    Policy::new(statements)
}

fn bench(criterion: &mut Criterion) {
    let policy = realistic();
    let text = policy.to_json();
    let boundary = realistic();
    let role = || Caller::role("arn:aws:iam::123456789012:role/mlops/churn-runtime");
    let mut group = criterion.benchmark_group("aws");

    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("parse a 6 KB policy", |b| {
        b.iter(|| Policy::parse(black_box(&text)))
    });

    group.throughput(Throughput::Elements(1));
    let last = format!(
        "arn:aws:s3:::acme-models-prod-eu/service-{}/1/model.joblib",
        policy.statements.len() / 2 - 1
    );
    let allowed = Request::new(role(), "s3:GetObject", &last);
    assert!(evaluate(&allowed, &Policies::identity([&policy])).is_allowed());
    group.bench_function("allow by the last statements of 6 KB", |b| {
        let policies = Policies::identity([&policy]);
        b.iter(|| evaluate(black_box(&allowed), &policies).is_allowed())
    });
    let denied = Request::new(role(), "s3:GetObject", "arn:aws:s3:::elsewhere/x");
    group.bench_function("deny after all of 6 KB and a boundary of 6 KB", |b| {
        let policies = Policies::identity([&policy]).bounded_by(&boundary);
        b.iter(|| evaluate(black_box(&denied), &policies).is_denied())
    });
    let admin = managed::document("ReadOnlyAccess");
    if let Some(read_only) = &admin {
        let request = Request::new(role(), "xray:GetTraceSummaries", "*");
        group.bench_function("ReadOnlyAccess, one of its last actions", |b| {
            let policies = Policies::identity([read_only]);
            b.iter(|| evaluate(black_box(&request), &policies).is_allowed())
        });
    }
    group.bench_function("look up an action", |b| {
        b.iter(|| actions::lookup(black_box("s3:GetObject")))
    });
    // Questions above single requests.
    let app = Policies::identity([&policy]);
    let grants = Grants::new(role(), app);
    let other = Policy::new([Statement::allow(["s3:PutObject", "ecr:PutImage"])
        .on(["arn:aws:s3:::acme-reports/*", "arn:aws:ecr:*:*:repository/prod/*"])]);
    let other = Grants::new(
        Caller::role("arn:aws:iam::123456789012:role/ci"),
        Policies::identity([&other]),
    );
    assert!(grants.overlap_in_write(&other).is_none());
    group.bench_function("overlap in write of a 6 KB policy and a small one", |b| {
        b.iter(|| grants.overlap_in_write(black_box(&other)).is_none())
    });
    group.bench_function("a 6 KB policy within itself", |b| {
        b.iter(|| grants.contained_in(black_box(&grants)).is_contained())
    });
    group.bench_function("escalation paths of a 6 KB policy", |b| {
        b.iter(|| grants.escalations().len())
    });
    group.sample_size(10);
    if let (Some(admin), Some(power)) = (
        managed::document("AdministratorAccess"),
        managed::document("PowerUserAccess"),
    ) {
        let (admin, power) = (Grants::of_document(&admin), Grants::of_document(&power));
        assert!(power.contained_in(&admin).is_contained());
        group.bench_function("PowerUserAccess within AdministratorAccess", |b| {
            b.iter(|| power.contained_in(black_box(&admin)).is_contained())
        });
        group.bench_function("escalation paths of AdministratorAccess", |b| {
            b.iter(|| admin.escalations().len())
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
