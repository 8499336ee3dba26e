//! The cluster, its pools, and access inside it.

use tfplugin::Type;
use tfplugin::schema::Attribute;

use super::{attributes, boolean, number, string, string_map, strings};

pub(super) fn cluster() -> Attribute {
    Attribute::object(attributes([
        (
            "existing",
            string().optional().description(
                "Name of a cluster to use as it is: only identities are wired to it, and it is never changed nor deleted. EKS: it takes \
                 access entries, and its OIDC provider is made unless the account has it. GKE: Workload Identity Federation is on. Then \
                 no network, node pools, logs and keys of the cluster can be configured. A change is *refused*.",
            ),
        ),
        (
            "version",
            string().optional_computed().keep().description(
                "Kubernetes minor version, for example `1.33`. Default: the newest at creation, then kept. One minor \
                 at a time and never down; the control plane first, then the node pools. *In place*.",
            ),
        ),
        (
            "release_channel",
            string().optional_computed().description(
                "Google Cloud only: `RAPID`, `REGULAR`, `STABLE` or `EXTENDED`. Default: prod `STABLE`, else `REGULAR`. *In place*.",
            ),
        ),
        (
            "endpoint",
            Attribute::object(attributes([
                ("private", boolean().optional_computed().description("Reachable inside the VPC. Default: `true`; on Google Cloud only without `gcp.dns_endpoint`.")),
                (
                    "public",
                    boolean().optional_computed().description("Reachable from outside. Default: `true` in dev if `public_cidrs` is given, else `false`."),
                ),
                (
                    "public_cidrs",
                    Attribute::of(strings()).optional_computed().description(
                        "Who may reach it from outside. `0.0.0.0/0` is refused unless the tier is dev.",
                    ),
                ),
            ]))
            .optional_computed()
            .description("How the cluster's API is reached. *In place*."),
        ),
        (
            "admins",
            Attribute::of(strings()).optional().description(
                "AWS only: ARNs of roles with cluster admin. Default: none; the creator gets nothing. *In place*.",
            ),
        ),
        (
            "log_types",
            Attribute::of(strings()).optional_computed().description(
                "Control-plane logs: `api`, `audit`, `authenticator` (AWS only), `controllerManager`, `scheduler`. Default: all. *In place*.",
            ),
        ),
    ]))
    .optional_computed()
    .description("The Kubernetes cluster (EKS or GKE), named as the environment unless it is an `existing` one.")
}

pub(super) fn node_pools() -> Attribute {
    Attribute::map_nested(attributes([
        (
            "purpose",
            string().required().description(
                "`system`, `serving`, `training`, `gpu` or `general`: becomes label and taint of the nodes. *In place*.",
            ),
        ),
        (
            "size",
            string().optional_computed().description(
                "`small`, `medium`, `large`, `xlarge`, `gpu-small`, `gpu-medium` or `gpu-large`; stands for machine types. A change rotates the pool.",
            ),
        ),
        (
            "machine_types",
            Attribute::of(Type::List(Box::new(Type::String))).optional().description(
                "Machine types in order of preference, instead of `size`; on Google Cloud one. A change rotates the pool.",
            ),
        ),
        ("min", number().optional_computed().description("Fewest nodes. *In place*.")),
        ("max", number().optional_computed().description("Most nodes; the current number is the autoscaler's and never a difference. *In place*.")),
        ("spot", boolean().optional_computed().description("Spare capacity; refused for system pools. A change rotates the pool.")),
        ("disk_gb", number().optional_computed().description("Size of the nodes' disk. A change rotates the pool.")),
        ("disk_type", string().optional_computed().description("For example `gp3` or `pd-balanced`. A change rotates the pool.")),
        ("image_type", string().optional_computed().description("For example `AL2023_x86_64_STANDARD` or `COS_CONTAINERD`. A change rotates the pool.")),
        ("labels", Attribute::of(string_map()).optional().description("More node labels. *In place*.")),
        (
            "taints",
            Attribute::list_nested(attributes([
                ("key", string().required().description("Key.")),
                ("value", string().optional().description("Value.")),
                ("effect", string().required().description("`NoSchedule`, `NoExecute` or `PreferNoSchedule`.")),
            ]))
            .optional()
            .description("More node taints. *In place*."),
        ),
        (
            "rotate",
            Attribute::object(attributes([(
                "max_unavailable",
                number().optional_computed().description("Nodes that may be down at a time while nodes are exchanged. Default: 1; on Google Cloud 0, a node comes before one goes. *In place*."),
            )]))
            .optional_computed()
            .description("How nodes are exchanged."),
        ),
    ]))
    .optional_computed()
    .description("Node pools by name. Default: the tier's `system` and `serving`. Adding or removing one touches only that pool.")
}

pub(super) fn kubernetes() -> Attribute {
    Attribute::object(attributes([(
        "access",
        string().optional_computed().description(
            "How deploy reaches workloads: `managed` (EKS edit policy in the service namespaces; includes secrets and exec) or `group` (own RBAC for group `mlops:<name>:deployers`). Default: dev `managed`, else `group`; on Google Cloud always `group`, for the user that is the deploy account's e-mail. *In place*.",
        ),
    )]))
    .optional_computed()
    .description("Access inside the cluster.")
}
