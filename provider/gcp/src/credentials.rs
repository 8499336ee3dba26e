//! Where credentials come from, and what kind they are. They themselves are never shown.

use std::path::{Path, PathBuf};

use google_cloud_auth::credentials::{
    CacheableResource, Credentials, CredentialsProvider, EntityTag, external_account,
    external_account_authorized_user, impersonated, mds, service_account, user_account,
};
use google_cloud_auth::errors::CredentialsError;
use http::header::AUTHORIZATION;
use http::{Extensions, HeaderMap, HeaderValue};
use mlops_environment::driver::{Failure, Reason};
use reqwest::Url;
use serde_json::Value;

use crate::failure::{Outcome, chain, failure};

/// What every API that we call accepts; what may be done is IAM's to say.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Kind of the credentials in use. The caller decides what it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialsKind {
    /// A service account's key file: valid until somebody deletes the key.
    LongTerm,
    /// A person's own sign-in (`gcloud auth application-default login`).
    User,
    /// Tokens for an hour: workload identity federation, impersonation, an attached service account, an access token.
    Temporary,
    /// Nothing that Google would have given out: what is used with test doubles.
    Dummy,
}

/// Credentials that are named, not looked for.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialsSource {
    /// An access token.
    Token(String),
    /// A credentials file in one of Google's forms.
    File(PathBuf),
}

impl std::fmt::Debug for CredentialsSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Token(_) => f.write_str("Token(…)"),
            Self::File(path) => write!(f, "File({})", path.display()),
        }
    }
}

/// Credentials, and what is known of them.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) credentials: Credentials,
    pub(crate) kind: CredentialsKind,
    /// Who they stand for, as far as it can be told without a call.
    pub(crate) principal: String,
    /// A token is exchanged at the security token service.
    pub(crate) exchanges: bool,
    /// Tokens of another account are asked for.
    pub(crate) impersonates: bool,
}

fn denied(message: impl Into<String>) -> Failure {
    failure("find Google Cloud credentials", Reason::Denied, message)
}

/// Says where to get some, after what went wrong.
const REMEDY: &str = "Sign in (gcloud auth application-default login), set GOOGLE_APPLICATION_CREDENTIALS to a federation file, or run \
     where a service account is attached";

/// Finds credentials: the source that is named, else `GOOGLE_OAUTH_ACCESS_TOKEN`, else application default credentials.
/// With `impersonate`, they only serve to get that account's tokens.
///
/// <https://cloud.google.com/docs/authentication/application-default-credentials>
///
/// # Errors
///
/// [`Reason::Denied`] where a file cannot be read or is none of Google's.
pub(crate) fn resolve(
    source: Option<&CredentialsSource>,
    sts: Option<&str>,
    impersonate: Option<&str>,
) -> Outcome<Resolved> {
    let found = match source {
        Some(source) => Some(source.clone()),
        None => looked_for(),
    };
    let base = match found {
        Some(CredentialsSource::Token(token)) => fixed(&token)?,
        Some(CredentialsSource::File(path)) => from_file(&path, sts)?,
        None => Resolved {
            credentials: mds::Builder::default()
                .with_scopes([SCOPE])
                .build()
                .map_err(|error| denied(chain(&error)))?,
            kind: CredentialsKind::Temporary,
            principal: "the attached service account".to_owned(),
            exchanges: false,
            impersonates: false,
        },
    };
    let Some(email) = impersonate else {
        return Ok(base);
    };
    let credentials = impersonated::Builder::from_source_credentials(base.credentials)
        .with_target_principal(email)
        .with_scopes([SCOPE])
        .build()
        .map_err(|error| denied(format!("impersonation of {email}: {}", chain(&error))))?;
    Ok(Resolved {
        credentials,
        kind: match base.kind {
            CredentialsKind::User => CredentialsKind::Temporary,
            other => other,
        },
        principal: email.to_owned(),
        exchanges: base.exchanges,
        impersonates: true,
    })
}

