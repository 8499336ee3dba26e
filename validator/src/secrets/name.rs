//! What the name of an attribute, variable or key tells about its value.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

/// What a name promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// A password: any literal under it is one.
    Password,
    /// A token, key or other machine-made secret: random characters under it are one.
    Token,
    /// Id or secret of an AWS access key, by the names the SDKs read.
    AwsKey,
    /// A whole Google key file, by the names the SDKs and pipelines read.
    GoogleKey,
    /// Nothing of the sort.
    Nothing,
}

impl Promise {
    /// True for the names under which a cloud's static credentials are kept.
    #[must_use]
    pub const fn is_cloud(self) -> bool {
        matches!(self, Self::AwsKey | Self::GoogleKey)
    }
}

/// The words of a name: `dbPassword`, `DB_PASSWORD`, `db-password` and `db.password` are all `db`, `password`.
#[must_use]
pub fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut word = String::new();
    let chars: Vec<char> = name.chars().collect();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            if !word.is_empty() {
                out.push(std::mem::take(&mut word));
            }
            continue;
        }
        let lower_before = i > 0 && (chars[i - 1].is_lowercase() || chars[i - 1].is_ascii_digit());
        let lower_after = chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        let upper_before = i > 0 && chars[i - 1].is_uppercase();
        if c.is_uppercase() && !word.is_empty() && (lower_before || upper_before && lower_after) {
            out.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    if !word.is_empty() {
        out.push(word);
    }
    out
}

/// Words which, at the end of a name, say that the value is about a secret and not the secret.
const ABOUT: &[&str] = &[
    "arn",
    "arns",
    "name",
    "names",
    "id",
    "ids",
    "url",
    "uri",
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "header",
    "length",
    "size",
    "ttl",
    "expiry",
    "expiration",
    "expires",
    "version",
    "versions",
    "enabled",
    "disabled",
    "enable",
    "policy",
    "type",
    "types",
    "prefix",
    "suffix",
    "ref",
    "reference",
    "store",
    "manager",
    "provider",
    "endpoint",
    "rotation",
    "days",
    "hours",
    "minutes",
    "seconds",
    "lifetime",
    "duration",
    "algorithm",
    "format",
    "engine",
    "bucket",
    "table",
    "parameter",
    "location",
    "region",
    "role",
    "scope",
    "scopes",
    "audience",
    "issuer",
    "hash",
    "digest",
    "checksum",
    "fingerprint",
    "description",
    "usage",
    "spec",
    "count",
    "limit",
    "required",
    "validity",
    "mode",
    "state",
    "status",
    "template",
    "mount",
    "volume",
    "directory",
    "dir",
    "attribute",
    "field",
    "column",
    "label",
    "annotation",
    "backend",
    "hop",
    "window",
    "recovery",
    "hint",
    "regex",
    "pattern",
    "wo",
    "updated",
    "created",
    "time",
    "at",
    "kms",
    "alias",
    "label",
];

/// One of these is in every name that promises something: most names of a document are done with here.
static PROMISING: LazyLock<AhoCorasick> = LazyLock::new(|| {
    #[allow(
        clippy::expect_used,
        reason = "fails only for a set of patterns too large to index; this one is fixed and small"
    )]
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build([
            "key",
            "cred",
            "json",
            "account",
            "pass",
            "pwd",
            "token",
            "secret",
            "bearer",
            "connection",
        ])
        .expect("a fixed set of short words")
});

/// What `name` promises about its value.
#[must_use]
pub fn promise(name: &str) -> Promise {
    if !PROMISING.is_match(name) {
        return Promise::Nothing;
    }
    let words = words(name);
    let joined = words.join("_");
    // Called for every string of every document: nothing is allocated for a comparison.
    let ends = |s: &str| {
        joined
            .strip_suffix(s)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('_'))
    };
    if [
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_access_key",
        "aws_secret_key",
        "aws_session_token",
        "s3_access_key",
        "s3_secret_key",
        "access_key_id",
        "secret_access_key",
    ]
    .iter()
    .any(|n| ends(n))
    {
        return Promise::AwsKey;
    }
    // The names that Terraform, the actions of GitHub and most pipelines read a key file from.
    let google = [
        "google_credentials",
        "google_application_credentials_json",
        "gcp_credentials",
        "gcp_sa_key",
        "gcp_key",
        "gcloud_service_key",
        "google_credentials_json",
        "gcp_service_account_key",
        "service_account_key",
        "service_account_json",
        "gcp_credentials_json",
        "credentials_json",
        "gcr_json_key",
        "private_key_id",
    ];
    if google.iter().any(|n| ends(n)) {
        return Promise::GoogleKey;
    }
    let Some(last) = words.last().map(String::as_str) else {
        return Promise::Nothing;
    };
    let has = |w: &str| words.iter().any(|x| x == w);
    // `existingSecret: mlflow-s3`: the name under which one stands in the cluster.
    if has("existing") {
        return Promise::Nothing;
    }
    // `private_key_pem` and `password_plaintext` are what they say before their last word.
    if ABOUT.contains(&last) || last == "key" && has("password") {
        return Promise::Nothing;
    }
    if [
        "password",
        "passwd",
        "passphrase",
        "pwd",
        "passwort",
        "userpassword",
    ]
    .iter()
    .any(|w| has(w))
        || ends("pass")
        || last.ends_with("password")
    {
        // `password_policy` is out already; `require_password`, `no_password` are switches and fail on their values.
        return Promise::Password;
    }
    let token = [
        "token",
        "secret",
        "apikey",
        "credential",
        "credentials",
        "secretkey",
        "accesskey",
        "authtoken",
        "bearer",
    ]
    .contains(&last)
        || [
            "api_key",
            "access_key",
            "secret_key",
            "private_key",
            "client_key",
            "auth_key",
            "account_key",
            "signing_key",
            "encryption_key",
            "encryption_token",
            "master_key",
            "shared_key",
            "secret_string",
            "secret_data",
            "secret_value",
            "connection_string",
            "private_key_pem",
            "client_key_data",
            "token_value",
            "webhook_secret",
            "license_key",
            "app_key",
            "sas_token",
            "auth_json",
            "dockerconfigjson",
        ]
        .iter()
        .any(|n| ends(n));
    if token
        && ![
            "public",
            "partition",
            "sort",
            "hash",
            "range",
            "primary",
            "foreign",
            "kms",
            "ssh_public",
        ]
        .iter()
        .any(|w| has(w))
    {
        Promise::Token
    } else {
        Promise::Nothing
    }
}
