//! The clients of one provider configuration: one set of credentials, one retry policy, one log of calls.

use std::collections::BTreeMap;
use std::time::Duration;

use google_cloud_artifactregistry_v1::client::ArtifactRegistry;
use google_cloud_container_v1::client::ClusterManager;
use google_cloud_gax::error::Error;
use google_cloud_gax::retry_policy::NeverRetry;
use google_cloud_iam_admin_v1::client::Iam;
use google_cloud_kms_v1::client::KeyManagementService;
use google_cloud_resourcemanager_v3::client::Projects;
use google_cloud_secretmanager_v1::client::SecretManagerService;
use google_cloud_storage::client::{Storage, StorageControl};
use http::Method;
use mlops_environment::driver::Reason;
use mlops_environment::retry::Retry;
use reqwest::Url;
use serde_json::Value;

use crate::calls::Calls;
use crate::credentials::{CredentialsKind, CredentialsSource, Resolved, is_loopback, resolve};
use crate::failure::{Outcome, chain, failure};
use crate::pace::Pacer;
use crate::rest::Rest;
use crate::retry::{Attempts, Created, Enabled, Twice};

/// Services with an endpoint of their own, by the name used in the provider's `endpoints`.
pub const SERVICES: [&str; 12] = [
    "artifactregistry",
    "billingbudgets",
    "cloudkms",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "logging",
    "secretmanager",
    "serviceusage",
    "storage",
    "sts",
];

/// The service that few environments use: its endpoint need not be named before one does.
const SELDOM: &str = "billingbudgets";

/// A project makes and deletes about one bucket in two seconds: <https://cloud.google.com/storage/quotas#buckets>
const BUCKET_PACE: Duration = Duration::from_secs(2);

/// Longest wait for one answer.
const ATTEMPT: Duration = Duration::from_secs(60);

/// Names us in Google's request logs.
const AGENT: &str = concat!("terraform-provider-mlops/", env!("CARGO_PKG_VERSION"));

/// How to reach Google Cloud: the provider's `gcp` block. What is not given comes from Google's own sources
/// (application default credentials, `GOOGLE_CLOUD_PROJECT`).
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Project id; else `GOOGLE_CLOUD_PROJECT`, `GOOGLE_PROJECT`, `CLOUDSDK_CORE_PROJECT`.
    pub project: Option<String>,
    /// Region; else `GOOGLE_CLOUD_REGION`, `GOOGLE_REGION`, `CLOUDSDK_COMPUTE_REGION`.
    pub region: Option<String>,
    /// E-mail of a service account whose tokens are used in place of the credentials' own; else
    /// `GOOGLE_IMPERSONATE_SERVICE_ACCOUNT`.
    pub impersonate_service_account: Option<String>,
    /// Credentials to use instead of those that would be found.
    pub credentials: Option<CredentialsSource>,
    /// URLs by service, see [`SERVICES`]. A path is kept for REST; storage is reached by gRPC too, at the same host and
    /// port without the path (in plain text where the URL is `http`).
    pub endpoints: BTreeMap<String, String>,
    /// How calls are repeated.
    pub retry: Retry,
    /// Time from one bucket made or deleted to the next; else what Cloud Storage allows, and none where storage is reached on
    /// this machine.
    pub bucket_pace: Option<Duration>,
}

/// The clients.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) clusters: ClusterManager,
    pub(crate) iam: Iam,
    pub(crate) keys: KeyManagementService,
    pub(crate) objects: Storage,
    pub(crate) projects: Projects,
    pub(crate) registry: ArtifactRegistry,
    pub(crate) secrets: SecretManagerService,
    pub(crate) storage: StorageControl,
    pub(crate) project: String,
    pub(crate) region: Option<String>,
    pub(crate) kind: CredentialsKind,
    pub(crate) principal: String,
    /// Whose turn it is to make or delete a bucket.
    pub(crate) buckets: Pacer,
    attempts: Attempts,
    rest: Rest,
    endpoints: BTreeMap<String, String>,
    at_google: Vec<&'static str>,
}

