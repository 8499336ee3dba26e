//! Access entries: who may reach a cluster's Kubernetes API. EKS makes those of the cluster's creator and of nodes itself.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>

use std::collections::BTreeMap;

use jiff::Timestamp;
use mlops_access::aws::Arn;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::access_policy::{Associated, Scope};
use super::{Cluster, known, known_mut, paged, refusal, role};
use crate::answer::{Answer, Refusal};
use crate::aws::iam::document;
use crate::aws::output::said;
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, authorize, input, partition};
use crate::call::Call;
use crate::random::Random;
use crate::world::World;

/// An access entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessEntry {
    /// ARN.
    pub arn: String,
    /// ARN of the principal.
    pub principal: String,
    /// `STANDARD`, `EC2_LINUX`, …
    pub kind: String,
    /// Name in Kubernetes.
    pub username: String,
    /// Groups in Kubernetes.
    pub groups: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// Tags.
    pub tags: Tags,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
    /// Access policies by ARN.
    pub policies: BTreeMap<String, Associated>,
}

/// Kinds of entries: <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html>. All but the first are
/// for nodes, and take neither groups nor a user name.
const KINDS: [&str; 7] = [
    "STANDARD",
    "EC2",
    "EC2_LINUX",
    "EC2_WINDOWS",
    "FARGATE_LINUX",
    "HYBRID_LINUX",
    "HYPERPOD_LINUX",
];

/// Beginnings that neither user names nor groups may have; the same page.
const RESERVED: [&str; 5] = ["system:", "eks:", "aws:", "amazon:", "iam:"];

impl AccessEntry {
    fn shown(&self, cluster: &str) -> Value {
        json!({
            "clusterName": cluster,
            "principalArn": self.principal,
            "kubernetesGroups": self.groups,
            "accessEntryArn": self.arn,
            "createdAt": self.created.to_string(),
            "modifiedAt": self.modified.to_string(),
            "tags": self.tags,
            "username": self.username,
            "type": self.kind,
        })
    }
}

/// The ARN of an entry: `access-entry/<cluster>/role/<account>/<name>/<uuid>`.
///
/// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelastickubernetesservice.html>
fn entry_arn(call: &Call, cluster: &str, principal: &str, uuid: &str) -> String {
    let (kind, account) = Arn::parse(principal).map_or(("role", ""), |parsed| {
        let kind = if parsed.resource.starts_with("user/") {
            "user"
        } else {
            "role"
        };
        (kind, parsed.account)
    });
    let name = role::name(principal);
    let resource = format!("access-entry/{cluster}/{kind}/{account}/{name}/{uuid}");
    arn::regional("eks", &call.region, &call.account, &resource)
}

/// An entry as EKS fills it in: names of sessions of roles, or of nodes.
fn entry(random: &mut Random, call: &Call, cluster: &str, principal: &str, kind: &str) -> AccessEntry {
    let name = role::name(principal);
    let account = Arn::parse(principal).map_or("", |parsed| parsed.account);
    let (username, groups) = match kind {
        "STANDARD" if principal.contains(":role/") => (
            format!(
                "arn:{}:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}",
                partition::of(&call.region)
            ),
            Vec::new(),
        ),
        "STANDARD" => (principal.to_owned(), Vec::new()),
        "EC2_WINDOWS" => (
            "system:node:{{EC2PrivateDNSName}}".to_owned(),
            vec!["eks:kube-proxy-windows".to_owned(), "system:nodes".to_owned()],
        ),
        _ => (
            "system:node:{{EC2PrivateDNSName}}".to_owned(),
            vec!["system:nodes".to_owned()],
        ),
    };
    AccessEntry {
        arn: entry_arn(call, cluster, principal, &random.uuid()),
        principal: principal.to_owned(),
        kind: kind.to_owned(),
        username,
        groups,
        created: call.at,
        modified: call.at,
        tags: Tags::new(),
        token: None,
        policies: BTreeMap::new(),
    }
}

