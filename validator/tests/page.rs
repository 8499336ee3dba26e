//! The page with the picture of a plan: opened, clicked and typed at in a headless Chromium where one is found.
#![allow(clippy::unwrap_used, clippy::expect_used, unreachable_pub, reason = "tests")]

#[path = "page/browser.rs"]
mod browser;
mod harness;
#[path = "page/plans.rs"]
mod plans;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use browser::Browser;
use harness::*;
use serde_json::{Value, json};

/// The page of a plan, in a folder of its own.
fn page(plan: &str) -> (tempfile::TempDir, PathBuf, String) {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "p.json", plan);
    let r = run(d.path(), &["p.json", "--format", "html=page.html", "--exit-zero"]);
    assert_eq!(r.code, 0, "{}", r.all());
    let file = d.path().join("page.html");
    let text = std::fs::read_to_string(&file).unwrap();
    (d, file, text)
}

/// Opens a page; none where there is no browser, which is said.
fn opened(plan: &str) -> Option<(tempfile::TempDir, Browser)> {
    let (d, file, _) = page(plan);
    let Some(program) = browser::found() else {
        println!(
            "skipped: no Chromium on this machine (Debian: apt-get install chromium-headless-shell; or name one in CHROMIUM)"
        );
        return None;
    };
    Some((d, Browser::open(&program, &file)))
}

/// How many cards are to be seen.
const SEEN: &str = "document.querySelectorAll('.card:not([hidden])').length";

/// Where a person wants to look: `PAGE_PICTURES=folder` writes what the browser shows.
fn picture(b: &mut Browser, name: &str) {
    if let Some(folder) = std::env::var_os("PAGE_PICTURES") {
        b.picture(&PathBuf::from(folder).join(format!("{name}.png")));
    }
}

#[test]
fn the_page_needs_nothing_but_itself() {
    let (_d, _, text) = page(&plans::identities(5));
    for outside in [
        "src=",
        "<link",
        "@import",
        "url(",
        "fetch(",
        "XMLHttpRequest",
        "<iframe",
        "<object",
        "<base",
    ] {
        assert!(!text.contains(outside), "{outside}");
    }
    assert!(text.contains("default-src 'none'"));
    // What it links to is the manual of the rules, which is only followed when somebody clicks.
    for link in text.split("href=\"").skip(1) {
        let to = link.split('"').next().unwrap();
        assert!(
            to.starts_with('#')
                || to.starts_with("https://github.com/mlops/terraform-provider-mlops/blob/main/docs/rules/"),
            "{to}"
        );
    }
}

#[test]
fn it_shows_who_enters_what_they_may_do_and_where() {
    let (_d, _, text) = page(&plans::identities(5));
    for said in [
        "aws_iam_role.churn_dev_ci",
        "repo:acme/churn:ref:refs/heads/main",
        "issued by token.actions.githubusercontent.com",
        "system:serviceaccount:churn-dev:churn-runtime",
        "ecr:PutImage",
        "arn:aws:s3:::acme-dev-models/churn/*",
        "arn:aws:ecr:eu-west-1:111122223333:repository/dev/churn",
        "purposes mix",
        "too wide",
        "What to write instead",
    ] {
        assert!(text.contains(said), "{said}");
    }
    // The red statement is the one that is meant, not its neighbour.
    let row = |sid: &str| {
        let at = text.find(&format!(", {sid}</span>")).unwrap();
        text[text[..at].rfind("<tr").unwrap()..at].to_owned()
    };
    assert!(
        row("Everything").starts_with("<tr class=\"bad\">"),
        "{}",
        row("Everything")
    );
    assert!(row("Reports").starts_with("<tr>"), "{}", row("Reports"));
}

#[test]
fn lines_and_remedies_stand_beside_the_findings() {
    let d = folder();
    write(
        d.path(),
        "main.tf",
        &format!("{REMOTE}\nresource \"aws_iam_access_key\" \"ci\" {{\n  user = \"ci\"\n}}\n"),
    );
    write(d.path(), "p.json", &plan(&[access_key()]));
    run(d.path(), &["p.json", "--format", "html=page.html"]).exits(1);
    let text = std::fs::read_to_string(d.path().join("page.html")).unwrap();
    assert!(text.contains("main.tf:12"), "{text}");
    assert!(text.contains("resource &quot;aws_iam_access_key&quot; &quot;ci&quot; {"));
}

