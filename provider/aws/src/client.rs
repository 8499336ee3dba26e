//! The SDK clients of one provider configuration: one connection pool, one credential chain, one retry policy.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use aws_config::sts::AssumeRoleProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_credential_types::{Credentials, provider};
use aws_smithy_async::rt::sleep::TokioSleep;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnectorSettings, SharedHttpConnector, http_client_fn};
use mlops_environment::driver::Reason;
use mlops_environment::retry::Retry;
use tokio::sync::Semaphore;

use crate::calls::{Calls, Counter};
use crate::credentials::CredentialsKind;
use crate::failure::{Outcome, call, chain, failure};
use crate::retry::{Patience, config as retries, partition};

/// Services with an endpoint of their own, by the name used in the provider's `endpoints`.
pub const SERVICES: [&str; 10] = [
    "budgets",
    "ec2",
    "ecr",
    "eks",
    "iam",
    "kms",
    "logs",
    "s3",
    "secretsmanager",
    "sts",
];

/// The service that few environments use: its endpoint need not be named before one does.
const SELDOM: &str = "budgets";

/// IAM calls under way at once: its rate limits are low, unpublished and shared by the whole account.
const IAM_SLOTS: usize = 8;

/// How to reach AWS: the provider's `aws` block. What is not given comes from the SDK's own sources (environment,
/// profile, container, instance), its endpoint variables included.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Region; else `AWS_REGION` or the profile's.
    pub region: Option<String>,
    /// Profile in the shared configuration files.
    pub profile: Option<String>,
    /// Role to assume with the credentials found.
    pub assume_role: Option<AssumeRole>,
    /// Role to assume with a token instead of credentials.
    pub assume_role_with_web_identity: Option<AssumeRoleWithWebIdentity>,
    /// URLs by service, see [`SERVICES`].
    pub endpoints: BTreeMap<String, String>,
    /// Transport to use instead of our own, for tests and proxies.
    pub connector: Option<SharedHttpConnector>,
    /// How calls are repeated.
    pub retry: Retry,
    /// How long the log group of a deleted cluster must stay away to be taken for gone; else [`QUIET`], or
    /// [`QUIET_HERE`] where CloudWatch Logs is on this machine.
    pub quiet: Option<Duration>,
}

/// How long EKS may take to deliver the last lines of a cluster that is gone, which make its log group anew: found by
/// experience, <https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920>.
pub const QUIET: Duration = Duration::from_secs(5);

/// The same where the cloud is a local one: nothing comes from far away.
pub const QUIET_HERE: Duration = Duration::from_millis(100);

/// Role to assume with the credentials found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumeRole {
    /// ARN of the role.
    pub role_arn: String,
    /// Session name, shown in the audit log.
    pub session_name: Option<String>,
    /// Secret-like agreement with the role's owner.
    pub external_id: Option<String>,
}

/// Role to assume with a token from an OIDC provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssumeRoleWithWebIdentity {
    /// ARN of the role.
    pub role_arn: String,
    /// File that holds the token; read anew for each session.
    pub token_file: PathBuf,
    /// Session name, shown in the audit log.
    pub session_name: Option<String>,
}

/// Session name where none is given.
const SESSION: &str = "terraform-provider-mlops";

/// The clients.
#[derive(Debug)]
pub(crate) struct Clients {
    pub(crate) ecr: aws_sdk_ecr::Client,
    pub(crate) eks: aws_sdk_eks::Client,
    pub(crate) iam: aws_sdk_iam::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) logs: aws_sdk_cloudwatchlogs::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) region: String,
    pub(crate) ec2_endpoint: String,
    /// Where budgets are; none where every other service is somewhere else than at Amazon, and nobody said where this one is.
    pub(crate) budgets_endpoint: Option<String>,
    pub(crate) sts_endpoint: String,
    pub(crate) credentials: SharedCredentialsProvider,
    pub(crate) connector: SharedHttpConnector,
    pub(crate) calls: Calls,
    pub(crate) retry: Retry,
    pub(crate) quiet: Duration,
    pub(crate) iam_slots: Semaphore,
    overridden: BTreeMap<&'static str, bool>,
}

/// Builds one service's client: shared configuration, own endpoint if any, calls counted, retries bounded.
macro_rules! client {
    ($sdk:ident, $service:literal, $config:expr, $settings:expr, $calls:expr $(, $setting:ident($value:expr))?) => {{
        let mut config = $sdk::config::Builder::from($config)
            .retry_partition(partition())
            .interceptor(Patience($settings.retry.clone()))
            .interceptor(Counter { service: $service, calls: $calls.clone() });
        if let Some(url) = $settings.endpoints.get($service) {
            config = config.endpoint_url(url);
        }
        $( config = config.$setting($value); )?
        $sdk::Client::from_conf(config.build())
    }};
}