/// What the environment names, `None` for the metadata server.
fn looked_for() -> Option<CredentialsSource> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if let Some(token) = variable("GOOGLE_OAUTH_ACCESS_TOKEN") {
        return Some(CredentialsSource::Token(token));
    }
    if let Some(path) = variable("GOOGLE_APPLICATION_CREDENTIALS") {
        return Some(CredentialsSource::File(path.into()));
    }
    let folder = variable("CLOUDSDK_CONFIG").map(PathBuf::from).or_else(|| {
        let home = if cfg!(windows) {
            variable("APPDATA").map(PathBuf::from)
        } else {
            variable("HOME").map(|home| PathBuf::from(home).join(".config"))
        };
        home.map(|home| home.join("gcloud"))
    })?;
    let file = folder.join("application_default_credentials.json");
    file.exists().then_some(CredentialsSource::File(file))
}

fn fixed(token: &str) -> Outcome<Resolved> {
    let token = token.trim();
    // Access tokens of users, accounts and federated identities all begin so.
    let kind = if token.starts_with("ya29.") {
        CredentialsKind::Temporary
    } else {
        CredentialsKind::Dummy
    };
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| denied("the access token has characters that no token has"))?;
    value.set_sensitive(true);
    Ok(Resolved {
        credentials: Credentials::from(Fixed {
            headers: HeaderMap::from_iter([(AUTHORIZATION, value)]),
            tag: EntityTag::new(),
        }),
        kind,
        principal: "the holder of an access token".to_owned(),
        exchanges: false,
        impersonates: false,
    })
}

/// One token for the life of the process.
struct Fixed {
    headers: HeaderMap,
    tag: EntityTag,
}

impl std::fmt::Debug for Fixed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fixed(…)")
    }
}

impl CredentialsProvider for Fixed {
    async fn headers(&self, known: Extensions) -> Result<CacheableResource<HeaderMap>, CredentialsError> {
        if known.get::<EntityTag>() == Some(&self.tag) {
            return Ok(CacheableResource::NotModified);
        }
        Ok(CacheableResource::New {
            entity_tag: self.tag.clone(),
            data: self.headers.clone(),
        })
    }

    async fn universe_domain(&self) -> Option<String> {
        None
    }
}

fn from_file(path: &Path, sts: Option<&str>) -> Outcome<Resolved> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| denied(format!("cannot read {shown}: {error}. {REMEDY}")))?;
    // The parser's words would quote the file.
    let mut json: Value = serde_json::from_str(&text)
        .map_err(|error| denied(format!("{shown}, line {}: not JSON. {REMEDY}", error.line())))?;
    let member = |json: &Value, name: &str| json.get(name).and_then(Value::as_str).map(str::to_owned);
    let Some(type_) = member(&json, "type") else {
        return Err(denied(format!(
            "{shown} has no \"type\": it is not a credentials file of Google's"
        )));
    };
    let quota = std::env::var("GOOGLE_CLOUD_QUOTA_PROJECT")
        .ok()
        .filter(|value| !value.is_empty());
    macro_rules! built {
        ($builder:expr) => {{
            let builder = $builder;
            match &quota {
                Some(project) => builder.with_quota_project_id(project),
                None => builder,
            }
            .build()
            .map_err(|error| denied(format!("{shown}: {}", chain(&error))))?
        }};
    }
    if type_ == "external_account"
        && let Some(sts) = sts
    {
        json["token_url"] = Value::String(format!("{}/v1/token", sts.trim_end_matches('/')));
    }
    let kind = kind_of(&type_, &json);
    let email_in_url = |url: String| {
        url.rsplit('/')
            .next()
            .and_then(|last| last.split(':').next())
            .map(str::to_owned)
    };
    let principal = member(&json, "client_email")
        .or_else(|| member(&json, "service_account_impersonation_url").and_then(email_in_url))
        .or_else(|| member(&json, "audience"))
        .unwrap_or_else(|| "the user of the application default credentials".to_owned());
    // A file that names a service on this machine does not go to Google's.
    let impersonates =
        member(&json, "service_account_impersonation_url").is_some_and(|url| !is_loopback(&url));
    let credentials = match type_.as_str() {
        "service_account" => built!(
            service_account::Builder::new(json)
                .with_access_specifier(service_account::AccessSpecifier::from_scopes([SCOPE]))
        ),
        "authorized_user" => built!(user_account::Builder::new(json).with_scopes([SCOPE])),
        "external_account" => built!(external_account::Builder::new(json).with_scopes([SCOPE])),
        "external_account_authorized_user" => {
            built!(external_account_authorized_user::Builder::new(json))
        }
        "impersonated_service_account" => built!(impersonated::Builder::new(json).with_scopes([SCOPE])),
        other => {
            return Err(denied(format!(
                "{shown} is of type {other:?}, which is not supported. {REMEDY}"
            )));
        }
    };
    Ok(Resolved {
        credentials,
        kind,
        principal,
        exchanges: type_.starts_with("external_account"),
        impersonates,
    })
}

