//! Where the environment is: one block for each cloud.

use tfplugin::Type;
use tfplugin::schema::Attribute;

use super::{attributes, boolean, number, string, strings};

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
            .optional()
            .description("The network to use. It is never changed and never deleted. Default: a network of the environment's own, see `network`. A change is *refused*."),
        ),
        (
            "vpc_endpoints",
            Attribute::of(strings()).optional_computed().description(
                "Services that are reached without leaving a network of the environment's own: `s3` (a gateway, free of charge), `registry`, `sts`, `logs`, `kms`, `secrets`, `ec2`, `eks` (interfaces, charged by the hour). Default: dev `s3`; staging `s3`, `registry`, `sts`; prod also `logs`, `kms`, `secrets`; with `network.egress = \"none\"` also what nodes need to join. *In place*.",
            ),
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
            .optional()
            .description(
                "The network to use. It is never changed and never deleted. Nodes have no public addresses: give it Cloud NAT \
                 where they need more than Google's APIs. Default: a network of the environment's own, see `network`. A change \
                 is *refused*.",
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

pub(super) fn network() -> Attribute {
    Attribute::object(attributes([
        (
            "cidr",
            string().optional_computed().keep().description(
                "All its addresses, a private range of /16 to /20 (Google Cloud: from /12 on). AWS: an eighth of it for each zone's private subnet, small public ones at its end. Google Cloud: a sixteenth for nodes, one for Kubernetes services, the upper half for pods. Default: `10.<n>.0.0/16`, n from the environment's id. A change is *refused*.",
            ),
        ),
        (
            "zones",
            number().optional_computed().keep().description(
                "AWS only: availability zones with a private and a public subnet each, 2 to 4. Default: dev 2, else 3. A change is *refused*.",
            ),
        ),
        (
            "egress",
            string().optional_computed().description(
                "How nodes reach the internet: `nat_single`, `nat_per_zone` (AWS only: outlasts the loss of a zone) or `none` (on AWS endpoints only, no public subnets; on Google Cloud Google's APIs only). Default: prod on AWS `nat_per_zone`, else `nat_single`. *In place*.",
            ),
        ),
    ]))
    .optional_computed()
    .description("A network of the environment's own, made where no `existing_network` is given: VPC, subnets, NAT, endpoints; on Google Cloud a VPC-native subnetwork with private access to Google's APIs, router and NAT.")
}

pub(super) fn budget() -> Attribute {
    Attribute::object(attributes([
        (
            "monthly",
            number().required().description("What the environment may cost a month, in whole units of the currency. *In place*."),
        ),
        (
            "currency",
            string().optional_computed().description(
                "Three letters. AWS counts in `USD`; on Google Cloud that of the billing account, where a change is *refused*. Default: `USD`.",
            ),
        ),
        (
            "thresholds",
            Attribute::of(Type::Set(Box::new(Type::Number))).optional_computed().description(
                "Percent of the amount at which somebody is told, 1 to 5 of them. Default: 80 and 100. *In place*.",
            ),
        ),
        (
            "emails",
            Attribute::of(strings()).optional().description("AWS only: addresses that are written to, up to 10. *In place*."),
        ),
        (
            "topics",
            Attribute::of(strings()).optional().description(
                "AWS: ARN of the SNS topic that is told. Google Cloud: the Pub/Sub topic (`projects/…/topics/…`) and up to 5 notification channels (`projects/…/notificationChannels/…`). *In place*.",
            ),
        ),
        (
            "billing_account",
            string().optional().description(
                "Google Cloud only: id of the billing account that pays for the project and holds the budget; who applies needs `roles/billing.costsManager` on it. A change is *refused*.",
            ),
        ),
    ]))
    .optional()
    .description("A monthly budget in the account's list, of the cost that carries the environment's mark, with at least one subscriber. AWS counts it once `mlops:environment` is activated as a cost allocation tag in the account that pays.")
}
