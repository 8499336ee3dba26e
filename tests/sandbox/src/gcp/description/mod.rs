//! Google's API descriptions: what a path and verb mean, what a request may hold and what an answer must.
//!
//! The documents are Google's discovery documents, trimmed by `data/trim_gcp.py` (source, revision and licence stand in each).

mod answer;
mod mask;
mod path;
mod request;
mod value;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

pub use answer::{check_answer, with_enum_numbers};
pub use path::Template;
pub use request::{Query, read};
pub(crate) use value::seconds;

/// One API in one version.
#[derive(Debug, Deserialize)]
pub struct Api {
    /// `container`, `cloudresourcemanager`.
    pub api: String,
    /// `v1`, `v1beta1`.
    pub version: String,
    /// Date of the document, `20261027`.
    pub revision: String,
    methods: BTreeMap<String, Method>,
    schemas: BTreeMap<String, BTreeMap<String, Field>>,
    enums: BTreeMap<String, BTreeMap<String, Option<i32>>>,
    elsewhere: BTreeMap<String, String>,
}

/// One method.
#[derive(Debug, Deserialize)]
pub struct Method {
    verb: String,
    path: Template,
    upload: Option<Template>,
    /// Content can be asked for with `alt=media`.
    #[serde(default)]
    pub download: bool,
    params: BTreeMap<String, Field>,
    request: Option<String>,
    response: Option<String>,
}

/// A parameter or a member of a schema.
#[derive(Debug, Default, Deserialize)]
struct Field {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(rename = "ref")]
    reference: Option<String>,
    items: Option<Box<Field>>,
    map: Option<Box<Field>>,
    format: Option<String>,
    #[serde(rename = "enum")]
    enumeration: Option<String>,
    pattern: Option<String>,
    #[serde(default)]
    required: Required,
    #[serde(default)]
    output: bool,
    #[serde(rename = "in", default)]
    place: String,
    #[serde(default)]
    repeated: bool,
}

/// Whether a member must be given: always, or in the methods named.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
enum Required {
    #[default]
    Never,
    Always(bool),
    In(Vec<String>),
}

impl Required {
    fn by(&self, method: &str) -> bool {
        match self {
            Self::Never => false,
            Self::Always(always) => *always,
            Self::In(methods) => methods.iter().any(|known| known == method),
        }
    }
}

/// A request that a description knows.
#[derive(Debug, Clone)]
pub struct Found {
    /// The API.
    pub api: &'static Api,
    /// The method's id, `container.projects.locations.clusters.create`.
    pub id: &'static str,
    /// The method.
    pub method: &'static Method,
    /// Values of the path's parameters.
    pub path: Vec<(String, String)>,
    /// By the method's upload path.
    pub upload: bool,
}

/// What no description, or no method that is carried, knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfound {
    /// No such API.
    Api,
    /// Google knows no such method.
    Method,
    /// Google knows this method; the sandbox does not carry it.
    NotCarried(&'static str),
}

macro_rules! documents {
    ($($name:literal),* $(,)?) => {
        [$(LazyLock::new(|| parse($name, include_str!(concat!("../../../data/gcp/", $name, ".json"))))),*]
    };
}

/// Read when first asked for: a start needs none of them.
static APIS: [LazyLock<Api>; 15] = documents![
    "artifactregistry.v1",
    "billingbudgets.v1",
    "cloudkms.v1",
    "cloudresourcemanager.v1",
    "cloudresourcemanager.v3",
    "compute.v1",
    "container.v1",
    "iam.v1",
    "iamcredentials.v1",
    "logging.v2",
    "secretmanager.v1",
    "serviceusage.v1",
    "serviceusage.v1beta1",
    "storage.v1",
    "sts.v1",
];

/// The APIs of [`APIS`], in its order.
const NAMES: [&str; 15] = [
    "artifactregistry",
    "billingbudgets",
    "cloudkms",
    "cloudresourcemanager",
    "cloudresourcemanager",
    "compute",
    "container",
    "iam",
    "iamcredentials",
    "logging",
    "secretmanager",
    "serviceusage",
    "serviceusage",
    "storage",
    "sts",
];

fn parse(name: &str, text: &str) -> Api {
    match serde_json::from_str(text) {
        Ok(api) => api,
        // Compiled in, and read by a test: nothing that a caller sends can bring this about.
        Err(error) => unreachable!("data/gcp/{name}.json: {error}"),
    }
}

/// The versions of an API.
pub fn apis(name: &str) -> impl Iterator<Item = &'static Api> {
    NAMES
        .iter()
        .zip(&APIS)
        .filter(move |(known, _)| **known == name)
        .map(|(_, api)| &**api)
}

/// Every API's name.
pub fn names() -> impl Iterator<Item = &'static str> {
    let mut names = NAMES.to_vec();
    names.dedup();
    names.into_iter()
}