impl Clients {
    /// Resolves the configuration. Makes no call, except to assume a role when the first credentials are needed.
    ///
    /// # Errors
    ///
    /// [`Reason::Invalid`] for an unknown service in `endpoints` or without a region.
    pub(crate) async fn connect(settings: Settings) -> Outcome<Self> {
        let invalid = |message: String| failure("configure AWS", Reason::Invalid, message);
        for service in settings.endpoints.keys() {
            if !SERVICES.contains(&service.as_str()) {
                return Err(invalid(format!(
                    "endpoints: no service {service:?}; known are {}",
                    SERVICES.join(", ")
                )));
            }
        }
        let connector = settings.connector.clone().unwrap_or_else(connector);
        let transport = connector.clone();
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http_client_fn(move |_, _| transport.clone()))
            .retry_config(retries(&settings.retry))
            .timeout_config(
                TimeoutConfig::builder()
                    .connect_timeout(Duration::from_secs(10))
                    .operation_attempt_timeout(Duration::from_secs(60))
                    .build(),
            );
        if let Ok(name) = AppName::new("terraform-provider-mlops") {
            loader = loader.app_name(name);
        }
        if let Some(region) = &settings.region {
            loader = loader.region(Region::new(region.clone()));
        }
        if let Some(profile) = &settings.profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let Some(region) = config.region().map(|region| region.as_ref().to_owned()) else {
            return Err(invalid(
                "no region: set aws.region in the provider configuration, or AWS_REGION, or region in the profile".into(),
            ));
        };
        let calls = Calls::default();
        let endpoints = &settings.endpoints;
        let config = assumed(config, &settings, &calls).await;
        let Some(credentials) = config.credentials_provider() else {
            return Err(failure(
                "configure AWS",
                Reason::Denied,
                "no source of credentials is configured",
            ));
        };
        let overridden: BTreeMap<&'static str, bool> = SERVICES
            .iter()
            .map(|service| (*service, overridden(service, endpoints, &config)))
            .collect();
        Ok(Self {
            ecr: client!(aws_sdk_ecr, "ecr", &config, settings, calls),
            eks: client!(aws_sdk_eks, "eks", &config, settings, calls),
            iam: client!(aws_sdk_iam, "iam", &config, settings, calls),
            kms: client!(aws_sdk_kms, "kms", &config, settings, calls),
            logs: client!(aws_sdk_cloudwatchlogs, "logs", &config, settings, calls),
            // Bucket names as host names need DNS that only Amazon's own endpoint has.
            s3: client!(
                aws_sdk_s3,
                "s3",
                &config,
                settings,
                calls,
                force_path_style(overridden["s3"])
            ),
            secrets: client!(aws_sdk_secretsmanager, "secretsmanager", &config, settings, calls),
            sts: client!(aws_sdk_sts, "sts", &config, settings, calls),
            ec2_endpoint: endpoint("ec2", &region, endpoints, &config),
            budgets_endpoint: {
                let elsewhere = SERVICES
                    .iter()
                    .all(|service| overridden[service] != (*service == SELDOM));
                (!elsewhere).then(|| endpoint(SELDOM, &region, endpoints, &config))
            },
            sts_endpoint: endpoint("sts", &region, endpoints, &config),
            quiet: settings.quiet.unwrap_or_else(|| {
                let logs = endpoint("logs", &region, endpoints, &config);
                if on_this_machine(&logs) { QUIET_HERE } else { QUIET }
            }),
            region,
            credentials,
            connector,
            calls,
            retry: settings.retry,
            iam_slots: Semaphore::new(IAM_SLOTS),
            overridden,
        })
    }

    /// Awaits an IAM call when there is a slot for it.
    pub(crate) async fn iam<T>(&self, call: impl Future<Output = Outcome<T>>) -> Outcome<T> {
        // The semaphore is never closed; without a permit the call would only be less polite.
        let _slot = self.iam_slots.acquire().await.ok();
        call.await
    }

    /// Kind of the credentials that will be used.
    ///
    /// # Errors
    ///
    /// [`Reason::Denied`] when none are found.
    pub(crate) async fn credentials_kind(&self) -> Outcome<CredentialsKind> {
        let credentials = self.credentials.provide_credentials().await.map_err(|error| {
            failure(
                "find AWS credentials",
                Reason::Denied,
                format!(
                    "{}. Sign in (aws sso login), set AWS_PROFILE, or run where a role is attached",
                    chain(&error)
                ),
            )
        })?;
        Ok(CredentialsKind::of(credentials.access_key_id()))
    }

    /// Services that would be reached at Amazon's own endpoint.
    pub(crate) fn at_amazon(&self) -> Vec<&'static str> {
        self.overridden
            .iter()
            .filter(|(service, overridden)| !**overridden && **service != SELDOM)
            .map(|(service, _)| *service)
            .collect()
    }
}

