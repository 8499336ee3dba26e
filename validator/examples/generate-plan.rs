//! Prints a generated plan of as many resources as the first argument says: input for measurements from outside.

#[path = "../benches/generated/mod.rs"]
mod generated;

fn main() {
    let n = std::env::args()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(1000);
    println!("{}", generated::plan(n));
}
