//! Every bad fixture again, twisted: what was found in a plain plan is found in a module, under `for_each`, behind a variable, when
//! nothing changes and when everything is sensitive; and is gone when the plan deletes it. Every good fixture stays silent under
//! the same twists. The twists are made on the plan itself, by the rules by which Terraform writes plans.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use tfplan_check::backend::Evidence;
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Verdict};
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::build;
use tfplan_check::{judge, plan};

fn fixtures() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures");
    let mut out = Vec::new();
    for rule in rules::all() {
        let code = rule.meta().code;
        let Ok(dir) = std::fs::read_dir(root.join(code)) else {
            continue;
        };
        for e in dir {
            let p = e.unwrap().path();
            if p.join("plan.json").exists() {
                out.push((code.to_owned(), p));
            }
        }
    }
    out.sort();
    assert!(out.len() > 50, "only {} fixtures have plans", out.len());
    out
}

/// Rules of which no plan shows anything, and why: what they judge is twisted as source, in `twist_matrix.rs`.
const NO_PLAN: [(&str, &str); 3] = [
    (
        "LS01 LS02 LS03 LS04 LS05 LS12 LS15",
        "a plan in JSON shows no backend",
    ),
    (
        "LS06 LS09",
        "planning them would call a cloud for the state that they read",
    ),
    ("MI27", "the provider refuses the document before there is a plan"),
];

#[test]
fn every_rule_has_a_bad_plan_to_twist_or_a_reason() {
    let reasons: BTreeSet<&str> = NO_PLAN.iter().flat_map(|(codes, _)| codes.split(' ')).collect();
    let planned: BTreeSet<String> = fixtures()
        .into_iter()
        .filter(|(_, p)| p.file_name().unwrap().to_str().unwrap().starts_with("bad-"))
        .map(|(code, _)| code)
        .collect();
    let without: Vec<&str> = rules::all()
        .map(|r| r.meta().code)
        .filter(|c| !planned.contains(*c) && !reasons.contains(c))
        .collect();
    assert_eq!(without, Vec::<&str>::new());
    let needless: Vec<&&str> = reasons.iter().filter(|c| planned.contains(**c)).collect();
    assert_eq!(
        needless,
        Vec::<&&str>::new(),
        "a reason that is not needed any more"
    );
}

/// Findings of all rules on a plan alone, as `code address`.
fn found(plan: &Value) -> Vec<Finding> {
    let text = plan.to_string();
    let plan = plan::json::read(&text).unwrap();
    let sources = build::sources_of(&plan.configuration);
    let rules: Vec<&'static dyn Rule> = rules::all().collect();
    judge::judge(
        &Context::new(&plan, &Evidence::default(), &sources, &Config::default()),
        &rules,
    )
}

fn wrong(plan: &Value, code: &str) -> Vec<Finding> {
    found(plan)
        .into_iter()
        .filter(|f| f.rule.code == code && f.verdict == Verdict::Wrong)
        .collect()
}

fn read(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("plan.json")).unwrap()).unwrap()
}

fn changes(plan: &mut Value) -> Vec<&mut Map<String, Value>> {
    plan.get_mut("resource_changes")
        .and_then(Value::as_array_mut)
        .map(|a| a.iter_mut().filter_map(Value::as_object_mut).collect())
        .unwrap_or_default()
}

/// The second plan: everything stands and nothing changes. Computed values stay away, as after an import.
fn nothing_changes(mut plan: Value) -> Value {
    for r in changes(&mut plan).into_iter().filter(|r| r["mode"] == "managed") {
        let change = r["change"].as_object_mut().unwrap();
        change["actions"] = json!(["no-op"]);
        change["before"] = change["after"].clone();
    }
    plan
}

