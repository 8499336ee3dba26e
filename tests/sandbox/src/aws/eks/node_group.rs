//! Managed node groups: labels, taints and sizes of what EKS would start. No instance runs behind them.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/managed-node-groups.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::node_template::{self, Template};
use super::update::Subject;
use super::{Cluster, access_entry, done, known, known_mut, network, paged, refusal, role, version};
use crate::answer::{Answer, Refusal};
use crate::aws::ec2::place;
use crate::aws::iam::service_linked;
use crate::aws::output::{said, without_nulls};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Node groups in a cluster unless the quota is raised.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html>
const MOST: usize = 30;

/// A node group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeGroup {
    /// Name, unique in the cluster.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// When it is ready, or has failed.
    pub ready: Timestamp,
    /// Whether its making is over.
    pub made: bool,
    /// Why it failed: code, message, resources.
    pub failure: Option<(String, String, Vec<String>)>,
    /// When its deletion is over, once it was asked for.
    pub gone: Option<Timestamp>,
    /// Kubernetes version; `None` where the template brings the image.
    pub version: Option<String>,
    /// Release of the image, or the image that the template brings.
    pub release: String,
    /// `ON_DEMAND`, `SPOT`, …
    pub capacity: String,
    /// Sizes.
    pub scaling: Scaling,
    /// Types of instances.
    pub instance_types: Vec<String>,
    /// Subnets.
    pub subnets: Vec<String>,
    /// How nodes are reached by SSH, as it was asked for.
    pub remote: Option<Value>,
    /// `AL2023_x86_64_STANDARD`, `CUSTOM`, …
    pub ami: String,
    /// ARN of the nodes' role.
    pub role: String,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Taints, as they were asked for.
    pub taints: Vec<Value>,
    /// GiB; `None` where the template says it.
    pub disk: Option<i64>,
    /// How many nodes may be away during an update, by the members of the API's description.
    pub update: Value,
    /// What is done with unhealthy nodes, by the members of the API's description.
    pub repair: Option<Value>,
    /// Launch template.
    pub template: Option<Template>,
    /// Name of its auto scaling group.
    pub scaling_group: String,
    /// Tags.
    pub tags: Tags,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
}

/// Sizes of a node group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scaling {
    /// Fewest nodes.
    pub min: i64,
    /// Most nodes.
    pub max: i64,
    /// Nodes that are wanted now.
    pub desired: i64,
}

/// What an update makes of a node group: what is `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeChange {
    /// Sizes.
    pub scaling: Option<Scaling>,
    /// All labels.
    pub labels: Option<BTreeMap<String, String>>,
    /// All taints.
    pub taints: Option<Vec<Value>>,
    /// Update configuration.
    pub update: Option<Value>,
    /// Repair configuration.
    pub repair: Option<Value>,
    /// Kubernetes version.
    pub version: Option<String>,
    /// Release of the image.
    pub release: Option<String>,
    /// Launch template.
    pub template: Option<Template>,
}

impl NodeChange {
    pub(super) fn apply(self, group: &mut NodeGroup, at: Timestamp) {
        fn set<T>(place: &mut T, value: Option<T>) {
            if let Some(value) = value {
                *place = value;
            }
        }
        set(&mut group.scaling, self.scaling);
        set(&mut group.labels, self.labels);
        set(&mut group.taints, self.taints);
        set(&mut group.update, self.update);
        set(&mut group.release, self.release);
        group.repair = self.repair.or(group.repair.take());
        group.version = self.version.or(group.version.take());
        group.template = self.template.or(group.template.take());
        group.modified = at;
    }
}

