//! Clusters: made in minutes, changed by updates, deleted in minutes.
//!
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_Cluster.html>

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access_entry::AccessEntry;
use super::addon::Addon;
use super::encryption::{self, Encryption};
use super::network::{self, Endpoint};
use super::node_group::NodeGroup;
use super::pod_identity::Association;
use super::update::{Subject, Update};
use super::{clusters, done, known, known_mut, logging, paged, refusal, role, version};
use crate::answer::{Answer, Refusal};
use crate::aws::iam::service_linked;
use crate::aws::output::{said, without_nulls};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input, partition};
use crate::call::Call;
use crate::world::World;

/// Clusters in a region unless the quota is raised.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/service-quotas.html>
const MOST: usize = 100;

/// A cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cluster {
    /// Name, unique in account and region.
    pub name: String,
    /// ARN.
    pub arn: String,
    /// 32 hexadecimal digits that its endpoint and its issuer share.
    pub unique: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// When it is ready.
    pub ready: Timestamp,
    /// Whether its making is over.
    pub made: bool,
    /// Why it failed: code, message, resources.
    pub failure: Option<(String, String, Vec<String>)>,
    /// When its deletion is over, once it was asked for.
    pub gone: Option<Timestamp>,
    /// Kubernetes version.
    pub version: String,
    /// ARN of its role.
    pub role: String,
    /// Its network.
    pub vpc: String,
    /// Its subnets.
    pub subnets: Vec<String>,
    /// Its further security groups.
    pub groups: Vec<String>,
    /// The security group that EKS made for it.
    pub own_group: String,
    /// The interfaces that EKS made for it.
    pub interfaces: Vec<String>,
    /// Who may reach it.
    pub endpoint: Endpoint,
    /// Addresses of its services.
    pub services: String,
    /// Kinds of logs that it sends.
    pub log_types: BTreeSet<String>,
    /// When the missing log group is made.
    pub logs_due: Option<Timestamp>,
    /// The key for secrets.
    pub encryption: Option<Encryption>,
    /// `CONFIG_MAP`, `API_AND_CONFIG_MAP`, `API`.
    pub authentication: String,
    /// Whether who made it is its administrator.
    pub bootstrap: bool,
    /// Who made it.
    pub creator: String,
    /// `STANDARD`, `EXTENDED`.
    pub support: String,
    /// Whether traffic may be shifted away from a zone.
    pub zonal_shift: bool,
    /// Whether deletion is refused.
    pub protected: bool,
    /// Tags.
    pub tags: Tags,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
    /// Updates by id.
    pub updates: BTreeMap<String, Update>,
    /// Node groups by name.
    pub node_groups: BTreeMap<String, NodeGroup>,
    /// Access entries by the principal's ARN.
    pub access: BTreeMap<String, AccessEntry>,
    /// Add-ons by name.
    pub addons: BTreeMap<String, Addon>,
    /// Pod Identity associations by id.
    pub associations: BTreeMap<String, Association>,
}

