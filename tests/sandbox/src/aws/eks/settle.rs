//! What is due at a call's time: clusters and node groups that are made or gone, updates that are over, log groups that EKS
//! makes.

use jiff::Timestamp;

use super::update::{Change, Subject};
use super::{Cluster, access_entry, cluster, logging, network, node_group};
use crate::aws::logs;
use crate::call::Call;
use crate::world::World;

/// Ends what is due in the region of a call. A region where no cluster stands is left as it is.
pub(crate) fn settle(world: &mut World, call: &Call) {
    let names: Vec<String> = super::clusters(world, call).keys().cloned().collect();
    for name in names {
        // Taken out, so that the rest of the world can be read and changed meanwhile.
        let Some(mut cluster) = remove(world, call, &name) else {
            continue;
        };
        make(world, call, &mut cluster);
        end_updates(world, call, &mut cluster);
        node_group::settle(world, call, &mut cluster);
        end_addons(&mut cluster, call.at);
        log(world, call, &mut cluster);
        if let Some(gone) = cluster.gone.filter(|gone| *gone <= call.at) {
            clear(world, call, &cluster);
            // https://github.com/terraform-aws-modules/terraform-aws-eks/issues/920; nobody says how late: never, unless asked.
            let late = world.behaviour.duration("eks.logs.late", 0.0);
            if !late.is_zero() && !cluster.log_types.is_empty() {
                let region = world.aws.region_mut(&call.account, &call.region);
                region.eks.last_lines.insert(name, gone + late);
            }
        } else {
            let region = world.aws.region_mut(&call.account, &call.region);
            region.eks.clusters.insert(name, cluster);
        }
    }
    last_lines(world, call);
}

/// The last lines of clusters that are gone arrive, and make their log groups anew where those were deleted meanwhile.
fn last_lines(world: &mut World, call: &Call) {
    // An account that was never used stays unknown.
    if world
        .aws
        .region(&call.account, &call.region)
        .eks
        .last_lines
        .is_empty()
    {
        return;
    }
    let lines = &mut world.aws.region_mut(&call.account, &call.region).eks.last_lines;
    let due: Vec<String> = lines
        .iter()
        .filter(|(_, at)| **at <= call.at)
        .map(|(cluster, _)| cluster.clone())
        .collect();
    lines.retain(|_, at| *at > call.at);
    for cluster in due {
        let group = logging::group(&cluster);
        logs::deliver(
            world,
            &call.account,
            &call.region,
            &group,
            "kube-apiserver-last",
            "shutting down",
            call.at,
        );
    }
}

fn remove(world: &mut World, call: &Call, name: &str) -> Option<Cluster> {
    let region = world.aws.region_mut(&call.account, &call.region);
    region.eks.clusters.remove(name)
}

/// A cluster is ready, or has failed because what it stands on went meanwhile.
fn make(world: &mut World, call: &Call, cluster: &mut Cluster) {
    if cluster.made || cluster.ready > call.at {
        return;
    }
    cluster.made = true;
    cluster.failure = cluster::ground(world, &call.account, &call.region, cluster);
    if cluster.failure.is_none() {
        access_entry::admit_creator(&mut world.random, call, cluster);
    }
}

fn end_updates(world: &mut World, call: &Call, cluster: &mut Cluster) {
    let mut due: Vec<(Timestamp, String)> = cluster
        .updates
        .iter()
        .filter(|(_, update)| !update.over && update.until <= call.at)
        .map(|(id, update)| (update.until, id.clone()))
        .collect();
    due.sort();
    for (_, id) in due {
        let Some(update) = cluster.updates.get_mut(&id) else {
            continue;
        };
        update.over = true;
        let (subject, change) = (update.subject.clone(), update.change.clone());
        apply(world, call, cluster, subject, change);
    }
}

fn apply(world: &mut World, call: &Call, cluster: &mut Cluster, subject: Subject, change: Change) {
    match change {
        Change::Version(version) => cluster.version = version,
        Change::Logging(types) => cluster.log_types = types,
        Change::Endpoint(endpoint) => cluster.endpoint = endpoint,
        Change::Network { subnets, groups } => {
            forget_interfaces(world, call, cluster);
            let all = [groups.clone(), vec![cluster.own_group.clone()]].concat();
            cluster.interfaces = network::interfaces(world, call, &cluster.name, &subnets, &all);
            (cluster.subnets, cluster.groups) = (subnets, groups);
        }
        Change::Authentication(mode) => {
            cluster.authentication = mode;
            access_entry::admit_creator(&mut world.random, call, cluster);
            access_entry::admit_nodes(&mut world.random, call, cluster);
        }
        Change::Support(support) => cluster.support = support,
        Change::ZonalShift(on) => cluster.zonal_shift = on,
        Change::Protection(on) => cluster.protected = on,
        Change::Encryption(encryption) => cluster.encryption = Some(encryption),
        Change::Nodes(change) => {
            if let Subject::NodeGroup(name) = subject
                && let Some(group) = cluster.node_groups.get_mut(&name)
            {
                change.apply(group, call.at);
            }
        }
        Change::Addon(change) => {
            if let Subject::Addon(name) = subject
                && let Some(addon) = cluster.addons.get_mut(&name)
            {
                change.apply(addon, call.at);
            }
        }
    }
}

fn end_addons(cluster: &mut Cluster, at: Timestamp) {
    let gone: Vec<String> = cluster
        .addons
        .iter()
        .filter(|(_, addon)| addon.gone.is_some_and(|gone| gone <= at))
        .map(|(name, _)| name.clone())
        .collect();
    for name in gone {
        if let Some(addon) = cluster.addons.remove(&name) {
            // https://docs.aws.amazon.com/eks/latest/userguide/add-ons-iam.html: its associations go with it.
            cluster
                .associations
                .retain(|_, association| association.owner.as_deref() != Some(&addon.arn));
        }
        let subject = Subject::Addon(name);
        cluster.updates.retain(|_, update| update.subject != subject);
    }
}

fn log(world: &mut World, call: &Call, cluster: &mut Cluster) {
    if !cluster.made || cluster.failure.is_some() {
        return;
    }
    let minute = world.behaviour.duration("eks.logs", 60.0);
    let groups = &mut world.aws.region_mut(&call.account, &call.region).logs.groups;
    logging::deliver(cluster, groups, &call.region, &call.account, call.at, minute);
}

/// Takes away what EKS made for a cluster.
fn clear(world: &mut World, call: &Call, cluster: &Cluster) {
    forget_interfaces(world, call, cluster);
    let ec2 = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    ec2.security_groups.remove(&cluster.own_group);
    ec2.tags.remove(&cluster.own_group);
}

fn forget_interfaces(world: &mut World, call: &Call, cluster: &Cluster) {
    let ec2 = &mut world.aws.region_mut(&call.account, &call.region).ec2;
    for id in &cluster.interfaces {
        ec2.interfaces.remove(id);
        ec2.tags.remove(id);
    }
}
