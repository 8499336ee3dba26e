//! The identities inside a `mlops_environment`: made by the provider, so the graph of the plan's own resources has none of them.
//! What each may do follows from its purpose; what the plan adds to that is shown beside it.

use mlops_access::Purpose;

use super::{Entrance, HIDDEN, Portrait, Purposes, Right, is_sensitive, shown};
use crate::context::Context;
use crate::plan::{Mode, Resource};
use crate::value::{Path, Value};

/// What the matrix of the resource gives a purpose: what, and on what.
const fn given(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Ci => ("push images", "this environment's repositories"),
        Purpose::Deploy => (
            "deploy workloads",
            "the service namespaces of this environment's cluster",
        ),
        Purpose::Runtime => (
            "read models and features, append predictions",
            "its own service's part of this environment's buckets",
        ),
        Purpose::Drift => (
            "read reference data and predictions, append reports",
            "its own service's part of this environment's buckets",
        ),
        Purpose::Retrain => (
            "read data, create new model versions",
            "its own service's part of this environment's buckets",
        ),
        Purpose::Node => ("pull images, ship logs and metrics", "this environment"),
    }
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
    let parts = ["identity_info", "identities", "federation", "services", "tier"];
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
    let (what, on) = given(purpose);
    let mut rights = vec![Right {
        denied: false,
        what: vec![what.to_owned()],
        on: vec![on.to_owned()],
        when: Vec::new(),
        place: r.at(""),
        statement: None,
    }];
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
