//! The door of clusters: who a bearer's token is, as the API servers of EKS and GKE find out.
//!
//! `/_kubernetes/aws/<region>/<cluster>/…` and `/_kubernetes/gcp/<project>/<location>/<cluster>/…`. Nothing stands behind the
//! door: one may ask who one is (`kubectl auth whoami`) and for the version; everything else is refused with 404.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use mlops_access::gcp::Resource;
use serde_json::{Value, json};

use crate::account::Accounts;
use crate::call::Caller;
use crate::exchange::{Reply, Request, parameters};
use crate::gcp;
use crate::protocol::sigv4;
use crate::shared::Shared;
use crate::world::World;

/// Where the doors stand.
pub(crate) const PREFIX: &str = "/_kubernetes/";

/// How tokens begin that the AWS CLI makes for EKS: a link to STS, signed for one cluster
/// (<https://github.com/kubernetes-sigs/aws-iam-authenticator#how-does-it-work>).
const EKS: &str = "k8s-aws-v1.";

/// A user of Kubernetes.
#[derive(Debug, PartialEq)]
struct User {
    name: String,
    groups: Vec<String>,
}

/// Why a door stays shut.
#[derive(Debug, PartialEq)]
enum Shut {
    /// The token is nobody's.
    Unauthorized,
    /// It is somebody's, who may not.
    Forbidden(String),
    /// There is no such cluster.
    NoCluster,
}

/// Answers a request below [`PREFIX`].
pub(crate) fn answer(shared: &Shared, request: &Request) -> Reply {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let token = request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "))
        .unwrap_or_default();
    let (world, accounts, at) = (shared.world(), shared.accounts(), shared.clock.now());
    let (user, rest) = match parts.as_slice() {
        ["aws", region, cluster, rest @ ..] => (eks(&world, &accounts, (region, cluster), token, at), rest),
        ["gcp", project, location, cluster, rest @ ..] => {
            let name = format!("projects/{project}/locations/{location}/clusters/{cluster}");
            (gke(&world, &name, token, at), rest)
        }
        _ => (Err(Shut::NoCluster), &[] as &[&str]),
    };
    match (user, request.method.clone(), rest.join("/").as_str()) {
        // Told to everybody: `system:public-info-viewer`
        // (<https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>).
        (Ok(_) | Err(Shut::Unauthorized | Shut::Forbidden(_)), Method::GET, "version") => Reply::json(
            200,
            &json!({ "major": "1", "minor": "34", "gitVersion": "v1.34.0-sandbox", "platform": "linux/amd64" }),
        ),
        (Err(shut), ..) => refused(&shut),
        (Ok(user), Method::POST, "apis/authentication.k8s.io/v1/selfsubjectreviews") => Reply::json(
            201,
            &json!({
                "kind": "SelfSubjectReview",
                "apiVersion": "authentication.k8s.io/v1",
                "metadata": { "creationTimestamp": null },
                "status": { "userInfo": { "username": user.name, "groups": user.groups } },
            }),
        ),
        (Ok(_), method, path) => status(
            404,
            "NotFound",
            &format!("the sandbox stops at the door: it carries no {method} /{path}"),
        ),
    }
}

/// The user whose token this is on EKS: a link to STS that says who signed it, for this cluster; and an access entry for that
/// role (<https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>).
fn eks(
    world: &World,
    accounts: &Accounts,
    (region, name): (&str, &str),
    token: &str,
    at: Timestamp,
) -> Result<User, Shut> {
    let link = token
        .strip_prefix(EKS)
        .and_then(|link| URL_SAFE_NO_PAD.decode(link.trim_end_matches('=')).ok())
        .and_then(|link| String::from_utf8(link).ok())
        .ok_or(Shut::Unauthorized)?;
    let (_, query) = link.split_once('?').ok_or(Shut::Unauthorized)?;
    let request = Request {
        method: Method::GET,
        path: "/".to_owned(),
        query: parameters(query),
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
    };
    let signs = |header: &str| {
        let signed = request.parameter("X-Amz-SignedHeaders").unwrap_or_default();
        signed.split(';').any(|signed| signed == header)
    };
    if request.parameter("Action") != Some("GetCallerIdentity") || !signs("x-k8s-aws-id") {
        return Err(Shut::Unauthorized);
    }
    let scope = sigv4::scope(&request)
        .filter(|scope| scope.service == "sts")
        .ok_or(Shut::Unauthorized)?;
    let (account, caller) = accounts
        .caller(world, scope.access_key.as_deref(), scope.token.as_deref(), at)
        .map_err(|_| Shut::Unauthorized)?;
    let cluster = world
        .aws
        .region(&account, region)
        .eks
        .clusters
        .get(name)
        .ok_or(Shut::NoCluster)?;
    let (principal, session) = role_of(world, scope.access_key.as_deref(), &caller);
    let entry = cluster
        .access
        .values()
        .find(|entry| entry.principal == principal)
        .ok_or(Shut::Unauthorized)?;
    let mut groups = entry.groups.clone();
    groups.push("system:authenticated".to_owned());
    Ok(User {
        name: entry
            .username
            .replace("{{SessionName}}", &session)
            .replace("{{SessionNameRaw}}", &session),
        groups,
    })
}

/// The role behind a caller, and the session's name.
fn role_of(world: &World, key: Option<&str>, caller: &Caller) -> (String, String) {
    let session = key.and_then(|key| world.aws.sessions.get(key));
    match session {
        Some(session) => {
            let name = session.arn.rsplit('/').next().unwrap_or_default();
            (session.role.clone(), name.to_owned())
        }
        None => (caller.principal.clone(), String::new()),
    }
}

/// The user whose token this is on GKE: whoever Google says, if they may connect
/// (<https://cloud.google.com/kubernetes-engine/docs/how-to/api-server-authentication>).
fn gke(world: &World, name: &str, token: &str, at: Timestamp) -> Result<User, Shut> {
    let known = world
        .gcp
        .tokens
        .get(token)
        .filter(|token| token.expires > at)
        .ok_or(Shut::Unauthorized)?;
    let stands = world
        .gcp
        .projects
        .values()
        .any(|project| project.container.clusters.contains_key(name));
    if !stands {
        return Err(Shut::NoCluster);
    }
    let caller = Caller {
        principal: known.holder(),
        operator: false,
    };
    let permission = "container.clusters.connect";
    if !gcp::may(world, &caller, permission, &Resource::Cluster(name.to_owned())) {
        return Err(Shut::Forbidden(permission.to_owned()));
    }
    let email = known
        .principal
        .split_once(':')
        .map_or(known.principal.as_str(), |(_, email)| email);
    Ok(User {
        name: email.to_owned(),
        groups: vec!["system:authenticated".to_owned()],
    })
}

fn refused(shut: &Shut) -> Reply {
    match shut {
        Shut::Unauthorized => status(401, "Unauthorized", "Unauthorized"),
        Shut::Forbidden(permission) => status(
            403,
            "Forbidden",
            &format!("requires one of [\"{permission}\"] permission(s)."),
        ),
        Shut::NoCluster => status(404, "NotFound", "there is no such cluster"),
    }
}

/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>
fn status(code: u16, reason: &str, message: &str) -> Reply {
    let body: Value = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    });
    Reply::json(code, &body)
}
