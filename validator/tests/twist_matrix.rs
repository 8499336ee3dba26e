//! Every rule under every twist: the bad examples of each page, rewritten by the rules of the language, must still be found, and be gone
//! when the plan deletes what they make. Where a twist cannot apply to a rule, the table below says why; an entry that is not needed any
//! more is a failure too. (`twists.rs` does the same on plans that the real Terraform made.)
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use tfplan_check::backend::{Backend, Evidence, Source};
use tfplan_check::config::Config;
use tfplan_check::context::Context;
use tfplan_check::finding::{Finding, Verdict};
use tfplan_check::judge;
use tfplan_check::plan::{Action, Mode};
use tfplan_check::rules::{self, Rule};
use tfplan_check::source::{Sources, build};
use tfplan_check::value::Value;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Twist {
    InAModule,
    ForEach,
    BehindALocal,
    BehindAVariable,
    Unknown,
    Deleted,
    NoOp,
    Sensitive,
}
use Twist::{BehindALocal, BehindAVariable, Deleted, ForEach, InAModule, NoOp, Sensitive, Unknown};

const TWISTS: [Twist; 8] = [
    InAModule,
    ForEach,
    BehindALocal,
    BehindAVariable,
    Unknown,
    Deleted,
    NoOp,
    Sensitive,
];

const CONFIGURATION: &str = "what is judged is the configuration, which stands whatever happens to resources";
const BACKEND: &str =
    "a backend block stands in the root module, once, and takes literals only; it is no resource of the plan";
const NOT_WRITTEN: &str =
    "a value made at apply is not written in the code, and a secret is judged where it is written";
const TOLD_BY_NAME: &str = "what it is about is told by its name: one that is made at apply tells nothing, as a name without the word does";
const ELSEWHERE: &str = "references are followed, so what refers to no identity of the plan belongs to one of elsewhere, of which the plan shows nothing";

/// What does not apply, and why.
const EXCEPTIONS: &[(&str, &[Twist], &str)] = &[
    ("SK04 SK05 SK06 SK18", &[Deleted], CONFIGURATION),
    (
        "SK13",
        &[InAModule, Deleted],
        "outputs of the root module are kept in the state, those of a called module are not; and an output is no resource",
    ),
    ("LS01 LS02 LS03 LS04 LS05 LS15", &[InAModule, Deleted], BACKEND),
    ("LS12", &[InAModule], BACKEND),
    ("SK06 SK07 SK09 SK14 SK17", &[Unknown], NOT_WRITTEN),
    ("SK08 SK16 LS08 LS11 MI19 MI20 MI25", &[Unknown], TOLD_BY_NAME),
    ("LS13 MI06 MI15 MI16", &[Unknown], ELSEWHERE),
];

/// The `hcl` blocks under *Bad* of a page.
fn bad_examples(rule: &dyn Rule) -> Vec<String> {
    let page = rule.meta().page();
    let section = page.split("## Bad").nth(1).unwrap_or_default();
    let section = section.split("\n## ").next().unwrap_or_default();
    section
        .split("```hcl\n")
        .skip(1)
        .filter_map(|b| b.split("```").next())
        .map(str::to_owned)
        .collect()
}

/// The blocks at the top level of a formatted configuration: head, body.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_suffix(" {").filter(|h| !h.starts_with(' ')) {
            out.push((head.to_owned(), String::new()));
        } else if let Some((head, _)) = line
            .split_once(" {")
            .filter(|(h, _)| !h.starts_with(' ') && line.ends_with('}'))
        {
            out.push((head.to_owned(), String::new()));
        } else if line != "}"
            && !line.starts_with('#')
            && let Some((_, body)) = out.last_mut()
        {
            body.push_str(line);
            body.push('\n');
        }
    }
    out
}

fn joined(blocks: &[(String, String)]) -> String {
    blocks
        .iter()
        .map(|(head, body)| format!("{head} {{\n{body}}}\n\n"))
        .collect()
}

/// `aws_iam_role.ci` of `resource "aws_iam_role" "ci"`, `data.…` of a data source; none for other blocks.
fn address(head: &str) -> Option<String> {
    let labels: Vec<&str> = head.split('"').skip(1).step_by(2).collect();
    let labels = labels.join(".");
    match head.split(' ').next()? {
        "resource" => Some(labels),
        "data" => Some(format!("data.{labels}")),
        _ => None,
    }
}