/// The kind of a credentials file.
fn kind_of(type_: &str, json: &Value) -> CredentialsKind {
    let issuer = json
        .get("token_url")
        .or_else(|| json.get("token_uri"))
        .and_then(Value::as_str);
    match type_ {
        // Such a key signs its tokens itself, wherever it says that they are exchanged.
        "service_account" => CredentialsKind::LongTerm,
        "impersonated_service_account" => {
            let source = json.pointer("/source_credentials/type").and_then(Value::as_str);
            if source == Some("service_account") {
                CredentialsKind::LongTerm
            } else {
                CredentialsKind::Temporary
            }
        }
        _ if issuer.is_some_and(is_loopback) => CredentialsKind::Dummy,
        "authorized_user" | "external_account_authorized_user" => CredentialsKind::User,
        _ => CredentialsKind::Temporary,
    }
}

/// Whether a URL leads to this machine.
pub(crate) fn is_loopback(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| match url.host() {
        Some(reqwest_host) => {
            let host = reqwest_host.to_string();
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host == "localhost"
                || host
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tells_a_key_from_what_runs_out() {
        for (type_, json, kind) in [
            ("service_account", json!({}), CredentialsKind::LongTerm),
            (
                "service_account",
                json!({"token_uri": "http://127.0.0.1:1/token"}),
                CredentialsKind::LongTerm,
            ),
            (
                "impersonated_service_account",
                json!({"source_credentials": {"type": "service_account"}}),
                CredentialsKind::LongTerm,
            ),
            (
                "impersonated_service_account",
                json!({"source_credentials": {"type": "authorized_user"}}),
                CredentialsKind::Temporary,
            ),
            ("authorized_user", json!({}), CredentialsKind::User),
            (
                "external_account",
                json!({"token_url": "https://sts.googleapis.com/v1/token"}),
                CredentialsKind::Temporary,
            ),
            (
                "external_account",
                json!({"token_url": "http://127.0.0.1:4588/sts/v1/token"}),
                CredentialsKind::Dummy,
            ),
        ] {
            assert_eq!(kind_of(type_, &json), kind, "{type_} {json}");
        }
    }

    #[test]
    fn only_tokens_in_googles_form_are_taken_for_real() {
        assert_eq!(fixed("ya29.a0Af").unwrap().kind, CredentialsKind::Temporary);
        for dummy in ["", "test", "dummy", "xya29."] {
            assert_eq!(fixed(dummy).unwrap().kind, CredentialsKind::Dummy, "{dummy}");
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let source = CredentialsSource::Token("ya29.secret".into());
        let resolved = resolve(Some(&source), None, None).unwrap();
        assert!(!format!("{source:?} {resolved:?}").contains("secret"));
        let failure = fixed("line\nbreak").unwrap_err();
        assert!(!failure.message.contains("break"), "{failure}");
    }

    #[test]
    fn a_file_that_is_none_of_googles_is_named() {
        let folder = tempfile::tempdir().unwrap();
        for (text, wanted) in [
            ("{", "line 1: not JSON"),
            ("{}", "has no \"type\""),
            (
                r#"{"type":"gdch_service_account"}"#,
                "\"gdch_service_account\", which is not supported",
            ),
        ] {
            let path = folder.path().join("credentials.json");
            std::fs::write(&path, text).unwrap();
            let failure = resolve(Some(&CredentialsSource::File(path)), None, None).unwrap_err();
            assert_eq!(failure.reason, Reason::Denied);
            assert!(
                failure.message.contains("credentials.json") && failure.message.contains(wanted),
                "{failure}"
            );
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for url in ["http://127.0.0.1:1/x", "http://[::1]:2", "http://localhost:3/sts"] {
            assert!(is_loopback(url), "{url}");
        }
        for url in [
            "https://sts.googleapis.com",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1",
            "x",
        ] {
            assert!(!is_loopback(url), "{url}");
        }
    }
}
