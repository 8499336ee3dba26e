//! A cloud in memory behind the driver's door, that can fail at any write: before the effect, after it, or by a panic.
//!
//! It enforces what a cloud enforces: no second object of a name, no creation before what it needs stands, no deletion
//! while others need it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mlops_environment::claim::{Claim, Lease};
use mlops_environment::component::{Component, Kind, Observation, Owner, Present, Properties, Status};
use mlops_environment::driver::{
    Caller, ClaimVersion, ClusterToken, Driver, Failure, Monitor, Pending, Reason,
};
use mlops_environment::gcp::Mark;
use mlops_environment::plan::Change;
use serde_json::Value;

/// Where a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strike {
    /// The call fails and nothing happened.
    Before,
    /// The call took effect, but the answer is lost.
    After,
    /// Our own code panics.
    Panic,
    /// The call never answers; one that makes something has taken effect.
    Hang,
}

/// The cloud.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default, Clone)]
struct Inner {
    objects: BTreeMap<(Kind, String), Present>,
    claims: BTreeMap<(String, String), (Claim, u64)>,
    /// Operation and name of every call, in order.
    calls: Vec<String>,
    writes: usize,
    fault: Option<(usize, Strike)>,
    /// Cannot be looked at by these credentials.
    hidden: Option<Kind>,
    /// Wherein what belongs to others is not as it has to be.
    given: Properties,
    next: u64,
}

/// A cluster of somebody else that stands.
pub(crate) const GIVEN_CLUSTER: &str = "shared";

/// A cloud at a moment.
#[derive(Debug)]
pub(crate) struct Saved(Inner);

impl Memory {
    /// An empty cloud.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets the write with this number (counted from 0, from now on) fail once.
    pub(crate) fn fail_write(&self, number: usize, strike: Strike) {
        let mut inner = self.lock();
        inner.writes = 0;
        inner.fault = Some((number, strike));
    }

    /// Whether the fault has struck.
    pub(crate) fn struck(&self) -> bool {
        self.lock().fault.is_none()
    }

    /// Ids of everything that stands, by kind and name.
    pub(crate) fn ids(&self) -> BTreeMap<String, String> {
        self.lock()
            .objects
            .iter()
            .map(|((kind, name), present)| (format!("{kind:?} {name}"), present.id.clone()))
            .collect()
    }

    /// Tags of everything that stands.
    pub(crate) fn tags(&self) -> Vec<Value> {
        let inner = self.lock();
        let objects = inner.objects.values();
        objects
            .filter_map(|present| present.properties.get("tags").cloned())
            .collect()
    }

    /// Ids of everything that stands, without what no environment takes with it.
    pub(crate) fn mortal(&self) -> BTreeMap<String, String> {
        let mut inner = self.ids();
        inner.retain(|name, _| {
            !["GcpServices ", "GcpKeyRing ", "GcpKey "]
                .iter()
                .any(|kind| name.starts_with(kind))
        });
        inner
    }

    /// What belongs to others is otherwise than it has to be.
    pub(crate) fn spoil_given(&self, property: &str, value: Value) {
        self.lock().given.insert(property.to_owned(), value);
    }

