//! The schema of `mlops_environment`. One function per top-level attribute.
//!
//! Only what is honoured is in the schema. Legend in the descriptions: *replaces* = a change builds a new environment;
//! *in place* = changed on the standing environment; *refused* = a change is refused at plan unless consented to in
//! `replace_components`.

mod access;
mod cluster;
mod computed;
mod place;
mod storage;

use std::collections::BTreeMap;

use access::{enforcement, federation, guardrails, identities, services};
use cluster::{cluster, kubernetes, node_pools};
use computed::computed;
use place::{aws, budget, gcp, network};
use storage::{buckets, encryption, protection, registry};
use tfplugin::Type;
use tfplugin::schema::{Attribute, Block, Nesting, Schema};

/// State version. Counted up with an upgrader whenever stored state must change shape.
pub const VERSION: u64 = 0;

type Attributes = BTreeMap<String, Attribute>;

fn attributes<const N: usize>(list: [(&str, Attribute); N]) -> Attributes {
    list.into_iter()
        .map(|(name, attribute)| (name.to_owned(), attribute))
        .collect()
}

fn strings() -> Type {
    Type::Set(Box::new(Type::String))
}

fn string_map() -> Type {
    Type::Map(Box::new(Type::String))
}

fn string() -> Attribute {
    Attribute::string()
}

fn number() -> Attribute {
    Attribute::number()
}

fn boolean() -> Attribute {
    Attribute::bool()
}

/// The whole schema.
pub fn schema() -> Schema {
    let mut all = settings();
    all.extend(computed());
    Schema {
        version: VERSION,
        description: "One ML environment: Kubernetes cluster with node pools, image registry, buckets by purpose, keys, \
                      log groups, secret names and one identity per purpose (ci, deploy, runtime, drift, retrain), \
                      entered through OIDC federation. On AWS or Google Cloud, with the same \
                      attributes and outputs. Never a static key.\n\nOnly `name`, the account or project, and the region or \
                      location replace an environment; everything else is changed in place, or refused at plan with the way \
                      forward."
            .into(),
        attributes: all,
        blocks: BTreeMap::from([("timeouts".to_owned(), timeouts())]),
    }
}

fn settings() -> Attributes {
    attributes([
        (
            "name",
            string().required().requires_replace().description(
                "Name of the environment: 3 to 20 lower-case letters, digits and single hyphens, beginning with a \
                 letter. Every cloud name is derived from it. A change *replaces*.",
            ),
        ),
        (
            "tier",
            string().required().description(
                "`dev`, `staging` or `prod`: decides the defaults. *In place*; names already given do not change with it.",
            ),
        ),
        (
            "owner",
            string().optional_computed().keep().description(
                "Who claims this environment, up to 63 characters; shown to whoever meets the claim. Default: `terraform:<uid>`. *In place*.",
            ),
        ),
        (
            "defaults_version",
            number().optional_computed().keep().description(
                "Version of the defaults in force, frozen at creation, so that a newer provider changes nothing by \
                 itself. *In place*; raising it shows what changes.",
            ),
        ),
        (
            "tags",
            Attribute::of(string_map()).optional().description(
                "Tags on every object, beside the provider's `default_tags`; labels on Google Cloud, where they are of lower-case letters, \
                 digits, `_` and `-`. Keys beginning with `mlops` are ours. *In place*.",
            ),
        ),
        ("aws", aws()),
        ("gcp", gcp()),
        ("network", network()),
        ("cluster", cluster()),
        ("node_pools", node_pools()),
        ("registry", registry()),
        ("buckets", buckets()),
        ("services", services()),
        ("identities", identities()),
        ("federation", federation()),
        ("encryption", encryption()),
        (
            "logging",
            Attribute::object(attributes([(
                "retention_days",
                number().optional_computed().description(
                    "Days that logs of the cluster are kept (on AWS one of CloudWatch's values). Default: dev 30, staging 90, prod 365. *In place*.",
                ),
            )]))
            .optional_computed()
            .description("Logs of the control plane."),
        ),
        ("budget", budget()),
        ("protection", protection()),
        ("guardrails", guardrails()),
        ("kubernetes", kubernetes()),
        ("enforcement", enforcement()),
        (
            "partial_create",
            string().optional().description(
                "What a create that ends half-way reports: `error` (default) or `warn`. Use `warn` only together with \
                 a postcondition `self.phase == \"READY\"`: the next plan is then an update in place. A change is *in place*.",
            ),
        ),
        (
            "adopt",
            Attribute::of(string_map()).optional().description(
                "Existing objects to take over: component address to cloud id, for example \
                 `{ \"buckets.data\" = \"acme-data\" }`. Adopted objects are kept when the environment is destroyed. *In place*.",
            ),
        ),
        (
            "replace_components",
            Attribute::of(string_map()).optional().description(
                "Consent to rebuild a component: component address to the token that the refusing plan printed. A \
                 token is good for exactly that change. *In place*.",
            ),
        ),
    ])
}