/// Builds one service's client: shared credentials, own endpoint if any, no retries but ours.
macro_rules! client {
    ($client:ident, $service:literal, $settings:expr, $credentials:expr $(, $last:ident($value:expr))?) => {{
        let mut builder = $client::builder()
            .with_credentials($credentials.clone())
            .with_retry_policy(NeverRetry);
        if let Some(url) = $settings.endpoints.get($service) {
            builder = builder.with_endpoint(url.trim_end_matches('/'));
        }
        $( builder = builder.$last($value); )?
        builder.build().await.map_err(|error| {
            failure("configure Google Cloud", Reason::Invalid, format!("{}: {}", $service, chain(&error)))
        })?
    }};
}

impl Clients {
    /// Resolves the configuration. Makes no call.
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for an unknown service or a URL that cannot be in `endpoints`, without a project, and where real
    /// credentials would travel in plain text; [`Reason::Denied`] without usable credentials, and where dummy ones would be
    /// shown to Google.
    pub(crate) async fn connect(settings: Settings) -> Outcome<Self> {
        let invalid = |message: String| failure("configure Google Cloud", Reason::Invalid, message);
        for (service, url) in &settings.endpoints {
            if !SERVICES.contains(&service.as_str()) {
                return Err(invalid(format!(
                    "endpoints: no service {service:?}; known are {}",
                    SERVICES.join(", ")
                )));
            }
            let usable =
                Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
            if !usable {
                return Err(invalid(format!(
                    "endpoints.{service}: {url:?} is not an http or https URL"
                )));
            }
        }
        let variable = |names: &[&str]| {
            names
                .iter()
                .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        };
        let project = settings
            .project
            .clone()
            .or_else(|| variable(&["GOOGLE_CLOUD_PROJECT", "GOOGLE_PROJECT", "CLOUDSDK_CORE_PROJECT"]))
            .ok_or_else(|| {
                invalid(
                    "no project: set gcp.project in the provider configuration, or GOOGLE_CLOUD_PROJECT"
                        .into(),
                )
            })?;
        let region = settings
            .region
            .clone()
            .or_else(|| variable(&["GOOGLE_CLOUD_REGION", "GOOGLE_REGION", "CLOUDSDK_COMPUTE_REGION"]));
        let impersonate = settings
            .impersonate_service_account
            .clone()
            .or_else(|| variable(&["GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"]));
        // Google's crates leave the choice to the process; where it is made already, that one is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let found = resolve(
            settings.credentials.as_ref(),
            settings.endpoints.get("sts").map(String::as_str),
            impersonate.as_deref(),
        )?;
        let at_google = at_google(&settings, &found);
        guard(&settings, &found, &at_google)?;
        let credentials = found.credentials;
        let http = reqwest::Client::builder()
            .user_agent(AGENT)
            .connect_timeout(Duration::from_secs(10))
            .timeout(ATTEMPT)
            .build()
            .map_err(|error| invalid(chain(&error)))?;
        Ok(Self {
            clusters: client!(
                ClusterManager,
                "container",
                settings,
                credentials,
                with_attempt_timeout(ATTEMPT)
            ),
            iam: client!(Iam, "iam", settings, credentials, with_attempt_timeout(ATTEMPT)),
            keys: client!(
                KeyManagementService,
                "cloudkms",
                settings,
                credentials,
                with_attempt_timeout(ATTEMPT)
            ),
            objects: client!(Storage, "storage", settings, credentials),
            projects: client!(
                Projects,
                "cloudresourcemanager",
                settings,
                credentials,
                with_attempt_timeout(ATTEMPT)
            ),
            registry: client!(
                ArtifactRegistry,
                "artifactregistry",
                settings,
                credentials,
                with_attempt_timeout(ATTEMPT)
            ),
            secrets: client!(
                SecretManagerService,
                "secretmanager",
                settings,
                credentials,
                with_attempt_timeout(ATTEMPT)
            ),
            storage: client!(
                StorageControl,
                "storage",
                settings,
                credentials,
                with_attempt_timeout(ATTEMPT)
            ),
            project,
            region,
            kind: found.kind,
            principal: found.principal,
            buckets: Pacer::new(settings.bucket_pace.unwrap_or_else(|| bucket_pace(&settings))),
            attempts: Attempts {
                retry: settings.retry,
                calls: Calls::default(),
                enabled: Enabled::default(),
            },
            rest: Rest::new(http, credentials),
            endpoints: settings.endpoints,
            at_google,
        })
    }

    /// Makes a call that may be repeated: a read, a delete, or a write that does the same twice.
    pub(crate) async fn call<T, F>(&self, operation: &'static str, attempt: impl Fn() -> F) -> Outcome<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.attempts.call(operation, Twice::Harmless, attempt).await
    }

    /// Makes a call that would do its work twice.
    pub(crate) async fn once<T, F>(&self, operation: &'static str, attempt: impl Fn() -> F) -> Outcome<T>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.attempts.call(operation, Twice::Harmful, attempt).await
    }

    /// Creates something by name.
    pub(crate) async fn make<T, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F,
    ) -> Outcome<Created<T>>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.attempts.create(operation, attempt).await
    }

    /// URL of a REST call: `path` begins with the API's version, or whatever the service has before it.
    pub(crate) fn url(&self, service: &str, path: &str) -> String {
        match self.endpoints.get(service) {
            Some(url) => format!("{}/{path}", url.trim_end_matches('/')),
            None => format!("https://{service}.googleapis.com/{path}"),
        }
    }

    /// Whether the credentials may be shown to the service of budgets, whose endpoint need not have been named.
    pub(crate) fn may_ask_for_budgets(&self) -> bool {
        self.kind != CredentialsKind::Dummy || self.endpoints.contains_key(SELDOM)
    }

    /// The credentials in use.
    pub(crate) fn credentials(&self) -> &google_cloud_auth::credentials::Credentials {
        self.rest.credentials()
    }

    /// A REST request that may be repeated.
    pub(crate) async fn rest(
        &self,
        operation: &'static str,
        method: Method,
        url: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Outcome<Value> {
        self.call(operation, || self.rest.send(method.clone(), url, query, body))
            .await
    }

    /// A REST request that must not be repeated once it may have arrived.
    pub(crate) async fn rest_once(&self, operation: &'static str, url: &str, body: &Value) -> Outcome<Value> {
        self.once(operation, || self.rest.send(Method::POST, url, &[], Some(body)))
            .await
    }

    /// A REST request that creates something by name.
    pub(crate) async fn rest_make(
        &self,
        operation: &'static str,
        url: &str,
        query: &[(&str, &str)],
        body: &Value,
    ) -> Outcome<Created<Value>> {
        self.make(operation, || self.rest.send(Method::POST, url, query, Some(body)))
            .await
    }

    /// The calls made so far.
    pub(crate) fn calls(&self) -> &Calls {
        &self.attempts.calls
    }

    /// Notes APIs that were enabled just now: until that is known everywhere, their refusals count as passing.
    pub(crate) fn enabled<'a>(&self, services: impl IntoIterator<Item = &'a str>) {
        self.attempts.enabled.add(services);
    }

    /// Services that would be reached at Google's own endpoint.
    pub(crate) fn at_google(&self) -> &[&'static str] {
        &self.at_google
    }
}