    /// The calls since the last question.
    pub(crate) fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().calls)
    }

    /// What all objects of a kind tell of themselves under a name.
    pub(crate) fn told(&self, kind: Kind, output: &str) -> BTreeSet<String> {
        let inner = self.lock();
        let of_kind = inner.objects.iter().filter(|((other, _), _)| *other == kind);
        of_kind
            .filter_map(|(_, present)| present.outputs.get(output).cloned())
            .collect()
    }

    /// Somebody else changes an object.
    pub(crate) fn meddle(&self, kind: Kind, change: impl FnOnce(&mut Present)) {
        let mut inner = self.lock();
        let present = inner.objects.iter_mut().find(|((other, _), _)| *other == kind);
        change(present.expect("there is one").1);
    }

    /// Somebody else deletes an object.
    pub(crate) fn lose(&self, kind: Kind) {
        self.lose_named(kind, "");
    }

    /// Somebody else deletes the object in whose name this is.
    pub(crate) fn lose_named(&self, kind: Kind, part: &str) {
        let mut inner = self.lock();
        let key = inner
            .objects
            .keys()
            .find(|(other, name)| *other == kind && name.contains(part))
            .cloned()
            .expect("there is one");
        inner.objects.remove(&key);
        // The claim went with its bucket.
        inner.claims.retain(|(bucket, _), _| *bucket != key.1);
    }

    /// Somebody else deletes everything but so many objects of a kind, the claim among it; how much went.
    pub(crate) fn lose_all_but(&self, kind: Kind, number: usize) -> usize {
        let mut inner = self.lock();
        let before = inner.objects.len();
        let mut kept = 0;
        inner.objects.retain(|(other, name), _| {
            let keep = *other == kind && !name.contains("-logs-") && kept < number;
            kept += usize::from(keep);
            keep
        });
        inner.claims.clear();
        before - inner.objects.len()
    }

    /// Somebody else makes an object of this name.
    pub(crate) fn squat(&self, kind: Kind, name: &str) {
        let present = Present {
            id: format!("foreign-{name}"),
            owner: Owner::Unmarked,
            status: Status::Ready,
            properties: Properties::new(),
            outputs: BTreeMap::new(),
            foreign: Vec::new(),
        };
        self.lock().objects.insert((kind, name.to_owned()), present);
    }

    /// Objects of this kind cannot be looked at any more, or all again.
    pub(crate) fn hide(&self, kind: Option<Kind>) {
        self.lock().hidden = kind;
    }

    /// Every claim becomes as an older provider wrote it.
    pub(crate) fn age_claims(&self) {
        for (claim, version) in self.lock().claims.values_mut() {
            claim.settings = None;
            *version += 1;
        }
    }

    /// Every claim there is.
    pub(crate) fn claims(&self) -> Vec<Claim> {
        self.lock()
            .claims
            .values()
            .map(|(claim, _)| claim.clone())
            .collect()
    }

    /// Everything as it is now.
    pub(crate) fn save(&self) -> Saved {
        Saved(self.lock().clone())
    }

    /// Everything as it was.
    pub(crate) fn restore(&self, saved: &Saved) {
        *self.lock() = saved.0.clone();
    }

    /// Somebody somewhere holds every claim from now on, and gives no further sign of life.
    pub(crate) fn leave_lease(&self, holder: &str) {
        for (claim, version) in self.lock().claims.values_mut() {
            claim.lease = Some(Lease {
                holder: holder.to_owned(),
                process: None,
                renewals: 0,
            });
            *version += 1;
        }
    }

    /// Counts a write and says whether the fault strikes now.
    fn write(&self, operation: &str, name: &str) -> Option<Strike> {
        let mut inner = self.lock();
        inner.calls.push(format!("{operation} {name}"));
        let number = inner.writes;
        inner.writes += 1;
        match inner.fault {
            Some((at, strike)) if at == number => {
                inner.fault = None;
                drop(inner);
                assert!(
                    strike != Strike::Panic,
                    "struck by the test at {operation} {name}"
                );
                Some(strike)
            }
            _ => None,
        }
    }
}