fn timeouts() -> Block {
    let timeout = |what: &str, default: &str| {
        string().optional().description(format!(
            "Longest time for {what}, for example `{default}` (default)."
        ))
    };
    Block {
        nesting: Nesting::Single,
        attributes: attributes([
            ("create", timeout("a create", "90m")),
            ("read", timeout("a refresh", "10m")),
            ("update", timeout("an update", "90m")),
            ("delete", timeout("a destroy", "60m")),
        ]),
        blocks: BTreeMap::new(),
        description: "How long operations may take.".into(),
        min_items: 0,
        max_items: 0,
    }
}

#[cfg(test)]
mod tests {
    use mlops_environment::config::Config;
    use serde_json::{Value as Json, json};
    use tfplugin::schema::{Kind, Mode};

    use super::*;

    #[test]
    fn terraform_accepts_the_schema() {
        assert_eq!(schema().faults(tfplugin::schema::Role::Resource), []);
        assert_eq!(
            crate::settings::schema().faults(tfplugin::schema::Role::Provider),
            []
        );
    }

    /// A configuration that sets every attribute.
    fn everything(attributes: &Attributes) -> Json {
        let settable = attributes
            .iter()
            .filter(|(_, attribute)| attribute.mode != Mode::Computed);
        settable
            .map(|(name, attribute)| {
                let value = match &attribute.kind {
                    Kind::Plain(ty) => sample(ty),
                    Kind::Nested(Nesting::Single, children) => everything(children),
                    Kind::Nested(Nesting::Map, children) => json!({ "key": everything(children) }),
                    Kind::Nested(_, children) => json!([everything(children)]),
                };
                (name.clone(), value)
            })
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    fn sample(ty: &Type) -> Json {
        match ty {
            Type::String => json!("text"),
            Type::Number => json!(1),
            Type::Bool => json!(true),
            Type::Map(inner) => json!({ "key": sample(inner) }),
            Type::List(inner) | Type::Set(inner) => json!([sample(inner)]),
            other => panic!("no setting has type {other:?}"),
        }
    }

    #[test]
    fn every_setting_reaches_the_configuration() {
        let given = everything(&settings());
        let config: Config = serde_json::from_value(given.clone()).unwrap();
        let mut read = serde_json::to_value(&config).unwrap();
        strip_nulls(&mut read);
        assert_eq!(read, given);
    }

    fn strip_nulls(value: &mut Json) {
        if let Json::Object(fields) = value {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(strip_nulls);
        } else if let Json::Array(items) = value {
            items.iter_mut().for_each(strip_nulls);
        }
    }

    #[test]
    fn only_name_account_and_region_replace() {
        fn replacing(prefix: &str, attributes: &Attributes, found: &mut Vec<String>) {
            for (name, attribute) in attributes {
                let path = format!("{prefix}{name}");
                if attribute.requires_replace {
                    found.push(path.clone());
                }
                if let Kind::Nested(_, children) = &attribute.kind {
                    replacing(&format!("{path}."), children, found);
                }
            }
        }
        let mut found = Vec::new();
        replacing("", &schema().attributes, &mut found);
        assert_eq!(
            found,
            [
                "aws.account_id",
                "aws.region",
                "gcp.location",
                "gcp.project",
                "gcp.region",
                "name"
            ]
        );
    }

    #[test]
    fn every_attribute_is_described() {
        fn check(prefix: &str, attributes: &Attributes) {
            for (name, attribute) in attributes {
                assert!(
                    !attribute.description.is_empty(),
                    "{prefix}{name} has no description"
                );
                if let Kind::Nested(_, children) = &attribute.kind {
                    check(&format!("{prefix}{name}."), children);
                }
            }
        }
        check("", &schema().attributes);
        check("provider.", &crate::settings::schema().attributes);
    }
}
