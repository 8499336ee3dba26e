//! Which operation of a REST service a request means: verb, path, and what its query and headers must hold.

use crate::exchange::{Request, decoded};

use super::description::{Location, Operation, Service};

/// An operation with the labels of its path, decoded.
#[derive(Debug)]
pub struct Route {
    /// The operation.
    pub operation: &'static Operation,
    /// Labels by name.
    pub labels: Vec<(&'static str, String)>,
}

/// The operation that a request means. Where several fit (`GetObject`, `ListParts`), the one that asks most of query and
/// headers is meant.
pub fn route(service: &'static Service, request: &Request) -> Option<Route> {
    service
        .operations
        .values()
        .filter(|operation| request.method.as_str() == operation.http.method)
        .filter_map(|operation| {
            let (path, query) = operation
                .http
                .request_uri
                .split_once('?')
                .unwrap_or((&operation.http.request_uri, ""));
            let labels = labels(path, &request.path)?;
            let fixed = fixed(query)
                .map(|(name, value)| present(request, name, value))
                .try_fold(0, |count, present| present.then_some(count + 1))?;
            let asked = asked(service, operation, request)?;
            Some((fixed + asked, Route { operation, labels }))
        })
        .max_by_key(|(weight, _)| *weight)
        .map(|(_, route)| route)
}

/// Query parameters that a path template fixes: `versioning`, `list-type=2`.
pub fn fixed(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn present(request: &Request, name: &str, value: &str) -> bool {
    request
        .query
        .iter()
        .any(|(key, given)| key == name && (value.is_empty() || given == value))
}

/// How many required members of query and headers there are; `None` where one is missing.
fn asked(service: &'static Service, operation: &Operation, request: &Request) -> Option<usize> {
    let Some(shape) = service.input(operation) else {
        return Some(0);
    };
    let mut count = 0;
    for name in &shape.required {
        let member = &shape.members[name.as_str()];
        let wire = member.location_name.as_deref().unwrap_or(name);
        let there = match member.location {
            Location::Query => request.parameter(wire).is_some(),
            Location::Header => request.headers.contains_key(wire),
            _ => continue,
        };
        if !there {
            return None;
        }
        count += 1;
    }
    Some(count)
}

fn labels(template: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut labels = Vec::new();
    let mut rest = path.strip_prefix('/').unwrap_or(path);
    let mut parts = template
        .strip_prefix('/')
        .unwrap_or(template)
        .split('/')
        .peekable();
    while let Some(part) = parts.next() {
        let label = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        if let Some(name) = label.and_then(|label| label.strip_suffix('+')) {
            if rest.is_empty() {
                return None;
            }
            labels.push((name, decoded(rest, false)));
            return Some(labels);
        }
        let (segment, tail) = rest.split_once('/').unwrap_or((rest, ""));
        match label {
            Some(_) if segment.is_empty() => return None,
            Some(name) => labels.push((name, decoded(segment, false))),
            None if segment != part => return None,
            None => {}
        }
        // One slash at the end says nothing (`/bucket/`).
        if parts.peek().is_some() && tail.is_empty() && !rest.contains('/') {
            return None;
        }
        rest = tail;
    }
    rest.is_empty().then_some(labels)
}

#[cfg(test)]
mod tests {
    use super::super::description::service;
    use super::*;
    use crate::exchange::parameters;

    fn routed(name: &str, method: &str, target: &str, header: Option<&'static str>) -> Option<String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers = http::HeaderMap::new();
        if let Some(header) = header {
            headers.insert(header, http::HeaderValue::from_static("x"));
        }
        let request = Request {
            method: method.parse().unwrap(),
            path: path.to_owned(),
            query: parameters(query),
            headers,
            body: bytes::Bytes::new(),
        };
        route(service(name).unwrap(), &request).map(|route| {
            let labels: Vec<String> = route
                .labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{} {}", route.operation.name, labels.join(" "))
        })
    }

    #[test]
    fn s3_tells_its_operations_apart() {
        for (method, target, expected) in [
            ("GET", "/", "ListBuckets "),
            ("GET", "/b", "ListObjects Bucket=b"),
            ("GET", "/b/", "ListObjects Bucket=b"),
            ("GET", "/b?list-type=2&prefix=x", "ListObjectsV2 Bucket=b"),
            ("GET", "/b?versions", "ListObjectVersions Bucket=b"),
            ("PUT", "/b?versioning", "PutBucketVersioning Bucket=b"),
            ("GET", "/b/a%2Fb//c%20d", "GetObject Bucket=b Key=a/b//c d"),
            ("GET", "/b/k?uploadId=1", "ListParts Bucket=b Key=k"),
            ("PUT", "/b/k?x-id=PutObject", "PutObject Bucket=b Key=k"),
            ("PUT", "/b/k?uploadId=1&partNumber=2", "UploadPart Bucket=b Key=k"),
            ("POST", "/b/k?uploads", "CreateMultipartUpload Bucket=b Key=k"),
            ("POST", "/b?delete", "DeleteObjects Bucket=b"),
            ("HEAD", "/b", "HeadBucket Bucket=b"),
        ] {
            assert_eq!(
                routed("s3", method, target, None).as_deref(),
                Some(expected),
                "{method} {target}"
            );
        }
        assert_eq!(
            routed("s3", "PUT", "/b/k", Some("x-amz-copy-source")).as_deref(),
            Some("CopyObject Bucket=b Key=k")
        );
        assert_eq!(routed("s3", "PATCH", "/b/k", None), None);
    }

    #[test]
    fn eks_takes_an_arn_as_one_segment() {
        assert_eq!(
            routed("eks", "GET", "/tags/arn%3Aaws%3Aeks%3Ax%3A1%3Acluster%2Fc", None).as_deref(),
            Some("ListTagsForResource resourceArn=arn:aws:eks:x:1:cluster/c")
        );
        assert_eq!(
            routed("eks", "GET", "/clusters/c/node-groups", None).as_deref(),
            Some("ListNodegroups name=c")
        );
        assert_eq!(routed("eks", "GET", "/clusters/c/nodegroups", None), None);
    }
}
