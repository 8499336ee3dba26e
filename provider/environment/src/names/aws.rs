//! Names on AWS.

use mlops_access::Purpose;
use mlops_access::generate::aws::Bucket;

use super::{EnvironmentId, hash};
use crate::spec::{BucketName, EnvironmentName, NodePoolName, Region, ServiceName};

/// Longest role name that IAM takes.
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
pub const ROLE_NAME_MAX: usize = 64;
/// Longest node group name that EKS takes.
pub const NODE_GROUP_NAME_MAX: usize = 63;

const LONGEST_PURPOSE: usize = "runtime".len();
const LONGEST_BUCKET: usize = "predictions".len();

// A derived name can never be too long: the compiler checks it.
const _: () = {
    assert!(EnvironmentName::MAX + 1 + LONGEST_PURPOSE + 1 + ServiceName::MAX <= ROLE_NAME_MAX);
    assert!(EnvironmentName::MAX + 1 + LONGEST_BUCKET + 1 + 8 <= BucketName::MAX);
    assert!(NodePoolName::MAX + 1 + 6 <= NODE_GROUP_NAME_MAX);
};

/// Names of an environment's AWS objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names<'a> {
    id: &'a EnvironmentId,
    partition: &'a str,
    role_path: &'a str,
    cluster: &'a str,
}

impl<'a> Names<'a> {
    /// Names of the environment `id`; `role_path` with both slashes.
    pub fn new(id: &'a EnvironmentId, partition: &'a str, role_path: &'a str) -> Self {
        Self {
            id,
            partition,
            role_path,
            cluster: id.name.as_str(),
        }
    }

    /// The same in a cluster of somebody else.
    #[must_use]
    pub fn in_cluster(self, name: Option<&'a str>) -> Self {
        Self {
            cluster: name.unwrap_or(self.cluster),
            ..self
        }
    }

    fn arn(&self, service: &str, region: &str, resource: &str) -> String {
        format!(
            "arn:{}:{service}:{region}:{}:{resource}",
            self.partition,
            self.id.account()
        )
    }

    /// The budget.
    pub fn budget(&self) -> String {
        super::budget(self.id)
    }

    /// Bucket of a purpose.
    pub fn bucket(&self, bucket: Bucket) -> String {
        super::bucket(self.id, bucket)
    }

    /// ARN of a bucket.
    pub fn bucket_arn(&self, name: &str) -> String {
        format!("arn:{}:s3:::{name}", self.partition)
    }

    /// Role of a purpose, and of a service where the purpose has one for each.
    pub fn role(&self, purpose: Purpose, service: Option<&ServiceName>) -> String {
        match service {
            Some(service) => format!("{}-{purpose}-{service}", self.id.name),
            None => format!("{}-{purpose}", self.id.name),
        }
    }

    /// Role of the control plane.
    pub fn cluster_role(&self) -> String {
        format!("{}-cluster", self.id.name)
    }

    /// ARN of a role.
    pub fn role_arn(&self, name: &str) -> String {
        self.arn("iam", "", &format!("role{}{name}", self.role_path))
    }

    /// Permissions boundary of a purpose.
    pub fn boundary(&self, purpose: Purpose) -> String {
        format!("{}-boundary-{purpose}", self.id.name)
    }

    /// ARN of a managed policy.
    pub fn policy_arn(&self, name: &str) -> String {
        self.arn("iam", "", &format!("policy{}{name}", self.role_path))
    }

    /// ARN of a managed policy of AWS.
    pub fn aws_policy_arn(&self, name: &str) -> String {
        format!("arn:{}:iam::aws:policy/{name}", self.partition)
    }

    /// ARN of an OIDC provider; `issuer` without scheme.
    pub fn oidc_provider_arn(&self, issuer: &str) -> String {
        self.arn("iam", "", &format!("oidc-provider/{issuer}"))
    }

    /// The cluster.
    pub fn cluster(&self) -> &str {
        self.cluster
    }

    /// ARN of the cluster.
    pub fn cluster_arn(&self) -> String {
        self.arn("eks", self.id.region(), &format!("cluster/{}", self.cluster()))
    }

    /// Log group of the control plane.
    pub fn cluster_log_group(&self) -> String {
        format!("/aws/eks/{}/cluster", self.cluster())
    }

    /// ARN of a log group.
    pub fn log_group_arn(&self, name: &str) -> String {
        self.arn("logs", self.id.region(), &format!("log-group:{name}"))
    }

    /// Alias of a key.
    pub fn key_alias(&self, usage: &str) -> String {
        format!("alias/{}-{usage}", self.id.name)
    }

    /// A repository of this environment.
    pub fn repository(&self, repository: &str) -> String {
        format!("{}/{repository}", self.id.name)
    }

    /// ARN of a repository of this account.
    pub fn repository_arn(&self, name: &str) -> String {
        self.arn("ecr", self.id.region(), &format!("repository/{name}"))
    }

    /// Host of this account's registry.
    pub fn registry_host(&self) -> String {
        registry_host(self.id.account(), self.id.region(), self.partition)
    }

    /// A secret of a service.
    pub fn secret(&self, service: &ServiceName, secret: &str) -> String {
        format!("{}/{service}/{secret}", self.id.name)
    }
}

/// Host of an account's ECR registry.
pub fn registry_host(account: &str, region: &str, partition: &str) -> String {
    let suffix = if partition == "aws-cn" {
        "amazonaws.com.cn"
    } else {
        "amazonaws.com"
    };
    format!("{account}.dkr.ecr.{region}.{suffix}")
}

/// Name of a node group: changes exactly when EKS cannot change the group in place.
pub fn node_group(
    pool: &NodePoolName,
    machine_types: &[String],
    spot: bool,
    image_type: &str,
    subnets: &[String],
) -> String {
    let mut parts: Vec<&str> = machine_types.iter().map(String::as_str).collect();
    parts.push(if spot { "spot" } else { "on-demand" });
    parts.push(image_type);
    parts.extend(subnets.iter().map(String::as_str));
    format!("{pool}-{}", hash(&parts.join("\n"), 6))
}

/// The partition of a region, by its name.
pub fn partition_of(region: &Region) -> &'static str {
    match region.as_str() {
        r if r.starts_with("cn-") => "aws-cn",
        r if r.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_names_in_two_regions_give_different_buckets() {
        let id: EnvironmentId = "aws/111122223333/eu-west-1/shop".parse().expect("an id");
        let other: EnvironmentId = "aws/111122223333/eu-west-2/shop".parse().expect("an id");
        let names = |id: &EnvironmentId| Names::new(id, "aws", "/mlops/shop/").bucket(Bucket::Data);
        assert_ne!(names(&id), names(&other));
        assert!(names(&id).starts_with("shop-data-"));
    }

    #[test]
    fn a_node_group_gets_another_name_only_when_it_must_be_built_anew() {
        let pool: NodePoolName = "serving".parse().expect("a name");
        let name = |types: &[&str], spot| {
            let types: Vec<String> = types.iter().map(|t| (*t).to_owned()).collect();
            node_group(
                &pool,
                &types,
                spot,
                "AL2023_x86_64_STANDARD",
                &["subnet-1".to_owned()],
            )
        };
        assert_eq!(name(&["m6i.large"], false), name(&["m6i.large"], false));
        assert_ne!(name(&["m6i.large"], false), name(&["m5.large"], false));
        assert_ne!(name(&["m6i.large"], false), name(&["m6i.large"], true));
    }
}
