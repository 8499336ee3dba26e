//! Requests that are written, signed and repeated by hand: for services whose SDK crate costs more to build than its few calls
//! are worth.

use std::time::{Instant, SystemTime};

use aws_credential_types::provider::ProvideCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::HttpConnector;
use aws_smithy_types::body::SdkBody;
use mlops_environment::driver::{Failure, Reason};

use crate::client::Clients;
use crate::failure::{Outcome, chain, failure};
use crate::retry::nobody_there;

/// A `POST` to the root of a service.
pub(crate) struct Request<'a> {
    /// `ec2:DescribeVpcs`.
    pub(crate) operation: &'static str,
    /// As the signature names it.
    pub(crate) service: &'static str,
    /// The region of the signature.
    pub(crate) region: &'a str,
    /// URL of the service.
    pub(crate) endpoint: &'a str,
    /// Headers that are signed.
    pub(crate) headers: &'a [(&'static str, &'a str)],
    /// What is sent.
    pub(crate) body: String,
}

impl Request<'_> {
    /// Sends it, again where that is allowed, and gives the answer's text.
    ///
    /// * `repeatable`: it may be sent again though it may have taken effect.
    /// * `refused`: reads a refusal: operation, HTTP status, text.
    ///
    /// # Errors
    ///
    /// What the service answered, after all attempts if it was busy.
    pub(crate) async fn perform(
        &self,
        clients: &Clients,
        repeatable: bool,
        refused: fn(&str, u16, &str) -> Failure,
    ) -> Outcome<String> {
        let prefix = format!("{}:", self.service);
        let action = self.operation.strip_prefix(&prefix).unwrap_or(self.operation);
        let (started, mut number) = (Instant::now(), 0);
        loop {
            clients.calls.add(self.service, action);
            number += 1;
            let (failure, unreachable) = match self.send(clients, refused).await {
                Ok(text) => return Ok(text),
                Err(refused) => refused,
            };
            let retry = if unreachable {
                clients.retry.unreachable()
            } else {
                clients.retry.clone()
            };
            let pause = retry.pause(number, fastrand::f64());
            let passing = match failure.reason {
                Reason::Throttled => true,
                Reason::Unavailable => repeatable || unreachable,
                _ => false,
            };
            if !passing || !retry.goes_on(number, started.elapsed() + pause) {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// One attempt. A failure comes with whether nobody listens at the address.
    async fn send(
        &self,
        clients: &Clients,
        refused: fn(&str, u16, &str) -> Failure,
    ) -> Result<String, (Failure, bool)> {
        let operation = self.operation;
        let broken = |words: String| (failure(operation, Reason::Unavailable, words), false);
        let identity = clients
            .credentials
            .provide_credentials()
            .await
            .map_err(|error| (failure(operation, Reason::Denied, chain(&error)), false))?
            .into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| broken(chain(&error)))?
            .into();
        let endpoint = self.endpoint.trim_end_matches('/');
        let mut request = http::Request::post(format!("{endpoint}/"));
        for (name, value) in self.headers {
            request = request.header(*name, *value);
        }
        let mut request = request
            .header(
                "user-agent",
                concat!("terraform-provider-mlops/", env!("CARGO_PKG_VERSION")),
            )
            .body(SdkBody::from(self.body.as_str()))
            .map_err(|error| {
                let words = format!("endpoint {endpoint}: {error}");
                (failure(operation, Reason::Invalid, words), false)
            })?;
        let uri = request.uri().to_string();
        let signable = SignableRequest::new(
            "POST",
            &uri,
            self.headers.iter().copied(),
            SignableBody::Bytes(self.body.as_bytes()),
        )
        .map_err(|error| broken(chain(&error)))?;
        let (instructions, _) = sign(signable, &params)
            .map_err(|error| broken(chain(&error)))?
            .into_parts();
        instructions.apply_to_request_http1x(&mut request);
        let request = request.try_into().map_err(|error| broken(format!("{error}")))?;
        let mut response = clients
            .connector
            .call(request)
            .await
            .map_err(|error| (broken(chain(&error)).0, nobody_there(&error)))?;
        let status = response.status().as_u16();
        let bytes = collect(response.take_body()).await.map_err(broken)?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if (200..300).contains(&status) {
            Ok(text)
        } else {
            Err((refused(operation, status, &text), false))
        }
    }
}

async fn collect(body: SdkBody) -> Result<Vec<u8>, String> {
    let stream = aws_smithy_types::byte_stream::ByteStream::new(body);
    stream
        .collect()
        .await
        .map(|bytes| bytes.to_vec())
        .map_err(|error| chain(&error))
}
