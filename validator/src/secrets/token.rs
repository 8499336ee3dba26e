//! Secrets with a structure: a fixed prefix and a body of known alphabet and length.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;

use super::kind::Kind;
use super::lookalike;

struct Shape {
    prefix: &'static str,
    kind: Kind,
    body: fn(u8) -> bool,
    length: Range<usize>,
}

const fn shape(prefix: &'static str, kind: Kind, body: fn(u8) -> bool, length: Range<usize>) -> Shape {
    Shape {
        prefix,
        kind,
        body,
        length,
    }
}

fn upper(b: u8) -> bool {
    b.is_ascii_uppercase() || b.is_ascii_digit()
}
fn alnum(b: u8) -> bool {
    b.is_ascii_alphanumeric()
}
fn word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}
fn url(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_' || b == b'-'
}
fn dotted(b: u8) -> bool {
    url(b) || b == b'.'
}
fn path(b: u8) -> bool {
    url(b) || b == b'/'
}
fn base(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'+' || b == b'/' || b == b'='
}
fn hex(b: u8) -> bool {
    b.is_ascii_hexdigit()
}

const ANY: usize = 4096;

/// Prefix, alphabet and length from the issuers' own documentation of their token formats.
static SHAPES: &[Shape] = &[
    shape("AKIA", Kind::AwsAccessKeyId, upper, 16..17),
    shape("ASIA", Kind::AwsTemporaryKeyId, upper, 16..17),
    shape("AIza", Kind::GoogleApiKey, url, 35..36),
    shape("ya29.", Kind::GoogleAccessToken, dotted, 20..ANY),
    shape("GOCSPX-", Kind::GoogleClientSecret, url, 20..40),
    shape("GOOG1E", Kind::GoogleHmacKey, upper, 50..62),
    shape("ghp_", Kind::GitHubToken, alnum, 36..256),
    shape("gho_", Kind::GitHubToken, alnum, 36..256),
    shape("ghu_", Kind::GitHubToken, alnum, 36..256),
    shape("ghs_", Kind::GitHubToken, alnum, 36..256),
    shape("ghr_", Kind::GitHubToken, alnum, 36..256),
    shape("github_pat_", Kind::GitHubToken, word, 36..256),
    shape("glpat-", Kind::GitLabToken, dotted, 20..300),
    shape("gldt-", Kind::GitLabToken, dotted, 20..300),
    shape("glrt-", Kind::GitLabToken, dotted, 20..300),
    shape("glptt-", Kind::GitLabToken, dotted, 20..300),
    shape("glcbt-", Kind::GitLabToken, dotted, 20..300),
    shape("xoxb-", Kind::Slack, url, 20..256),
    shape("xoxp-", Kind::Slack, url, 20..256),
    shape("xoxa-", Kind::Slack, url, 20..256),
    shape("xoxr-", Kind::Slack, url, 20..256),
    shape("xoxs-", Kind::Slack, url, 20..256),
    shape("xapp-", Kind::Slack, url, 20..256),
    shape("hooks.slack.com/services/", Kind::Slack, path, 30..120),
    shape("sk_live_", Kind::StripeKey, alnum, 20..256),
    shape("rk_live_", Kind::StripeKey, alnum, 20..256),
    shape("SG.", Kind::SendGridKey, dotted, 60..80),
    shape("npm_", Kind::NpmToken, alnum, 36..37),
    shape("pypi-AgE", Kind::PypiToken, url, 50..ANY),
    shape("hf_", Kind::HuggingFaceToken, alnum, 32..40),
    shape("dckr_pat_", Kind::DockerToken, url, 20..64),
    shape("sk-ant-", Kind::ModelApiKey, url, 60..256),
    shape("sk-proj-", Kind::ModelApiKey, url, 40..256),
    shape("hvs.", Kind::VaultToken, url, 24..ANY),
    shape("hvb.", Kind::VaultToken, url, 24..ANY),
    shape(".atlasv1.", Kind::TerraformToken, url, 60..80),
    shape("dapi", Kind::DatabricksToken, hex, 32..33),
    shape("AccountKey=", Kind::AzureStorageKey, base, 86..90),
];

