//! ImportResourceState: an environment by its id or identity, out of its claim, which knows the settings that it was
//! applied with. What is computed is filled in by the read that follows.

use mlops_environment::claim::{Claim, Phase};
use mlops_environment::driver::Reason;
use mlops_environment::names::{self, EnvironmentId};
use mlops_environment::spec::CloudFacts;
use serde_json::{Value as Json, json};
use tfplugin::provider::ImportTarget;
use tfplugin::schema::{Attribute, Schema};
use tfplugin::{Diagnostic, Imported, Value};

use super::Environment;
use super::private::Private;

/// Parts of an environment's id, in order, and the place of its claim where it is not the usual one.
const PARTS: [&str; 4] = ["cloud", "account", "region", "name"];
const LOGS_BUCKET: &str = "logs_bucket";

/// What names an environment from Terraform 1.12 on.
pub(super) fn identity_schema() -> Schema {
    let said = [
        "`aws` or `gcp`.",
        "Account, or id of the project.",
        "Region.",
        "Name of the environment.",
    ];
    PARTS
        .into_iter()
        .zip(said)
        .fold(Schema::new(), |schema, (name, said)| {
            schema.attribute(name, Attribute::string().required().description(said))
        })
        .attribute(
            LOGS_BUCKET,
            Attribute::string()
                .optional()
                .description("Bucket of the logs, where it was taken over and so has a name of its own."),
        )
}

/// The identity of the environment in a state; none while its address is not known.
pub(super) fn identity(state: &Value) -> Option<Value> {
    let id: EnvironmentId = state.get("id")?.as_str()?.parse().ok()?;
    let logs = state
        .get("bucket_info")
        .and_then(|info| info.get("logs")?.get("name")?.as_str());
    let usual = names::logs_bucket(&id);
    let own = logs.filter(|logs| *logs != usual);
    let parts = [id.cloud().as_str(), id.account(), id.region(), id.name.as_str()];
    let mut fields: Vec<(&str, Value)> = PARTS
        .into_iter()
        .zip(parts)
        .map(|(name, part)| (name, Value::from(part)))
        .collect();
    fields.push((LOGS_BUCKET, own.map_or(Value::Null, Value::from)));
    Some(Value::object(fields))
}

/// What is to be imported: `<id>`, or `<id>@<bucket>`.
struct Target {
    id: EnvironmentId,
    bucket: String,
}

impl Target {
    fn read(target: &ImportTarget) -> Result<Self, Diagnostic> {
        let (id, bucket) = match target {
            ImportTarget::Id(text) => match text.split_once('@') {
                Some((id, bucket)) => (id.to_owned(), Some(bucket.to_owned())),
                None => (text.clone(), None),
            },
            ImportTarget::Identity(identity) => {
                let part = |name: &str| identity.get(name).and_then(Value::as_str).map(str::to_owned);
                let parts = PARTS.map(|name| part(name).unwrap_or_default());
                (parts.join("/"), part(LOGS_BUCKET))
            }
        };
        let id: EnvironmentId = id.parse().map_err(|error| {
            Diagnostic::error(
                "Nothing can be imported by this id",
                format!(
                    "{error}. It is the attribute id of the environment, for example aws/111122223333/eu-west-1/churn-dev. \
                     Where its logs bucket was taken over, add the bucket: <id>@<bucket>."
                ),
            )
        })?;
        let bucket = bucket.unwrap_or_else(|| names::logs_bucket(&id));
        Ok(Self { id, bucket })
    }
}

/// Finds an environment by its claim.
pub(super) async fn import(resource: &Environment, target: ImportTarget) -> Result<Imported, Diagnostic> {
    let target = Target::read(&target)?;
    let cloud = resource
        .clouds
        .within(target.id.cloud(), Some(target.id.region()))
        .await
        .map_err(|errors| errors.0.into_iter().next().unwrap_or_else(|| absent(&target)))?;
    let ours = match &cloud.facts.cloud {
        CloudFacts::Aws { account, .. } => account.as_str(),
        CloudFacts::Gcp { project, .. } => project.as_str(),
    };
    if ours != target.id.account() {
        return Err(elsewhere(&target, ours));
    }
    let stored = cloud
        .driver
        .read_claim(&target.bucket, target.id.name.as_str())
        .await;
    let claim = match stored {
        Ok(Some((claim, _))) => claim,
        Ok(None) => return Err(absent(&target)),
        Err(failure) if failure.reason == Reason::NotFound => return Err(absent(&target)),
        Err(failure) => {
            return Err(Diagnostic::error(
                format!("The claim of {} cannot be read", target.id),
                format!(
                    "{}: {}. It stands in the bucket {}: use credentials that may read it, then import again.",
                    failure.operation, failure.message, target.bucket
                ),
            ));
        }
    };
    if claim.id != target.id.to_string() {
        return Err(Diagnostic::error(
            format!("The bucket {} holds another environment", target.bucket),
            format!(
                "Its claim is of {}, not of {}. Import it by that id.",
                claim.id, target.id
            ),
        ));
    }
    Ok(Imported {
        state: state(resource, &claim)?,
        private: Private {
            imported: true,
            ..Private::default()
        }
        .bytes(),
    })
}

/// The state as far as a claim tells it.
fn state(resource: &Environment, claim: &Claim) -> Result<Value, Diagnostic> {
    let Some(Json::Object(settings)) = &claim.settings else {
        return Err(Diagnostic::error(
            format!("The claim of {} does not tell its settings", claim.id),
            format!(
                "It was written by version {} of the provider, which did not record them. Apply once with this version where its \
                 state is; then it can be imported.",
                claim.provider_version
            ),
        ));
    };
    let mut whole = settings.clone();
    let phase = match claim.phase {
        Phase::Ready => "READY",
        Phase::Creating | Phase::Incomplete | Phase::Resumable => "INCOMPLETE",
        Phase::Deleting => "DELETING",
    };
    for (name, value) in [
        ("id", json!(claim.id)),
        ("uid", json!(claim.uid)),
        ("owner", json!(claim.owner)),
        ("phase", json!(phase)),
        ("generation", json!(claim.generation)),
        ("last_change", json!([])),
    ] {
        whole.insert(name.to_owned(), value);
    }
    Value::from_json(&resource.schema.ty(), &whole.into()).map_err(|error| {
        Diagnostic::error(
            format!("The claim of {} cannot be read", claim.id),
            format!(
                "Its settings do not fit this version of the provider: {error}. They were written by version {}: use that, or a \
                 newer one.",
                claim.provider_version
            ),
        )
    })
}

fn elsewhere(target: &Target, ours: &str) -> Diagnostic {
    Diagnostic::error(
        format!("{} is elsewhere", target.id),
        format!(
            "It belongs to {}, the credentials and the provider block to {ours}. Import it through a provider of {}.",
            target.id.account(),
            target.id.account()
        ),
    )
}

fn absent(target: &Target) -> Diagnostic {
    Diagnostic::error(
        format!("There is no environment {}", target.id),
        format!(
            "An environment has its claim in its logs bucket; there is none at {} in {}. Check the id: it is the attribute id of \
             the environment. Where its logs bucket was taken over, add the bucket: {}@<bucket>.",
            names::claim_key(&target.id.name),
            target.bucket,
            target.id
        ),
    )
}
