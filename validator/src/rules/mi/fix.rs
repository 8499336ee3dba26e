//! Compliant HCL for policies, with the user's own names and actions.

use mlops_access::aws::{Policy, Statement, UNKNOWN_TEXT, actions};

use crate::finding::Place;

/// The name of the block at a place: `ci` of `module.a.aws_iam_role_policy.ci["x"]`.
pub(super) fn name_of(place: &Place) -> String {
    let address = crate::address::without_keys(&place.address);
    address.rsplit('.').next().unwrap_or("policy").to_owned()
}

/// A policy document that allows these actions on resources of their types, by name. At most eight actions are written out.
pub(super) fn statement(name: &str, allowed: &[String]) -> String {
    let mut resources: Vec<String> = Vec::new();
    for action in allowed.iter().filter_map(|a| actions::lookup(a)) {
        // The plainest of the types it acts on: an object rather than an object behind an access point.
        let types = action.resource_types();
        if let Some((kind, _)) = types.min_by_key(|(kind, required)| (!required, kind.arn.len())) {
            let arn = placeholder(&kind.arn);
            if !resources.contains(&arn) && resources.len() < 3 {
                resources.push(arn);
            }
        }
    }
    let list = |items: Vec<String>| match items.as_slice() {
        [] => "[]".to_owned(),
        [one] => format!("[{one}]"),
        many => format!(
            "[\n{}\n    ]",
            many.iter()
                .map(|i| format!("      {i},"))
                .collect::<Vec<_>>()
                .join("\n")
        ),
    };
    let mut written: Vec<String> = allowed.iter().take(8).map(|a| format!("\"{a}\"")).collect();
    if written.is_empty() {
        written.push("\"<each action it needs, by name>\"".to_owned());
    }
    let mut on: Vec<String> = resources.into_iter().map(|r| format!("\"{r}\"")).collect();
    if on.is_empty() {
        on.push("\"<the ARN of each thing it needs>\"".to_owned());
    }
    format!(
        "data \"aws_iam_policy_document\" \"{name}\" {{\n  statement {{\n    actions   = {}\n    resources = {}\n  }}\n}}",
        list(written),
        list(on)
    )
}

/// `arn:${Partition}:s3:::${BucketName}` as something to fill in: `arn:aws:s3:::<bucket-name>`.
fn placeholder(arn: &str) -> String {
    let mut out = String::new();
    let mut rest = arn;
    while let Some((before, after)) = rest.split_once("${") {
        out.push_str(before);
        let (name, tail) = after.split_once('}').unwrap_or((after, ""));
        match name {
            "Partition" => out.push_str("aws"),
            "Region" => out.push_str("<region>"),
            "Account" => out.push_str("<account>"),
            other => {
                out.push('<');
                out.push_str(&crate::secrets::name::words(other).join("-"));
                out.push('>');
            }
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// What to call a statement: its `Sid`, else its number in the document.
pub(crate) fn label(policy: &Policy, statement: &Statement) -> String {
    match statement.sid.as_deref().filter(|s| !s.is_empty()) {
        Some(sid) => format!("`{sid}`"),
        None => {
            let at = policy.statements.iter().position(|s| std::ptr::eq(s, statement));
            at.map_or_else(|| "(unnamed)".to_owned(), |n| (n + 1).to_string())
        }
    }
}

/// A text for a message: what is not known yet as an ellipsis.
pub(in crate::rules) fn shown(text: &str) -> String {
    text.replace(UNKNOWN_TEXT, "…")
}

/// A list for a message: the first few, and how many more.
pub(super) fn listed(items: &[String]) -> String {
    let first: Vec<String> = items.iter().take(3).map(|a| format!("`{a}`")).collect();
    match items.len() {
        0..=3 => first.join(", "),
        n => format!("{} and {} more", first.join(", "), n - 3),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn arns_are_left_to_fill_in() {
        let hcl = super::statement("ci", &["s3:GetObject".into()]);
        assert!(
            hcl.contains("\"s3:GetObject\"") && hcl.contains("arn:aws:s3:::<bucket-name>/<object-name>"),
            "{hcl}"
        );
    }
}