/// What is told apart by more than a run of characters.
const PEM: &str = "-----BEGIN ";
const JWT: &str = "eyJ";
const URL: &str = "://";

static ANCHORS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let anchors = anchors();
    #[allow(
        clippy::expect_used,
        reason = "fails only for a set of patterns too large to index; this one is fixed and small"
    )]
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(anchors)
        .expect("a fixed set of short literals")
});

/// The beginnings of everything with a structure.
pub(super) fn anchors() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().map(|s| s.prefix).chain([PEM, JWT, URL])
}

/// True when what stands at `range` really begins something: in this case, and for a URL with a user before the host.
pub(super) fn begins(text: &[u8], range: Range<usize>) -> bool {
    let anchor = &text[range.clone()];
    if anchor == URL.as_bytes() {
        // In JSON a password may hold an escape: a backslash ends nothing here.
        let authority = text[range.end..].iter();
        return authority
            .take_while(|b| !matches!(b, b'/' | b'?' | b'#' | b'"') && !b.is_ascii_whitespace())
            .any(|b| *b == b'@');
    }
    anchors().any(|a| a.as_bytes() == anchor)
}

/// True when `text` holds the beginning of something with a structure: one pass, for skipping what cannot hold any.
#[must_use]
pub fn may_hold(text: &[u8]) -> bool {
    ANCHORS.find_iter(text).any(|m| begins(text, m.range()))
}

/// Every secret with a structure in `text`, with its range, in order.
#[must_use]
pub(super) fn find(text: &str) -> Vec<(Kind, Range<usize>)> {
    let mut out = Vec::new();
    let mut from = 0;
    while let Some(m) = ANCHORS.find(aho_corasick::Input::new(text).range(from..)) {
        let hit = match SHAPES.get(m.pattern().as_usize()) {
            Some(shape) => body(text, shape, m.start(), m.end()),
            None if &text[m.range()] == PEM => pem(text, m.start()),
            None if &text[m.range()] == JWT => jwt(text, m.start()),
            None => connection(text, m.start()),
        };
        from = match hit {
            Some((kind, range)) => {
                from = range.end.max(m.end());
                out.push((kind, range));
                from
            }
            None => m.end(),
        };
    }
    out
}

fn body(text: &str, shape: &Shape, start: usize, end: usize) -> Option<(Kind, Range<usize>)> {
    let bytes = text.as_bytes();
    // A prefix inside a longer word is a piece of something else. `.atlasv1.` stands between an id and its secret; the
    // webhook's host follows a scheme.
    let inside =
        start > 0 && alnum(bytes[start - 1]) && !shape.prefix.starts_with('.') && !shape.prefix.contains('/');
    if inside {
        return None;
    }
    let run = bytes[end..].iter().take_while(|b| (shape.body)(**b)).count();
    if !shape.length.contains(&run)
        || (bytes.get(end + run).is_some_and(|b| alnum(*b)) && shape.kind != Kind::AzureStorageKey)
    {
        return None;
    }
    let found = &text[end..end + run];
    if lookalike::is_placeholder_body(found) {
        return None;
    }
    let structured = match shape.kind {
        // Two parts of 22 and 43 characters.
        Kind::SendGridKey => found
            .split_once('.')
            .is_some_and(|(a, b)| a.len() >= 16 && b.len() >= 32),
        Kind::Slack if shape.prefix.contains('/') => found.split('/').filter(|p| p.len() >= 8).count() >= 3,
        Kind::Slack => found.bytes().any(|b| b.is_ascii_digit()),
        // Short words with these prefixes exist (`hf_` + lower case letters); a token has both letters and digits or cases.
        Kind::HuggingFaceToken | Kind::NpmToken | Kind::GitLabToken => mixed(found),
        _ => true,
    };
    structured.then_some((shape.kind, start..end + run))
}