/// Every attribute at the top level of a resource whose value is written on one line or as one call, given a value by `with`: name of
/// the attribute, its text, and the number of the attribute.
fn each_attribute(text: &str, with: &mut dyn FnMut(&str, &str) -> Option<String>) -> String {
    let mut all = blocks(text);
    for (head, body) in &mut all {
        if !(head.starts_with("resource") || head.starts_with("data")) {
            continue;
        }
        let lines: Vec<&str> = body.lines().collect();
        let mut out = String::new();
        let mut i = 0;
        while i < lines.len() {
            let line = lines[i];
            let indent = line.len() - line.trim_start().len();
            let (name, value) = match line.split_once(" = ") {
                Some((name, value)) if !value.is_empty() => (name.trim().to_owned(), value),
                _ => {
                    out.push_str(line);
                    out.push('\n');
                    i += 1;
                    continue;
                }
            };
            // A value over several lines ends at a line of the same indent that closes it.
            let mut last = i;
            if value.ends_with(['(', '{', '[']) {
                last = (i + 1..lines.len())
                    .find(|&j| lines[j].len() - lines[j].trim_start().len() == indent)
                    .unwrap_or(i);
            }
            let whole = std::iter::once(value)
                .chain(lines[i + 1..=last].iter().copied())
                .collect::<Vec<_>>()
                .join("\n");
            let meta = matches!(name.as_str(), "for_each" | "count" | "provider" | "type" | "kind");
            match with(&name, &whole).filter(|_| !meta && !whole.contains("each.")) {
                Some(new) => out.push_str(&format!("{}{name} = {new}\n", " ".repeat(indent))),
                None => lines[i..=last].iter().for_each(|l| {
                    out.push_str(l);
                    out.push('\n');
                }),
            }
            i = last + 1;
        }
        *body = out;
    }
    joined(&all)
}

fn literal(value: &str) -> bool {
    value.starts_with('"') && !value.contains("${") || value.starts_with('[') && value.contains('"')
}

/// A configuration, how it is told apart from a plain one.
struct Twisted {
    sources: Sources,
    action: Option<Action>,
}

fn root(text: String) -> Twisted {
    Twisted {
        sources: Sources::from_text(&text),
        action: None,
    }
}

fn twisted(twist: Twist, text: &str) -> Twisted {
    match twist {
        InAModule => {
            let (mut inner, mut outer) = (
                Vec::new(),
                vec![(
                    "module \"inner\"".to_owned(),
                    "  source = \"./inner\"\n".to_owned(),
                )],
            );
            for block in blocks(text) {
                if block.0.starts_with("terraform") {
                    outer.push(block);
                } else {
                    inner.push(block);
                }
            }
            let file = |text: String| vec![("main.tf".to_owned(), text)];
            Twisted {
                sources: Sources::from_parts(vec![
                    (String::new(), String::new(), true, file(joined(&outer))),
                    ("inner".into(), "inner".into(), true, file(joined(&inner))),
                ]),
                action: None,
            }
        }
        ForEach => {
            let mut all = blocks(text);
            let addresses: Vec<String> = all
                .iter()
                .filter(|(_, body)| !body.contains("for_each") && !body.contains("count "))
                .filter_map(|(head, _)| address(head))
                .collect();
            for (head, body) in &mut all {
                let mine = address(head).is_some_and(|a| addresses.contains(&a));
                for a in &addresses {
                    let plain = format!("{a}.");
                    let key = if mine { "each.key" } else { "\"one\"" };
                    *body = replaced(body, &plain, &format!("{a}[{key}]."));
                }
                if mine {
                    body.insert_str(0, "  for_each = toset([\"one\"])\n");
                }
            }
            root(joined(&all))
        }
        BehindALocal => {
            let mut locals = String::new();
            let mut n = 0;
            let text = each_attribute(text, &mut |_, value| {
                literal(value).then(|| {
                    n += 1;
                    locals.push_str(&format!("  setting_{n} = {value}\n"));
                    format!("local.setting_{n}")
                })
            });
            root(format!("{text}locals {{\n{locals}}}\n"))
        }
        BehindAVariable => {
            let mut variables = String::new();
            let mut n = 0;
            let text = each_attribute(text, &mut |_, value| {
                literal(value).then(|| {
                    n += 1;
                    variables.push_str(&format!("variable \"setting_{n}\" {{\n  default = {value}\n}}\n"));
                    format!("var.setting_{n}")
                })
            });
            root(format!("{text}{variables}"))
        }
        Unknown => unreachable!("one attribute at a time"),
        Sensitive => root(each_attribute(text, &mut |_, value| {
            value.starts_with('"').then(|| format!("sensitive({value})"))
        })),
        // What is no longer wanted is what has no instance; what a plan says of it is tried in `twists.rs`.
        Deleted => {
            let mut all = blocks(text);
            for (head, body) in &mut all {
                if address(head).is_some() {
                    body.insert_str(0, "  count = 0\n");
                    *body = body.replace("  for_each ", "  # for_each ");
                }
            }
            root(joined(&all))
        }
        NoOp => Twisted {
            action: Some(Action::NoOp),
            ..root(text.to_owned())
        },
    }
}