/// One connector for all services: one pool, one read of the system's certificates.
fn connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(Duration::from_secs(10))
        .read_timeout(Duration::from_secs(60))
        .build();
    SharedHttpConnector::new(
        aws_smithy_http_client::Connector::builder()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
            .connector_settings(settings)
            .sleep_impl(TokioSleep::new())
            .build(),
    )
}

/// The configuration with the credentials of the role to assume, if any.
async fn assumed(config: SdkConfig, settings: &Settings, calls: &Calls) -> SdkConfig {
    let mut at_sts = config.to_builder();
    if let Some(url) = settings.endpoints.get("sts") {
        at_sts = at_sts.endpoint_url(url);
    }
    let at_sts = at_sts.build();
    let mut builder = config.to_builder();
    let mut base = config.credentials_provider();
    if let Some(web) = &settings.assume_role_with_web_identity {
        let sts = client!(aws_sdk_sts, "sts", &at_sts, settings, calls);
        base = Some(SharedCredentialsProvider::new(WebIdentity {
            sts,
            settings: web.clone(),
        }));
    }
    if let Some(role) = &settings.assume_role {
        let mut assume = AssumeRoleProvider::builder(&role.role_arn)
            .session_name(role.session_name.as_deref().unwrap_or(SESSION))
            .configure(&at_sts);
        if let Some(id) = &role.external_id {
            assume = assume.external_id(id);
        }
        base = Some(SharedCredentialsProvider::new(match base {
            Some(base) => assume.build_from_provider(base).await,
            None => assume.build().await,
        }));
    }
    builder.set_credentials_provider(base);
    builder.build()
}

/// Credentials for a token. The SDK's own provider cannot be given an endpoint by hand.
#[derive(Debug)]
struct WebIdentity {
    sts: aws_sdk_sts::Client,
    settings: AssumeRoleWithWebIdentity,
}

impl WebIdentity {
    async fn assume(&self) -> provider::Result {
        let file = &self.settings.token_file;
        let token = tokio::fs::read_to_string(file).await.map_err(|error| {
            CredentialsError::provider_error(format!(
                "cannot read the token file {}: {error}",
                file.display()
            ))
        })?;
        let answer = call(
            "sts:AssumeRoleWithWebIdentity",
            self.sts
                .assume_role_with_web_identity()
                .role_arn(&self.settings.role_arn)
                .role_session_name(self.settings.session_name.as_deref().unwrap_or(SESSION))
                .web_identity_token(token.trim())
                .send(),
        )
        .await
        .map_err(CredentialsError::provider_error)?;
        let found = answer.credentials.ok_or_else(|| {
            CredentialsError::provider_error("sts:AssumeRoleWithWebIdentity answered no credentials")
        })?;
        Ok(Credentials::new(
            found.access_key_id,
            found.secret_access_key,
            Some(found.session_token),
            std::time::SystemTime::try_from(found.expiration).ok(),
            "AssumeRoleWithWebIdentity",
        ))
    }
}

impl ProvideCredentials for WebIdentity {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(self.assume())
    }
}

/// The environment variable of the SDKs for one service's endpoint.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
fn endpoint_variable(service: &str) -> String {
    let id = match service {
        "logs" => "CLOUDWATCH_LOGS".to_owned(),
        "secretsmanager" => "SECRETS_MANAGER".to_owned(),
        other => other.to_uppercase(),
    };
    format!("AWS_ENDPOINT_URL_{id}")
}

