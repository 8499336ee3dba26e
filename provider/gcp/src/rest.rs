//! Requests for what no crate of Google's covers: workload identity pools, service identities, enabled APIs, and a few
//! single calls whose crates would cost more to build than they save (see `docs/adr`).
//!
//! Answers end in the same error type as those of the typed clients, so that they are judged in one place.

use google_cloud_auth::credentials::{CacheableResource, Credentials};
use google_cloud_gax::error::Error;
use google_cloud_gax::error::rpc::Status;
use http::{Extensions, Method};
use reqwest::Url;
use serde_json::Value;

/// Sends requests with credentials.
#[derive(Debug)]
pub(crate) struct Rest {
    http: reqwest::Client,
    credentials: Credentials,
}

impl Rest {
    pub(crate) fn new(http: reqwest::Client, credentials: Credentials) -> Self {
        Self { http, credentials }
    }

    /// The credentials in use.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Sends one request and reads the answer's JSON; nothing in it is `null`.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let mut url = Url::parse(url).map_err(Error::binding)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let headers = match self
            .credentials
            .headers(Extensions::new())
            .await
            .map_err(Error::authentication)?
        {
            CacheableResource::New { data, .. } => data,
            // Only answered to those who name what they have.
            CacheableResource::NotModified => http::HeaderMap::new(),
        };
        let mut request = self.http.request(method, url).headers(headers);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(sending)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let bytes = answer.bytes().await.map_err(sending)?;
        if !status.is_success() {
            return Err(match Status::try_from(&bytes) {
                Ok(said) => Error::service_with_http_metadata(said, Some(status.as_u16()), Some(headers)),
                Err(_) => Error::http(status.as_u16(), headers, bytes),
            });
        }
        if bytes.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&bytes).map_err(Error::deser)
    }
}

fn sending(error: reqwest::Error) -> Error {
    if error.is_connect() {
        Error::connect(error)
    } else if error.is_timeout() {
        Error::timeout(error)
    } else {
        Error::io(error)
    }
}
