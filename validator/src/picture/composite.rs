//! The identities inside a `mlops_environment`: made by the provider, so the graph of the plan's own resources has none of them.
//! What each may do follows from its purpose; what the plan adds to that is shown beside it.

use mlops_access::Purpose;

use super::{Entrance, HIDDEN, Portrait, Purposes, Right, is_sensitive, shown};
use crate::context::Context;
use crate::plan::{Mode, Resource};
use crate::value::{Path, Value};

/// What the resource's matrix gives to a purpose (`mlops_access::generate`): what, and on which objects of this environment.
fn given(values: &Value<'_>, purpose: Purpose, service: &str) -> Vec<(String, Vec<String>)> {
    let folder = |bucket: &str, below: &str| {
        let uri = values.get("bucket_info").get(bucket).get("uri").as_str();
        let bucket = uri.map_or_else(|| format!("bucket {bucket}"), shown);
        format!("{bucket}/{}/{below}*", shown(service))
    };
    let repositories = || {
        let registry = values.get("registry_info");
        let all = registry.get("repositories").entries().iter();
        let named: Vec<String> = all.filter_map(|(_, v)| v.as_str().map(shown)).collect();
        if named.is_empty() {
            vec!["this environment's repositories".to_owned()]
        } else {
            named
        }
    };
    let mut out: Vec<(&str, Vec<String>)> = match purpose {
        Purpose::Ci if values.get("registry").get("mode").as_str() == Some("reference") => {
            vec![("read images", repositories())]
        }
        Purpose::Ci => vec![("read and push images", repositories())],
        Purpose::Deploy => {
            let cluster = Some(values.get("cluster_info")).filter(|c| !is_sensitive(c));
            let cluster = cluster.and_then(|c| c.get("name").as_str());
            let cluster = cluster.map_or_else(|| "this environment's cluster".to_owned(), shown);
            vec![
                (
                    "deploy workloads",
                    vec![format!("the service namespaces of {cluster}")],
                ),
                ("read images", repositories()),
            ]
        }
        Purpose::Runtime => vec![
            ("read models", vec![folder("models", "")]),
            ("append predictions", vec![folder("predictions", "")]),
        ],
        Purpose::Drift => vec![
            (
                "read reference data and predictions",
                vec![folder("data", "reference/"), folder("predictions", "")],
            ),
            ("append reports", vec![folder("reports", "")]),
        ],
        Purpose::Retrain => vec![
            (
                "read its history",
                ["data", "predictions", "models", "mlflow"]
                    .map(|b| folder(b, ""))
                    .into(),
            ),
            (
                "create model versions and records",
                vec![folder("models", "versions/"), folder("mlflow", "")],
            ),
        ],
        Purpose::Node => vec![(
            "pull images, ship logs and metrics",
            vec!["this environment".to_owned()],
        )],
    };
    let secrets = values
        .get("services")
        .get(service)
        .get("secrets")
        .entries()
        .iter();
    let read = secrets.filter(|(_, s)| {
        let readers = s.get("readers").items();
        readers.iter().any(|r| r.as_str() == Some(purpose.as_str()))
    });
    let read: Vec<String> = read
        .map(|(name, _)| format!("secret {}", shown(name.as_str())))
        .collect();
    if !read.is_empty() {
        out.push(("read secrets", read));
    }
    out.into_iter().map(|(what, on)| (what.to_owned(), on)).collect()
}

pub(super) fn portraits(cx: &Context<'_>) -> Vec<Portrait> {
    let environments = cx
        .plan
        .live()
        .filter(|r| r.mode == Mode::Managed && &*r.kind == "mlops_environment");
    environments.flat_map(|r| of(cx, r)).collect()
}

fn of(cx: &Context<'_>, r: &Resource<'_>) -> Vec<Portrait> {
    let values = r.values();
    let info = values.get("identity_info");
    let parts = [
        "bucket_info",
        "registry_info",
        "identity_info",
        "identities",
        "federation",
        "services",
        "tier",
    ];
    if parts.iter().any(|name| is_sensitive(values.get(name))) {
        return vec![Portrait {
            label: shown(&r.address),
            kind: "ML environment",
            planned: true,
            unknown: vec![format!("its identities: {HIDDEN}")],
            about: vec![r.at("")],
            ..Portrait::default()
        }];
    }
    let mut out = Vec::new();
    for purpose in Purpose::FIVE {
        let at = info.get(purpose.as_str());
        if purpose.per_service() {
            for (service, identity) in at.entries() {
                out.push(one(cx, r, &values, purpose, Some(service.as_str()), identity));
            }
        } else if !at.is_null() {
            out.push(one(cx, r, &values, purpose, None, at));
        }
    }
    out
}

