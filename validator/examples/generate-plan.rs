//! Generates a plan, input for measurements from outside: `generate-plan RESOURCES [families|first|distinct] [FILE]`. JSON on standard
//! output or in the file; a saved plan where the file's name ends in `.tfplan`.
#![allow(missing_docs, clippy::expect_used, reason = "a generator")]

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
    match arguments.next().map(std::path::PathBuf::from) {
        None => println!("{}", generated::plan(n, mix)),
        Some(file) => {
            let saved = file.extension().is_some_and(|ending| ending == "tfplan");
            let bytes = if saved {
                generated::saved(n, mix)
            } else {
                generated::plan(n, mix).into_bytes()
            };
            std::fs::write(&file, bytes).expect("the file can be written");
        }
    }
}
