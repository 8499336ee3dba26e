//! Attributes a provider computes, where they follow from what is known: the ARN of a bucket from its name.
//!
//! What depends on the account or region has a hole there. The partition is taken as `aws`: a policy for another one is
//! judged alike.

use crate::value::{Part, Template, Unknown, Value};

type V = Value<'static>;

fn text(parts: Vec<V>) -> V {
    let mut all = vec![Value::string("")];
    all.extend(parts);
    super::eval::template(all)
}

fn gap(what: &str) -> V {
    Value::Unknown(Unknown {
        references: vec![what.to_owned()],
    })
}

/// The value of a computed attribute, if it is determined. `get` reads other attributes of the same instance.
pub(crate) fn attribute(kind: &str, data: bool, name: &str, get: &dyn Fn(&str) -> V) -> Option<V> {
    let known = |attribute: &str| {
        let v = get(attribute);
        (!v.is_unknown() && !v.is_null()).then_some(v)
    };
    let s = |t: &str| Value::string(t.to_owned());
    Some(match (kind, data, name) {
        ("aws_s3_bucket", _, "arn") => text(vec![s("arn:aws:s3:::"), known("bucket")?]),
        ("aws_s3_bucket", _, "id") => known("bucket")?,
        ("aws_iam_role", _, "arn") => text(vec![
            s("arn:aws:iam::"),
            gap("the account id"),
            s(":role"),
            path(&get("path")),
            known("name")?,
        ]),
        ("aws_iam_role" | "aws_iam_user" | "aws_iam_group" | "aws_iam_instance_profile", _, "id") => {
            known("name")?
        }
        ("aws_iam_user", _, "arn") => text(vec![
            s("arn:aws:iam::"),
            gap("the account id"),
            s(":user"),
            path(&get("path")),
            known("name")?,
        ]),
        ("aws_iam_policy", false, "arn") => text(vec![
            s("arn:aws:iam::"),
            gap("the account id"),
            s(":policy"),
            path(&get("path")),
            known("name")?,
        ]),
        ("aws_iam_policy", true, "arn") => {
            let name = known("name")?;
            // A data source by name: AWS's own where it is one of the famous ones.
            match name.as_str() {
                Some(n)
                    if n.ends_with("FullAccess")
                        || ["AdministratorAccess", "PowerUserAccess", "ReadOnlyAccess"].contains(&n) =>
                {
                    text(vec![s("arn:aws:iam::aws:policy/"), name.clone()])
                }
                _ => return None,
            }
        }
        ("aws_iam_openid_connect_provider", false, "arn") => {
            let url = known("url")?;
            let host = url.as_str()?.trim_start_matches("https://").to_owned();
            text(vec![
                s("arn:aws:iam::"),
                gap("the account id"),
                s(":oidc-provider/"),
                Value::string(host),
            ])
        }
        ("aws_ecr_repository", _, "arn") => text(vec![
            s("arn:aws:ecr:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":repository/"),
            known("name")?,
        ]),
        ("aws_eks_cluster", _, "arn") => text(vec![
            s("arn:aws:eks:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":cluster/"),
            known("name")?,
        ]),
        ("aws_eks_cluster", _, "id") => known("name")?,
        ("aws_dynamodb_table", _, "arn") => text(vec![
            s("arn:aws:dynamodb:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":table/"),
            known("name")?,
        ]),
        ("aws_sqs_queue", _, "arn") => text(vec![
            s("arn:aws:sqs:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":"),
            known("name")?,
        ]),
        ("aws_sns_topic", _, "arn") => text(vec![
            s("arn:aws:sns:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":"),
            known("name")?,
        ]),
        ("aws_cloudwatch_log_group", _, "arn") => text(vec![
            s("arn:aws:logs:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":log-group:"),
            known("name")?,
        ]),
        ("aws_kms_key", _, "arn") => text(vec![
            s("arn:aws:kms:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":key/"),
            gap("the key id"),
        ]),
        ("aws_secretsmanager_secret", _, "arn" | "id") => text(vec![
            s("arn:aws:secretsmanager:"),
            gap("the region"),
            s(":"),
            gap("the account id"),
            s(":secret:"),
            known("name")?,
            s("-"),
            gap("the random suffix"),
        ]),
        ("aws_partition", true, "partition") => s("aws"),
        ("aws_partition", true, "dns_suffix") => s("amazonaws.com"),
        ("google_service_account", _, "email") => {
            let id = known("account_id")?;
            let project = known("project").unwrap_or_else(|| gap("the project"));
            text(vec![id, s("@"), project, s(".iam.gserviceaccount.com")])
        }
        ("google_service_account", _, "member") => {
            let email = attribute(kind, data, "email", get)?;
            text(vec![s("serviceAccount:"), email])
        }
        ("google_service_account", _, "name" | "id") => {
            let email = attribute(kind, data, "email", get)?;
            let project = known("project").unwrap_or_else(|| gap("the project"));
            text(vec![s("projects/"), project, s("/serviceAccounts/"), email])
        }
        ("google_storage_bucket", _, "id") => known("name")?,
        ("kubernetes_namespace" | "kubernetes_namespace_v1", _, "id") => {
            known("metadata")?.path("0.name").clone()
        }
        _ => return None,
    })
}

/// `/` when there is none.
fn path(v: &V) -> V {
    match v.bare() {
        Value::String(_) | Value::Template(_) => v.clone(),
        _ => Value::string("/"),
    }
}

/// True when a template's only unknown parts are the account, the region and the like: it still names one thing.
#[must_use]
pub fn names_one_thing(t: &Template<'_>) -> bool {
    t.0.iter().all(|p| match p {
        Part::Literal(_) => true,
        Part::Hole(u) => u.references.iter().all(|r| r.starts_with("the ")),
    })
}