#[test]
fn nothing_secret_reaches_the_page() {
    let key = ["AKIA", "IOSFODNN7", "ABCDEFG"].concat();
    let document = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "s3:GetObject", "Resource": format!("arn:aws:s3:::b/{key}") }] }).to_string();
    let trust = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "AWS": "999900001111" },
        "Condition": { "StringEquals": { "sts:ExternalId": "partner-4711-word" } } }] });
    let role = created(
        "aws_iam_role",
        "r",
        json!({ "name": "r", "assume_role_policy": trust.to_string() }),
    );
    let open = created(
        "aws_iam_role_policy",
        "open",
        json!({ "name": "p", "role": "r", "policy": document }),
    );
    let mut hidden = created(
        "aws_iam_role_policy",
        "hidden",
        json!({ "name": "q", "role": "r", "policy": "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"s3:GetObject\",\"Resource\":\"arn:aws:s3:::quiet-bucket/*\"}]}" }),
    );
    hidden["change"]["after_sensitive"] = json!({ "policy": true });
    let marked = |mut change: Value, marks: Value| {
        change["change"]["after_sensitive"] = marks;
        change
    };
    let attached = created(
        "aws_iam_role_policy_attachment",
        "a",
        json!({ "role": "r", "policy_arn": "arn:aws:iam::111122223333:policy/quiet-policy" }),
    );
    let account = created(
        "google_service_account",
        "s",
        json!({ "account_id": "quiet-account", "email": "quiet-account@acme.iam.gserviceaccount.com" }),
    );
    let grant = created(
        "google_project_iam_member",
        "g",
        json!({ "project": "acme", "role": "roles/viewer", "member": "serviceAccount:s@acme.iam.gserviceaccount.com", "condition": [{ "title": "t", "expression": "resource.name == 'quiet-thing'" }] }),
    );
    let environment = created(
        "mlops_environment",
        "e",
        json!({ "name": "e", "tier": "dev", "identity_info": { "ci": { "principal": "arn", "name": "quiet-ci" } } }),
    );
    let (_d, _, text) = page(&plan(&[
        role,
        open,
        hidden,
        marked(attached, json!({ "policy_arn": true })),
        marked(account, json!({ "account_id": true, "email": true })),
        marked(grant, json!({ "condition": [{ "expression": true }] })),
        marked(
            environment,
            json!({ "identity_info": { "ci": { "name": true } } }),
        ),
    ]));
    for secret in [
        key.as_str(),
        "partner-4711-word",
        "quiet-bucket",
        "quiet-policy",
        "quiet-account",
        "quiet-thing",
        "quiet-ci",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("the plan calls it sensitive"));
}

#[test]
fn an_environment_shows_its_identities() {
    let info = |n: &str| json!({ "principal": format!("arn:aws:iam::111122223333:role/churn-prod-{n}"), "name": format!("churn-prod-{n}"), "namespace": "churn-prod", "service_account": format!("churn-{n}") });
    let change = created(
        "mlops_environment",
        "prod",
        json!({
                   "name": "churn-prod", "tier": "prod", "aws": { "account_id": "111122223333" },
                   "federation": { "github": { "repository": "acme/churn", "ci_refs": ["refs/tags/v*"], "environments": { "deploy": "aws-prod" } } },
                   "identities": { "runtime": { "additional_permissions": [{ "id": "All", "actions": ["s3:*"], "resources": ["*"] }] } },
                   "bucket_info": { "models": { "uri": "s3://churn-prod-models-1a2b" } }, "cluster_info": { "name": "churn-prod" }, "services": { "churn": { "secrets": { "feature-store": { "readers": ["runtime"] } } } },
        "identity_info": { "ci": info("ci"), "deploy": info("deploy"), "runtime": { "churn": info("runtime") }, "drift": {}, "retrain": { "churn": info("retrain") } },
               }),
    );
    let (_d, _, text) = page(&plan(&[change]));
    for said in [
        "mlops_environment.prod · runtime of churn",
        "churn-prod/churn-runtime",
        "acme/churn, environment aws-prod",
        "acme/churn, refs/tags/v*",
        "s3:*",
        "s3://churn-prod-models-1a2b/churn/versions/*",
        "the service namespaces of churn-prod",
        "secret feature-store",
    ] {
        assert!(text.contains(said), "{said}");
    }
    let card = |label: &str| {
        let at = text.find(label).unwrap();
        text[text[..at].rfind("<details class=\"card").unwrap()..at].to_owned()
    };
    assert!(card("· runtime of churn").contains("card bad"));
    assert!(!card("· retrain of churn").contains("card bad"));
}