fn destroyed(mut plan: Value) -> Value {
    for r in changes(&mut plan) {
        let change = r["change"].as_object_mut().unwrap();
        change["actions"] = json!(["delete"]);
        let after = change["after"].take();
        change["before"] = after;
        change["after_unknown"] = json!({});
        change["after_sensitive"] = json!(false);
    }
    plan["planned_values"] = json!({});
    plan
}

fn sensitive(mut plan: Value) -> Value {
    for r in changes(&mut plan).into_iter().filter(|r| r["mode"] == "managed") {
        let after = r["change"]["after"].as_object().cloned().unwrap_or_default();
        let marks: Map<String, Value> = after
            .iter()
            .filter(|(_, v)| v.is_string())
            .map(|(k, _)| (k.clone(), json!(true)))
            .collect();
        r["change"]["after_sensitive"] = Value::Object(marks);
    }
    plan
}

/// The whole configuration called as a module.
fn in_a_module(mut plan: Value) -> Value {
    for r in changes(&mut plan) {
        r["address"] = json!(format!("module.inner.{}", r["address"].as_str().unwrap()));
        r.insert("module_address".into(), json!("module.inner"));
    }
    let mut inner = plan["configuration"]["root_module"].take();
    let variables = inner.get("variables").cloned().unwrap_or(json!({}));
    let arguments: Map<String, Value> = variables
        .as_object()
        .unwrap()
        .keys()
        .map(|k| (k.clone(), json!({ "references": [format!("var.{k}")] })))
        .collect();
    inner["outputs"] = json!({});
    plan["configuration"]["root_module"] = json!({ "module_calls": { "inner": { "source": "./inner", "expressions": arguments, "module": inner } }, "variables": variables });
    plan["output_changes"] = json!({});
    let prior = plan["prior_state"]["values"]["root_module"].take();
    if prior.is_object() {
        let mut module = prior;
        for r in module["resources"].as_array_mut().into_iter().flatten() {
            r["address"] = json!(format!("module.inner.{}", r["address"].as_str().unwrap()));
        }
        module["address"] = json!("module.inner");
        plan["prior_state"]["values"]["root_module"] = json!({ "child_modules": [module] });
    }
    plan
}

fn walk(v: &mut Value, f: &mut impl FnMut(&mut Map<String, Value>)) {
    match v {
        Value::Object(m) => {
            f(m);
            m.values_mut().for_each(|v| walk(v, f));
        }
        Value::Array(a) => a.iter_mut().for_each(|v| walk(v, f)),
        _ => {}
    }
}

/// Every resource under `for_each = toset(["one"])`, referring to each other by `each.key`. `None` where some are repeated already.
fn under_for_each(mut plan: Value) -> Option<Value> {
    let keyed = |r: &Map<String, Value>| r["address"].as_str().unwrap().ends_with(']');
    if changes(&mut plan).iter().any(|r| keyed(r)) || plan["prior_state"]["values"]["root_module"].is_object()
    {
        return None;
    }
    for r in changes(&mut plan) {
        r["address"] = json!(format!("{}[\"one\"]", r["address"].as_str().unwrap()));
        r.insert("index".into(), json!("one"));
    }
    for block in plan["configuration"]["root_module"]["resources"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        block["for_each_expression"] = json!({});
        walk(&mut block["expressions"], &mut |m| {
            if let Some(refs) = m.get_mut("references").and_then(Value::as_array_mut) {
                refs.push(json!("each.key"));
            }
        });
    }
    plan["output_changes"] = json!({});
    plan["configuration"]["root_module"]["outputs"] = json!({});
    Some(plan)
}

/// Every constant of a resource moved into the default of a variable.
fn behind_variables(mut plan: Value) -> Value {
    let mut defaults: Map<String, Value> = Map::new();
    let mut n = 0;
    for block in plan["configuration"]["root_module"]["resources"]
        .as_array_mut()
        .into_iter()
        .flatten()
    {
        walk(&mut block["expressions"], &mut |m| {
            if let Some(c) = m.remove("constant_value") {
                n += 1;
                let name = format!("setting_{n}");
                m.insert("references".into(), json!([format!("var.{name}")]));
                defaults.insert(name, c);
            }
        });
    }
    for (name, default) in defaults {
        plan["variables"][&name] = json!({ "value": default });
        plan["configuration"]["root_module"]["variables"][&name] = json!({ "default": default });
    }
    plan
}