/// With the n-th attribute known after apply only, and the name of that attribute; none behind the last.
fn unknown(text: &str, n: usize) -> Option<(Twisted, String)> {
    let mut at = 0;
    let mut name = None;
    let text = each_attribute(text, &mut |attribute, _| {
        at += 1;
        (at == n + 1).then(|| {
            name = Some(attribute.to_owned());
            "uuid()".into()
        })
    });
    (n < at).then(|| (root(text), name.unwrap_or_default()))
}

/// `from` replaced where no longer name ends in it.
fn replaced(text: &str, from: &str, to: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(from) {
        let before = rest[..at].chars().next_back().or(out.chars().next_back());
        let whole = !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '"'));
        out.push_str(&rest[..at]);
        out.push_str(if whole { to } else { from });
        rest = &rest[at + from.len()..];
    }
    out + rest
}

fn found(t: &Twisted, claim: Option<&str>) -> Vec<Finding> {
    let mut plan = build::sketch(&t.sources);
    if let Some(action) = t.action {
        for r in plan.resources.iter_mut().filter(|r| r.mode == Mode::Managed) {
            r.action = action;
        }
    }
    let backend = Backend::from_sources(&t.sources, "main.tf".into());
    let claim = claim.map(|kind| Backend {
        kind: kind.to_owned(),
        config: Value::Null,
        workspace: None,
        source: Source::Claim,
        partial: true,
        no_block: false,
    });
    let evidence = Evidence {
        found: backend.into_iter().chain(claim).collect(),
    };
    let rules: Vec<&'static dyn Rule> = rules::all().collect();
    judge::judge(
        &Context::new(&plan, &evidence, &t.sources, &Config::default()),
        &rules,
    )
}

/// What went wrong, if anything did.
fn complaint(rule: &dyn Rule, twist: Twist, text: &str) -> Option<String> {
    let code = rule.meta().code;
    let claim = text
        .lines()
        .find_map(|l| l.strip_prefix("# tfplan-check --backend "));
    if twist == Unknown {
        let silent: BTreeSet<String> = (0..)
            .map_while(|n| unknown(text, n))
            .filter(|(t, _)| {
                let found = found(t, claim);
                let says = |f: &Finding| {
                    f.rule.code == code
                        || f.verdict == Verdict::Undecided && f.rule.family == rule.meta().family
                };
                !found.iter().any(says)
            })
            .map(|(_, name)| name)
            .collect();
        let silent: Vec<String> = silent.into_iter().collect();
        return (!silent.is_empty()).then(|| format!("silence when not known: {}", silent.join(" ")));
    }
    let t = twisted(twist, text);
    if let Some(e) = t.sources.files.iter().find_map(|f| f.error.as_ref()) {
        return Some(format!("cannot be parsed: {e}"));
    }
    let found = found(&t, claim);
    let own: Vec<&Finding> = found.iter().filter(|f| f.rule.code == code).collect();
    let wrong = own.iter().any(|f| f.verdict == Verdict::Wrong);
    match twist {
        Deleted => wrong.then(|| {
            let places: Vec<String> = own.iter().map(|f| f.place.to_string()).collect();
            format!("found although deleted: {places:?}")
        }),
        InAModule => match own.iter().find(|f| f.verdict == Verdict::Wrong) {
            None => Some("nothing was found".into()),
            Some(f) if !f.place.address.starts_with("module.inner") => {
                Some(format!("found at {}, which is not in the module", f.place))
            }
            Some(_) => None,
        },
        _ => (!wrong).then(|| "nothing was found".to_owned()),
    }
}

#[test]
fn every_rule_is_tried_under_every_twist() {
    let mut excepted: BTreeMap<(&str, Twist), &str> = BTreeMap::new();
    for (codes, twists, why) in EXCEPTIONS {
        for code in codes.split(' ') {
            for twist in *twists {
                assert!(
                    excepted.insert((code, *twist), why).is_none(),
                    "{code} {twist:?} is excepted twice"
                );
            }
        }
    }
    let mut failed = Vec::new();
    let mut used = BTreeSet::new();
    for rule in rules::all() {
        let code = rule.meta().code;
        for twist in TWISTS {
            let examples = bad_examples(rule);
            assert!(!examples.is_empty(), "{code} has no bad example");
            let complaints: Vec<(usize, String)> = examples
                .iter()
                .enumerate()
                .filter_map(|(i, text)| Some((i + 1, complaint(rule, twist, text)?)))
                .collect();
            if complaints.is_empty() {
                continue;
            }
            if excepted.contains_key(&(code, twist)) {
                used.insert((code, twist));
                continue;
            }
            for (i, what) in complaints {
                failed.push(format!("{code} {twist:?}, bad example {i}: {what}"));
            }
        }
    }
    for ((code, twist), _) in excepted.iter().filter(|(k, _)| !used.contains(*k)) {
        failed.push(format!("{code} {twist:?} is excepted without need"));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
