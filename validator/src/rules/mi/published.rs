//! Controllers of clusters whose vendors publish the policy to give them, with rights on every resource where AWS offers no better way or
//! the vendor took none.
//!
//! Who installs such a controller writes its published policy, and is told so in a note; the same rights in other hands are judged as ever.

/// A published policy.
pub(super) struct Published {
    /// The controller.
    pub(super) name: &'static str,
    /// What the policy allows on every resource without a condition, although the action could name resources.
    pub(super) open: &'static [&'static str],
}

/// Sources: `docs/install/iam_policy.json` of aws-load-balancer-controller (2.4 to 2.13), the modules' policy for the EBS CSI driver
/// (`ec2:CreateSnapshot`, … on `*`), the README of cluster-autoscaler's AWS provider, `docs/iam-policy-example.json` of the EFS CSI driver.
const PUBLISHED: [Published; 4] = [
    Published {
        name: "the AWS load balancer controller",
        open: &[
            "acm:DescribeCertificate",
            "cognito-idp:DescribeUserPoolClient",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:CreateSecurityGroup",
            "ec2:GetCoipPoolUsage",
            "ec2:GetSecurityGroupsForVpc",
            "ec2:RevokeSecurityGroupIngress",
            "elasticloadbalancing:AddListenerCertificates",
            "elasticloadbalancing:CreateListener",
            "elasticloadbalancing:CreateRule",
            "elasticloadbalancing:CreateTargetGroup",
            "elasticloadbalancing:DeleteListener",
            "elasticloadbalancing:DeleteRule",
            "elasticloadbalancing:ModifyListener",
            "elasticloadbalancing:ModifyRule",
            "elasticloadbalancing:RemoveListenerCertificates",
            "elasticloadbalancing:SetRulePriorities",
            "elasticloadbalancing:SetWebAcl",
            "iam:GetServerCertificate",
            "shield:CreateProtection",
            "shield:DeleteProtection",
            "shield:DescribeProtection",
            "waf-regional:AssociateWebACL",
            "waf-regional:DisassociateWebACL",
            "waf-regional:GetWebACL",
            "waf-regional:GetWebACLForResource",
            "wafv2:AssociateWebACL",
            "wafv2:DisassociateWebACL",
            "wafv2:GetWebACL",
            "wafv2:GetWebACLForResource",
        ],
    },
    Published {
        name: "the EBS CSI driver",
        open: &[
            "ec2:AttachVolume",
            "ec2:CreateSnapshot",
            "ec2:CreateVolume",
            "ec2:DeleteSnapshot",
            "ec2:DeleteVolume",
            "ec2:DetachVolume",
            "ec2:ModifyVolume",
        ],
    },
    Published {
        name: "the cluster autoscaler",
        open: &[
            "ec2:GetInstanceTypesFromInstanceRequirements",
            "eks:DescribeNodegroup",
        ],
    },
    Published {
        name: "the EFS CSI driver",
        open: &["elasticfilesystem:DescribeMountTargets"],
    },
];

/// The published policy that a document is, told by what it allows on every resource: all of it published for one controller, and at
/// least half of what is published for it.
pub(super) fn published(open: &[&str]) -> Option<&'static Published> {
    PUBLISHED.iter().find(|p| {
        open.iter().all(|a| p.open.contains(a)) && {
            let had = p.open.iter().filter(|a| open.contains(a)).count();
            had * 2 >= p.open.len()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::published;

    #[test]
    fn a_published_policy_is_told_by_most_of_it_and_nothing_else() {
        let ebs = [
            "ec2:AttachVolume",
            "ec2:DetachVolume",
            "ec2:CreateSnapshot",
            "ec2:ModifyVolume",
        ];
        assert_eq!(published(&ebs).map(|p| p.name), Some("the EBS CSI driver"));
        assert!(
            published(&["ec2:AuthorizeSecurityGroupIngress"]).is_none(),
            "one right of thirty is no controller"
        );
        assert!(
            published(&["ec2:AttachVolume", "ec2:DetachVolume", "ec2:TerminateInstances"]).is_none(),
            "what is not published is judged, and the rest with it"
        );
        assert!(published(&[]).is_none());
    }
}
