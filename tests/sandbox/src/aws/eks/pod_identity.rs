//! Pod Identity: which role pods of a service account act with.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html>

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Cluster, addon, known, known_mut, paged, refusal, role};
use crate::answer::{Answer, Refusal};
use crate::aws::output::{said, without_nulls};
use crate::aws::tags::{self, Tags};
use crate::aws::{arn, input};
use crate::call::Call;
use crate::world::World;

/// Associations in a cluster: <https://docs.aws.amazon.com/eks/latest/userguide/pod-identities.html>
const MOST: usize = 5_000;

/// An association.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Association {
    /// `a-…`.
    pub id: String,
    /// ARN.
    pub arn: String,
    /// Namespace.
    pub namespace: String,
    /// Service account.
    pub service_account: String,
    /// ARN of the role.
    pub role: String,
    /// ARN of the role, often of another account, that the first one goes on to.
    pub target: Option<String>,
    /// What the role of another account may ask for.
    pub external_id: Option<String>,
    /// Whether sessions carry no tags.
    pub untagged: bool,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last changed.
    pub modified: Timestamp,
    /// ARN of the add-on that owns it.
    pub owner: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// The caller's token for repeated calls.
    pub token: Option<String>,
}

impl Association {
    fn brief(&self, cluster: &str) -> Value {
        without_nulls(json!({
            "clusterName": cluster,
            "namespace": self.namespace,
            "serviceAccount": self.service_account,
            "associationArn": self.arn,
            "associationId": self.id,
            "ownerArn": self.owner,
        }))
    }

    fn shown(&self, cluster: &str) -> Value {
        let mut shown = self.brief(cluster);
        shown["roleArn"] = self.role.as_str().into();
        shown["createdAt"] = self.created.to_string().into();
        shown["modifiedAt"] = self.modified.to_string().into();
        shown["tags"] = json!(self.tags);
        shown["disableSessionTags"] = self.untagged.into();
        if let Some(target) = &self.target {
            shown["targetRoleArn"] = target.as_str().into();
        }
        if let Some(id) = &self.external_id {
            shown["externalId"] = id.as_str().into();
        }
        shown
    }
}

impl Cluster {
    fn known_association(&self, id: &str) -> Result<&Association, Refusal> {
        self.associations.get(id).ok_or_else(|| no_association(id))
    }
}

/// The wording is a guess.
fn no_association(id: &str) -> Refusal {
    refusal::missing(format!(
        "No pod identity association found for associationId: {id}"
    ))
}

/// An association that a call asks for, without an id yet.
fn fresh(call: &Call, namespace: &str, service_account: &str, role: &str) -> Association {
    Association {
        id: String::new(),
        arn: String::new(),
        namespace: namespace.to_owned(),
        service_account: service_account.to_owned(),
        role: role.to_owned(),
        target: None,
        external_id: None,
        untagged: false,
        created: call.at,
        modified: call.at,
        owner: None,
        tags: Tags::new(),
        token: None,
    }
}

/// Gives an association its id and keeps it: one for each service account.
///
/// # Errors
/// `ResourceInUseException`.
pub(super) fn insert(
    world: &mut World,
    call: &Call,
    cluster: &str,
    mut made: Association,
) -> Result<String, Refusal> {
    let standing = &known(world, call, cluster)?.associations;
    taken(standing.values(), &made.namespace, &made.service_account)
        .map_err(|refusal| refusal.with("clusterName", cluster))?;
    if standing.len() >= MOST {
        return Err(refusal::limit(format!(
            "A cluster can have at most {MOST} pod identity associations"
        )));
    }
    made.id = format!(
        "a-{}",
        world.random.text("abcdefghijklmnopqrstuvwxyz0123456789", 17)
    );
    let resource = format!("podidentityassociation/{cluster}/{}", made.id);
    made.arn = arn::regional("eks", &call.region, &call.account, &resource);
    if made.target.is_some() {
        // https://docs.aws.amazon.com/eks/latest/userguide/pod-id-assign-target-role.html
        made.external_id = Some(format!(
            "{}/{}/{}/{}",
            call.region, call.account, cluster, made.service_account
        ));
    }
    let id = made.id.clone();
    known_mut(world, call, cluster)?
        .associations
        .insert(id.clone(), made);
    Ok(id)
}

