//! What services in a cluster made outside of it and would outlive it: load balancers. Their own API is not asked; each has a
//! security group, which says whose it is.
//!
//! Tags of the AWS Load Balancer Controller: <https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/service/annotations/#resource-tags>.
//! The controller inside Kubernetes tags with `kubernetes.io/cluster/<name>` and writes the service into the description.

use mlops_environment::aws::Tags;

use crate::driver::Aws;
use crate::ec2::{Form, call, items, tag_set, text};
use crate::failure::Outcome;

/// Stack of the AWS Load Balancer Controller: `<namespace>/<name>`, or the name of a group of ingresses.
const STACKS: [(&str, &str); 2] = [
    ("service.k8s.aws/stack", "service"),
    ("ingress.k8s.aws/stack", "ingress"),
];

/// Cluster, in the tags of the AWS Load Balancer Controller.
const CLUSTER: &str = "elbv2.k8s.aws/cluster";

/// Load balancers of a cluster's services, in words with the way to be rid of them.
pub(crate) async fn load_balancers(aws: &Aws, cluster: &str) -> Outcome<Vec<String>> {
    let owned = format!("kubernetes.io/cluster/{cluster}");
    let form = Form::default()
        .set("Filter.1.Name", "tag-key")
        .list("Filter.1.Value", &[CLUSTER.to_owned(), owned.clone()]);
    let mut found = call(&aws.clients, "ec2:DescribeSecurityGroups", form, |root| {
        items(root, "securityGroupInfo")
            .into_iter()
            .filter_map(|item| {
                let description = text(item, "groupDescription").unwrap_or_default();
                let what = told(&tag_set(item), &description, cluster, &owned)?;
                Some(format!("{what} (security group {})", text(item, "groupId")?))
            })
            .collect::<Vec<_>>()
    })
    .await?;
    found.sort_unstable();
    Ok(found)
}

/// Whose load balancer a security group belongs to, if to one of this cluster's.
fn told(tags: &Tags, description: &str, cluster: &str, owned: &str) -> Option<String> {
    let (kind, name) = if tags.get(CLUSTER).is_some_and(|of| of == cluster) {
        STACKS
            .into_iter()
            .find_map(|(tag, kind)| Some((kind, tags.get(tag)?.as_str())))?
    } else if tags.contains_key(owned) {
        let (_, rest) = description
            .strip_prefix("Security group for Kubernetes ELB ")?
            .split_once('(')?;
        ("service", rest.trim_end_matches(')'))
    } else {
        return None;
    };
    let delete = match name.split_once('/') {
        Some((namespace, name)) => format!("kubectl -n {namespace} delete {kind} {name}"),
        None => format!("delete every {kind} of the group {name}"),
    };
    Some(format!(
        "the load balancer of {kind} {name} still stands and would outlive the cluster: {delete}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(of: &[(&str, &str)]) -> Tags {
        crate::tags::found(of.iter().copied())
    }

    #[test]
    fn tells_services_and_ingresses_of_this_cluster_only() {
        let told =
            |tags: Tags, description: &str| told(&tags, description, "shop", "kubernetes.io/cluster/shop");
        let service = tags(&[(CLUSTER, "shop"), ("service.k8s.aws/stack", "churn/web")]);
        let said = told(service, "[k8s] Managed SecurityGroup for LoadBalancer").unwrap();
        assert!(
            said.contains("service churn/web") && said.contains("kubectl -n churn delete service web"),
            "{said}"
        );
        let group = tags(&[(CLUSTER, "shop"), ("ingress.k8s.aws/stack", "public")]);
        let said = told(group, "").unwrap();
        assert!(
            said.ends_with("delete every ingress of the group public"),
            "{said}"
        );
        let classic = tags(&[("kubernetes.io/cluster/shop", "owned")]);
        let said = told(
            classic.clone(),
            "Security group for Kubernetes ELB a1b2 (churn/web)",
        )
        .unwrap();
        assert!(said.contains("service churn/web"), "{said}");

        // The cluster's own group, the controller's shared one, another cluster's.
        assert_eq!(told(classic, "EKS created security group applied to ENI"), None);
        assert_eq!(
            told(
                tags(&[(CLUSTER, "shop"), ("elbv2.k8s.aws/resource", "backend-sg")]),
                ""
            ),
            None
        );
        assert_eq!(
            told(
                tags(&[(CLUSTER, "other"), ("service.k8s.aws/stack", "churn/web")]),
                ""
            ),
            None
        );
    }
}
