//! Add-ons of a cluster.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/eks-add-ons.html>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::pod_identity::{self, Association};
use super::update::{Change, Plan, Subject};
use super::{Cluster, addon_catalogue, done, known, known_mut, paged, refusal, role, update};
use crate::answer::{Answer, Refusal};
use crate::aws::output::{said, without_nulls};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// An add-on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Addon {
    /// Name.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// Version.
    pub version: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When it is ready.
    pub ready: Timestamp,
    /// When its deletion is over, once it was asked for.
    pub gone: Option<Timestamp>,
    /// ARN of the role of its service account.
    pub role: Option<String>,
    /// Its configuration, as text.
    pub configuration: Option<String>,
    /// Namespace, where another than the usual one was asked for.
    pub namespace: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
}

/// What an update makes of an add-on: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AddonChange {
    /// Version.
    pub version: Option<String>,
    /// Role; `Some(None)` takes it away.
    pub role: Option<Option<String>>,
    /// Configuration.
    pub configuration: Option<String>,
}

impl AddonChange {
    pub(super) fn apply(self, addon: &mut Addon, at: Timestamp) {
        if let Some(version) = self.version {
            addon.version = version;
        }
        if let Some(role) = self.role {
            addon.role = role;
        }
        addon.configuration = self.configuration.or(addon.configuration.take());
        addon.modified = at;
    }
}

impl Addon {
    /// `CREATING`, `ACTIVE`, `DEGRADED`, `UPDATING`, `DELETING`. What runs as a deployment is degraded while there are no
    /// nodes.
    ///
    /// <https://docs.aws.amazon.com/eks/latest/userguide/add-on-status-values.html>
    fn status(&self, cluster: &Cluster, at: Timestamp) -> &'static str {
        match () {
            () if self.gone.is_some() => "DELETING",
            () if at < self.ready => "CREATING",
            () if cluster.under_way(&Subject::Addon(self.name.clone())).is_some() => "UPDATING",
            () if self.lacks_nodes(cluster, at) => "DEGRADED",
            () => "ACTIVE",
        }
    }

    fn lacks_nodes(&self, cluster: &Cluster, at: Timestamp) -> bool {
        let nodes = cluster.node_groups.values().any(|group| {
            matches!(group.status(cluster, at), "ACTIVE" | "UPDATING") && group.scaling.desired > 0
        });
        !nodes && addon_catalogue::find(&self.name).is_some_and(|entry| entry.needs_nodes)
    }

    fn shown(&self, cluster: &Cluster, at: Timestamp) -> Value {
        let status = self.status(cluster, at);
        let issues = if status == "DEGRADED" {
            vec![json!({
                "code": "InsufficientNumberOfReplicas",
                "message": "The add-on is unhealthy because it doesn't have the desired number of replicas.",
                "resourceIds": [],
            })]
        } else {
            Vec::new()
        };
        let associations: Vec<&str> = cluster
            .associations
            .values()
            .filter(|association| association.owner.as_deref() == Some(&self.arn))
            .map(|association| association.arn.as_str())
            .collect();
        without_nulls(json!({
            "addonName": self.name,
            "clusterName": cluster.name,
            "status": status,
            "addonVersion": self.version,
            "health": {"issues": issues},
            "addonArn": self.arn,
            "createdAt": self.created.to_string(),
            "modifiedAt": self.modified.to_string(),
            "serviceAccountRoleArn": self.role,
            "tags": (!self.tags.is_empty()).then_some(&self.tags),
            "publisher": "eks",
            "owner": "aws",
            "configurationValues": self.configuration,
            "podIdentityAssociations": (!associations.is_empty()).then_some(associations),
            "namespaceConfig": self.namespace.as_ref().map(|name| json!({"namespace": name})),
        }))
    }
}

impl Cluster {
    /// An add-on by name.
    pub(super) fn known_addon(&self, name: &str) -> Result<&Addon, Refusal> {
        self.addons.get(name).ok_or_else(|| {
            // The wording is that of public reports.
            refusal::missing(format!("No addon: {name} found in cluster: {}", self.name))
                .with("clusterName", self.name.as_str())
                .with("addonName", name)
        })
    }
}

/// A configuration must be JSON or YAML; this sandbox reads JSON, and takes YAML that begins with a key.
fn configuration(call: &Call) -> Result<Option<String>, Refusal> {
    let Some(text) = call.text("configurationValues").filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let looks_like_json = text.trim_start().starts_with(['{', '[']);
    if looks_like_json && serde_json::from_str::<Value>(text).is_err() {
        // The wording is a guess.
        return Err(refusal::invalid(
            "ConfigurationValue provided in request is not supported",
        ));
    }
    Ok(Some(text.to_owned()))
}