impl Scaling {
    /// Reads `scalingConfig`; what it does not say stays as `before`.
    ///
    /// # Errors
    /// `InvalidParameterException`; the sentences are those of public reports.
    pub(super) fn read(config: &Value, before: Self) -> Result<Self, Refusal> {
        let min = input::number(config, "minSize").unwrap_or(before.min);
        let max = input::number(config, "maxSize").unwrap_or(before.max);
        let desired = input::number(config, "desiredSize").unwrap_or(before.desired);
        if min > max {
            return Err(refusal::invalid(format!(
                "Minimum capacity {min} can't be greater than maximum capacity {max}"
            )));
        }
        if min > desired {
            return Err(refusal::invalid(format!(
                "Minimum capacity {min} can't be greater than desired size {desired}"
            )));
        }
        if desired > max {
            return Err(refusal::invalid(format!(
                "desired capacity {desired} can't be greater than max size {max}"
            )));
        }
        Ok(Self { min, max, desired })
    }

    fn shown(self) -> Value {
        json!({"minSize": self.min, "maxSize": self.max, "desiredSize": self.desired})
    }
}

impl NodeGroup {
    /// `CREATING`, `ACTIVE`, `UPDATING`, `DELETING`, `CREATE_FAILED`.
    pub fn status(&self, cluster: &Cluster, at: Timestamp) -> &'static str {
        match () {
            () if self.gone.is_some() => "DELETING",
            () if !self.made || at < self.ready => "CREATING",
            () if self.failure.is_some() => "CREATE_FAILED",
            () if cluster
                .under_way(&Subject::NodeGroup(self.name.clone()))
                .is_some() =>
            {
                "UPDATING"
            }
            () => "ACTIVE",
        }
    }

    fn shown(&self, cluster: &Cluster, at: Timestamp) -> Value {
        let issues: Vec<Value> = self
            .failure
            .iter()
            .map(|(code, message, resources)| {
                json!({"code": code, "message": message, "resourceIds": resources})
            })
            .collect();
        without_nulls(json!({
            "nodegroupName": self.name,
            "nodegroupArn": self.arn,
            "clusterName": cluster.name,
            "version": self.version,
            "releaseVersion": self.release,
            "createdAt": self.created.to_string(),
            "modifiedAt": self.modified.to_string(),
            "status": self.status(cluster, at),
            "capacityType": self.capacity,
            "scalingConfig": self.scaling.shown(),
            "instanceTypes": (!self.instance_types.is_empty()).then_some(&self.instance_types),
            "subnets": self.subnets,
            "remoteAccess": self.remote,
            "amiType": self.ami,
            "nodeRole": self.role,
            "labels": self.labels,
            "taints": (!self.taints.is_empty()).then_some(&self.taints),
            "resources": self.made.then(|| json!({"autoScalingGroups": [{"name": self.scaling_group}]})),
            "diskSize": self.disk,
            "health": {"issues": issues},
            "updateConfig": self.update,
            "nodeRepairConfig": self.repair,
            "launchTemplate": self.template.as_ref().map(Template::shown),
            "tags": (!self.tags.is_empty()).then_some(&self.tags),
        }))
    }

    /// The minor number of its version; that of the newest where its image is its own.
    pub(super) fn minor(&self) -> u32 {
        self.version.as_deref().map_or(u32::MAX, version::minor)
    }
}

impl Cluster {
    /// A node group by name.
    pub(super) fn known_group(&self, name: &str) -> Result<&NodeGroup, Refusal> {
        self.node_groups.get(name).ok_or_else(|| {
            // The wording is that of public reports.
            refusal::missing(format!("No node group found for name: {name}."))
                .with("clusterName", self.name.as_str())
                .with("nodegroupName", name)
        })
    }
}

/// Families of instances with Arm processors, by the letter after the generation and by name.
///
/// <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html>
fn is_arm(kind: &str) -> bool {
    let family = kind.split('.').next().unwrap_or_default();
    family == "a1"
        || family
            .split_once(|letter: char| letter.is_ascii_digit())
            .is_some_and(|(_, options)| options.starts_with('g'))
}