/// A method by API, version and id.
pub fn method(api: &str, version: &str, id: &str) -> Option<(&'static Api, &'static str, &'static Method)> {
    let api = apis(api).find(|api| api.version == version)?;
    let (id, method) = api.methods.get_key_value(id)?;
    Some((api, id, method))
}

/// The method that a verb on a path (without leading slash, still percent-encoded) means.
///
/// # Errors
/// [`Unfound`] when there is none.
pub fn find(api: &str, verb: &str, path: &str) -> Result<Found, Unfound> {
    let segments: Vec<&str> = path.split('/').collect();
    let mut known = false;
    for api in apis(api) {
        known = true;
        for (id, method) in &api.methods {
            let found = |path, upload| Found {
                api,
                id,
                method,
                path,
                upload,
            };
            if let Some(upload) = &method.upload
                && matches!(verb, "POST" | "PUT")
                && let Some(values) = upload.values(&segments)
            {
                return Ok(found(values, true));
            }
            if method.verb == verb
                && let Some(values) = method.path.values(&segments)
            {
                return Ok(found(values, false));
            }
        }
    }
    if !known {
        return Err(Unfound::Api);
    }
    let elsewhere = apis(api).flat_map(|api| &api.elsewhere).find(|(_, spelled)| {
        spelled
            .split_once(' ')
            .is_some_and(|(theirs, path)| theirs == verb && Template::parse(path).values(&segments).is_some())
    });
    Err(elsewhere.map_or(Unfound::Method, |(id, _)| Unfound::NotCarried(id)))
}

impl Api {
    /// Every carried method's id.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.keys().map(String::as_str)
    }

    /// Each carried method's verb and a path that fits it, with `x` for every piece that is free: what a test can go through.
    pub fn examples(&self) -> impl Iterator<Item = (&str, String)> {
        self.methods
            .values()
            .map(|method| (method.verb.as_str(), method.path.example("acme-ml")))
    }

    /// Whether names are protobuf's, which may come in either spelling and are told in snake case: of all but the two
    /// oldest APIs (<https://protobuf.dev/programming-guides/json/#field-names>).
    fn is_protobuf(&self) -> bool {
        !matches!(self.api.as_str(), "storage" | "compute")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_read_and_named_in_order() {
        for (name, api) in NAMES.iter().zip(&APIS) {
            assert_eq!(api.api, *name);
            assert!(api.revision.len() == 8 && api.methods().count() > 0);
            for (id, method) in &api.methods {
                for schema in [&method.request, &method.response].into_iter().flatten() {
                    assert!(api.schemas.contains_key(schema), "{id}: {schema}");
                }
            }
        }
    }

    #[test]
    fn finds_a_method_by_verb_and_path() {
        let found = find("container", "POST", "v1/projects/p/locations/l/clusters").unwrap();
        assert_eq!(found.id, "container.projects.locations.clusters.create");
        assert_eq!(
            found.path,
            [("parent".to_owned(), "projects/p/locations/l".to_owned())]
        );
        let found = find("iam", "POST", "v1/projects/-/serviceAccounts/a%40b:undelete").unwrap();
        assert_eq!(found.id, "iam.projects.serviceAccounts.undelete");
        assert_eq!(found.path[0].1, "projects/-/serviceAccounts/a@b");
        let found = find("cloudresourcemanager", "POST", "v1/projects/p:getIamPolicy").unwrap();
        assert_eq!(
            (found.api.version.as_str(), found.path[0].1.as_str()),
            ("v1", "p")
        );
        let found = find("cloudresourcemanager", "POST", "v3/projects/p:getIamPolicy").unwrap();
        assert_eq!(
            (found.api.version.as_str(), found.path[0].1.as_str()),
            ("v3", "projects/p")
        );
        let found = find("storage", "GET", "storage/v1/b/models/o/churn%2Fv1%2Fm").unwrap();
        assert_eq!(
            (found.id, found.path[1].1.as_str()),
            ("storage.objects.get", "churn/v1/m")
        );
        assert!(
            find("storage", "POST", "upload/storage/v1/b/models/o")
                .unwrap()
                .upload
        );
    }

    #[test]
    fn tells_what_is_not_carried_from_what_is_not_there() {
        assert_eq!(find("gke", "GET", "v1/x").unwrap_err(), Unfound::Api);
        assert_eq!(
            find("container", "GET", "v1/projects/p/locations/l/cluster").unwrap_err(),
            Unfound::Method
        );
        assert_eq!(
            find("container", "PATCH", "v1/projects/p/locations/l/clusters/c").unwrap_err(),
            Unfound::Method
        );
        assert_eq!(
            find(
                "container",
                "POST",
                "v1/projects/p/locations/l/clusters/c:setNetworkPolicy"
            )
            .unwrap_err(),
            Unfound::NotCarried("container.projects.locations.clusters.setNetworkPolicy")
        );
        assert_eq!(
            find("iam", "POST", "v1/projects/p/serviceAccounts/x:frobnicate").unwrap_err(),
            Unfound::Method
        );
    }
}