fn one(
    cx: &Context<'_>,
    r: &Resource<'_>,
    values: &Value<'_>,
    purpose: Purpose,
    service: Option<&str>,
    identity: &Value<'_>,
) -> Portrait {
    let tier = values.get("tier").as_str();
    let label = match service {
        Some(s) => format!("{} · {purpose} of {s}", r.address),
        None => format!("{} · {purpose}", r.address),
    };
    let rights = given(values, purpose, service.unwrap_or_default());
    let mut rights: Vec<Right> = rights
        .into_iter()
        .map(|(what, on)| Right {
            denied: false,
            what: vec![what],
            on,
            when: Vec::new(),
            place: r.at(""),
            statement: None,
        })
        .collect();
    let settings = values.get("identities").get(purpose.as_str());
    for (i, permission) in settings.get("additional_permissions").items().iter().enumerate() {
        rights.push(additional(r, purpose, permission, i));
    }
    let mut p = Portrait {
        name: identity.get("name").as_str().map(shown),
        kind: if values.get("gcp").is_null() {
            "AWS role"
        } else {
            "Google service account"
        },
        planned: true,
        purposes: Purposes::Given(vec![purpose.to_string()]),
        environment: tier.or_else(|| cx.environment(&r.address)).map(str::to_owned),
        entrances: entrances(r, values, purpose, identity),
        rights,
        about: vec![r.at(Path::from("identities").name(purpose.as_str()))],
        label: shown(&label),
        ..Portrait::default()
    };
    p.bound();
    p
}

fn texts(v: &Value<'_>) -> Vec<String> {
    let text = |i: &Value<'_>| i.as_str().map_or_else(|| "…".to_owned(), shown);
    v.items().iter().map(text).collect()
}

fn additional(r: &Resource<'_>, purpose: Purpose, permission: &Value<'_>, i: usize) -> Right {
    let mut what = texts(permission.get("actions"));
    what.extend(texts(permission.get("roles")));
    let when = |c: &Value<'_>| {
        format!(
            "{} {} {}",
            c.get("key").as_str().map_or_else(|| "…".to_owned(), shown),
            c.get("operator").as_str().map_or_else(|| "…".to_owned(), shown),
            texts(c.get("values")).join(" or ")
        )
    };
    Right {
        denied: false,
        what,
        on: texts(permission.get("resources")),
        when: permission.get("conditions").items().iter().map(when).collect(),
        place: r.at(Path::from("identities")
            .name(purpose.as_str())
            .name("additional_permissions")
            .index(i)),
        statement: None,
    }
}

fn entrances(r: &Resource<'_>, values: &Value<'_>, purpose: Purpose, identity: &Value<'_>) -> Vec<Entrance> {
    let github = values.get("federation").get("github");
    let repository = github.get("repository").as_str().map(shown);
    let enters = |how, who, by, path: &str| Entrance {
        how,
        who,
        by,
        open: false,
        place: r.at(path),
    };
    match (purpose, repository) {
        (Purpose::Ci, Some(repository)) => vec![enters(
            "CI token",
            texts(github.get("ci_refs"))
                .into_iter()
                .map(|x| format!("{repository}, {x}"))
                .collect(),
            vec!["issued by GitHub Actions".to_owned()],
            "federation.github",
        )],
        (Purpose::Deploy, Some(repository)) => {
            let protected = github.get("environments").get("deploy").as_str().map_or_else(
                || "the protected environment that the provider names".to_owned(),
                |e| format!("environment {}", shown(e)),
            );
            vec![enters(
                "CI token",
                vec![format!("{repository}, {protected}")],
                vec!["issued by GitHub Actions".to_owned()],
                "federation.github",
            )]
        }
        (Purpose::Ci | Purpose::Deploy | Purpose::Node, _) => Vec::new(),
        _ => {
            let text = |name: &str| identity.get(name).as_str().map_or_else(|| "…".to_owned(), shown);
            vec![enters(
                "pod",
                vec![format!("{}/{}", text("namespace"), text("service_account"))],
                vec!["of this environment's cluster".to_owned()],
                "services",
            )]
        }
    }
}