/// The pace that Cloud Storage asks for: behind a private endpoint stands the same service, on this machine none.
fn bucket_pace(settings: &Settings) -> Duration {
    match settings.endpoints.get("storage") {
        Some(url) if is_loopback(url) => Duration::ZERO,
        _ => BUCKET_PACE,
    }
}

/// Services in use without an endpoint of their own.
fn at_google(settings: &Settings, found: &Resolved) -> Vec<&'static str> {
    SERVICES
        .into_iter()
        .filter(|service| !settings.endpoints.contains_key(*service) && *service != SELDOM)
        .filter(|service| {
            // A file that names a token service on this machine does not go to Google's.
            *service != "sts" || (found.exchanges && found.kind != CredentialsKind::Dummy)
        })
        .chain(found.impersonates.then_some("iamcredentials"))
        .collect()
}

/// Refuses what would show credentials to the wrong side.
fn guard(settings: &Settings, found: &Resolved, at_google: &[&str]) -> Outcome<()> {
    if found.kind == CredentialsKind::Dummy {
        if at_google.is_empty() {
            return Ok(());
        }
        return Err(failure(
            "configure Google Cloud",
            Reason::Denied,
            format!(
                "the credentials are none of Google's, and {} would be reached at Google: use real credentials, or name an \
                 endpoint for each",
                at_google.join(", ")
            ),
        ));
    }
    let open = settings
        .endpoints
        .iter()
        .find(|(_, url)| url.starts_with("http:") && !is_loopback(url));
    match open {
        None => Ok(()),
        Some((service, url)) => Err(failure(
            "configure Google Cloud",
            Reason::Invalid,
            format!("endpoints.{service}: {url} would send credentials in plain text; use https"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoints: &[&str], token: &str) -> Settings {
        Settings {
            project: Some("acme".into()),
            credentials: Some(CredentialsSource::Token(token.into())),
            endpoints: endpoints
                .iter()
                .map(|service| ((*service).to_owned(), "http://127.0.0.1:1/x/".to_owned()))
                .collect(),
            ..Settings::default()
        }
    }

    #[tokio::test]
    async fn refuses_an_endpoint_for_an_unknown_service() {
        let failure = Clients::connect(settings(&["gke"], "dummy")).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Invalid);
        assert!(
            failure.message.contains("gke") && failure.message.contains("container, iam"),
            "{failure}"
        );
    }

    #[test]
    fn buckets_are_paced_wherever_google_answers() {
        let local = settings(&["storage"], "dummy");
        assert_eq!(bucket_pace(&local), Duration::ZERO);
        let mut private = settings(&[], "ya29.x");
        assert_eq!(bucket_pace(&private), BUCKET_PACE);
        private
            .endpoints
            .insert("storage".into(), "https://storage-acme.p.googleapis.com".into());
        assert_eq!(bucket_pace(&private), BUCKET_PACE);
    }

    #[tokio::test]
    async fn refuses_an_endpoint_that_is_no_url() {
        for url in ["localhost:80", "ftp://x", "", "http://"] {
            let mut settings = settings(&[], "ya29.x");
            settings.endpoints.insert("iam".into(), url.into());
            let failure = Clients::connect(settings).await.unwrap_err();
            assert!(failure.message.contains("endpoints.iam"), "{url}: {failure}");
        }
    }

    #[tokio::test]
    async fn dummy_credentials_never_reach_google() {
        let without_logging: Vec<&str> = SERVICES.into_iter().filter(|s| *s != "logging").collect();
        let failure = Clients::connect(settings(&without_logging, "dummy"))
            .await
            .unwrap_err();
        assert_eq!(failure.reason, Reason::Denied);
        assert!(failure.message.contains("logging would be reached"), "{failure}");
        let clients = Clients::connect(settings(&SERVICES, "dummy")).await.unwrap();
        assert_eq!(
            (clients.at_google(), clients.kind),
            (&[] as &[&str], CredentialsKind::Dummy)
        );
        assert!(clients.may_ask_for_budgets());
        // Few use it: it is asked for its endpoint only then.
        let without: Vec<&str> = SERVICES.into_iter().filter(|s| *s != SELDOM).collect();
        let clients = Clients::connect(settings(&without, "dummy")).await.unwrap();
        assert!(!clients.may_ask_for_budgets());
    }

    #[tokio::test]
    async fn an_impersonated_account_is_asked_for_at_google() {
        let settings = Settings {
            impersonate_service_account: Some("x@acme.iam.gserviceaccount.com".into()),
            ..settings(&SERVICES, "dummy")
        };
        let failure = Clients::connect(settings).await.unwrap_err();
        assert!(failure.message.contains("iamcredentials"), "{failure}");
    }

    #[tokio::test]
    async fn real_credentials_never_travel_in_plain_text() {
        let mut settings = settings(&["iam"], "ya29.real");
        assert!(Clients::connect(settings.clone()).await.is_ok());
        settings
            .endpoints
            .insert("iam".into(), "http://proxy.example:8080".into());
        let failure = Clients::connect(settings).await.unwrap_err();
        assert!(failure.message.contains("plain text"), "{failure}");
    }

    #[tokio::test]
    async fn names_the_services_that_would_be_reached_at_google() {
        let clients = Clients::connect(settings(&SERVICES[1..], "ya29.x"))
            .await
            .unwrap();
        assert_eq!(clients.at_google(), ["artifactregistry"]);
        assert_eq!(
            clients.url("iam", "v1/projects/a"),
            "http://127.0.0.1:1/x/v1/projects/a"
        );
        assert_eq!(
            clients.url("artifactregistry", "v1/x"),
            "https://artifactregistry.googleapis.com/v1/x"
        );
    }
}