/// The kind of image, which must suit the types of instances.
///
/// # Errors
/// `InvalidParameterException`, in the words of public reports.
fn ami(call: &Call, kinds: &[String], custom: bool) -> Result<String, Refusal> {
    if custom {
        return match call.text("amiType") {
            None | Some("CUSTOM") => Ok("CUSTOM".to_owned()),
            // The wording is a guess.
            Some(_) => Err(refusal::request(
                "Cannot specify AMI type when the launch template specifies an image id",
            )),
        };
    }
    // https://docs.aws.amazon.com/eks/latest/userguide/al2023.html: the default since 1.30.
    let ami = call.text("amiType").unwrap_or("AL2023_x86_64_STANDARD");
    if ami == "CUSTOM" {
        return Err(refusal::invalid(
            "The AMI type CUSTOM needs a launch template that specifies an image id",
        ));
    }
    if let Some(kind) = kinds.iter().find(|kind| is_arm(kind) != ami.contains("ARM_64")) {
        return Err(refusal::invalid(format!(
            "[{kind}] is not a valid instance type for requested amiType {ami}"
        )));
    }
    Ok(ami.to_owned())
}

/// The image's release for a version of Kubernetes: `1.34.2-20260120`; the day is a snapshot.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/retrieve-ami-id.html>
pub(super) fn release(version: &str) -> String {
    let patch = version::find(version).map_or(version, |release| release.patch);
    format!("{patch}-20260120")
}

/// Labels that Kubernetes and EKS keep for themselves; the words are those of public reports.
pub(super) fn labels(given: Option<&Value>) -> Result<BTreeMap<String, String>, Refusal> {
    let labels: BTreeMap<String, String> = given
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    let reserved = |key: &String| {
        let domain = key.split_once('/').map_or("", |(domain, _)| domain);
        ["kubernetes.io", "k8s.io", "eks.amazonaws.com"]
            .iter()
            .any(|own| domain == *own || domain.strip_suffix(own).is_some_and(|rest| rest.ends_with('.')))
    };
    if labels.keys().any(reserved) {
        return Err(refusal::invalid(
            "Label cannot contain reserved prefixes [kubernetes.io/, k8s.io/, eks.amazonaws.com/]",
        ));
    }
    Ok(labels)
}

/// At most 50 taints, each key with an effect once: <https://docs.aws.amazon.com/eks/latest/userguide/node-taints-managed-node-groups.html>.
/// The wording is a guess.
pub(super) fn taints_fit(taints: &[Value]) -> Result<(), Refusal> {
    if taints.len() > 50 {
        return Err(refusal::invalid("A node group can have at most 50 taints"));
    }
    for (index, taint) in taints.iter().enumerate() {
        let same = |other: &Value| other["key"] == taint["key"] && other["effect"] == taint["effect"];
        if taints[..index].iter().any(same) {
            return Err(refusal::invalid(format!(
                "Taint {} is given twice with the same effect",
                taint["key"].as_str().unwrap_or_default()
            )));
        }
    }
    Ok(())
}