impl Cluster {
    /// `CREATING`, `ACTIVE`, `FAILED`, `UPDATING`, `DELETING`.
    pub fn status(&self, at: Timestamp) -> &'static str {
        match () {
            () if self.gone.is_some() => "DELETING",
            () if !self.made || at < self.ready => "CREATING",
            () if self.failure.is_some() => "FAILED",
            () if self.under_way(&Subject::Cluster).is_some() => "UPDATING",
            () => "ACTIVE",
        }
    }

    /// Whether access entries count.
    pub fn has_access_api(&self) -> bool {
        self.authentication != "CONFIG_MAP"
    }

    /// Its issuer of tokens.
    ///
    /// <https://docs.aws.amazon.com/eks/latest/userguide/enable-iam-roles-for-service-accounts.html>; that its id is the
    /// endpoint's: <https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/4501>.
    pub fn issuer(&self, region: &str) -> String {
        let suffix = partition::dns_suffix(region);
        format!("https://oidc.eks.{region}.{suffix}/id/{}", self.unique)
    }

    fn shown(&self, world: &World, call: &Call) -> Value {
        let region = &call.region;
        let status = self.status(call.at);
        let stands = self.made && self.failure.is_none();
        let vpc = json!({
            "subnetIds": self.subnets,
            "securityGroupIds": self.groups,
            "clusterSecurityGroupId": stands.then_some(&self.own_group),
            "vpcId": self.vpc,
            "endpointPublicAccess": self.endpoint.public,
            "endpointPrivateAccess": self.endpoint.private,
            "publicAccessCidrs": self.endpoint.cidrs,
        });
        // The endpoint's host has no other part that a caller could know before.
        let endpoint = format!(
            "https://{}.gr7.{region}.eks.{}",
            self.unique,
            partition::dns_suffix(region)
        );
        // A certificate in form only: no Kubernetes answers behind it.
        let certificate = STANDARD.encode(format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            STANDARD.encode(&self.unique)
        ));
        without_nulls(json!({
            "name": self.name,
            "arn": self.arn,
            "createdAt": self.created.to_string(),
            "version": self.version,
            "endpoint": stands.then_some(endpoint),
            "roleArn": self.role,
            "resourcesVpcConfig": vpc,
            "kubernetesNetworkConfig": {
                "serviceIpv4Cidr": self.services,
                "ipFamily": "ipv4",
                "elasticLoadBalancing": {"enabled": false},
            },
            "logging": logging::shown(&self.log_types),
            "identity": stands.then(|| json!({"oidc": {"issuer": self.issuer(region)}})),
            "status": status,
            "certificateAuthority": if stands { json!({"data": certificate}) } else { json!({}) },
            "clientRequestToken": self.token,
            "platformVersion": version::find(&self.version).map(|release| release.platform),
            "tags": (!self.tags.is_empty()).then_some(&self.tags),
            "encryptionConfig": self.encryption.as_ref().map(Encryption::shown),
            "health": {"issues": self.issues(world, call)},
            "accessConfig": {
                "authenticationMode": self.authentication,
                "bootstrapClusterCreatorAdminPermissions": self.bootstrap,
            },
            "upgradePolicy": {"supportType": self.support},
            "zonalShiftConfig": self.zonal_shift.then(|| json!({"enabled": true})),
            "deletionProtection": self.protected,
        }))
    }

    /// What keeps it from working, as it is now.
    ///
    /// <https://docs.aws.amazon.com/eks/latest/userguide/troubleshooting.html>, "cluster health"; the sentences are guesses.
    fn issues(&self, world: &World, call: &Call) -> Vec<Value> {
        if let Some((code, message, resources)) = &self.failure {
            return vec![json!({"code": code, "message": message, "resourceIds": resources})];
        }
        if !self.made {
            return Vec::new();
        }
        let mut issues: Vec<Value> = ground(world, &call.account, &call.region, self)
            .into_iter()
            .map(|(code, message, resources)| {
                json!({"code": code, "message": message, "resourceIds": resources})
            })
            .collect();
        issues.extend(encryption::issue(world, call, self));
        issues
    }
}

/// What a cluster stands on and is not there any more.
pub(super) fn ground(
    world: &World,
    account: &str,
    region: &str,
    cluster: &Cluster,
) -> Option<(String, String, Vec<String>)> {
    if world
        .aws
        .account(account)
        .iam
        .role_by_arn(&cluster.role)
        .is_none()
    {
        let words = format!("The role {} of the cluster could not be found", cluster.role);
        return Some(("IamRoleNotFound".into(), words, vec![cluster.role.clone()]));
    }
    let ec2 = &world.aws.region(account, region).ec2;
    let gone: Vec<String> = cluster
        .subnets
        .iter()
        .filter(|id| !ec2.subnets.contains_key(*id))
        .cloned()
        .collect();
    (!gone.is_empty()).then(|| {
        let words = "Subnets of the cluster could not be found".to_owned();
        ("Ec2SubnetNotFound".into(), words, gone)
    })
}

/// Members of `CreateCluster` that this sandbox does not carry; what only switches off what is off anyway is taken.
const NOT_CARRIED: [&str; 6] = [
    "outpostConfig",
    "remoteNetworkConfig",
    "controlPlaneScalingConfig",
    "kubeApiServerConfig",
    "kubeSchedulerConfig",
    "kubeControllerManagerConfig",
];