/// The name under which the cloud knows a component.
pub(crate) fn name(component: &Component) -> String {
    let text = |property: &str| {
        component
            .properties
            .get(property)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let network = (component.kind == Kind::AwsNetwork).then_some("vpc_id");
    // Many objects of EC2 have no name: their mark says what they are.
    ["name", "alias", "url", "principal_arn"]
        .into_iter()
        .chain(network)
        .find_map(text)
        .unwrap_or_else(|| component.address.to_string())
}

fn owner(properties: &Properties) -> Owner {
    let tag = |name: &str| {
        properties
            .get("tags")
            .and_then(|tags| tags.get(name))
            .and_then(Value::as_str)
    };
    let text = |name: &str| properties.get(name).and_then(Value::as_str);
    if let Some(mark) = text("description").and_then(|text| serde_json::from_str::<Mark>(text).ok()) {
        return Owner::Environment {
            id: mark.environment,
            uid: mark.uid,
        };
    }
    // What carries no mark says who asks.
    if let Some(id) = text("owner") {
        return Owner::Environment {
            id: id.to_owned(),
            uid: String::new(),
        };
    }
    if let (Some(id), Some(uid)) = (tag("mlops_environment"), tag("mlops_uid")) {
        return Owner::Environment {
            id: id.replace('_', "/"),
            uid: uid.to_owned(),
        };
    }
    match (tag("mlops:environment"), tag("mlops:uid")) {
        (Some(id), Some(uid)) => Owner::Environment {
            id: id.to_owned(),
            uid: uid.to_owned(),
        },
        _ => Owner::Unmarked,
    }
}

/// Pools that GKE makes with their cluster.
fn initial_pools(inner: &mut Inner, cluster: &Component) {
    let pools = cluster.properties.get("initial_pools").and_then(Value::as_object);
    for (address, pool) in pools.into_iter().flatten() {
        let mut properties: Properties = pool.as_object().expect("a pool").clone().into_iter().collect();
        if properties["version"] == "" {
            properties.insert("version".into(), "1.33".into());
        }
        let name = properties["name"].as_str().expect("a name").to_owned();
        let key = address.trim_start_matches("node_pools.");
        let present = Present {
            id: format!(
                "{}/nodePools/{key}",
                cluster.properties["name"].as_str().expect("a name")
            ),
            owner: owner(&properties),
            status: Status::Ready,
            properties,
            outputs: BTreeMap::new(),
            foreign: Vec::new(),
        };
        inner.objects.insert((Kind::GcpNodePool, name), present);
    }
}

fn failure(operation: &str, reason: Reason, code: &str, message: impl Into<String>) -> Failure {
    Failure {
        operation: operation.to_owned(),
        reason,
        code: code.to_owned(),
        message: message.into(),
        request_id: Some("req-1".into()),
    }
}

/// How ARNs begin that only this cloud could tell.
const TOLD: &str = "arn:aws:test:";

fn outputs(component: &Component, name: &str, number: u64) -> BTreeMap<String, String> {
    // Only what the cloud itself tells: what can be computed beforehand is not its business.
    let mut outputs = BTreeMap::new();
    let mut add = |key: &str, value: String| {
        outputs.entry(key.to_owned()).or_insert(value);
    };
    let gcp = format!("{:?}", component.kind).starts_with("Gcp");
    // A component that was lost comes with what it told before, which is of its old self.
    let computed = component.outputs.get("arn");
    if !gcp && computed.is_none_or(|arn| arn.starts_with(TOLD)) {
        add("arn", format!("{TOLD}eu-west-1:123456789012:{name}-{number}"));
    }
    match component.kind {
        Kind::AwsKey => add("id", format!("key-{number}")),
        Kind::AwsCluster | Kind::AwsExistingCluster => {
            add("endpoint", format!("https://{number}.example"));
            add("ca_certificate", "Y2E=".into());
            add("issuer", format!("https://oidc.example/id/{number}"));
            add("version", "1.33".into());
            add("security_group", format!("sg-{number}"));
        }
        // One that was there is brought back, not made anew.
        Kind::GcpServiceAccount => {
            let before = component.outputs.get("unique_id").cloned();
            add("unique_id", before.unwrap_or_else(|| format!("{number:021}")));
        }
        Kind::GcpCluster | Kind::GcpExistingCluster => {
            add("endpoint", format!("https://{number}.gke.goog"));
            add("ca_certificate", "Y2E=".into());
            add("version", "1.33".into());
        }
        Kind::AwsNetwork => {
            add("vpc_id", name.to_owned());
            add("zones", "a,b,c".into());
        }
        Kind::AwsVpc => add("vpc_id", format!("vpc-{number}")),
        Kind::AwsSubnet
        | Kind::AwsNatGateway
        | Kind::AwsInternetGateway
        | Kind::AwsRouteTable
        | Kind::AwsSecurityGroup
        | Kind::AwsVpcEndpoint => add("id", format!("{name}-{number}")),
        Kind::AwsOidcProvider => add("issuer", name.trim_start_matches("https://").to_owned()),
        Kind::AwsRepository => add("url", format!("registry.example/{name}")),
        _ => {}
    }
    outputs
}

/// Work that ends only when it is told to.
async fn stopped(operation: &str, monitor: &dyn Monitor) -> Failure {
    while !monitor.cancelled() {
        monitor.sleep(Duration::from_secs(5)).await;
    }
    failure(operation, Reason::Cancelled, "", "stopped while under way")
}

impl Driver for Memory {
    fn caller(&self) -> Pending<'_, Caller> {
        Box::pin(async {
            Ok(Caller {
                number: String::new(),
                account: "123456789012".into(),
                partition: "aws".into(),
                principal: "arn:aws:sts::123456789012:assumed-role/provisioner/test".into(),
            })
        })
    }

    fn observe<'a>(&'a self, component: &'a Component) -> Pending<'a, Observation> {
        Box::pin(async move {
            let name = name(component);
            let mut inner = self.lock();
            inner.calls.push(format!("observe {name}"));
            if inner.hidden == Some(component.kind) {
                return Err(failure(
                    &format!("observe:{:?}", component.kind),
                    Reason::Denied,
                    "AccessDenied",
                    "hidden by the test",
                ));
            }
            let network = matches!(component.kind, Kind::AwsNetwork | Kind::GcpNetwork);
            if network || component.kind.looked_at() {
                let mut properties = component.properties.clone();
                properties.extend(inner.given.clone());
                return Ok(Observation::Present(Present {
                    id: name.clone(),
                    owner: Owner::Unmarked,
                    status: Status::Ready,
                    properties,
                    outputs: outputs(component, &name, 0),
                    foreign: Vec::new(),
                }));
            }
            // A pool that is to be rotated has another name, and is found by what it is.
            let rotates = matches!(component.kind, Kind::AwsNodePool | Kind::GcpNodePool);
            let standing = inner.objects.get(&(component.kind, name)).or_else(|| {
                let mut others = inner.objects.iter().filter(|_| rotates);
                let same = |((kind, _), other): &(&(Kind, String), &Present)| {
                    *kind == component.kind && Some(&other.id) == component.id.as_ref()
                };
                others.find(same).map(|(_, other)| other)
            });
            Ok(standing
                .cloned()
                .map_or(Observation::Absent, Observation::Present))
        })
    }

    fn create<'a>(&'a self, component: &'a Component, monitor: &'a dyn Monitor) -> Pending<'a, Present> {
        Box::pin(async move {
            let name = name(component);
            let operation = format!("create:{:?}", component.kind);
            let strike = self.write(&operation, &name);
            if strike == Some(Strike::Before) {
                return Err(failure(
                    &operation,
                    Reason::Denied,
                    "AccessDenied",
                    "struck by the test",
                ));
            }
            let present = {
                let mut inner = self.lock();
                if inner.objects.contains_key(&(component.kind, name.clone())) {
                    return Err(failure(
                        &operation,
                        Reason::AlreadyExists,
                        "AlreadyExists",
                        format!("{name} exists"),
                    ));
                }
                let needs = component
                    .properties
                    .get("cluster")
                    .and_then(Value::as_str)
                    .map(str::to_owned);
                if let Some(cluster) = needs
                    && !inner.objects.contains_key(&(Kind::AwsCluster, cluster.clone()))
                    && !inner.objects.contains_key(&(Kind::GcpCluster, cluster.clone()))
                    && cluster != GIVEN_CLUSTER
                {
                    return Err(failure(
                        &operation,
                        Reason::NotFound,
                        "NotFound",
                        format!("no cluster {cluster}"),
                    ));
                }
                inner.next += 1;
                let present = Present {
                    id: component
                        .id
                        .clone()
                        .unwrap_or_else(|| format!("{name}-{}", inner.next)),
                    owner: owner(&component.properties),
                    status: Status::Ready,
                    properties: component.properties.clone(),
                    outputs: outputs(component, &name, inner.next),
                    foreign: Vec::new(),
                };
                let mut present = present;
                // Left open, the cloud takes the newest.
                if present
                    .properties
                    .get("version")
                    .is_some_and(|version| version == "")
                {
                    present.properties.insert("version".into(), "1.33".into());
                }
                inner
                    .objects
                    .insert((component.kind, name.clone()), present.clone());
                initial_pools(&mut inner, component);
                present
            };
            match strike {
                Some(Strike::After) => Err(failure(
                    &operation,
                    Reason::Unavailable,
                    "ConnectionReset",
                    "the answer was lost",
                )),
                Some(Strike::Hang) => Err(stopped(&operation, monitor).await),
                _ => Ok(present),
            }
        })
    }

    fn update<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        changes: &'a [Change],
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, Present> {
        Box::pin(async move {
            let name = name(component);
            let operation = format!("update:{:?}", component.kind);
            let strike = self.write(&operation, &name);
            if strike == Some(Strike::Before) {
                return Err(failure(
                    &operation,
                    Reason::Denied,
                    "AccessDenied",
                    "struck by the test",
                ));
            }
            if strike == Some(Strike::Hang) {
                return Err(stopped(&operation, monitor).await);
            }
            let mut inner = self.lock();
            let Some(present) = inner.objects.get_mut(&(component.kind, name.clone())) else {
                return Err(failure(
                    &operation,
                    Reason::NotFound,
                    "NotFound",
                    format!("no {name}"),
                ));
            };
            assert_eq!(
                present.id, found.id,
                "an update goes to the object that was found"
            );
            for change in changes {
                present
                    .properties
                    .insert(change.property.clone(), change.to.clone());
            }
            present.foreign.retain(|what| !found.foreign.contains(what));
            present.owner = owner(&present.properties);
            let present = present.clone();
            drop(inner);
            match strike {
                Some(_) => Err(failure(
                    &operation,
                    Reason::Unavailable,
                    "ConnectionReset",
                    "the answer was lost",
                )),
                None => Ok(present),
            }
        })
    }

    fn settle<'a>(
        &'a self,
        component: &'a Component,
        _: &'a Present,
        _: &'a dyn Monitor,
    ) -> Pending<'a, Observation> {
        self.observe(component)
    }

    fn delete<'a>(
        &'a self,
        component: &'a Component,
        found: &'a Present,
        monitor: &'a dyn Monitor,
    ) -> Pending<'a, ()> {
        Box::pin(async move {
            // A rotated pool has another name than the one that goes.
            let found_name = found.properties.get("name").and_then(Value::as_str);
            let name = found_name.map_or_else(|| name(component), str::to_owned);
            let operation = format!("delete:{:?}", component.kind);
            let strike = self.write(&operation, &name);
            if strike == Some(Strike::Before) {
                return Err(failure(
                    &operation,
                    Reason::Denied,
                    "AccessDenied",
                    "struck by the test",
                ));
            }
            if strike == Some(Strike::Hang) {
                return Err(stopped(&operation, monitor).await);
            }
            let mut inner = self.lock();
            let pools = inner
                .objects
                .keys()
                .filter(|(kind, _)| *kind == Kind::AwsNodePool)
                .count();
            if component.kind == Kind::AwsCluster && pools > 0 {
                return Err(failure(
                    &operation,
                    Reason::Conflict,
                    "ResourceInUse",
                    format!("{pools} node pools"),
                ));
            }
            if let Some(present) = inner.objects.get(&(component.kind, name.clone()))
                && present.id == found.id
            {
                inner.objects.remove(&(component.kind, name.clone()));
                match component.kind {
                    Kind::GcpCluster => inner.objects.retain(|(kind, _), _| *kind != Kind::GcpNodePool),
                    Kind::GcpServiceAccount => {
                        let trust = name.replace("identities.", "trust.");
                        inner.objects.remove(&(Kind::GcpTrust, trust));
                    }
                    _ => {}
                }
                if matches!(component.kind, Kind::AwsBucket | Kind::GcpBucket) {
                    inner.claims.retain(|(bucket, _), _| *bucket != name);
                }
            }
            drop(inner);
            match strike {
                Some(_) => Err(failure(
                    &operation,
                    Reason::Unavailable,
                    "ConnectionReset",
                    "the answer was lost",
                )),
                None => Ok(()),
            }
        })
    }

    fn retain<'a>(&'a self, _: &'a Component, _: &'a Present) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn obstacles<'a>(&'a self, component: &'a Component, found: &'a Present) -> Pending<'a, Vec<String>> {
        Box::pin(async move {
            let _ = component;
            Ok(found
                .foreign
                .iter()
                .filter(|text| text.starts_with("holds"))
                .cloned()
                .collect())
        })
    }

    fn read_claim<'a>(
        &'a self,
        bucket: &'a str,
        name: &'a str,
    ) -> Pending<'a, Option<(Claim, ClaimVersion)>> {
        Box::pin(async move {
            let mut inner = self.lock();
            inner.calls.push(format!("read_claim {name}"));
            let found = inner.claims.get(&(bucket.to_owned(), name.to_owned())).cloned();
            Ok(found.map(|(claim, version)| (claim, ClaimVersion(version.to_string()))))
        })
    }

    fn write_claim<'a>(
        &'a self,
        bucket: &'a str,
        name: &'a str,
        claim: &'a Claim,
        expected: Option<&'a ClaimVersion>,
    ) -> Pending<'a, ClaimVersion> {
        Box::pin(async move {
            let strike = self.write("write_claim", name);
            if strike == Some(Strike::Before) {
                return Err(failure(
                    "write_claim",
                    Reason::Denied,
                    "AccessDenied",
                    "struck by the test",
                ));
            }
            let mut inner = self.lock();
            let has = |kind| inner.objects.contains_key(&(kind, bucket.to_owned()));
            if !has(Kind::AwsBucket) && !has(Kind::GcpBucket) {
                return Err(failure(
                    "write_claim",
                    Reason::NotFound,
                    "NoSuchBucket",
                    format!("no bucket {bucket}"),
                ));
            }
            let key = (bucket.to_owned(), name.to_owned());
            let stored = inner.claims.get(&key).map(|(_, version)| version.to_string());
            if stored.as_deref() != expected.map(|version| version.0.as_str()) {
                return Err(failure(
                    "write_claim",
                    Reason::Conflict,
                    "PreconditionFailed",
                    "the claim was changed",
                ));
            }
            inner.next += 1;
            let version = inner.next;
            inner.claims.insert(key, (claim.clone(), version));
            drop(inner);
            match strike {
                Some(_) => Err(failure(
                    "write_claim",
                    Reason::Unavailable,
                    "ConnectionReset",
                    "the answer was lost",
                )),
                None => Ok(ClaimVersion(version.to_string())),
            }
        })
    }

    fn cluster_token<'a>(&'a self, cluster: &'a str) -> Pending<'a, ClusterToken> {
        Box::pin(async move {
            Ok(ClusterToken {
                token: format!("token of {cluster}"),
                expires_at: Some(jiff::Timestamp::now() + jiff::SignedDuration::from_mins(14)),
            })
        })
    }
}
