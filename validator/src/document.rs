//! Policy documents out of `aws_iam_policy_document`, whether planned, read, or only written.

use crate::value::{Text, Value};

type V = Value<'static>;

/// The document that an `aws_iam_policy_document` data source makes; `get` reads its attributes (with unknown parts).
///
/// Source documents come first, statements of the block replace those with the same `sid`, override documents replace last.
/// A source document that is not known makes the list of statements unknown in part: it is kept as an unknown statement, so that
/// nobody takes the rest for the whole.
#[must_use]
pub fn of_data_source(get: &dyn Fn(&str) -> V) -> V {
    let mut statements: Vec<V> = Vec::new();
    for doc in get("source_policy_documents")
        .one_or_many()
        .iter()
        .chain(get("source_json").one_or_many())
    {
        add_document(doc, &mut statements);
    }
    match get("statement").bare() {
        Value::List(items) => {
            for s in items {
                let s = statement(s);
                replace_or_push(s, &mut statements);
            }
        }
        Value::Unknown(u) => statements.push(Value::Unknown(u.clone())),
        _ => {}
    }
    for doc in get("override_policy_documents")
        .one_or_many()
        .iter()
        .chain(get("override_json").one_or_many())
    {
        add_document(doc, &mut statements);
    }
    let version = get("version");
    let version = version.as_str().unwrap_or("2012-10-17").to_owned();
    Value::Object(vec![
        (Text::from("Version"), Value::string(version)),
        (Text::from("Statement"), Value::List(statements)),
    ])
}

/// All statements of several documents of which any may be meant; `None` when one of them is no document.
pub(crate) fn worst_case(documents: &[V]) -> Option<V> {
    let mut statements = Vec::new();
    for d in documents {
        let text = crate::source::with_holes(d).filter(|t| t.trim_start().starts_with('{'))?;
        let doc: Value<'_> = serde_json::from_str(&text).ok()?;
        statements.extend(
            doc.get("Statement")
                .one_or_many()
                .iter()
                .cloned()
                .map(Value::into_owned),
        );
    }
    (!statements.is_empty()).then(|| {
        Value::Object(vec![
            (Text::from("Version"), Value::string("2012-10-17")),
            (Text::from("Statement"), Value::List(statements)),
        ])
    })
}

fn add_document(doc: &V, out: &mut Vec<V>) {
    match doc.bare() {
        Value::Null => {}
        Value::String(s) if s.is_empty() => {}
        v => {
            let parsed = crate::source::with_holes(v)
                .and_then(|t| serde_json::from_str::<Value<'_>>(&t).ok().map(Value::into_owned));
            match parsed {
                Some(doc) => {
                    for s in doc.get("Statement").one_or_many() {
                        replace_or_push(s.clone(), out);
                    }
                }
                None => out.push(if v.is_unknown() {
                    v.clone()
                } else {
                    Value::unknown()
                }),
            }
        }
    }
}

fn replace_or_push(s: V, out: &mut Vec<V>) {
    let sid = s.get("Sid").as_str().filter(|s| !s.is_empty()).map(str::to_owned);
    match sid.and_then(|sid| out.iter_mut().find(|o| o.get("Sid").as_str() == Some(&sid))) {
        Some(slot) => *slot = s,
        None => out.push(s),
    }
}

/// One `statement` block as a statement of a policy. Defaults are the provider's: `effect` is `Allow`.
fn statement(s: &V) -> V {
    if s.is_unknown() {
        return s.clone();
    }
    let mut out: Vec<(Text<'static>, V)> = Vec::new();
    let mut put = |k: &'static str, v: V| out.push((Text::from(k), v));
    if let Some(sid) = s.get("sid").as_str().filter(|s| !s.is_empty()) {
        put("Sid", Value::string(sid.to_owned()));
    }
    put(
        "Effect",
        if s.get("effect").is_null() {
            Value::string("Allow")
        } else {
            s.get("effect").clone()
        },
    );
    for (from, to) in [
        ("actions", "Action"),
        ("not_actions", "NotAction"),
        ("resources", "Resource"),
        ("not_resources", "NotResource"),
    ] {
        let v = s.get(from);
        if !v.is_empty() {
            put(to, unescape(v));
        }
    }
    for (from, to) in [("principals", "Principal"), ("not_principals", "NotPrincipal")] {
        let v = s.get(from);
        if v.is_unknown() {
            put(to, v.clone());
        } else if !v.is_empty() {
            put(to, principals(v));
        }
    }
    let conditions = s.get("condition");
    if conditions.is_unknown() {
        put("Condition", conditions.clone());
    } else if !conditions.is_empty() {
        put("Condition", condition(conditions));
    }
    Value::Object(out)
}

fn principals(v: &V) -> V {
    let mut by_kind: Vec<(Text<'static>, V)> = Vec::new();
    for p in v.items() {
        let Some(kind) = p.get("type").as_str().map(str::to_owned) else {
            return Value::unknown();
        };
        let ids = p.get("identifiers");
        if kind == "*" {
            return Value::string("*");
        }
        let ids = match ids.bare() {
            Value::List(l) => l.clone(),
            other => vec![other.clone()],
        };
        match by_kind.iter_mut().find(|(k, _)| **k == *kind) {
            Some((_, Value::List(l))) => l.extend(ids),
            _ => by_kind.push((Text::from(kind), Value::List(ids))),
        }
    }
    Value::Object(by_kind)
}

fn condition(v: &V) -> V {
    let mut tests: Vec<(Text<'static>, V)> = Vec::new();
    for c in v.items() {
        let hole =
            |v: &V| crate::source::with_holes(v).unwrap_or_else(|| crate::source::UNKNOWN_TEXT.to_string());
        let (test, key) = (hole(c.get("test")), hole(c.get("variable")));
        let values = unescape(c.get("values"));
        if !tests.iter().any(|(t, _)| **t == *test) {
            tests.push((Text::from(test.clone()), Value::Object(Vec::new())));
        }
        if let Some((_, Value::Object(keys))) = tests.iter_mut().find(|(t, _)| **t == *test) {
            match keys.iter_mut().find(|(k, _)| **k == *key) {
                Some((_, Value::List(l))) => l.extend(values.one_or_many().iter().cloned()),
                _ => keys.push((Text::from(key), values)),
            }
        }
    }
    Value::Object(tests)
}

/// In a data source `&{aws:username}` stands for the policy variable `${aws:username}`.
fn unescape(v: &V) -> V {
    match v {
        Value::String(s) if s.contains("&{") => Value::string(s.replace("&{", "${")),
        Value::List(l) => Value::List(l.iter().map(unescape).collect()),
        other => other.clone(),
    }
}
