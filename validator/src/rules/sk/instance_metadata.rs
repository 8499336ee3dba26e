//! # SK12 instance-metadata
//!
//! Rejects launch templates whose instances answer metadata requests without a session token (`http_tokens` is not `required`) or
//! to containers (`http_put_response_hop_limit` above 1 for the nodes of a cluster), and managed node groups without a launch template.
//!
//! ## Why
//!
//! One request forged from the outside, or one pod, is enough to become the role of the node.
//!
//! ## Bad
//!
//! ```hcl
//! resource "aws_launch_template" "gpu" {
//!   name          = "gpu"
//!   instance_type = "g5.xlarge"
//!   metadata_options {
//!     http_tokens = "optional"
//!   }
//! }
//! ```
//!
//! ## Good
//!
//! ```hcl
//! resource "aws_launch_template" "gpu" {
//!   name          = "gpu"
//!   instance_type = "g5.xlarge"
//!   metadata_options {
//!     http_tokens                 = "required"
//!     http_put_response_hop_limit = 1
//!   }
//! }
//! ```
//!
//! ## Reads
//!
//! `aws_launch_template`, `aws_instance`, `aws_launch_configuration`: `metadata_options`. `aws_eks_node_group`: `launch_template`.
//!
//! ## Limits
//!
//! Without `metadata_options` the account's default and the image decide, which a plan does not show: a warning. A hop limit of 2 on
//! instances that are no cluster nodes is not reported.
//!
//! ## References
//!
//! - <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/configuring-instance-metadata-options.html>
//! - <https://docs.aws.amazon.com/eks/latest/best-practices/identity-and-access-management.html>

use crate::context::Context;
use crate::finding::{Family, Findings, Level};
use crate::plan::Resource;
use crate::rules::{Meta, Rule};
use crate::value::Value;

/// See the page above.
pub(super) struct InstanceMetadata;

static META: Meta = Meta {
    code: "SK12",
    name: "instance-metadata",
    family: Family::StaticCredentials,
    level: Level::Error,
    title: "instance metadata open to forged requests or pods",
    why: "one forged request, or one pod, is enough to become the role of the node",
    invariants: &["D-18"],
    since: "0.1.0",
    source: include_str!("instance_metadata.rs"),
};

impl Rule for InstanceMetadata {
    fn meta(&self) -> &'static Meta {
        &META
    }

    fn types(&self) -> &'static [&'static str] {
        &[
            "aws_launch_template",
            "aws_instance",
            "aws_launch_configuration",
            "aws_eks_node_group",
        ]
    }

    fn resource(&self, cx: &Context<'_>, r: &Resource<'_>, values: &Value<'_>, out: &mut Findings<'_>) {
        if &*r.kind == "aws_eks_node_group" {
            if values.get("launch_template").is_empty() && !cx.is_set(r, "launch_template") {
                out.report(r.at("launch_template"), "a node group without a launch template: EKS sets a hop limit of 2, so that pods reach the node's role").level(Level::Warning).fix(format!(
                    "resource \"aws_launch_template\" \"{n}\" {{\n  metadata_options {{\n    http_tokens                 = \"required\"\n    http_put_response_hop_limit = 1\n  }}\n}}\n\nresource \"aws_eks_node_group\" \"{n}\" {{\n  launch_template {{\n    id      = aws_launch_template.{n}.id\n    version = aws_launch_template.{n}.latest_version\n  }}\n}}",
                    n = r.name
                ));
            }
            return;
        }
        let options = values.path("metadata_options.0");
        if options.get("http_endpoint").as_str() == Some("disabled") {
            return;
        }
        let fix = format!(
            "resource \"{}\" \"{}\" {{\n  metadata_options {{\n    http_tokens                 = \"required\"\n    http_put_response_hop_limit = 1\n  }}\n}}",
            r.kind, r.name
        );
        let tokens = options.get("http_tokens");
        let node_template = &*r.kind == "aws_launch_template"
            && cx.plan.of_type("aws_eks_node_group").any(|g| {
                cx.targets(g, "launch_template")
                    .iter()
                    .any(|t| t.address == r.address)
            });
        match tokens.as_str() {
            Some("required") => {}
            Some(_) => {
                out.report(
                    r.at("metadata_options.0.http_tokens"),
                    "metadata is answered without a session token",
                )
                .fix(fix.clone());
            }
            None if tokens.is_unknown() && cx.is_set(r, "metadata_options.0.http_tokens") => {
                out.undecided(
                    r.at("metadata_options.0.http_tokens"),
                    "whether metadata asks for a session token is unknown until apply",
                );
            }
            // On create the provider does not know the default; it is the account's and the image's.
            None if &*r.kind == "aws_launch_template" => {
                out.report(
                    r.at("metadata_options"),
                    "nothing says that metadata asks for a session token: the account and the image decide",
                )
                .fix(fix.clone())
                .level(Level::Warning);
            }
            None => {}
        }
        if node_template
            && options
                .get("http_put_response_hop_limit")
                .as_f64()
                .is_some_and(|n| n > 1.0)
        {
            out.report(
                r.at("metadata_options.0.http_put_response_hop_limit"),
                "pods reach the metadata of their node, and with it its role",
            )
            .fix(fix);
        }
    }
}
