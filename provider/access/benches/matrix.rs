//! How fast the matrix and the trust algebra are. Target: the full matrix for 30 services under 50 ms.

use std::hint::black_box;

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

criterion_group!(benches, matrix, overlap);
criterion_main!(benches);
