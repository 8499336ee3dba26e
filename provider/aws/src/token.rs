//! The token that lets a caller into a cluster's API: a signed question to STS that the cluster asks in our name.
//!
//! <https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html>,
//! <https://github.com/kubernetes-sigs/aws-iam-authenticator#api-authorization-from-outside-a-cluster>

use std::time::{Duration, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_types::base64;
use jiff::{SignedDuration, Timestamp};
use mlops_environment::driver::{ClusterToken, Reason};

use crate::client::Clients;
use crate::failure::{Outcome, chain, failure};

const OPERATION: &str = "sign a cluster token";

/// Names the cluster, so that no other takes the token.
const CLUSTER: &str = "x-k8s-aws-id";

/// How long STS answers the question.
const QUESTION: Duration = Duration::from_secs(60);

/// How long the cluster takes the token: fifteen minutes, less what clocks may differ. Amazon's own tools say the same.
const LIFE: SignedDuration = SignedDuration::from_mins(14);

/// Signs a token for the cluster of this name. No call is made.
///
/// # Errors
///
/// [`Reason::Denied`] without credentials.
pub(crate) async fn make(clients: &Clients, cluster: &str) -> Outcome<ClusterToken> {
    let credentials = clients
        .credentials
        .provide_credentials()
        .await
        .map_err(|error| failure(OPERATION, Reason::Denied, chain(&error)))?;
    let now = SystemTime::now();
    let url = presigned(
        &credentials.into(),
        &clients.region,
        &clients.sts_endpoint,
        cluster,
        now,
    )?;
    Ok(ClusterToken {
        token: format!("k8s-aws-v1.{}", url_safe(&url)),
        expires_at: Timestamp::try_from(now)
            .ok()
            .and_then(|now| now.checked_add(LIFE).ok()),
    })
}

fn presigned(
    identity: &aws_smithy_runtime_api::client::identity::Identity,
    region: &str,
    endpoint: &str,
    cluster: &str,
    now: SystemTime,
) -> Outcome<String> {
    let wrong = |words: String| failure(OPERATION, Reason::Invalid, words);
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(QUESTION);
    let params = v4::SigningParams::builder()
        .identity(identity)
        .region(region)
        .name("sts")
        .time(now)
        .settings(settings)
        .build()
        .map_err(|error| wrong(chain(&error)))?
        .into();
    let url = format!(
        "{}/?Action=GetCallerIdentity&Version=2011-06-15",
        endpoint.trim_end_matches('/')
    );
    let request = SignableRequest::new(
        "GET",
        &url,
        [(CLUSTER, cluster)].into_iter(),
        SignableBody::Bytes(&[]),
    )
    .map_err(|error| wrong(chain(&error)))?;
    let (instructions, _) = sign(request, &params)
        .map_err(|error| wrong(chain(&error)))?
        .into_parts();
    let mut request = http::Request::get(&url)
        .body(())
        .map_err(|error| wrong(format!("endpoints.sts: {}", chain(&error))))?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

/// Base64 for URLs, without padding.
fn url_safe(text: &str) -> String {
    base64::encode(text)
        .chars()
        .filter_map(|c| match c {
            '+' => Some('-'),
            '/' => Some('_'),
            '=' => None,
            c => Some(c),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use aws_credential_types::Credentials;

    use super::*;

    #[test]
    fn the_question_is_signed_for_one_cluster_and_a_minute() {
        let credentials = Credentials::new("ASIAEXAMPLE", "secret", Some("session".into()), None, "test");
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600);
        let url = |cluster: &str| {
            presigned(
                &credentials.clone().into(),
                "eu-west-1",
                "https://sts.eu-west-1.amazonaws.com",
                cluster,
                at,
            )
            .unwrap()
        };
        let shop = url("shop");
        for part in [
            "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15",
            "X-Amz-Algorithm=AWS4-HMAC-SHA256",
            "X-Amz-Credential=ASIAEXAMPLE%2F20260101%2Feu-west-1%2Fsts%2Faws4_request",
            "X-Amz-Date=20260101T000000Z",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Security-Token=session",
        ] {
            assert!(shop.contains(part), "{part} is not in {shop}");
        }
        assert!(!shop.contains("secret"));
        assert_ne!(shop, url("other"), "the cluster's name is signed");
    }

    #[test]
    fn a_token_is_safe_in_a_header() {
        assert_eq!(url_safe("??>>~~"), "Pz8-Pn5-");
        assert_eq!(url_safe("a"), "YQ");
    }
}