/// Refuses what cannot be carried, so that nothing is silently dropped.
pub(super) fn carried(input: &Value) -> Result<(), Refusal> {
    if let Some(member) = NOT_CARRIED
        .iter()
        .find(|member| input::given(input, member).is_some())
    {
        return Err(refusal::not_carried(member));
    }
    let auto = [
        ("/computeConfig/enabled", "computeConfig (EKS Auto Mode)"),
        (
            "/storageConfig/blockStorage/enabled",
            "storageConfig (EKS Auto Mode)",
        ),
        (
            "/kubernetesNetworkConfig/elasticLoadBalancing/enabled",
            "elasticLoadBalancing (EKS Auto Mode)",
        ),
    ];
    for (pointer, words) in auto {
        if input.pointer(pointer).and_then(Value::as_bool) == Some(true) {
            return Err(refusal::not_carried(words));
        }
    }
    if input
        .pointer("/kubernetesNetworkConfig/ipFamily")
        .and_then(Value::as_str)
        == Some("ipv6")
    {
        return Err(refusal::not_carried("ipFamily ipv6"));
    }
    let egress = input.pointer("/resourcesVpcConfig/controlPlaneEgressMode");
    if egress
        .and_then(Value::as_str)
        .is_some_and(|mode| mode != "AWS_MANAGED")
    {
        return Err(refusal::not_carried(
            "controlPlaneEgressMode other than AWS_MANAGED",
        ));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateCluster.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("name");
    if let Some(standing) = clusters(world, call).get(name) {
        let token = call.text("clientRequestToken");
        if token.is_some() && standing.token.as_deref() == token {
            return Ok(said(json!({"cluster": standing.shown(world, call)})));
        }
        // https://github.com/hashicorp/terraform/issues/30808
        return Err(
            refusal::in_use(format!("Cluster already exists with name: {name}")).with("clusterName", name),
        );
    }
    let mut cluster = wanted(world, call).map_err(|refusal| refusal.with("clusterName", name))?;
    cluster.unique = world.random.hex(32).to_uppercase();
    let iam = &mut world.aws.account_mut(&call.account).iam;
    // https://docs.aws.amazon.com/eks/latest/userguide/using-service-linked-roles-eks.html
    service_linked::ensure(iam, &mut world.random, call, "eks.amazonaws.com");
    cluster.own_group = network::own_group(world, call, name, &cluster.vpc);
    let groups = [cluster.groups.clone(), vec![cluster.own_group.clone()]].concat();
    cluster.interfaces = network::interfaces(world, call, name, &cluster.subnets, &groups);
    let answer = said(json!({"cluster": cluster.shown(world, call)}));
    world
        .aws
        .region_mut(&call.account, &call.region)
        .eks
        .clusters
        .insert(name.to_owned(), cluster);
    Ok(answer)
}

/// The cluster that a call asks for, checked against what stands.
fn wanted(world: &World, call: &Call) -> Result<Cluster, Refusal> {
    let name = call.required("name");
    carried(&call.input)?;
    if clusters(world, call).len() >= MOST {
        // The wording is a guess.
        return Err(refusal::limit(format!(
            "Cluster limit exceeded for account: the limit is {MOST} clusters in a region"
        )));
    }
    let tags = tags::read_map(call.input.get("tags")).map_err(refusal::tags)?;
    let release = version::for_new(call)?;
    let role = call.required("roleArn");
    role::of_cluster(world, call, role)?;
    let empty = Value::Null;
    let config = call.input.get("resourcesVpcConfig").unwrap_or(&empty);
    let subnets = input::strings(config, "subnetIds");
    let vpc = network::of_subnets(world, call, &subnets)?;
    let groups = input::strings(config, "securityGroupIds");
    network::groups_stand(world, call, &groups, &vpc)?;
    let endpoint = Endpoint::default().changed(config)?;
    let services = match call.input.pointer("/kubernetesNetworkConfig/serviceIpv4Cidr") {
        Some(Value::String(cidr)) => {
            network::service_block(cidr)?;
            cidr.clone()
        }
        // 10.100.0.0/16 or 172.20.0.0/16, whichever the network leaves free:
        // https://docs.aws.amazon.com/eks/latest/APIReference/API_KubernetesNetworkConfigRequest.html
        _ => {
            let vpcs = &world.aws.region(&call.account, &call.region).ec2.vpcs;
            let ten = vpcs
                .get(&vpc)
                .is_some_and(|network| network.cidr.starts_with("10."));
            if ten { "172.20.0.0/16" } else { "10.100.0.0/16" }.to_owned()
        }
    };
    let log_types = match input::given(&call.input, "logging") {
        Some(wanted) => logging::changed(&BTreeSet::new(), wanted)?,
        None => BTreeSet::new(),
    };
    let encryption = encryption::read(world, call)?;
    let access = |member: &str| {
        call.input
            .get("accessConfig")
            .and_then(|config| config.get(member))
    };
    let authentication = access("authenticationMode")
        .and_then(Value::as_str)
        // https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html: the API's default.
        .unwrap_or("CONFIG_MAP");
    let bootstrap = access("bootstrapClusterCreatorAdminPermissions")
        .and_then(Value::as_bool)
        .unwrap_or(true);
    let pick = |pointer: &str| call.input.pointer(pointer);
    Ok(Cluster {
        name: name.to_owned(),
        arn: arn::regional("eks", &call.region, &call.account, &format!("cluster/{name}")),
        unique: String::new(),
        created: call.at,
        // Nine minutes or less on average: AWS's announcement of March 2021.
        ready: done(world, call, "eks.cluster.create", 540.0),
        made: false,
        failure: None,
        gone: None,
        version: release.name.to_owned(),
        role: role.to_owned(),
        vpc,
        subnets,
        groups,
        own_group: String::new(),
        interfaces: Vec::new(),
        endpoint,
        services,
        log_types,
        logs_due: None,
        encryption,
        authentication: authentication.to_owned(),
        bootstrap,
        creator: super::access_entry::creator(world, call),
        support: pick("/upgradePolicy/supportType")
            .and_then(Value::as_str)
            .unwrap_or("EXTENDED")
            .to_owned(),
        zonal_shift: pick("/zonalShiftConfig/enabled").and_then(Value::as_bool) == Some(true),
        protected: call.flag("deletionProtection"),
        tags,
        token: call.text("clientRequestToken").map(str::to_owned),
        updates: BTreeMap::new(),
        node_groups: BTreeMap::new(),
        access: BTreeMap::new(),
        addons: BTreeMap::new(),
        associations: BTreeMap::new(),
    })
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeCluster.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("name"))?;
    Ok(said(json!({"cluster": cluster.shown(world, call)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListClusters.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let names = clusters(world, call)
        .keys()
        .map(|name| (name.clone(), Value::from(name.as_str())));
    paged(world, call, "clusters", names)
}

/// Refused while node groups stand, while it is protected, and while an update runs.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteCluster.html>; protection counts for an active cluster only:
/// <https://docs.aws.amazon.com/eks/latest/userguide/deletion-protection.html>.
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("name");
    let cluster = known(world, call, name)?;
    let groups: Vec<&str> = cluster.node_groups.keys().map(String::as_str).collect();
    if !groups.is_empty() {
        return Err(refusal::in_use("Cluster has nodegroups attached")
            .with("clusterName", name)
            .with("nodegroupName", groups.join(",")));
    }
    if cluster.under_way(&Subject::Cluster).is_some() {
        // https://github.com/aws/containers-roadmap/issues/1511
        return Err(refusal::in_use(format!(
            "Cannot delete because cluster {name} currently has an update in progress"
        ))
        .with("clusterName", name));
    }
    if cluster.protected && cluster.status(call.at) == "ACTIVE" {
        // The wording is a guess.
        return Err(refusal::request(format!(
            "Cannot delete cluster {name} because deletion protection is enabled"
        ))
        .with("clusterName", name));
    }
    // A few minutes by experience: https://github.com/DevopsArtFactory/terraform-provisioning/pull/47
    let gone = done(world, call, "eks.cluster.delete", 180.0);
    let cluster = known_mut(world, call, name)?;
    cluster.gone.get_or_insert(gone);
    let cluster = known(world, call, name)?;
    Ok(said(json!({"cluster": cluster.shown(world, call)})))
}