#[test]
fn identities_of_several_plans_are_told_apart() {
    let d = folder();
    write(d.path(), "main.tf", REMOTE);
    write(d.path(), "wide.json", &plans::identities(5));
    // The same addresses, without the faults.
    let narrow = plans::identities(5)
        .replace(
            "ecr:PutImage\\\"],\\\"Effect",
            "ecr:DescribeImages\\\"],\\\"Effect",
        )
        .replace(
            "\\\"Resource\\\":[\\\"*\\\"],\\\"Sid\\\":\\\"Everything",
            "\\\"Resource\\\":[\\\"arn:aws:s3:::acme-dev-data/churn/*\\\"],\\\"Sid\\\":\\\"Everything",
        );
    write(d.path(), "narrow.json", &narrow);
    run(
        d.path(),
        &["wide.json", "narrow.json", "--format", "html=page.html"],
    )
    .exits(1);
    let text = std::fs::read_to_string(d.path().join("page.html")).unwrap();
    let cards: Vec<&str> = text.split("<details class=\"card").skip(1).collect();
    let of = |label: &str, plan: &str| {
        let found = cards
            .iter()
            .find(|c| c.contains(label) && c.contains(&format!("Of the plan <code>{plan}")));
        found
            .unwrap_or_else(|| panic!("{label} of {plan}"))
            .starts_with(" bad")
    };
    for label in ["aws_iam_role.churn_dev_drift", "aws_iam_role.churn_dev_retrain"] {
        assert!(of(label, "wide.json"), "{label}");
        assert!(!of(label, "narrow.json"), "{label}");
    }
}

#[test]
fn names_with_markup_stay_names() {
    let (_d, _, text) = page(&plans::hostile());
    assert_eq!(text.matches("<script").count(), 1, "ours");
    assert_eq!(text.matches("<style").count(), 1, "ours");
    assert!(!text.contains("<img") && !text.contains("<svg"));
    assert!(text.contains("\\u{202e}") && !text.contains('\u{202e}') && !text.contains('\u{200b}'));
    let Some((_d, mut b)) = opened(&plans::hostile()) else {
        return;
    };
    assert_eq!(b.eval("window.owned === undefined"), true);
    assert_eq!(b.eval("document.querySelectorAll('img, svg, iframe, script[src], [onerror], [onload], [onmouseover]').length"), 0);
    assert!(
        b.eval("document.body.textContent")
            .as_str()
            .unwrap()
            .contains("</code><script>window.owned=1</script>")
    );
    // A handler that got in by other means would not run either.
    b.eval("(() => { const i = document.createElement('i'); i.setAttribute('onclick', 'window.owned = 1'); document.body.append(i); i.click(); const s = document.createElement('script'); s.textContent = 'window.owned = 1'; document.body.append(s); })()");
    assert_eq!(
        b.eval("window.owned === undefined"),
        true,
        "the policy of contents refuses what it has no sum of"
    );
}

/// What the browser complained of, and what it asked of the network.
fn complaints(b: &Browser) -> Vec<String> {
    b.events
        .iter()
        .filter_map(|e| match e["method"].as_str()? {
            "Runtime.exceptionThrown" | "Log.entryAdded" => Some(e["params"].to_string()),
            "Network.requestWillBeSent" => {
                let url = e["params"]["request"]["url"].as_str()?;
                (!url.starts_with("file://") || !url.ends_with("/page.html")).then(|| url.to_owned())
            }
            _ => None,
        })
        .collect()
}

