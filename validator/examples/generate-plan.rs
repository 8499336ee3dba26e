//! Prints a generated plan: `generate-plan RESOURCES [families|distinct]`. Input for measurements from outside.
#![allow(missing_docs, reason = "a generator")]

#[path = "../benches/generated/mod.rs"]
mod generated;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let n = arguments.next().and_then(|n| n.parse().ok()).unwrap_or(1000);
    let word = arguments.next();
    let mix = generated::Mix::ALL
        .into_iter()
        .find(|m| word.as_deref() == Some(m.name()))
        .unwrap_or(generated::Mix::Families);
    println!("{}", generated::plan(n, mix));
}
