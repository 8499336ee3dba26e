//! Changes to a node group: of its configuration, and of what its nodes run.

use serde_json::{Value, json};

use super::node_group::{NodeChange, Scaling, labels, release, taints_fit, update_config};
use super::node_template::{self, Template};
use super::update::{Change, Plan, Subject};
use super::{known, refusal, update, version};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// Labels and taints by what is added and removed, the rest as it is sent.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupConfig.html>
pub(super) fn config(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, group) = (call.required("clusterName"), call.required("nodegroupName"));
    let cluster = known(world, call, name)?;
    cluster.known_group(group)?;
    if let Some(answer) = update::repeated(cluster, call) {
        return Ok(answer);
    }
    let named = |refusal: Refusal| refusal.with("clusterName", name).with("nodegroupName", group);
    let plan = config_plan(world, call).map_err(named)?;
    update::start(world, call, name, Subject::NodeGroup(group.to_owned()), plan)
}

fn config_plan(world: &World, call: &Call) -> Result<Plan, Refusal> {
    if input::given(&call.input, "warmPoolConfig").is_some() {
        return Err(refusal::not_carried("warmPoolConfig"));
    }
    let cluster = known(world, call, call.required("clusterName"))?;
    let group = cluster.known_group(call.required("nodegroupName"))?;
    let mut params = Vec::new();
    let mut change = NodeChange::default();
    if let Some(config) = input::given(&call.input, "scalingConfig") {
        let scaling = Scaling::read(config, group.scaling)?;
        for (param, member, value) in [
            ("MinSize", "minSize", scaling.min),
            ("MaxSize", "maxSize", scaling.max),
            ("DesiredSize", "desiredSize", scaling.desired),
        ] {
            if input::given(config, member).is_some() {
                params.push((param, value.to_string()));
            }
        }
        change.scaling = Some(scaling);
    }
    if let Some(given) = input::given(&call.input, "labels") {
        let added = labels(given.get("addOrUpdateLabels"))?;
        let removed = input::texts(given, "removeLabels");
        if let Some(twice) = removed.iter().find(|key| added.contains_key(**key)) {
            // The wording is a guess.
            return Err(refusal::invalid(format!(
                "Label {twice} cannot be added and removed in one request"
            )));
        }
        let mut all = group.labels.clone();
        all.retain(|key, _| !removed.contains(&key.as_str()));
        all.extend(added.clone());
        params.push(("LabelsToAdd", json!(added).to_string()));
        params.push(("LabelsToRemove", json!(removed).to_string()));
        change.labels = Some(all);
    }
    if let Some(given) = input::given(&call.input, "taints") {
        let (added, removed) = (
            input::items(given, "addOrUpdateTaints"),
            input::items(given, "removeTaints"),
        );
        taints_fit(added)?;
        let same =
            |left: &Value, right: &Value| left["key"] == right["key"] && left["effect"] == right["effect"];
        let mut all = group.taints.clone();
        all.retain(|taint| !removed.iter().chain(added).any(|other| same(taint, other)));
        all.extend(added.iter().cloned());
        taints_fit(&all)?;
        params.push(("TaintsToAdd", json!(added).to_string()));
        params.push(("TaintsToRemove", json!(removed).to_string()));
        change.taints = Some(all);
    }
    if let Some(config) = update_config(call.input.get("updateConfig"))? {
        for (param, member) in [
            ("MaxUnavailable", "maxUnavailable"),
            ("MaxUnavailablePercentage", "maxUnavailablePercentage"),
        ] {
            if let Some(number) = input::number(&config, member) {
                params.push((param, number.to_string()));
            }
        }
        change.update = Some(config);
    }
    if let Some(config) = input::given(&call.input, "nodeRepairConfig") {
        params.push(("NodeRepairConfig", config.to_string()));
        change.repair = Some(config.clone());
    }
    if change == NodeChange::default() {
        // The wording is a guess.
        return Err(refusal::invalid("No changes needed: the request changes nothing"));
    }
    Ok(Plan {
        kind: "ConfigUpdate",
        params,
        takes: ("eks.nodegroup.config", 15.0),
        change: Change::Nodes(Box::new(change)),
    })
}

