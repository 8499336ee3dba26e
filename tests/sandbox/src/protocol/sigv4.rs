//! Who signed a request, for which service and region. The signature itself is not computed: any secret opens the sandbox.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html>

use crate::exchange::{Request, parameters};

use super::description::SERVICES;

/// The scope of a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// The access key's id; `None` for an unsigned call.
    pub access_key: Option<String>,
    /// The session token.
    pub token: Option<String>,
    /// The region; empty for unsigned and multi-region signatures.
    pub region: String,
    /// The service's name.
    pub service: String,
}

/// The scope of a request; `None` where nothing says which service is meant.
pub fn scope(request: &Request) -> Option<Scope> {
    if let Some(key) = request.parameter("AWSAccessKeyId") {
        // A link signed in the older way, which the AWS CLI still does for endpoints that it does not know:
        // <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html>
        return Some(Scope {
            access_key: Some(key.to_owned()),
            token: request.parameter("x-amz-security-token").map(str::to_owned),
            region: String::new(),
            service: "s3".to_owned(),
        });
    }
    if request.headers.contains_key("authorization") || request.parameter("X-Amz-Credential").is_some() {
        return signed(request);
    }
    unsigned(request)
}

fn signed(request: &Request) -> Option<Scope> {
    let credential = match request.header("authorization") {
        Some(header) => {
            let rest = header
                .strip_prefix("AWS4-HMAC-SHA256")
                .or_else(|| header.strip_prefix("AWS4-ECDSA-P256-SHA256"))?;
            rest.split(',')
                .find_map(|part| part.trim().strip_prefix("Credential="))?
        }
        None => request.parameter("X-Amz-Credential")?,
    };
    // The key may hold slashes; date, region and service do not.
    let mut parts: Vec<&str> = credential.trim().rsplit('/').collect();
    parts.reverse();
    let (service, region, key) = match parts.as_slice() {
        [key @ .., _date, region, service, "aws4_request"] if !key.is_empty() && date(_date) => {
            (*service, *region, key.join("/"))
        }
        // A signature for several regions names none.
        [key @ .., _date, service, "aws4_request"] if !key.is_empty() => (*service, "", key.join("/")),
        _ => return None,
    };
    let region = if region.is_empty() {
        request
            .header("x-amz-region-set")
            .filter(|set| !set.contains(['*', ',']))
            .unwrap_or_default()
    } else {
        region
    };
    Some(Scope {
        access_key: Some(key),
        token: request
            .header("x-amz-security-token")
            .or_else(|| request.parameter("X-Amz-Security-Token"))
            .map(str::to_owned),
        region: region.to_owned(),
        // What S3's express and object-lambda endpoints sign is none of ours.
        service: service.to_owned(),
    })
}

fn date(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// `AssumeRoleWithWebIdentity` is never signed, and S3 may be read anonymously.
fn unsigned(request: &Request) -> Option<Scope> {
    let service = if let Some(target) = request.header("x-amz-target") {
        let prefix = target.split('.').next()?;
        SERVICES
            .iter()
            .find(|name| {
                super::description::service(name)
                    .is_some_and(|service| service.metadata.target_prefix == prefix)
            })?
            .to_string()
    } else {
        let form = request
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        let body = if form {
            parameters(&String::from_utf8_lossy(&request.body))
        } else {
            Vec::new()
        };
        let version = request
            .query
            .iter()
            .chain(&body)
            .find(|(name, _)| name == "Version")
            .map(|(_, value)| value.as_str());
        match version {
            Some("2011-06-15") => "sts".to_owned(),
            Some("2010-05-08") => "iam".to_owned(),
            Some("2016-11-15") => "ec2".to_owned(),
            Some(_) => return None,
            None => "s3".to_owned(),
        }
    };
    Some(Scope {
        access_key: None,
        token: None,
        region: String::new(),
        service,
    })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    fn request(header: Option<&'static str>, query: &str, body: &'static str) -> Request {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert("authorization", HeaderValue::from_static(header));
        }
        if !body.is_empty() {
            headers.insert(
                "content-type",
                HeaderValue::from_static("application/x-www-form-urlencoded"),
            );
        }
        Request {
            method: Method::POST,
            path: "/".into(),
            query: parameters(query),
            headers,
            body: body.into(),
        }
    }

    #[test]
    fn the_scope_says_key_region_and_service() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIA/20260301/eu-west-1/eks/aws4_request, SignedHeaders=host, Signature=x";
        let scope = scope(&request(Some(header), "", "")).unwrap();
        assert_eq!(
            (
                scope.access_key.as_deref(),
                scope.region.as_str(),
                scope.service.as_str()
            ),
            (Some("AKIA"), "eu-west-1", "eks")
        );
    }

    #[test]
    fn a_presigned_link_and_several_regions() {
        let query = "X-Amz-Credential=K%2F20260301%2Feu-west-1%2Fs3%2Faws4_request&X-Amz-Security-Token=t";
        let found = scope(&request(None, query, "")).unwrap();
        assert_eq!(
            (found.service.as_str(), found.token.as_deref()),
            ("s3", Some("t"))
        );
        let header =
            "AWS4-ECDSA-P256-SHA256 Credential=K/20260301/s3/aws4_request, SignedHeaders=host, Signature=x";
        let found = scope(&request(Some(header), "", "")).unwrap();
        assert_eq!((found.service.as_str(), found.region.as_str()), ("s3", ""));
        let old = scope(&request(None, "AWSAccessKeyId=K&Signature=x&Expires=1", "")).unwrap();
        assert_eq!(
            (old.service.as_str(), old.access_key.as_deref()),
            ("s3", Some("K"))
        );
    }

    #[test]
    fn what_is_not_signed() {
        let body = "Action=AssumeRoleWithWebIdentity&Version=2011-06-15";
        assert_eq!(scope(&request(None, "", body)).unwrap().service, "sts");
        assert_eq!(scope(&request(None, "", "")).unwrap().service, "s3");
        assert_eq!(scope(&request(Some("Bearer x"), "", "Version=1")), None);
    }
}
