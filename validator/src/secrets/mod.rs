//! Finding secrets in values: by structure first, by name second, by randomness only under a name that promises a secret.
//!
//! Nothing here keeps or returns the characters of a secret. A [`Found`] says what it is, how it was reached and, where that
//! cannot be guessed back, its fingerprint.
//!
//! What stays silent is as much a part of the promise as what speaks: public keys and certificates, digests, UUIDs, ARNs,
//! paths, names of secrets, placeholders, the example keys of the vendors' documentation, images in base64.

mod assignment;
mod encoded;
mod fingerprint;
mod kind;
pub mod lookalike;
pub mod name;
mod token;

use std::cell::RefCell;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

pub use fingerprint::Fingerprint;
pub use kind::Kind;
pub use name::Promise;
pub use token::may_hold;

/// A secret that was found, without the secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Tells two secrets apart and recognises one that stands in two places. Absent for what could be guessed from it.
    pub fingerprint: Option<Fingerprint>,
    /// How it was reached inside the value, outermost first: `base64`, `gzip`, `line 3`, `key DB_PASSWORD`.
    pub trail: Vec<String>,
}

impl Found {
    fn new(kind: Kind, secret: &str) -> Self {
        Self {
            kind,
            fingerprint: Fingerprint::of(kind, secret),
            trail: Vec::new(),
        }
    }

    fn under(mut self, step: impl Into<String>) -> Self {
        self.trail.insert(0, step.into());
        self
    }

    /// What was found and how, for a message: `a password (in the decoded text, line 3, under DB_PASSWORD)`.
    #[must_use]
    pub fn describe(&self) -> String {
        let mut s = self.kind.to_string();
        if !self.trail.is_empty() {
            s.push_str(&format!(" ({})", self.trail.join(", ")));
        }
        if let Some(f) = &self.fingerprint {
            s.push_str(&format!(", fingerprint {f}"));
        }
        s
    }
}

/// Pieces of names, and of the places where scripts stand, at least one of which is in every text that can hold a secret told by
/// its name.
const WORDS: [&str; 30] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "credential",
    "api_key",
    "apikey",
    "api-key",
    "access_key",
    "accesskey",
    "private_key",
    "privatekey",
    "signing_key",
    "encryption_key",
    "account_key",
    "master_key",
    "shared_key",
    "client_key",
    "auth_key",
    "app_key",
    "license_key",
    "connection_string",
    "bearer",
    "user_data",
    "startup-script",
    "startup_script",
    "custom_data",
    "sa_key",
    "service_key",
    "json_key",
];

static TELLING: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[allow(
        clippy::expect_used,
        reason = "fails only for a set of patterns too large to index; this one is fixed and small"
    )]
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(WORDS)
        .expect("a fixed set of short literals")
});

/// True when `text` holds a word under which secrets are kept: one pass, for skipping what cannot hold any.
#[must_use]
pub fn is_telling(text: &str) -> bool {
    TELLING.is_match(text)
}

/// The same words, for text in lower case: without folding, the search runs on vector instructions.
static TELLING_LOWER: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[allow(
        clippy::expect_used,
        reason = "fails only for a set of patterns too large to index; this one is fixed and small"
    )]
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(WORDS)
        .expect("a fixed set of short literals")
});

