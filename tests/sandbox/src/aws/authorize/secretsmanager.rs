//! Secrets Manager: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecretsmanager.html>

use super::kms;
use super::need::{Need, tags_in, untagged};
use crate::aws::arn;
use crate::aws::secretsmanager::Secret;
use crate::call::Call;
use crate::world::World;

pub(super) fn needs(world: &World, call: &Call) -> Vec<Need> {
    let tags = tags_in(call.input.get("Tags"));
    let named = |name: &str| {
        arn::regional(
            "secretsmanager",
            &call.region,
            &call.account,
            &format!("secret:{name}"),
        )
    };
    match call.operation.as_str() {
        "ListSecrets" | "GetRandomPassword" | "BatchGetSecretValue" => vec![Need::own(call, "*")],
        "CreateSecret" => {
            let name = call.required("Name");
            // The six characters at its end are not drawn yet: the name alone is judged (a guess).
            let mut needs = vec![
                Need::own(call, named(name))
                    .with("secretsmanager:Name", name)
                    .requested(&tags),
            ];
            if !tags.is_empty() {
                needs.push(Need::of("secretsmanager:TagResource", named(name)).requested(&tags));
            }
            needs.extend(sealing(
                world,
                call,
                call.text("KmsKeyId"),
                &["kms:GenerateDataKey", "kms:Decrypt"],
            ));
            needs
        }
        operation => {
            let id = call.text("SecretId").unwrap_or_default();
            let found = find(world, call, id);
            let resource = match found {
                Some(secret) => secret.arn.clone(),
                None if id.starts_with("arn:") => id.to_owned(),
                None => named(id),
            };
            let mut need = Need::own(call, resource)
                .with("secretsmanager:SecretId", id)
                .requested(&tags)
                .with_all("aws:TagKeys", untagged(call));
            for (key, member) in [
                ("secretsmanager:VersionId", "VersionId"),
                ("secretsmanager:VersionStage", "VersionStage"),
                (
                    "secretsmanager:ForceDeleteWithoutRecovery",
                    "ForceDeleteWithoutRecovery",
                ),
                ("secretsmanager:BlockPublicPolicy", "BlockPublicPolicy"),
            ] {
                need = need.with_member(key, call.input.get(member));
            }
            let mut needs = Vec::new();
            if let Some(secret) = found {
                need = need
                    .tagged(Some("secretsmanager"), &secret.tags)
                    .under(secret.policy.as_ref());
                let actions: &[&str] = match operation {
                    "GetSecretValue" => &["kms:Decrypt"],
                    "PutSecretValue" | "UpdateSecret" => &["kms:GenerateDataKey", "kms:Decrypt"],
                    _ => &[],
                };
                needs.extend(sealing(world, call, secret.key.as_deref(), actions));
            }
            needs.insert(0, need);
            needs
        }
    }
}

fn find<'w>(world: &'w World, call: &Call, id: &str) -> Option<&'w Secret> {
    let secrets = &world
        .aws
        .region(&call.account, &call.region)
        .secretsmanager
        .secrets;
    secrets.get(id).or_else(|| {
        secrets.values().find(|secret| {
            let partial = secret.arn.rsplit_once('-').map_or("", |(start, _)| start);
            secret.arn == id || partial == id
        })
    })
}

/// The key of the secret, used in the caller's name; Secrets Manager's own lets everybody of the account in.
///
/// <https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html>
fn sealing(world: &World, call: &Call, key: Option<&str>, actions: &[&str]) -> Vec<Need> {
    let Some(key) = key.filter(|key| !key.ends_with("alias/aws/secretsmanager")) else {
        return Vec::new();
    };
    actions
        .iter()
        .map(|action| kms::through(world, call, action, key, "secretsmanager"))
        .collect()
}
