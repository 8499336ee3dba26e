//! The token that lets a caller into a cluster's API: the access token that all of Google's APIs take.
//!
//! <https://cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication>

use google_cloud_auth::credentials::{CacheableResource, Credentials};
use http::Extensions;
use http::header::AUTHORIZATION;
use mlops_environment::driver::{ClusterToken, Reason};

use crate::failure::{Outcome, chain, failure};

const OPERATION: &str = "get an access token";

/// The token in use, or a new one where it is about to run out. Tokens live for an hour at most; Google's library keeps
/// to itself when.
///
/// # Errors
///
/// [`Reason::Denied`] where none is given.
pub(crate) async fn fetch(credentials: &Credentials) -> Outcome<ClusterToken> {
    let answer = credentials
        .headers(Extensions::new())
        .await
        .map_err(|error| failure(OPERATION, Reason::Denied, chain(&error)))?;
    let headers = match answer {
        CacheableResource::New { data, .. } => data,
        // Only answered to those who name what they have.
        CacheableResource::NotModified => http::HeaderMap::new(),
    };
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
        .ok_or_else(|| failure(OPERATION, Reason::Denied, "the credentials give no bearer token"))?;
    Ok(ClusterToken {
        token: token.to_owned(),
        expires_at: None,
    })
}
