//! What looks like a secret and is none.

/// True for a value that stands in the place of a secret: `CHANGE_ME`, `<token>`, `xxxx`, `${…}`, a documentation example.
#[must_use]
pub fn is_placeholder(value: &str) -> bool {
    let v = value.trim();
    if v.is_empty() {
        return true;
    }
    let open = |a: &str, b: &str| v.starts_with(a) && v.ends_with(b);
    if open("<", ">")
        || open("${", "}")
        || open("$(", ")")
        || open("{{", "}}")
        || open("%{", "}")
        || open("[", "]")
        || open("__", "__")
        || open("%", "%") && v.len() > 2
    {
        return true;
    }
    // A shell variable or a vault, ssm, sops, External Secrets reference, resolved where it is used.
    let reference = [
        "$",
        "vault:",
        "ssm:",
        "ref+",
        "secretref:",
        "secret://",
        "op://",
        "env:",
        "file:",
        "{{resolve:",
        "@Microsoft.KeyVault(",
    ];
    if reference.iter().any(|r| v.starts_with(r)) && v.len() > 1 && !v.starts_with("$2") && !v.contains(' ') {
        return !v.starts_with('$')
            || v[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '{' || c == '(');
    }
    let plain: String = v
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let words = [
        "changeme",
        "changeit",
        "replaceme",
        "replacewith",
        "placeholder",
        "example",
        "sample",
        "dummy",
        "redacted",
        "masked",
        "todo",
        "tbd",
        "fixme",
        "insert",
        "fillin",
        "notused",
        "unused",
        "notasecret",
        "notreal",
        "setme",
        "updateme",
        "tobereplaced",
        "providedat",
        "knownafter",
        "sensitive",
        "managedby",
    ];
    if words.iter().any(|w| plain.starts_with(w) || plain.ends_with(w))
        || (plain.starts_with("your") || plain.starts_with("my")) && plain.ends_with("here")
    {
        return true;
    }
    if plain.starts_with("your") && (v.contains('-') || v.contains('_') || v.contains(' ')) {
        return true;
    }
    if [
        "null",
        "none",
        "nil",
        "undefined",
        "na",
        "false",
        "true",
        "disabled",
        "enabled",
        "default",
        "empty",
        "unset",
    ]
    .contains(&plain.as_str())
    {
        return true;
    }
    one_character(v)
}

/// True for the body of a token that no issuer would make: one character over and over, `EXAMPLE` at its end.
#[must_use]
pub fn is_placeholder_body(body: &str) -> bool {
    let lower = body.to_ascii_lowercase();
    // AWS, Google and GitHub all mark the keys of their documentation like this.
    lower.contains("example")
        || lower.contains("xxxxxx")
        || lower.contains("redacted")
        || lower.contains("placeholder")
        || lower.contains("changeme")
        || few(body)
}

fn few(body: &str) -> bool {
    let mut seen: Vec<u8> = body.bytes().filter(u8::is_ascii_alphanumeric).collect();
    seen.sort_unstable();
    seen.dedup();
    seen.len() < 4
}

fn one_character(v: &str) -> bool {
    let mut chars = v.chars();
    let first = chars.next();
    v.len() > 2 && chars.all(|c| Some(c) == first)
}

/// True for a value that tells where something is or what it is called, not what it is: ARN, URL, path, resource name,
/// number, boolean, host, digest, UUID, version, e-mail address.
#[must_use]
pub fn is_reference(value: &str) -> bool {
    let v = value.trim();
    let starts = [
        "arn:",
        "projects/",
        "organizations/",
        "/",
        "./",
        "../",
        "~/",
        "http://",
        "https://",
        "s3://",
        "gs://",
        "urn:",
        "oci://",
        "azurekeyvault:",
        "sha256:",
        "sha512:",
        "sha1-",
        "sha256-",
        "sha384-",
        "sha512-",
        "h1:",
        "zh:",
        "data:",
        "file(",
    ];
    if starts.iter().any(|s| v.starts_with(s)) {
        return true;
    }
    if v.parse::<f64>().is_ok() || v.eq_ignore_ascii_case("true") || v.eq_ignore_ascii_case("false") {
        return true;
    }
    // `registry.example.org/team/image:tag`.
    if v.split_once('/').is_some_and(|(host, _)| is_host(host)) {
        return true;
    }
    is_digest(v) || is_uuid(v) || is_email(v) || is_host(v) || is_public_key(v)
}

/// A digest in hexadecimal: MD5, SHA-1, SHA-2.
#[must_use]
pub fn is_digest(v: &str) -> bool {
    matches!(v.len(), 32 | 40 | 56 | 64 | 96 | 128) && v.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A UUID.
#[must_use]
pub fn is_uuid(v: &str) -> bool {
    let parts: Vec<&str> = v.split('-').collect();
    parts.iter().map(|p| p.len()).eq([8, 4, 4, 4, 12])
        && v.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

fn is_email(v: &str) -> bool {
    v.split_once('@').is_some_and(|(user, host)| {
        !user.is_empty()
            && host.contains('.')
            && !v.contains(char::is_whitespace)
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
    })
}

/// `db.example.internal`, `10.0.0.1:5432`.
fn is_host(v: &str) -> bool {
    let host = v
        .rsplit_once(':')
        .filter(|(_, port)| port.parse::<u16>().is_ok())
        .map_or(v, |(h, _)| h);
    let labels: Vec<&str> = host.split('.').collect();
    labels.len() >= 3
        && labels.iter().all(|l| {
            !l.is_empty()
                && l.len() < 24
                && l.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        })
}

/// An SSH public key, a PEM certificate or public key.
#[must_use]
pub fn is_public_key(v: &str) -> bool {
    let ssh = ["ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
    ssh.iter().any(|s| v.starts_with(s)) || v.starts_with("-----BEGIN ") && !v.contains("PRIVATE KEY")
}

/// A name made of words: `churn-db-password`, `prod/api/token`, `Authorization`. What a secret is *called*.
#[must_use]
pub fn is_name(v: &str) -> bool {
    let parts: Vec<&str> = v.split(['-', '_', '/', '.', ':', ' ']).collect();
    let wordy = |p: &&str| {
        let letters = p.bytes().take_while(u8::is_ascii_alphabetic).count();
        // A word, with a short number behind it at most, and not one of changing case.
        p.is_empty()
            || letters == p.len() && case_changes(p) <= 2
            || letters >= 2 && p.len() - letters <= 2
            || p.len() <= 4 && p.bytes().all(|b| b.is_ascii_digit())
            // `s3`, `v1`, `k8s`, `ec2`.
            || letters >= 1 && p.len() <= 3 && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    if !v.bytes().any(|b| b.is_ascii_alphabetic()) {
        return false;
    }
    if parts.len() >= 2 {
        parts.iter().all(wordy)
    } else {
        v.len() < 20 && v.bytes().all(|b| b.is_ascii_alphabetic()) && case_changes(v) <= 2
    }
}

fn case_changes(s: &str) -> usize {
    s.as_bytes()
        .windows(2)
        .filter(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase())
        .count()
}