/// Who makes a cluster, as an entry names them: the role of a session, or the user.
pub(super) fn creator(world: &World, call: &Call) -> String {
    match authorize::caller(world, call) {
        mlops_access::aws::Caller::Role { arn, .. } => arn,
        _ => call.caller.principal.clone(),
    }
}

/// The creator becomes administrator where the cluster was made so, as soon as entries count.
///
/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessConfigRequest.html>
pub(super) fn admit_creator(random: &mut Random, call: &Call, cluster: &mut Cluster) {
    let creator = cluster.creator.clone();
    if !cluster.bootstrap || !cluster.has_access_api() || cluster.access.contains_key(&creator) {
        return;
    }
    let mut made = entry(random, call, &cluster.name, &creator, "STANDARD");
    let policy = format!(
        "arn:{}:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy",
        partition::of(&call.region)
    );
    made.policies.insert(
        policy,
        Associated {
            scope: Scope::Cluster,
            since: call.at,
            modified: call.at,
        },
    );
    cluster.access.insert(creator, made);
}

/// The roles of managed node groups are let in as nodes, as soon as entries count.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/access-entries.html>: "don't create an access entry for a managed node
/// group".
pub(super) fn admit_nodes(random: &mut Random, call: &Call, cluster: &mut Cluster) {
    if !cluster.has_access_api() {
        return;
    }
    let wanted: Vec<(String, &str)> = cluster
        .node_groups
        .values()
        .map(|group| {
            let windows = group.ami.starts_with("WINDOWS");
            (
                group.role.clone(),
                if windows { "EC2_WINDOWS" } else { "EC2_LINUX" },
            )
        })
        .collect();
    for (principal, kind) in wanted {
        if !cluster.access.contains_key(&principal) {
            let made = entry(random, call, &cluster.name, &principal, kind);
            cluster.access.insert(principal, made);
        }
    }
}

/// The entry of a role goes when the last managed node group with it went, as its line in `aws-auth` does by
/// <https://docs.aws.amazon.com/eks/latest/userguide/delete-managed-node-group.html>; for entries this is a guess.
pub(super) fn dismiss_nodes(cluster: &mut Cluster, role: &str) {
    let used = cluster.node_groups.values().any(|group| group.role == role);
    let made_by_us = cluster
        .access
        .get(role)
        .is_some_and(|entry| entry.kind.starts_with("EC2_"));
    if !used && made_by_us {
        cluster.access.remove(role);
    }
}

/// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
pub(super) fn entries_count(cluster: &Cluster) -> Result<(), Refusal> {
    if cluster.has_access_api() {
        return Ok(());
    }
    Err(refusal::request(
        "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.",
    )
    .with("clusterName", cluster.name.as_str()))
}

impl Cluster {
    /// An entry by its principal.
    pub(super) fn known_entry(&self, principal: &str) -> Result<&AccessEntry, Refusal> {
        entries_count(self)?;
        self.access.get(principal).ok_or_else(|| no_entry(principal))
    }
}

/// The wording is that of public reports.
pub(super) fn no_entry(principal: &str) -> Refusal {
    refusal::missing(format!(
        "The specified principalArn could not be found. You can view your available access entries with 'list-access-entries'. (principalArn: {principal})"
    ))
}