/// A newer version or release, another version of the template; nodes are replaced one after another.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html>
pub(super) fn version(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, group) = (call.required("clusterName"), call.required("nodegroupName"));
    let cluster = known(world, call, name)?;
    cluster.known_group(group)?;
    if let Some(answer) = update::repeated(cluster, call) {
        return Ok(answer);
    }
    let named = |refusal: Refusal| refusal.with("clusterName", name).with("nodegroupName", group);
    let plan = version_plan(world, call).map_err(named)?;
    update::start(world, call, name, Subject::NodeGroup(group.to_owned()), plan)
}

fn version_plan(world: &World, call: &Call) -> Result<Plan, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let group = cluster.known_group(call.required("nodegroupName"))?;
    let template = input::given(&call.input, "launchTemplate")
        .map(|named| node_template::read(world, call, named))
        .transpose()?;
    if let Some(read) = &template {
        same_template(group.template.as_ref(), &read.template)?;
    }
    let custom = group.version.is_none();
    let asked = call.text("version").or(call.text("releaseVersion"));
    if custom && asked.is_some() {
        // https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateNodegroupVersion.html; the wording is a guess.
        return Err(refusal::invalid(
            "You cannot specify a version or release version for a node group with a custom image.",
        ));
    }
    if let Some(read) = &template
        && read.image().is_some() != custom
    {
        return Err(refusal::invalid(
            "A node group cannot change between an EKS image and a custom image.",
        ));
    }
    let mut params = Vec::new();
    let mut change = NodeChange::default();
    if let Some(read) = template {
        params.push(("LaunchTemplateName", read.template.name.clone()));
        params.push(("LaunchTemplateVersion", read.template.version.clone()));
        change.release = read.image().map(str::to_owned);
        change.template = Some(read.template);
    }
    if !custom {
        // The group's own version where a template alone is given, else the cluster's: the page above.
        let usual = if change.template.is_some() {
            &group.version
        } else {
            &None
        };
        let kubernetes = call
            .text("version")
            .or(usual.as_deref())
            .unwrap_or(&cluster.version);
        let (nodes, plane) = (version::minor(kubernetes), version::minor(&cluster.version));
        if nodes == 0 || nodes > plane {
            // That it is refused: the page above. The wording is a guess.
            return Err(refusal::invalid(format!(
                "Nodegroup Kubernetes version should be equal to or less than the cluster's, {}: {kubernetes} is not",
                cluster.version
            )));
        }
        if nodes < group.minor() {
            // https://docs.aws.amazon.com/eks/latest/userguide/update-managed-node-group.html; the wording is a guess.
            return Err(refusal::invalid(format!(
                "Nodegroup Kubernetes version cannot be taken back from {} to {kubernetes}",
                group.version.as_deref().unwrap_or_default()
            )));
        }
        let release = match call.text("releaseVersion") {
            Some(asked) if !asked.starts_with(&format!("{kubernetes}.")) => {
                return Err(refusal::invalid(format!(
                    "Requested release version {asked} is not valid for kubernetes version {kubernetes}."
                )));
            }
            Some(asked) => asked.to_owned(),
            None => release(kubernetes),
        };
        params.push(("Version", kubernetes.to_owned()));
        params.push(("ReleaseVersion", release.clone()));
        change.version = Some(kubernetes.to_owned());
        change.release = Some(release);
    }
    Ok(Plan {
        kind: "VersionUpdate",
        params,
        // Three minutes and more for each node: https://github.com/ministryofjustice/cloud-platform/issues/5346
        takes: ("eks.nodegroup.version", 600.0),
        change: Change::Nodes(Box::new(change)),
    })
}

/// Only another version of the same template: the page above. The wording is a guess.
fn same_template(before: Option<&Template>, after: &Template) -> Result<(), Refusal> {
    match before {
        Some(before) if before.id == after.id => Ok(()),
        Some(before) => Err(refusal::invalid(format!(
            "The launch template of a node group cannot be changed from {} to {}: only its version",
            before.id, after.id
        ))),
        None => Err(refusal::invalid(
            "A node group that was made without a launch template cannot be updated with one",
        )),
    }
}