fn mixed(s: &str) -> bool {
    let classes = [
        s.bytes().any(|b| b.is_ascii_lowercase()),
        s.bytes().any(|b| b.is_ascii_uppercase()),
        s.bytes().any(|b| b.is_ascii_digit()),
    ];
    classes.iter().filter(|c| **c).count() >= 2
}

/// A PEM block whose label says private key. Certificates, public keys, requests and parameters are no secrets.
fn pem(text: &str, start: usize) -> Option<(Kind, Range<usize>)> {
    let rest = &text[start + PEM.len()..];
    let label = &rest[..rest.find("-----")?];
    if label.len() > 40 || !label.contains("PRIVATE KEY") {
        return None;
    }
    let after = &rest[label.len() + 5..];
    let end = after.find("-----END").unwrap_or(after.len());
    let content: String = after[..end].replace("\\n", "").split_whitespace().collect();
    // A header alone is prose, three dots are documentation.
    if content.len() < 16 || content.contains("...") || lookalike::is_placeholder_body(&content) {
        return None;
    }
    Some((Kind::PrivateKey, start..start + PEM.len() + label.len() + 5 + end))
}

/// Three parts in URL-safe base64, of which the first is a JSON object that names an algorithm.
fn jwt(text: &str, start: usize) -> Option<(Kind, Range<usize>)> {
    let bytes = text.as_bytes();
    if start > 0 && url(bytes[start - 1]) {
        return None;
    }
    let run = bytes[start..].iter().take_while(|b| dotted(**b)).count();
    let token = &text[start..start + run];
    let mut parts = token.split('.');
    let (header, payload, signature) = (parts.next()?, parts.next()?, parts.next()?);
    if payload.len() < 8 || signature.len() < 16 {
        return None;
    }
    let decode = |s: &str| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(s.trim_end_matches('='))
            .ok()
    };
    let header: serde_json::Value = serde_json::from_slice(&decode(header)?).ok()?;
    let signed = header
        .get("alg")
        .and_then(|a| a.as_str())
        .is_some_and(|a| !a.eq_ignore_ascii_case("none"));
    // The example of jwt.io is in every second piece of documentation.
    let example = decode(payload).is_some_and(|p| String::from_utf8_lossy(&p).contains("\"John Doe\""));
    (signed && !example).then(|| (Kind::Jwt, start..start + run))
}

/// `scheme://user:password@host`.
fn connection(text: &str, colon: usize) -> Option<(Kind, Range<usize>)> {
    let bytes = text.as_bytes();
    let scheme = bytes[..colon]
        .iter()
        .rev()
        .take_while(|b| alnum(**b) || matches!(b, b'+' | b'.' | b'-'))
        .count();
    let authority = colon + 3;
    let run = text[authority..]
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | '\\'))
        .unwrap_or(text.len() - authority);
    let authority_text = &text[authority..authority + run];
    // The last `@` before the path: a password may hold one.
    let stop = authority_text.find(['/', '?', '#']).unwrap_or(run);
    let at = authority_text[..stop].rfind('@')?;
    let (user, password) = authority_text[..at].split_once(':')?;
    let named_place = password.starts_with('$')
        || password.starts_with('{')
        || password.starts_with('%') && password.ends_with('%')
        || password.starts_with('<');
    if scheme == 0
        || password.len() < 3
        || named_place
        || lookalike::is_placeholder(password)
        || password.eq_ignore_ascii_case(user) && password.len() < 5
    {
        return None;
    }
    // Words that documentation writes in this place.
    if ["password", "pass", "passwd", "pwd", "secret", "token"]
        .contains(&password.to_ascii_lowercase().as_str())
    {
        return None;
    }
    Some((Kind::ConnectionString, colon - scheme..authority + at))
}
