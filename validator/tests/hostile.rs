//! Input from outside never panics, never exhausts memory, and is never half judged.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod harness;

use proptest::prelude::*;
use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::plan::input::{self, Input};
use tfplan_check::plan::{json, saved};
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::{Sources, build};
use tfplan_check::{config, judge};

fn whole(text: &str) {
    let Ok(plan) = json::read(text) else { return };
    let sources = build::sources_of(&plan.configuration);
    let all: Vec<&'static dyn Rule> = rules::all().collect();
    let _ = judge::judge(
        &Context::new(&plan, &Evidence::default(), &sources, &Config::default()),
        &all,
    );
}

/// Plans of the fixtures, to be damaged.
fn seeds() -> Vec<String> {
    let mut out = Vec::new();
    for rule in std::fs::read_dir(harness::fixtures())
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_dir())
    {
        for f in std::fs::read_dir(rule.path()).unwrap().flatten() {
            if let Ok(text) = std::fs::read_to_string(f.path().join("plan.json")) {
                out.push(text);
            }
        }
    }
    out.sort();
    out
}

/// Replaces the n-th value of a document by another.
fn damage(v: &mut serde_json::Value, n: &mut usize, with: &serde_json::Value) -> bool {
    if *n == 0 {
        *v = with.clone();
        return true;
    }
    *n -= 1;
    match v {
        serde_json::Value::Array(items) => items.iter_mut().any(|i| damage(i, n, with)),
        serde_json::Value::Object(entries) => entries.values_mut().any(|i| damage(i, n, with)),
        _ => false,
    }
}

fn json_value() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(serde_json::Value::from),
        any::<i32>().prop_map(serde_json::Value::from),
        any::<String>().prop_map(serde_json::Value::from),
        Just(serde_json::Value::from(
            "{\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\"}]}"
        )),
        Just(serde_json::Value::from("${var.x[")),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(serde_json::Value::from),
            prop::collection::btree_map("[a-z_]{1,12}", inner, 0..4)
                .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_refused_or_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = input::recognise(bytes);
    }

    #[test]
    fn any_bytes_in_a_zip_are_refused(mut bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut all = b"PK\x03\x04".to_vec();
        all.append(&mut bytes);
        prop_assert!(!matches!(input::recognise(all), Ok(Input::Json(_))));
    }

    #[test]
    fn damaged_plans_do_not_panic(seed in any::<prop::sample::Index>(), at in 0..600_usize, with in json_value()) {
        let seeds = seeds();
        let mut v: serde_json::Value = serde_json::from_str(&seeds[seed.index(seeds.len())]).unwrap();
        damage(&mut v, &mut at.clone(), &with);
        whole(&v.to_string());
    }

    #[test]
    fn truncated_plans_are_refused(seed in any::<prop::sample::Index>(), cut in 0.0..0.99_f64) {
        let seeds = seeds();
        let text = &seeds[seed.index(seeds.len())];
        let mut n = (text.trim_end().len() as f64 * cut) as usize;
        while !text.is_char_boundary(n) { n -= 1; }
        prop_assert!(json::read(&text[..n]).is_err());
    }

    #[test]
    fn any_text_is_parsed_or_refused_as_source(text in "[a-z{}\\[\\]\"$=().*<\\n -]{0,200}") {
        let _ = build::sketch(&Sources::from_text(&text));
    }

    #[test]
    fn any_configuration_is_taken_or_refused(text in "[a-zA-Z\\[\\]\"=.0-9\\n -]{0,200}") {
        let _ = config::parse(&text, jiff::civil::date(2026, 1, 1));
    }
}

#[test]
fn damaged_saved_plans_do_not_panic() {
    let bytes = std::fs::read(harness::fixtures().join("saved-plans/unknown-policy/saved.tfplan")).unwrap();
    for i in (0..bytes.len()).step_by(bytes.len() / 400 + 1) {
        let mut damaged = bytes.clone();
        damaged[i] ^= 0x55;
        for bytes in [damaged, bytes[..i].to_vec()] {
            if let Ok(Input::Saved(archive)) = input::recognise(bytes) {
                let _ = saved::read(&archive.message, archive.rest);
            }
        }
    }
}

/// The message itself, without the archive's checksum before it: whatever is read of it can be judged.
#[test]
fn damaged_messages_of_saved_plans_do_not_panic() {
    let bytes = std::fs::read(harness::fixtures().join("saved-plans/unknown-policy/saved.tfplan")).unwrap();
    let Ok(Input::Saved(whole)) = input::recognise(bytes.clone()) else {
        panic!("not a saved plan")
    };
    let rules: Vec<&'static dyn Rule> = rules::all().collect();
    let n = whole.message.len();
    for (turn, i) in (0..n).step_by(n / 60 + 1).enumerate() {
        let Ok(Input::Saved(mut archive)) = input::recognise(bytes.clone()) else {
            panic!("not a saved plan")
        };
        archive.message[i] ^= [0x55, 0x80, 0xff][turn % 3];
        let Ok(saved) = saved::read(&archive.message, archive.rest) else {
            continue;
        };
        let _ = judge::judge(
            &Context::new(
                &saved.plan,
                &Evidence::default(),
                &saved.sources,
                &Config::default(),
            ),
            &rules,
        );
    }
}

#[test]
fn deep_nesting_is_unknown_and_the_stack_holds() {
    let deep = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    let text = harness::plan(&[]).replace("\"resource_changes\":[]", &format!("\"resource_changes\":[{{\"address\":\"aws_iam_role.r\",\"mode\":\"managed\",\"type\":\"aws_iam_role\",\"name\":\"r\",\"change\":{{\"actions\":[\"create\"],\"after\":{{\"assume_role_policy\":{deep}}}}}}}]"));
    whole(&text);
    let _ = build::sketch(&Sources::from_text(&format!(
        "locals {{\n x = {deep}\n}}\nresource \"a\" \"b\" {{\n c = local.x\n}}"
    )));
}

#[test]
fn an_archive_made_to_exhaust_memory_is_refused() {
    use std::io::Write;
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    zip.start_file("tfconfig/m-/main.tf", options).unwrap();
    let zeros = vec![0_u8; 1 << 20];
    for _ in 0..300 {
        zip.write_all(&zeros).unwrap();
    }
    let bytes = zip.finish().unwrap().into_inner();
    assert!(bytes.len() < 2 << 20);
    assert!(matches!(input::recognise(bytes), Err(e) if e.to_string().contains("refused")));
}

#[test]
fn members_that_climb_out_are_refused() {
    use std::io::Write;
    for name in [
        "tfconfig/m-/../../etc/passwd",
        "tfconfig/m-a/b/c.tf",
        "tfconfig/m-/..",
    ] {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        zip.start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"x").unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        assert!(
            matches!(input::recognise(bytes), Err(e) if e.to_string().contains("unexpected name")),
            "{name}"
        );
    }
}