#[test]
fn five_identities_are_read_at_a_glance() {
    let Some((_d, mut b)) = opened(&plans::identities(5)) else {
        return;
    };
    picture(&mut b, "five-light");
    assert_eq!(
        b.eval("document.querySelectorAll('.card[open]').length"),
        5,
        "nothing to look for: all are open"
    );
    assert_eq!(
        b.eval("document.querySelector('#count').textContent"),
        "5 of 5 identities"
    );
    assert_eq!(
        b.eval("document.querySelector('.group h3').textContent.startsWith('Several purposes')"),
        true,
        "the worst first"
    );
    // A code leads to its finding, and a finding back to its card.
    b.click(".card .code");
    b.wait("document.activeElement.matches('.finding') && location.hash === '#' + document.activeElement.id");
    b.click(".finding:focus .of a");
    b.wait("document.activeElement.matches('.card > summary')");
    b.prefer("dark");
    picture(&mut b, "five-dark");
    assert_eq!(
        b.eval("getComputedStyle(document.body).backgroundColor"),
        "rgb(13, 17, 23)"
    );
    b.click("#theme");
    assert_eq!(
        b.eval("getComputedStyle(document.body).backgroundColor"),
        "rgb(255, 255, 255)",
        "by hand, against the system"
    );
    assert_eq!(complaints(&b), Vec::<String>::new());
}

#[test]
fn five_hundred_identities_are_filtered_by_mouse_and_keyboard() {
    let plan = plans::identities(500);
    let started = Instant::now();
    let (_d, _, text) = page(&plan);
    println!(
        "500 identities: written in {:?}, {} kB",
        started.elapsed(),
        text.len() / 1024
    );
    assert!(text.len() < 4 << 20, "{} bytes", text.len());
    let Some((_d, mut b)) = opened(&plan) else { return };
    let ready = b.eval("(({domContentLoadedEventEnd, startTime}) => domContentLoadedEventEnd - startTime)(performance.getEntriesByType('navigation')[0])");
    println!("500 identities: ready in the browser after {ready} ms");
    assert!(ready.as_f64().unwrap() < 5_000.0);
    picture(&mut b, "many-light");
    b.prefer("dark");
    picture(&mut b, "many-dark");
    assert_eq!(b.eval(SEEN), 500);
    assert_eq!(
        b.eval("document.querySelectorAll('.card[open]').length"),
        0,
        "closed: an overview first"
    );

    b.click("button.purpose[data-purpose=deploy]");
    assert_eq!(b.eval(SEEN), 100);
    assert_eq!(
        b.eval("document.querySelector('button.purpose[data-purpose=deploy]').getAttribute('aria-pressed')"),
        "true"
    );
    b.press("/");
    for c in "ranking".chars() {
        b.press(&c.to_string());
    }
    assert_eq!(b.eval(SEEN), 10);
    assert_eq!(b.eval("[...document.querySelectorAll('.card:not([hidden]) .label')].every(l => l.textContent.includes('ranking'))"), true);
    picture(&mut b, "many-filtered");
    b.press("Escape");
    assert_eq!(b.eval(SEEN), 500);
    b.press("r");
    let bad = b.eval(SEEN);
    assert!((10..100).contains(&bad.as_u64().unwrap()), "{bad}");
    assert_eq!(
        b.eval("document.querySelectorAll('.card:not([hidden]):not(.bad):not(.warn)').length"),
        0
    );
    b.press("j");
    b.press("j");
    b.press("k");
    assert_eq!(
        b.eval("document.activeElement === document.querySelector('.card:not([hidden]) summary')"),
        true
    );
    b.press("Enter");
    assert_eq!(b.eval("document.activeElement.parentElement.open"), true);
    picture(&mut b, "many-open");
    b.press("Escape");
    b.eval("document.querySelector('#environment').value = 'prod'; document.querySelector('#environment').dispatchEvent(new Event('change'))");
    assert_eq!(b.eval("[...document.querySelectorAll('.card:not([hidden]) .label')].every(l => l.textContent.includes('_prod_'))"), true);
    b.press("Escape");

    // What matches nothing says so, and leads back.
    b.press("/");
    for c in "zzz".chars() {
        b.press(&c.to_string());
    }
    assert_eq!(b.eval("!document.querySelector('#none').hidden"), true);
    b.click("#none .clear");
    assert_eq!(b.eval(SEEN), 500);

    // Keys can be switched off for those whom they disturb.
    b.eval("document.activeElement.blur()");
    b.press("?");
    assert_eq!(b.eval("document.querySelector('#help').hidden"), false);
    b.click("#single");
    b.eval("document.activeElement.blur()");
    b.press("r");
    assert_eq!(b.eval(SEEN), 500);
    assert_eq!(complaints(&b), Vec::<String>::new());
}

