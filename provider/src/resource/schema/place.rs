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