thread_local! {
    /// Where large texts are put into lower case.
    static LOWER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// [`is_telling`], for large texts.
fn is_telling_at_length(text: &[u8]) -> bool {
    LOWER.with_borrow_mut(|lower| {
        lower.clear();
        lower.extend_from_slice(text);
        lower.make_ascii_lowercase();
        TELLING_LOWER.is_match(lower.as_slice())
    })
}

/// True when a text of any size, or several with other bytes between them, may hold a secret: [`may_hold`], [`is_telling`] or [`may_hide`].
#[must_use]
pub fn may_matter(text: &[u8]) -> bool {
    may_hold(text) || is_telling_at_length(text) || may_hide(text)
}

/// So long a run of base64 may hide a script.
const RUN: usize = 40;

/// True when `bytes` hold a run of base64 long enough to hide a script.
#[must_use]
pub fn may_hide(bytes: &[u8]) -> bool {
    let base = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    // Every run of that length covers one of these places: only around them it is worth looking.
    (RUN - 1..bytes.len()).step_by(RUN).any(|at| {
        base(&bytes[at]) && {
            let before = bytes[..at].iter().rev().take(RUN).take_while(|b| base(b)).count();
            let after = bytes[at..].iter().take(RUN).take_while(|b| base(b)).count();
            before + after >= RUN
        }
    })
}

/// True when [`inspect`] may find something in `value` under `name`: a cheap test for the many values that hold nothing.
#[must_use]
pub fn is_worth_a_look(name: &str, value: &str) -> bool {
    value.len() >= 3
        && (may_hold(value.as_bytes()) || is_telling(name) || is_telling(value) || encoded::may_be(value))
}

/// True for a value that is one opaque word: no reference, no placeholder, no sentence, no name of something.
#[must_use]
pub fn is_opaque(value: &str) -> bool {
    let v = value.trim();
    v.len() >= 6
        && !v.contains(char::is_whitespace)
        && !lookalike::is_placeholder(v)
        && !lookalike::is_reference(v)
        && !lookalike::is_name(v)
}

/// How deep encodings and documents inside documents are followed.
const DEPTH: usize = 4;

/// Secrets in `value`, which stands under `name`: by structure anywhere in it, by name if the whole value is the secret, and
/// inside what the value holds (JSON, assignments in a script or YAML text, base64, gzip). Each kind at each place once.
///
/// Give an empty name when the value stands under none (an element of a list).
#[must_use]
pub fn inspect(name: &str, value: &str) -> Vec<Found> {
    let mut found = look(name, value, DEPTH);
    found.sort_by_key(|f| (f.trail.len(), f.kind));
    let mut seen: Vec<Found> = Vec::new();
    for f in found {
        // The same secret is met as a whole and again inside the text that holds it.
        let again = seen.iter().any(|s| {
            s.fingerprint.is_some() && s.fingerprint == f.fingerprint
                || s.kind == f.kind && s.trail == f.trail
        });
        if !again {
            seen.push(f);
        }
    }
    seen
}

/// Secrets with a structure in `text`, whatever it is called, also inside base64 and JSON in it.
#[must_use]
pub fn structural(text: &str) -> Vec<Found> {
    inspect("", text)
        .into_iter()
        .filter(|f| f.kind.is_structural())
        .collect()
}

/// The whole value as a secret, by its name alone.
#[must_use]
pub fn named(name: &str, value: &str) -> Option<Found> {
    let v = value.trim();
    let promise = name::promise(name);
    if promise == Promise::Nothing || v.len() > 8192 || lookalike::is_placeholder(v) {
        return None;
    }
    let own = name::words(name);
    let same_words = lookalike::is_name(v) && name::words(v).iter().all(|w| own.contains(w));
    if same_words {
        return None;
    }
    match promise {
        // A number under the name of a password is one, unless it counts something.
        Promise::Password
            if v.len() >= 3
                && !(lookalike::is_reference(v) && v.parse::<f64>().is_err())
                && v.parse::<f64>().is_ok() == (v.len() >= 6 && v.parse::<f64>().is_ok()) =>
        {
            // The name of a secret: several words of which one says so.
            let is_name_of_secret =
                lookalike::is_name(v) && v.contains(['/', '-', '_']) && name::promise(v) != Promise::Nothing;
            (!is_name_of_secret && !v.contains(char::is_whitespace)).then(|| Found::new(Kind::Password, v))
        }
        Promise::AwsKey if is_aws_secret(v) => Some(Found::new(Kind::AwsSecretAccessKey, v)),
        Promise::AwsKey
            if name::words(name).ends_with(&["session".into(), "token".into()]) && v.len() > 80 =>
        {
            Some(Found::new(Kind::AwsSessionToken, v))
        }
        Promise::Token | Promise::AwsKey | Promise::GoogleKey
            if !lookalike::is_reference(v) && !lookalike::is_name(v) && is_random(v) =>
        {
            let kind = if is_aws_secret(v)
                && name::words(name)
                    .iter()
                    .any(|w| w == "secret" || w == "access" || w == "aws")
            {
                Kind::AwsSecretAccessKey
            } else {
                Kind::Named
            };
            Some(Found::new(kind, v))
        }
        _ => None,
    }
}

fn look(name: &str, value: &str, depth: usize) -> Vec<Found> {
    let value = value.strip_prefix('\u{feff}').unwrap_or(value);
    let mut out: Vec<Found> = Vec::new();
    if depth > 0 {
        match document(value) {
            Some(json) => {
                out.extend(in_document(&json, depth - 1));
                // Inside JSON every string has been looked at; what is left is text around it.
                return out;
            }
            None if value.contains(['\n', ' ']) => {
                out.extend(assignment::find(value).into_iter().flat_map(|a| {
                    look(&a.name, &a.value, depth - 1)
                        .into_iter()
                        .map(move |f| f.under(format!("line {}, under {}", a.line, shown(&a.name))))
                }))
            }
            None => {}
        }
        if let Some((how, text)) = encoded::decode(value) {
            out.extend(look(name, &text, depth - 1).into_iter().map(|f| f.under(how)));
        }
    }
    let tokens = token::find(value);
    // What was found inside says more than the name of the whole.
    let whole = (tokens.is_empty() && out.is_empty())
        .then(|| named(name, value))
        .flatten();
    for (kind, range) in tokens {
        let f = Found::new(kind, &value[range.clone()]);
        let line = value[..range.start].matches('\n').count() + 1;
        let many = value.contains('\n') && kind != Kind::PrivateKey;
        out.push(if many { f.under(format!("line {line}")) } else { f });
    }
    out.extend(whole);
    out
}

fn document(value: &str) -> Option<serde_json::Value> {
    let v = value.trim();
    let braces = v.starts_with('{') && v.ends_with('}') || v.starts_with('[') && v.ends_with(']');
    if braces && v.len() > 2 {
        serde_json::from_str(v).ok()
    } else {
        None
    }
}

fn in_document(json: &serde_json::Value, depth: usize) -> Vec<Found> {
    use serde_json::Value;
    match json {
        Value::Object(map) => {
            let text = |k: &str| map.get(k).and_then(Value::as_str).unwrap_or_default();
            if text("type") == "service_account" && text("private_key").contains("PRIVATE KEY") {
                let key = text("private_key");
                return match token::find(key).first() {
                    Some(_) => vec![Found::new(Kind::GoogleServiceAccountKey, key)],
                    None => Vec::new(),
                };
            }
            let auth = map.get("auths").and_then(Value::as_object).is_some_and(|hosts| {
                hosts.values().any(|h| {
                    ["auth", "password"].iter().any(|k| {
                        h.get(k)
                            .and_then(Value::as_str)
                            .is_some_and(|v| !lookalike::is_placeholder(v))
                    })
                })
            });
            if auth {
                return vec![Found::new(Kind::RegistryCredentials, &json.to_string())];
            }
            // `{"name": "DB_PASSWORD", "value": "…"}`: the shape of environments in ECS, Kubernetes and CodeBuild.
            let pair = ["name", "key"]
                .iter()
                .find_map(|k| map.get(*k).and_then(Value::as_str));
            map.iter()
                .flat_map(|(k, v)| {
                    let name = match pair {
                        Some(n) if k.eq_ignore_ascii_case("value") => n,
                        _ => k,
                    };
                    let inner = match v {
                        Value::String(s) => look(name, s, depth),
                        other if depth > 0 => in_document(other, depth),
                        _ => Vec::new(),
                    };
                    let label = v.is_string().then(|| format!("under {}", shown(name)));
                    inner.into_iter().map(move |f| match &label {
                        Some(l) => f.under(l.clone()),
                        None => f,
                    })
                })
                .collect()
        }
        Value::Array(items) => items.iter().flat_map(|v| in_document(v, depth)).collect(),
        Value::String(s) => look("", s, depth),
        _ => Vec::new(),
    }
}

/// A name for a message; one that holds a secret itself is not shown.
fn shown(name: &str) -> String {
    if token::find(name).is_empty() && name.len() <= 64 {
        name.to_owned()
    } else {
        "(a long name)".to_owned()
    }
}

/// 40 characters of base64 that are no hexadecimal digest.
fn is_aws_secret(v: &str) -> bool {
    v.len() == 40
        && v.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'/' || b == b'+')
        && !lookalike::is_digest(v)
        && !lookalike::is_placeholder_body(v)
        && v.bytes().any(|b| b.is_ascii_uppercase())
        && v.bytes().any(|b| b.is_ascii_lowercase())
}

/// Random enough to be made by a machine: long, of several classes, and with little repetition.
fn is_random(v: &str) -> bool {
    let classes = [
        u8::is_ascii_lowercase as fn(&u8) -> bool,
        u8::is_ascii_uppercase,
        u8::is_ascii_digit,
    ]
    .iter()
    .filter(|c| v.bytes().any(|b| c(&b)))
    .count();
    let long = v.len() >= 20;
    !v.contains(char::is_whitespace)
        && v.len() >= 8
        && (classes >= 2 || long)
        && entropy(v) >= if long { 3.0 } else { 2.5 }
        && !lookalike::is_placeholder_body(v)
}

/// Shannon entropy in bits per character.
fn entropy(v: &str) -> f64 {
    let mut counts = [0_u32; 256];
    v.bytes().for_each(|b| counts[usize::from(b)] += 1);
    let n = v.len() as f64;
    counts
        .iter()
        .filter(|c| **c > 0)
        .map(|c| f64::from(*c) / n)
        .map(|p| -p * p.log2())
        .sum()
}

#[cfg(test)]
mod tests;
