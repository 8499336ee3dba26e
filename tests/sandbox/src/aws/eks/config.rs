//! Changes to a cluster's configuration: one kind a call.
//!
//! <https://docs.aws.amazon.com/eks/latest/APIReference/API_UpdateClusterConfig.html>

use serde_json::{Value, json};

use super::network::{self, ENDPOINT};
use super::update::{Change, Plan, Subject};
use super::{Cluster, known, logging, refusal, update};
use crate::answer::{Answer, Refusal};
use crate::aws::input;
use crate::call::Call;
use crate::world::World;

/// What a call may change, each by itself.
const KINDS: [&str; 6] = [
    "resourcesVpcConfig",
    "logging",
    "accessConfig",
    "upgradePolicy",
    "zonalShiftConfig",
    "deletionProtection",
];

/// Ways of letting callers in, in the one order that they may be changed.
///
/// <https://docs.aws.amazon.com/eks/latest/userguide/setting-up-access-entries.html>
const MODES: [&str; 3] = ["CONFIG_MAP", "API_AND_CONFIG_MAP", "API"];

pub(super) fn update(world: &mut World, call: &Call) -> Result<Answer, Refusal> {
    let name = call.required("name");
    let cluster = known(world, call, name)?;
    if let Some(answer) = update::repeated(cluster, call) {
        return Ok(answer);
    }
    let plan = plan(world, call, cluster).map_err(|refusal| refusal.with("clusterName", name))?;
    update::start(world, call, name, Subject::Cluster, plan)
}

fn plan(world: &World, call: &Call, cluster: &Cluster) -> Result<Plan, Refusal> {
    super::cluster::carried(&call.input)?;
    let given: Vec<&str> = KINDS
        .into_iter()
        .filter(|kind| input::given(&call.input, kind).is_some())
        .collect();
    let [kind] = given[..] else {
        return Err(match given[..] {
            // The wording is a guess.
            [] => {
                refusal::invalid("No changes needed: the request names nothing that this sandbox can change")
            }
            _ => only_one(),
        });
    };
    let value = &call.input[kind];
    match kind {
        "resourcesVpcConfig" => network(world, call, cluster, value),
        "logging" => logs(cluster, value),
        "accessConfig" => access(cluster, value),
        "upgradePolicy" => {
            let support = input::text(value, "supportType").unwrap_or(&cluster.support);
            Ok(Plan {
                kind: "UpgradePolicyUpdate",
                params: vec![("UpgradePolicy", json!({"supportType": support}).to_string())],
                takes: ("eks.cluster.config", 30.0),
                change: Change::Support(support.to_owned()),
            })
        }
        "zonalShiftConfig" => {
            let on = input::flag(value, "enabled") == Some(true);
            Ok(Plan {
                kind: "ZonalShiftConfigUpdate",
                params: vec![("ZonalShiftConfig", json!({"enabled": on}).to_string())],
                takes: ("eks.cluster.config", 30.0),
                change: Change::ZonalShift(on),
            })
        }
        _ => {
            let on = value.as_bool() == Some(true);
            Ok(Plan {
                kind: "DeletionProtectionUpdate",
                params: vec![("DeletionProtection", on.to_string())],
                takes: ("eks.cluster.config", 5.0),
                change: Change::Protection(on),
            })
        }
    }
}

/// <https://github.com/aws/aws-cdk/issues/33452>
fn only_one() -> Refusal {
    refusal::invalid("Only one type of update can be allowed.")
}

/// The endpoint, or subnets and security groups: each what is sent, the rest stays.
fn network(world: &World, call: &Call, cluster: &Cluster, config: &Value) -> Result<Plan, Refusal> {
    let given = |member: &str| input::given(config, member).is_some();
    let endpoint = ENDPOINT.iter().any(|member| given(member));
    let place = given("subnetIds") || given("securityGroupIds");
    match (endpoint, place) {
        (true, true) => return Err(only_one()),
        (false, false) => {
            // The wording is a guess.
            return Err(refusal::invalid("No changes needed: resourcesVpcConfig is empty"));
        }
        (true, false) => {
            let after = cluster.endpoint.changed(config)?;
            if after == cluster.endpoint {
                // The wording is that of public reports.
                return Err(refusal::invalid(format!(
                    "Cluster is already at the desired configuration with endpointPrivateAccess: {} , endpointPublicAccess: {}, and Public Endpoint Restrictions: [{}]",
                    after.private,
                    after.public,
                    after.cidrs.join(", ")
                )));
            }
            return Ok(Plan {
                kind: "EndpointAccessUpdate",
                params: vec![
                    ("EndpointPublicAccess", after.public.to_string()),
                    ("EndpointPrivateAccess", after.private.to_string()),
                    ("PublicAccessCidrs", json!(after.cidrs).to_string()),
                ],
                takes: ("eks.cluster.config", 120.0),
                change: Change::Endpoint(after),
            });
        }
        (false, true) => {}
    }
    let or = |member: &str, before: &[String]| match input::given(config, member) {
        Some(_) => input::strings(config, member),
        None => before.to_vec(),
    };
    let subnets = or("subnetIds", &cluster.subnets);
    let groups = or("securityGroupIds", &cluster.groups);
    if subnets == cluster.subnets && groups == cluster.groups {
        // The wording is a guess after the endpoint's.
        return Err(refusal::invalid(
            "Cluster is already at the desired configuration with these subnets and security groups",
        ));
    }
    // https://docs.aws.amazon.com/eks/latest/userguide/network-reqs.html: the new subnets must be of the same network.
    if network::of_subnets(world, call, &subnets)? != cluster.vpc {
        return Err(refusal::invalid(format!(
            "Subnets specified must belong to the VPC of the cluster, {}",
            cluster.vpc
        )));
    }
    network::groups_stand(world, call, &groups, &cluster.vpc)?;
    Ok(Plan {
        kind: "VpcConfigUpdate",
        params: vec![
            ("Subnets", json!(subnets).to_string()),
            ("SecurityGroups", json!(groups).to_string()),
        ],
        takes: ("eks.cluster.config", 180.0),
        change: Change::Network { subnets, groups },
    })
}

fn logs(cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let after = logging::changed(&cluster.log_types, wanted)?;
    if after == cluster.log_types {
        return Err(refusal::invalid(
            "No changes needed for the logging config provided",
        ));
    }
    Ok(Plan {
        kind: "LoggingUpdate",
        params: vec![("ClusterLogging", logging::shown(&after).to_string())],
        takes: ("eks.cluster.config", 60.0),
        change: Change::Logging(after),
    })
}

fn access(cluster: &Cluster, wanted: &Value) -> Result<Plan, Refusal> {
    let before = cluster.authentication.as_str();
    let mode = input::text(wanted, "authenticationMode").unwrap_or(before);
    let place = |mode: &str| MODES.iter().position(|known| *known == mode);
    // One step at a time, and never back. The wording is the one of public reports.
    if place(mode) != place(before).map(|before| before + 1) {
        return Err(refusal::invalid(format!(
            "Unsupported authentication mode update from {before} to {mode}"
        )));
    }
    Ok(Plan {
        kind: "AccessConfigUpdate",
        params: vec![("AuthenticationMode", mode.to_owned())],
        takes: ("eks.cluster.config", 30.0),
        change: Change::Authentication(mode.to_owned()),
    })
}