/// The associations that a call about an add-on lists, none of which may be another's than the add-on's `own`; `None` where
/// it lists none.
pub(super) fn wanted_by_addon(
    world: &World,
    call: &Call,
    cluster: &Cluster,
    own: Option<&str>,
) -> Result<Option<Vec<Association>>, Refusal> {
    // Each add-on of the catalogue that takes a role has its service account here, but for amazon-cloudwatch-observability.
    let namespace = match call.required("addonName") {
        "amazon-cloudwatch-observability" => "amazon-cloudwatch",
        _ => "kube-system",
    };
    let Some(list) = addon::listed(call) else {
        return Ok(None);
    };
    let mut wanted: Vec<Association> = Vec::new();
    for entry in list {
        let role = input::text(entry, "roleArn").unwrap_or_default();
        role::of_pods(world, call, role)?;
        let account = input::text(entry, "serviceAccount").unwrap_or_default();
        let others = cluster
            .associations
            .values()
            .filter(|other| own.is_none() || other.owner.as_deref() != own);
        taken(others.chain(&wanted), namespace, account)?;
        wanted.push(fresh(call, namespace, account, role));
    }
    Ok(Some(wanted))
}

/// One association for each service account; the wording is that of public reports.
fn taken<'a>(
    mut standing: impl Iterator<Item = &'a Association>,
    namespace: &str,
    account: &str,
) -> Result<(), Refusal> {
    if standing.any(|other| other.namespace == namespace && other.service_account == account) {
        return Err(refusal::in_use(format!(
            "Association already exists: {namespace}/{account}"
        )));
    }
    Ok(())
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_CreatePodIdentityAssociation.html>
pub(super) fn create(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("clusterName");
    let cluster = known(world, call, name)?;
    if let Some(token) = call.text("clientRequestToken")
        && let Some(standing) = cluster
            .associations
            .values()
            .find(|association| association.token.as_deref() == Some(token))
    {
        return Ok(said(json!({"association": standing.shown(name)})));
    }
    if !matches!(cluster.status(call.at), "ACTIVE" | "UPDATING") {
        return Err(
            refusal::request(format!("Cluster '{name}' is not in ACTIVE status")).with("clusterName", name),
        );
    }
    if call.text("policy").is_some() {
        return Err(refusal::not_carried("policy"));
    }
    let role = call.required("roleArn");
    role::of_pods(world, call, role)?;
    let mut made = fresh(
        call,
        call.required("namespace"),
        call.required("serviceAccount"),
        role,
    );
    made.target = call.text("targetRoleArn").map(str::to_owned);
    made.untagged = call.flag("disableSessionTags");
    made.tags = tags::read_map(call.input.get("tags")).map_err(refusal::tags)?;
    made.token = call.text("clientRequestToken").map(str::to_owned);
    let id = insert(world, call, name, made)?;
    let association = known(world, call, name)?.known_association(&id)?;
    Ok(said(json!({"association": association.shown(name)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DescribePodIdentityAssociation.html>
pub(super) fn describe(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let association = cluster.known_association(call.required("associationId"))?;
    Ok(said(json!({"association": association.shown(&cluster.name)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_ListPodIdentityAssociations.html>
pub(super) fn list(world: &World, call: &Call) -> Result<Answer, Refusal> {
    let cluster = known(world, call, call.required("clusterName"))?;
    let (namespace, account) = (call.text("namespace"), call.text("serviceAccount"));
    let entries = cluster
        .associations
        .iter()
        .filter(|(_, association)| {
            namespace.is_none_or(|name| name == association.namespace)
                && account.is_none_or(|name| name == association.service_account)
        })
        .map(|(id, association)| (id.clone(), association.brief(&cluster.name)));
    paged(world, call, "associations", entries)
}

/// An association that an add-on owns is changed through the add-on; the wording is a guess.
fn free(association: &Association) -> Result<(), Refusal> {
    match &association.owner {
        Some(owner) => Err(refusal::request(format!(
            "Pod identity association {} is owned by {owner}",
            association.id
        ))),
        None => Ok(()),
    }
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdatePodIdentityAssociation.html>
pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, id) = (call.required("clusterName"), call.required("associationId"));
    free(known(world, call, name)?.known_association(id)?)?;
    if call.text("policy").is_some() {
        return Err(refusal::not_carried("policy"));
    }
    if let Some(role) = call.text("roleArn") {
        role::of_pods(world, call, role)?;
    }
    let association = known_mut(world, call, name)?
        .associations
        .get_mut(id)
        .ok_or_else(|| no_association(id))?;
    if let Some(role) = call.text("roleArn") {
        role.clone_into(&mut association.role);
    }
    if let Some(target) = call.text("targetRoleArn") {
        association.target = (!target.is_empty()).then(|| target.to_owned());
    }
    if let Some(untagged) = input::flag(&call.input, "disableSessionTags") {
        association.untagged = untagged;
    }
    association.modified = call.at;
    Ok(said(json!({"association": association.shown(name)})))
}

/// <https://docs.aws.amazon.com/eks/latest/APIReference/API_DeletePodIdentityAssociation.html>
pub(super) fn delete(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let (name, id) = (call.required("clusterName"), call.required("associationId"));
    let association = known(world, call, name)?.known_association(id)?;
    free(association)?;
    let answer = said(json!({"association": association.shown(name)}));
    known_mut(world, call, name)?.associations.remove(id);
    Ok(answer)
}
