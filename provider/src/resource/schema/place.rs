//! Where the environment is: one block for each cloud.

use tfplugin::schema::Attribute;

use super::{attributes, boolean, string, strings};

pub(super) fn aws() -> Attribute {
    Attribute::object(attributes([
        (
            "account_id",
            string().optional_computed().keep().requires_replace().description(
                "Account the environment lives in; compared with the credentials before anything is written. \
                 Default: the credentials' account. A change *replaces*.",
            ),
        ),
        (
            "region",
            string().optional_computed().keep().requires_replace().description(
                "Region. Default: the provider's at creation, kept from then on. A change *replaces*.",
            ),
        ),
        (
            "existing_network",
            Attribute::object(attributes([
                ("vpc_id", string().required().description("The VPC.")),
                (
                    "private_subnet_ids",
                    Attribute::of(strings()).required().description(
                        "Subnets of the nodes and of the control plane's interfaces, in two zones at least.",
                    ),
                ),
                (
                    "public_subnet_ids",
                    Attribute::of(strings()).optional().description("Subnets of public load balancers."),
                ),
            ]))
            .required()
            .description("The network to use. It is never changed and never deleted. A change of the VPC is *refused*."),
        ),
        (
            "permissions_boundary",
            string().optional().description(
                "ARN of a managed policy that bounds every role. Default: boundaries of the environment's own, one per purpose. *In place*.",
            ),
        ),
        (
            "role_path",
            string().optional_computed().keep().description("Path of roles and policies. Default: `/mlops/<name>/`. A change is *refused*."),
        ),
        (
            "extended_support",
            boolean().optional_computed().description(
                "Pay for Kubernetes versions that are out of standard support. Default: `false`. *In place*.",
            ),
        ),
    ]))
    .optional()
    .description("The environment on AWS. Exactly one cloud must be given.")
}

pub(super) fn gcp() -> Attribute {
    Attribute::object(attributes([
        (
            "project",
            string().optional_computed().keep().requires_replace().description(
                "Project of the environment; it must be the provider's. Default: the provider's. A change *replaces*.",
            ),
        ),
        (
            "region",
            string().optional_computed().keep().requires_replace().description(
                "Region of buckets, images and keys. Default: that of `location`, else the provider's at creation, kept from then on. A change *replaces*.",
            ),
        ),
        (
            "location",
            string().optional_computed().keep().requires_replace().description(
                "Location of the cluster: the region (default), or one of its zones (tier dev only). A change *replaces*.",
            ),
        ),
        (
            "existing_network",
            Attribute::object(attributes([
                (
                    "network",
                    string().required().description("VPC network: its name, or `projects/<project>/global/networks/<name>` of a shared VPC."),
                ),
                (
                    "subnetwork",
                    string().required().description(
                        "Subnetwork of the nodes, in the environment's region: its name, or `projects/<project>/regions/<region>/subnetworks/<name>`.",
                    ),
                ),
                ("pods_range", string().required().description("Secondary range of pods.")),
                ("services_range", string().required().description("Secondary range of Kubernetes services.")),
            ]))
            .required()
            .description(
                "The network to use. It is never changed and never deleted. Nodes have no public addresses: give it Cloud NAT \
                 where they need more than Google's APIs. A change is *refused*.",
            ),
        ),
        (
            "dns_endpoint",
            boolean().optional_computed().description(
                "The cluster's API is reached by its DNS name with IAM alone, without ranges and bastions. Default: `true`. *In place*.",
            ),
        ),
        (
            "manage_apis",
            boolean().optional_computed().description(
                "Enable the APIs that are needed; none is ever disabled. Default: `true`. *In place*.",
            ),
        ),
    ]))
    .optional()
    .description("The environment on Google Cloud. Exactly one cloud must be given.")
}