fn endpoint_from_environment(service: &str, config: &SdkConfig) -> Option<String> {
    let ignored = std::env::var("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_ok_and(|value| value == "true");
    std::env::var(endpoint_variable(service))
        .ok()
        .filter(|url| !ignored && !url.is_empty())
        .or_else(|| config.endpoint_url().map(str::to_owned))
}

fn overridden(service: &str, endpoints: &BTreeMap<String, String>, config: &SdkConfig) -> bool {
    endpoints.contains_key(service) || endpoint_from_environment(service, config).is_some()
}

/// Where a service is called by hand.
fn endpoint(service: &str, region: &str, endpoints: &BTreeMap<String, String>, config: &SdkConfig) -> String {
    // https://docs.aws.amazon.com/general/latest/gr/rande.html
    let suffix = if region.starts_with("cn-") {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    endpoints
        .get(service)
        .cloned()
        .or_else(|| endpoint_from_environment(service, config))
        // Budgets are one place for the whole partition.
        .unwrap_or_else(|| match service {
            SELDOM => format!("https://{service}.{suffix}"),
            _ => format!("https://{service}.{region}.{suffix}"),
        })
}

/// Whether a URL leads to this machine.
fn on_this_machine(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else {
        return false;
    };
    let host = url.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn late_log_lines_are_waited_for_wherever_aws_answers() {
        let quiet = async |logs: &str, quiet: Option<Duration>| {
            let settings = Settings {
                region: Some("eu-central-1".into()),
                endpoints: [("logs".to_owned(), logs.to_owned())].into(),
                quiet,
                ..Settings::default()
            };
            Clients::connect(settings).await.unwrap().quiet
        };
        for here in ["http://127.0.0.1:4566", "http://localhost:1/x", "http://[::1]:80"] {
            assert_eq!(quiet(here, None).await, QUIET_HERE, "{here}");
        }
        for away in [
            "https://vpce-1.logs.eu-central-1.vpce.amazonaws.com",
            "https://localhost.example.com",
            "?",
        ] {
            assert_eq!(quiet(away, None).await, QUIET, "{away}");
        }
        assert_eq!(
            quiet("http://127.0.0.1:1", Some(Duration::ZERO)).await,
            Duration::ZERO
        );
    }

    #[tokio::test]
    async fn refuses_an_endpoint_for_an_unknown_service() {
        let settings = Settings {
            region: Some("eu-central-1".into()),
            endpoints: [("ekss".to_owned(), "http://127.0.0.1:1".to_owned())].into(),
            ..Settings::default()
        };
        let failure = Clients::connect(settings).await.unwrap_err();
        assert_eq!(failure.reason, Reason::Invalid);
        assert!(
            failure.message.contains("ekss") && failure.message.contains("eks, iam"),
            "{failure}"
        );
    }

    #[tokio::test]
    async fn names_the_services_that_would_be_reached_at_amazon() {
        let settings = Settings {
            region: Some("eu-central-1".into()),
            endpoints: SERVICES[2..]
                .iter()
                .map(|s| ((*s).to_owned(), "http://127.0.0.1:1".to_owned()))
                .collect(),
            ..Settings::default()
        };
        assert_eq!(Clients::connect(settings).await.unwrap().at_amazon(), ["ec2"]);
    }

    #[tokio::test]
    async fn budgets_are_at_amazon_only_where_something_else_is() {
        let place = async |named: &[&str]| {
            let settings = Settings {
                region: Some("eu-central-1".into()),
                endpoints: named
                    .iter()
                    .map(|s| ((*s).to_owned(), "http://127.0.0.1:1".to_owned()))
                    .collect(),
                ..Settings::default()
            };
            Clients::connect(settings).await.unwrap().budgets_endpoint
        };
        assert_eq!(place(&SERVICES).await.as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(
            place(&SERVICES[1..]).await,
            None,
            "dummy credentials would be shown to Amazon"
        );
        assert_eq!(
            place(&["s3"]).await.as_deref(),
            Some("https://budgets.amazonaws.com")
        );
    }

    #[test]
    fn endpoint_variables_are_the_sdks() {
        assert_eq!(endpoint_variable("eks"), "AWS_ENDPOINT_URL_EKS");
        assert_eq!(
            endpoint_variable("secretsmanager"),
            "AWS_ENDPOINT_URL_SECRETS_MANAGER"
        );
        assert_eq!(endpoint_variable("logs"), "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS");
    }

    #[test]
    fn ec2_is_reached_in_its_partition() {
        let config = SdkConfig::builder().build();
        assert_eq!(
            endpoint("ec2", "cn-north-1", &BTreeMap::new(), &config),
            "https://ec2.cn-north-1.amazonaws.com.cn"
        );
        assert_eq!(
            endpoint("ec2", "eu-west-1", &BTreeMap::new(), &config),
            "https://ec2.eu-west-1.amazonaws.com"
        );
    }
}