fn name(folder: &Path) -> String {
    format!(
        "{}/{}",
        folder.parent().unwrap().file_name().unwrap().to_string_lossy(),
        folder.file_name().unwrap().to_string_lossy()
    )
}

/// What a twist must leave, per rule: judged without the plan's resources, or told by the text of a block rather than its value.
fn needs_configuration(code: &str) -> bool {
    matches!(code, "SK04" | "SK05" | "SK18")
}

#[test]
fn bad_fixtures_stay_bad_when_twisted() {
    let mut failed = Vec::new();
    let mut tried = BTreeSet::new();
    for (code, folder) in fixtures() {
        if !folder.file_name().unwrap().to_string_lossy().starts_with("bad-") {
            continue;
        }
        let plain = read(&folder);
        let before = wrong(&plain, &code);
        if before.is_empty() {
            // Needs its source: what is in a local or a function call is not in a plan.
            continue;
        }
        let outputs_only = before.iter().all(|f| f.place.address.starts_with("output."));
        let by_text = matches!(code.as_str(), "SK17" | "SK14");
        let twists: [(&str, Option<Value>); 5] = [
            ("no-op", Some(nothing_changes(plain.clone()))),
            ("sensitive", Some(sensitive(plain.clone()))),
            ("in a module", (!outputs_only).then(|| in_a_module(plain.clone()))),
            (
                "for_each",
                if outputs_only {
                    None
                } else {
                    under_for_each(plain.clone())
                },
            ),
            (
                "behind variables",
                (!by_text).then(|| behind_variables(plain.clone())),
            ),
        ];
        for (twist, plan) in twists {
            let Some(plan) = plan else { continue };
            tried.insert((code.clone(), twist));
            let after = wrong(&plan, &code);
            if after.is_empty() {
                failed.push(format!(
                    "{} {twist}: nothing was found; of this rule undecided: {:?}",
                    name(&folder),
                    found(&plan)
                        .iter()
                        .filter(|f| f.rule.code == code)
                        .map(|f| f.what.clone())
                        .collect::<Vec<_>>()
                ));
            }
            if twist == "in a module" && !needs_configuration(&code) {
                let misplaced: Vec<String> = after
                    .iter()
                    .map(|f| f.place.to_string())
                    .filter(|p| !p.starts_with("module.inner.") && !p.starts_with("var."))
                    .collect();
                if !misplaced.is_empty() {
                    failed.push(format!(
                        "{} {twist}: not in the module: {misplaced:?}",
                        name(&folder)
                    ));
                }
            }
        }
    }
    assert!(
        failed.is_empty(),
        "{} of {} twists failed:\n{}",
        failed.len(),
        tried.len(),
        failed.join("\n")
    );
}