fn version_of(call: &Call, cluster: &Cluster, name: &str) -> Result<Option<String>, Refusal> {
    let entry = addon_catalogue::find(name).ok_or_else(|| {
        refusal::invalid(format!("Addon {name} specified is not supported")).with("addonName", name)
    })?;
    match call.text("addonVersion") {
        Some(asked) if entry.suits(asked, &cluster.version) => Ok(Some(asked.to_owned())),
        // The wording is that of public reports.
        Some(_) => Err(refusal::invalid(format!(
            "Addon version specified is not supported in {} kubernetes version",
            cluster.version
        ))),
        None => Ok(None),
    }
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAddon.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, addon) = (call.required("clusterName"), call.required("addonName"));
    let named = |refusal: Refusal| refusal.with("clusterName", name).with("addonName", addon);
    let cluster = known(world, call, name)?;
    if let Some(standing) = cluster.addons.get(addon) {
        let token = call.text("clientRequestToken");
        if token.is_some() && standing.token.as_deref() == token {
            return Ok(said(json!({"addon": standing.shown(cluster, call.at)})));
        }
        return Err(named(refusal::in_use("Addon already exists.")));
    }
    if !matches!(cluster.status(call.at), "ACTIVE" | "UPDATING") {
        return Err(named(refusal::request(format!(
            "Cluster '{name}' is not in ACTIVE status"
        ))));
    }
    let version = version_of(call, cluster, addon).map_err(named)?;
    let usual = addon_catalogue::find(addon).and_then(|entry| entry.usual(&cluster.version));
    let Some(version) = version.or(usual.map(str::to_owned)) else {
        return Err(named(addon_catalogue::unknown(addon)));
    };
    let role = call.text("serviceAccountRoleArn").map(str::to_owned);
    role.iter()
        .try_for_each(|arn| role::exists(world, call, arn))
        .map_err(named)?;
    let wanted = pod_identity::wanted_by_addon(world, call, cluster, None).map_err(named)?;
    let configuration = configuration(call).map_err(named)?;
    let tags = tags::read_map(call.input.get("tags")).map_err(refusal::tags)?;
    let uuid = world.random.uuid();
    let made = Addon {
        name: addon.to_owned(),
        arn: arn::regional(
            "eks",
            &call.region,
            &call.account,
            &format!("addon/{name}/{addon}/{uuid}"),
        ),
        version,
        created: call.at,
        modified: call.at,
        ready: done(world, call, "eks.addon.create", 30.0),
        gone: None,
        role,
        configuration,
        namespace: call
            .input
            .pointer("/namespaceConfig/namespace")
            .and_then(Value::as_str)
            .map(str::to_owned),
        tags,
        token: call.text("clientRequestToken").map(str::to_owned),
    };
    own(world, call, name, &made.arn, wanted.unwrap_or_default())?;
    known_mut(world, call, name)?
        .addons
        .insert(addon.to_owned(), made);
    let cluster = known(world, call, name)?;
    let addon = cluster.known_addon(addon)?;
    Ok(said(json!({"addon": addon.shown(cluster, call.at)})))
}

/// Replaces the associations that an add-on owns.
fn own(
    world: &mut World,
    call: &Call,
    cluster: &str,
    addon: &str,
    wanted: Vec<Association>,
) -> Result<(), Refusal> {
    known_mut(world, call, cluster)?
        .associations
        .retain(|_, association| association.owner.as_deref() != Some(addon));
    for mut association in wanted {
        association.owner = Some(addon.to_owned());
        pod_identity::insert(world, call, cluster, association)?;
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAddon.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let addon = cluster.known_addon(call.required("addonName"))?;
    Ok(said(json!({"addon": addon.shown(cluster, call.at)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAddons.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let names = cluster
        .addons
        .keys()
        .map(|name| (name.clone(), Value::from(name.as_str())));
    paged(world, call, "addons", names)
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAddon.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, addon) = (call.required("clusterName"), call.required("addonName"));
    let named = |refusal: Refusal| refusal.with("clusterName", name).with("addonName", addon);
    let cluster = known(world, call, name)?;
    let standing = cluster.known_addon(addon)?;
    if let Some(answer) = update::repeated(cluster, call) {
        return Ok(answer);
    }
    let status = standing.status(cluster, call.at);
    if !matches!(status, "ACTIVE" | "DEGRADED" | "UPDATING") {
        // The wording is a guess.
        return Err(named(refusal::in_use(format!("Addon {addon} is {status}"))));
    }
    let arn = standing.arn.clone();
    let change = AddonChange {
        version: version_of(call, cluster, addon).map_err(named)?,
        role: call
            .text("serviceAccountRoleArn")
            .map(|role| (!role.is_empty()).then(|| role.to_owned())),
        configuration: configuration(call).map_err(named)?,
    };
    change
        .role
        .iter()
        .flatten()
        .try_for_each(|arn| role::exists(world, call, arn))
        .map_err(named)?;
    let mut params = Vec::new();
    for (param, member) in [
        ("AddonVersion", "addonVersion"),
        ("ServiceAccountRoleArn", "serviceAccountRoleArn"),
        ("ResolveConflicts", "resolveConflicts"),
        ("ConfigurationValues", "configurationValues"),
    ] {
        if let Some(value) = call.text(member) {
            params.push((param, value.to_owned()));
        }
    }
    let wanted = pod_identity::wanted_by_addon(world, call, cluster, Some(&arn)).map_err(named)?;
    if wanted.is_some() {
        params.push((
            "PodIdentityAssociations",
            call.input["podIdentityAssociations"].to_string(),
        ));
    }
    let plan = Plan {
        kind: "AddonUpdate",
        params,
        takes: ("eks.addon.update", 30.0),
        change: Change::Addon(Box::new(change)),
    };
    let answer = update::start(world, call, name, Subject::Addon(addon.to_owned()), plan)?;
    if let Some(wanted) = wanted {
        own(world, call, name, &arn, wanted)?;
    }
    Ok(answer)
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteAddon.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, addon) = (call.required("clusterName"), call.required("addonName"));
    known(world, call, name)?.known_addon(addon)?;
    let gone = done(world, call, "eks.addon.delete", 15.0);
    if let Some(found) = known_mut(world, call, name)?.addons.get_mut(addon) {
        found.gone.get_or_insert(gone);
    }
    let cluster = known(world, call, name)?;
    let addon = cluster.known_addon(addon)?;
    Ok(said(json!({"addon": addon.shown(cluster, call.at)})))
}

/// The roles of an add-on's service accounts, as the request lists them.
pub(super) fn listed(call: &Call) -> Option<&[Value]> {
    input::given(&call.input, "podIdentityAssociations")
        .map(|_| input::items(&call.input, "podIdentityAssociations"))
}