/// A number or a share of nodes, not both; the wording is a guess.
pub(super) fn update_config(config: Option<&Value>) -> Result<Option<Value>, Refusal> {
    let Some(config) = config.filter(|config| !config.is_null()) else {
        return Ok(None);
    };
    let given = |member: &str| input::given(config, member).is_some();
    if given("maxUnavailable") == given("maxUnavailablePercentage") {
        return Err(refusal::invalid(
            "Exactly one of maxUnavailable and maxUnavailablePercentage must be given",
        ));
    }
    if input::number(config, "maxUnavailable").is_some_and(|number| number > 100) {
        // https://docs.aws.amazon.com/eks/latest/APIReference/API_NodegroupUpdateConfig.html
        return Err(refusal::invalid("maxUnavailable cannot be greater than 100"));
    }
    Ok(Some(config.clone()))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, group) = (call.required("clusterName"), call.required("nodegroupName"));
    let named = |refusal: Refusal| refusal.with("clusterName", name).with("nodegroupName", group);
    let cluster = known(world, call, name)?;
    if let Some(standing) = cluster.node_groups.get(group) {
        let token = call.text("clientRequestToken");
        if token.is_some() && standing.token.as_deref() == token {
            return Ok(said(json!({"nodegroup": standing.shown(cluster, call.at)})));
        }
        return Err(named(refusal::in_use(format!(
            "NodeGroup already exists with name {group} and cluster name {name}"
        ))));
    }
    if cluster.status(call.at) != "ACTIVE" {
        return Err(named(refusal::request(format!(
            "Cluster '{name}' is not in ACTIVE status"
        ))));
    }
    let mut made = wanted(world, call, cluster).map_err(named)?;
    let uuid = world.random.uuid();
    made.arn = arn::regional(
        "eks",
        &call.region,
        &call.account,
        &format!("nodegroup/{name}/{group}/{uuid}"),
    );
    made.scaling_group = format!("eks-{group}-{uuid}");
    let iam = &mut world.aws.account_mut(&call.account).iam;
    for service in ["eks-nodegroup.amazonaws.com", "autoscaling.amazonaws.com"] {
        // https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles-eks-nodegroups.html
        service_linked::ensure(iam, &mut world.random, call, service);
    }
    let answer = said(json!({"nodegroup": made.shown(known(world, call, name)?, call.at)}));
    known_mut(world, call, name)?
        .node_groups
        .insert(group.to_owned(), made);
    Ok(answer)
}

/// The node group that a call asks for, checked against what stands.
fn wanted(world: &World, call: &Call, cluster: &Cluster) -> Result<NodeGroup, Refusal> {
    let name = call.required("nodegroupName");
    if name.len() > 63 || !name.starts_with(|letter: char| letter.is_ascii_alphanumeric()) {
        // https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html; the wording is a guess.
        return Err(refusal::invalid(
            "nodegroupName must begin with a letter or digit and have at most 63 characters",
        ));
    }
    if cluster.node_groups.len() >= MOST {
        return Err(refusal::limit(format!(
            "Nodegroup limit exceeded for cluster: the limit is {MOST}"
        )));
    }
    if input::given(&call.input, "warmPoolConfig").is_some() {
        return Err(refusal::not_carried("warmPoolConfig"));
    }
    let role = call.required("nodeRole");
    role::of_nodes(world, call, role)?;
    let subnets = input::strings(&call.input, "subnets");
    stand_in(world, call, &subnets, &cluster.vpc)?;
    let template = input::given(&call.input, "launchTemplate")
        .map(|named| node_template::read(world, call, named))
        .transpose()?;
    let mut kinds = input::strings(&call.input, "instanceTypes");
    let mut disk = input::number(&call.input, "diskSize");
    let mut image = None;
    match &template {
        Some(read) => {
            if disk.is_some() {
                // https://github.com/crossplane-contrib/provider-upjet-aws/issues/866
                return Err(refusal::invalid(
                    "Disk size must be specified within the launch template.",
                ));
            }
            if input::given(&call.input, "remoteAccess").is_some() {
                // https://github.com/terraform-aws-modules/terraform-aws-eks/issues/2219
                return Err(refusal::invalid(
                    "Remote access configuration cannot be specified with a launch template.",
                ));
            }
            if read.instance_type().is_some() && !kinds.is_empty() {
                // https://github.com/terraform-aws-modules/terraform-aws-eks/issues/1386
                return Err(refusal::request(
                    "Cannot specify instance types in launch template and API request",
                ));
            }
            image = read.image().map(str::to_owned);
            if image.is_some() && (call.text("version").is_some() || call.text("releaseVersion").is_some()) {
                // https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateNodegroup.html; the wording is a guess.
                return Err(refusal::invalid(
                    "You cannot specify a version or release version with an image id in the launch template.",
                ));
            }
            if !read.has_disk() {
                disk = None;
            }
        }
        None => disk = disk.or(Some(20)),
    }
    let of_template = template.as_ref().and_then(node_template::Read::instance_type);
    if kinds.is_empty() && of_template.is_none() {
        kinds = vec!["t3.medium".to_owned()];
    }
    let used: Vec<String> = kinds
        .iter()
        .cloned()
        .chain(of_template.map(str::to_owned))
        .collect();
    if let Some(odd) = used.iter().find(|kind| !place::offered(kind)) {
        return Err(refusal::invalid(format!(
            "The following supplied instance types do not exist: [{odd}]"
        )));
    }
    let ami = ami(call, &used, image.is_some())?;
    let kubernetes = nodes_version(call, cluster)?;
    let usual = Scaling {
        min: 1,
        max: 2,
        desired: 2,
    };
    let scaling = Scaling::read(call.input.get("scalingConfig").unwrap_or(&Value::Null), usual)?;
    if scaling.max < 1 {
        return Err(refusal::invalid("maxSize must be at least 1"));
    }
    let taints = input::items(&call.input, "taints").to_vec();
    taints_fit(&taints)?;
    let release = match (&image, call.text("releaseVersion")) {
        (Some(image), _) => image.clone(),
        (None, Some(asked)) if asked.starts_with(&format!("{kubernetes}.")) => asked.to_owned(),
        (None, Some(asked)) => {
            return Err(refusal::invalid(format!(
                "Requested release version {asked} is not valid for kubernetes version {kubernetes}."
            )));
        }
        (None, None) => release(&kubernetes),
    };
    Ok(NodeGroup {
        name: name.to_owned(),
        arn: String::new(),
        created: call.at,
        modified: call.at,
        // A little less than two minutes: https://github.com/DevopsArtFactory/terraform-provisioning/pull/47
        ready: done(world, call, "eks.nodegroup.create", 115.0),
        made: false,
        failure: None,
        gone: None,
        version: image.is_none().then(|| kubernetes.clone()),
        release,
        capacity: call.text("capacityType").unwrap_or("ON_DEMAND").to_owned(),
        scaling,
        instance_types: kinds,
        subnets,
        remote: input::given(&call.input, "remoteAccess").cloned(),
        ami,
        role: role.to_owned(),
        labels: labels(call.input.get("labels"))?,
        taints,
        disk,
        update: update_config(call.input.get("updateConfig"))?
            .unwrap_or_else(|| json!({"maxUnavailable": 1})),
        repair: input::given(&call.input, "nodeRepairConfig").cloned(),
        template: template.map(|read| read.template),
        scaling_group: String::new(),
        tags: tags::read_map(call.input.get("tags")).map_err(refusal::tags)?,
        token: call.text("clientRequestToken").map(str::to_owned),
    })
}