#[test]
fn what_a_plan_deletes_is_not_found() {
    let mut failed = Vec::new();
    for (code, folder) in fixtures() {
        // These are about the configuration, which stands whatever the plan does with its resources.
        if needs_configuration(&code) {
            continue;
        }
        let after: Vec<String> = wrong(&destroyed(read(&folder)), &code)
            .iter()
            .map(|f| f.place.to_string())
            .filter(|p| !p.starts_with("var.") && !p.starts_with("output.") && !p.starts_with("module."))
            .collect();
        if !after.is_empty() {
            failed.push(format!("{}: {after:?}", name(&folder)));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

#[test]
fn good_fixtures_stay_good_when_twisted() {
    let mut failed = Vec::new();
    for (code, folder) in fixtures() {
        if !folder.file_name().unwrap().to_string_lossy().starts_with("good-") {
            continue;
        }
        let plain = read(&folder);
        let twists = [
            ("no-op", Some(nothing_changes(plain.clone()))),
            ("sensitive", Some(sensitive(plain.clone()))),
            ("in a module", Some(in_a_module(plain.clone()))),
            ("for_each", under_for_each(plain.clone())),
            ("behind variables", Some(behind_variables(plain.clone()))),
        ];
        for (twist, plan) in twists {
            let Some(plan) = plan else { continue };
            for f in wrong(&plan, &code) {
                failed.push(format!("{} {twist}: {} {}", name(&folder), f.place, f.what));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Unknown until apply: neither silence nor a finding, but a result that says so.
#[test]
fn a_policy_that_is_unknown_is_said_to_be() {
    let mut tried = 0;
    for (code, folder) in fixtures() {
        if !matches!(code.as_str(), "MI01" | "MI02" | "MI09" | "MI13" | "MI14" | "MI18")
            || !folder
                .file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with("bad-page")
        {
            continue;
        }
        let mut plan = read(&folder);
        let mut touched = false;
        for r in changes(&mut plan) {
            for attribute in ["policy", "assume_role_policy"] {
                if r["change"]["after"]
                    .as_object_mut()
                    .is_some_and(|a| a.remove(attribute).is_some())
                {
                    r["change"]["after_unknown"][attribute] = json!(true);
                    touched = true;
                }
            }
        }
        for block in plan["configuration"]["root_module"]["resources"]
            .as_array_mut()
            .into_iter()
            .flatten()
        {
            for attribute in ["policy", "assume_role_policy"] {
                if !block["expressions"][attribute].is_null() {
                    block["expressions"][attribute] = json!({ "references": ["local.document"] });
                }
            }
        }
        if !touched {
            continue;
        }
        tried += 1;
        let all = found(&plan);
        let undecided = all.iter().any(|f| {
            f.verdict == Verdict::Undecided
                && (f.place.to_string().ends_with(".policy")
                    || f.place.to_string().ends_with(".assume_role_policy"))
        });
        assert!(undecided, "{}: silence about an unknown policy", name(&folder));
        assert!(
            !all.iter().any(|f| f.rule.code == code
                && f.verdict == Verdict::Wrong
                && !f.place.address.starts_with("data.")),
            "{}: a finding about an unknown policy",
            name(&folder)
        );
    }
    assert!(tried > 4, "{tried}");
}

/// Everything a finding says, as every report will render it.
fn said(f: &Finding) -> String {
    let related: Vec<String> = f.related.iter().map(|(p, n)| format!("{p} {n}")).collect();
    format!(
        "{} {} {} {} {}",
        f.place,
        f.what,
        f.why,
        f.fix.clone().unwrap_or_default(),
        related.join(" ")
    )
}

#[test]
fn no_finding_holds_a_secret_or_a_hole() {
    // The secrets planted in the fixtures, in pieces, so that this file holds none.
    let planted = [
        "AKIAQ7XK2LMR9VTZ4WBJ",
        "q7Xk2LmR9vTz4WbJ8sHcN3fYdG6pAeU5iQoKtVyM",
        "hunter2",
        "wx-4711-8hG2kLm9",
        "wJalrXUtnFEMI",
        "given-at-run-time",
    ];
    let mut seen = 0;
    for (code, folder) in fixtures() {
        for plan in [
            read(&folder),
            nothing_changes(read(&folder)),
            behind_variables(read(&folder)),
        ] {
            for f in found(&plan) {
                let said = said(&f);
                seen += 1;
                assert!(!said.contains('\u{fffc}'), "{}: {code} {said}", name(&folder));
                for secret in planted {
                    assert!(
                        !said.contains(secret),
                        "{}: {} repeats a secret: {said}",
                        name(&folder),
                        f.rule.code
                    );
                }
            }
        }
    }
    assert!(seen > 200, "{seen}");
}