/// The sentences are guesses; what is refused is on the page of the API.
fn named(call: &Call, kind: &str) -> Result<(Option<String>, Option<Vec<String>>), Refusal> {
    let username = call.text("username").filter(|name| !name.is_empty());
    let groups = input::given(&call.input, "kubernetesGroups")
        .map(|_| input::strings(&call.input, "kubernetesGroups"));
    let any = username.is_some() || groups.as_ref().is_some_and(|groups| !groups.is_empty());
    if kind != "STANDARD" && any {
        return Err(refusal::request(format!(
            "Access entries of type {kind} can have neither a username nor kubernetesGroups"
        )));
    }
    let reserved = |name: &str| RESERVED.iter().any(|start| name.starts_with(start));
    if let Some(odd) = groups.iter().flatten().find(|group| reserved(group)) {
        return Err(refusal::invalid(format!(
            "The kubernetes group name {odd} is invalid, it cannot start with {}",
            RESERVED.join(", ")
        )));
    }
    if let Some(odd) = username.filter(|name| reserved(name)) {
        return Err(refusal::invalid(format!(
            "The username {odd} is invalid, it cannot start with {}",
            RESERVED.join(", ")
        )));
    }
    Ok((username.map(str::to_owned), groups))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreateAccessEntry.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, principal) = (call.required("clusterName"), call.required("principalArn"));
    let cluster = known(world, call, name)?;
    entries_count(cluster)?;
    if !matches!(cluster.status(call.at), "ACTIVE" | "UPDATING") {
        return Err(
            refusal::request(format!("Cluster '{name}' is not in ACTIVE status")).with("clusterName", name),
        );
    }
    if let Some(standing) = cluster.access.get(principal) {
        let token = call.text("clientRequestToken");
        if token.is_some() && standing.token.as_deref() == token {
            return Ok(said(json!({"accessEntry": standing.shown(name)})));
        }
        return Err(refusal::in_use(
            "The specified access entry resource is already in use on this cluster.",
        )
        .with("clusterName", name));
    }
    let kind = call.text("type").unwrap_or("STANDARD");
    if !KINDS.contains(&kind) {
        return Err(refusal::invalid(format!(
            "The type {kind} is not one of {}",
            KINDS.join(", ")
        )));
    }
    let (username, groups) = named(call, kind)?;
    let tags = tags::read_map(call.input.get("tags")).map_err(refusal::tags)?;
    let is_iam = Arn::parse(principal).is_some_and(|arn| arn.service == "iam" && arn.resource != "root");
    // The words that hashicorp/aws waits out (`internal/service/eks/access_entry.go`).
    if !is_iam || !document::is_principal(world, principal, call.at) {
        return Err(refusal::invalid(
            "The specified principalArn is invalid: invalid principal.",
        ));
    }
    let mut made = entry(&mut world.random, call, name, principal, kind);
    made.username = username.unwrap_or(made.username);
    made.groups = groups.filter(|_| kind == "STANDARD").unwrap_or(made.groups);
    made.tags = tags;
    made.token = call.text("clientRequestToken").map(str::to_owned);
    let answer = said(json!({"accessEntry": made.shown(name)}));
    known_mut(world, call, name)?
        .access
        .insert(principal.to_owned(), made);
    Ok(answer)
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribeAccessEntry.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let entry = cluster.known_entry(call.required("principalArn"))?;
    Ok(said(json!({"accessEntry": entry.shown(&cluster.name)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListAccessEntries.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    entries_count(cluster)?;
    let policy = call.text("associatedPolicyArn");
    let entries = cluster
        .access
        .iter()
        .filter(|(_, entry)| policy.is_none_or(|policy| entry.policies.contains_key(policy)))
        .map(|(principal, _)| (principal.clone(), Value::from(principal.as_str())));
    paged(world, call, "accessEntries", entries)
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateAccessEntry.html>: replaces what is given.
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, principal) = (call.required("clusterName"), call.required("principalArn"));
    let kind = known(world, call, name)?.known_entry(principal)?.kind.clone();
    let (username, groups) = named(call, &kind)?;
    let entry = known_mut(world, call, name)?
        .access
        .get_mut(principal)
        .ok_or_else(|| no_entry(principal))?;
    if let Some(username) = username {
        entry.username = username;
    }
    if let Some(groups) = groups.filter(|_| kind == "STANDARD") {
        entry.groups = groups;
    }
    entry.modified = call.at;
    Ok(said(json!({"accessEntry": entry.shown(name)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DeleteAccessEntry.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, principal) = (call.required("clusterName"), call.required("principalArn"));
    known(world, call, name)?.known_entry(principal)?;
    known_mut(world, call, name)?.access.remove(principal);
    Ok(Answer::empty())
}
