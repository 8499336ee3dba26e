//! Amazon resource names.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

use super::partition;

/// The name of a resource in a region: `arn:aws:eks:eu-central-1:111122223333:cluster/a`.
pub fn regional(service: &str, region: &str, account: &str, resource: &str) -> String {
    format!(
        "arn:{}:{service}:{region}:{account}:{resource}",
        partition::of(region)
    )
}

/// The name of a resource of IAM, which has no region; the region says which partition is meant.
pub fn iam(region: &str, account: &str, resource: &str) -> String {
    format!("arn:{}:iam::{account}:{resource}", partition::of(region))
}

/// The name of a session of a role.
pub fn session(region: &str, account: &str, role: &str, session: &str) -> String {
    format!(
        "arn:{}:sts::{account}:assumed-role/{role}/{session}",
        partition::of(region)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn china_and_the_government_have_partitions_of_their_own() {
        assert_eq!(iam("cn-north-1", "1", "role/a"), "arn:aws-cn:iam::1:role/a");
        assert_eq!(
            regional("eks", "us-gov-west-1", "1", "cluster/a"),
            "arn:aws-us-gov:eks:us-gov-west-1:1:cluster/a"
        );
        assert_eq!(
            session("eu-central-1", "1", "r", "s"),
            "arn:aws:sts::1:assumed-role/r/s"
        );
    }
}