/// Text against what is behind it, as WCAG 2 counts it, and what a reader of the screen needs.
const READABLE: &str = r"(() => {
  const channel = (c) => { c /= 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const rgba = (s) => s.match(/[\d.]+/g).map(Number);
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgba(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const bad = [];
  let seen = 0;
  for (const e of document.body.querySelectorAll('*')) {
    if (!e.checkVisibility() || e.matches('script, option') || ![...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())) continue;
    seen += 1;
    const [a, b] = [light(rgba(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) bad.push(`${e.className || e.tagName} ${ratio.toFixed(2)} ${e.textContent.slice(0, 30)}`);
  }
  return { seen, bad: [...new Set(bad)].slice(0, 10) };
})()";

#[test]
fn it_can_be_read_by_everybody() {
    let Some((_d, mut b)) = opened(&plans::identities(5)) else {
        return;
    };
    for scheme in ["light", "dark"] {
        b.prefer(scheme);
        let r = b.eval(READABLE);
        assert!(r["seen"].as_u64().unwrap() > 100, "{r}");
        assert_eq!(r["bad"], json!([]), "{scheme}");
    }
    // The rules of others, where they are at hand: AXE=axe.min.js (the npm package axe-core).
    match std::env::var_os("AXE") {
        None => println!("skipped: axe-core (AXE names no file)"),
        Some(file) => {
            b.eval(&std::fs::read_to_string(file).unwrap());
            let found = b.eval("axe.run().then((r) => r.violations.map((v) => `${v.id} ${v.nodes[0].html} ${v.nodes[0].failureSummary}`))");
            assert_eq!(found, json!([]));
        }
    }
    let tree = b.call("Accessibility.getFullAXTree", json!({}));
    let of = |role: &str| -> Vec<String> {
        let nodes = tree["nodes"].as_array().unwrap();
        let those = nodes
            .iter()
            .filter(|n| n["role"]["value"] == role && n["ignored"] != true);
        those
            .map(|n| n["name"]["value"].as_str().unwrap_or_default().to_owned())
            .collect()
    };
    for role in [
        "searchbox",
        "checkbox",
        "button",
        "combobox",
        "heading",
        "link",
        "table",
        "main",
        "banner",
    ] {
        let names = of(role);
        let nameless_is_fine = matches!(role, "table" | "main" | "banner" | "combobox");
        assert!(nameless_is_fine || !names.is_empty(), "no {role}");
        assert!(
            nameless_is_fine || names.iter().all(|n| !n.trim().is_empty()),
            "a {role} without a name: {names:?}"
        );
    }
    // Everything is reached with Tab, in the order of the page, and nothing holds the focus.
    let mut last = Value::Null;
    for _ in 0..12 {
        b.press("Tab");
        let at = b.eval("document.activeElement.outerHTML.slice(0, 80)");
        assert_ne!(at, last);
        last = at;
    }
    // Narrow as a telephone: nothing runs out of the page.
    b.call(
        "Emulation.setDeviceMetricsOverride",
        json!({ "width": 360, "height": 740, "deviceScaleFactor": 1, "mobile": true }),
    );
    b.prefer("light");
    picture(&mut b, "five-narrow");
    assert_eq!(b.eval("document.documentElement.scrollWidth <= 360"), true);
}

#[test]
fn a_page_of_very_many_is_bounded() {
    let started = Instant::now();
    let (_d, _, text) = page(&plans::identities(2600));
    assert!(
        text.contains("600 identities about which nothing was found are left out"),
        "{}",
        &text[..0]
    );
    assert!(text.len() < 12 << 20, "{}", text.len());
    assert!(started.elapsed() < Duration::from_secs(60));
}