/// Subnets of nodes must exist in the cluster's network; one zone is enough.
fn stand_in(world: &World, call: &Call, subnets: &[String], vpc: &str) -> Result<(), Refusal> {
    let ec2 = &world.aws.region(&call.account, &call.region).ec2;
    if subnets.is_empty() {
        return Err(refusal::invalid("subnets must not be empty"));
    }
    for id in subnets {
        let subnet = ec2.subnets.get(id).ok_or_else(|| network::no_subnet(id))?;
        if subnet.vpc != vpc {
            // The wording is a guess.
            return Err(refusal::invalid(format!(
                "Subnet {id} does not belong to the VPC of the cluster, {vpc}"
            )));
        }
    }
    Ok(())
}

/// The nodes' version: the cluster's, or an older one that its control plane still talks to.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/kubernetes-versions.html>; the wording is a guess.
fn nodes_version(call: &Call, cluster: &Cluster) -> Result<String, Refusal> {
    let asked = call.text("version").unwrap_or(&cluster.version);
    let (nodes, plane) = (version::minor(asked), version::minor(&cluster.version));
    if nodes == 0 || nodes > plane || nodes + 3 < plane {
        return Err(refusal::invalid(format!(
            "Nodegroup Kubernetes version {asked} must not be above the cluster's, {}, nor more than three minor versions behind it",
            cluster.version
        )));
    }
    Ok(asked.to_owned())
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeNodegroup.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let group = cluster.known_group(call.required("nodegroupName"))?;
    Ok(said(json!({"nodegroup": group.shown(cluster, call.at)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListNodegroups.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let names = cluster
        .node_groups
        .keys()
        .map(|name| (name.clone(), Value::from(name.as_str())));
    paged(world, call, "nodegroups", names)
}

/// Refused while an update runs: <https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteNodegroup.html>.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, group) = (call.required("clusterName"), call.required("nodegroupName"));
    let cluster = known(world, call, name)?;
    let status = cluster.known_group(group)?.status(cluster, call.at);
    if matches!(status, "CREATING" | "UPDATING") {
        // The wording is a guess.
        return Err(refusal::in_use(format!(
            "Nodegroup {group} cannot be deleted while {status} is in progress"
        ))
        .with("clusterName", name)
        .with("nodegroupName", group));
    }
    let gone = done(world, call, "eks.nodegroup.delete", 150.0);
    if let Some(found) = known_mut(world, call, name)?.node_groups.get_mut(group) {
        found.gone.get_or_insert(gone);
    }
    let cluster = known(world, call, name)?;
    let group = cluster.known_group(group)?;
    Ok(said(json!({"nodegroup": group.shown(cluster, call.at)})))
}

/// Node groups that are made, or have failed, or are gone.
pub(super) fn settle(world: &mut World, call: &Call, cluster: &mut Cluster) {
    let mut admitted = false;
    for group in cluster.node_groups.values_mut() {
        if group.made || group.ready > call.at {
            continue;
        }
        group.made = true;
        admitted = true;
        // https://docs.aws.amazon.com/eks/latest/APIReference/API_Issue.html: seen after 20 minutes on AWS, here at once.
        group.failure = role::keeps_nodes_out(world, &call.account, &group.role, call.at).map(|words| {
            (
                "NodeCreationFailure".to_owned(),
                words,
                vec![group.scaling_group.clone()],
            )
        });
    }
    if admitted {
        access_entry::admit_nodes(&mut world.random, call, cluster);
    }
    let gone: Vec<String> = cluster
        .node_groups
        .iter()
        .filter(|(_, group)| group.gone.is_some_and(|gone| gone <= call.at))
        .map(|(name, _)| name.clone())
        .collect();
    for name in gone {
        if let Some(group) = cluster.node_groups.remove(&name) {
            access_entry::dismiss_nodes(cluster, &group.role);
        }
        let subject = Subject::NodeGroup(name);
        cluster.updates.retain(|_, update| update.subject != subject);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arm_is_told_by_the_name() {
        for kind in [
            "t4g.medium",
            "m7gd.large",
            "a1.large",
            "c7gn.xlarge",
            "r6g.2xlarge",
        ] {
            assert!(is_arm(kind), "{kind}");
        }
        for kind in ["g5.xlarge", "m6i.large", "p4d.24xlarge", "c6id.large", "t3.micro"] {
            assert!(!is_arm(kind), "{kind}");
        }
    }

    #[test]
    fn sizes_are_in_order() {
        let before = Scaling {
            min: 1,
            max: 3,
            desired: 2,
        };
        assert_eq!(
            Scaling::read(&json!({"maxSize": 9}), before),
            Ok(Scaling {
                min: 1,
                max: 9,
                desired: 2
            })
        );
        for bad in [
            json!({"minSize": 3}),
            json!({"desiredSize": 4}),
            json!({"minSize": 9, "desiredSize": 9}),
        ] {
            assert!(Scaling::read(&bad, before).is_err(), "{bad}");
        }
    }

    #[test]
    fn labels_of_kubernetes_are_reserved() {
        assert!(labels(Some(&json!({"team": "a", "example.com/x": "y"}))).is_ok());
        for key in ["kubernetes.io/x", "node.k8s.io/x", "eks.amazonaws.com/nodegroup"] {
            assert!(labels(Some(&json!({key: "a"}))).is_err(), "{key}");
        }
    }
}
