//! Policy documents for the tests.

use serde_json::json;

use crate::harness::{ACCOUNT, REGION};

pub(crate) fn trust() -> String {
    json!({"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}],
        "Version": "2012-10-17"})
    .to_string()
}

pub(crate) fn other_trust() -> String {
    json!({"Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "eks.amazonaws.com"}}],
        "Version": "2012-10-17"})
    .to_string()
}

pub(crate) fn allow(action: &str) -> String {
    json!({"Statement": [{"Action": [action], "Effect": "Allow", "Resource": ["*"]}], "Version": "2012-10-17"}).to_string()
}

pub(crate) fn key_policy(sid: &str) -> String {
    json!({"Statement": [{"Action": "kms:*", "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Resource": "*", "Sid": sid}], "Version": "2012-10-17"})
    .to_string()
}

/// Lets CloudWatch Logs in too, which a log group needs of its key.
pub(crate) fn log_key_policy() -> String {
    json!({"Statement": [{"Action": "kms:*", "Effect": "Allow",
        "Principal": {"AWS": format!("arn:aws:iam::{ACCOUNT}:root")}, "Resource": "*", "Sid": "Root"},
        {"Action": ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"],
        "Effect": "Allow", "Principal": {"Service": format!("logs.{REGION}.amazonaws.com")}, "Resource": "*", "Sid": "Logs"}],
        "Version": "2012-10-17"})
    .to_string()
}

pub(crate) fn bucket_policy(bucket: &str) -> String {
    json!({"Statement": [{"Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}, "Effect": "Deny",
        "Principal": "*", "Resource": [format!("arn:aws:s3:::{bucket}"), format!("arn:aws:s3:::{bucket}/*")],
        "Sid": "DenyPlainHttp"}], "Version": "2012-10-17"})
    .to_string()
}

pub(crate) fn log_delivery(bucket: &str) -> String {
    json!({"Statement": [{"Action": "s3:PutObject", "Effect": "Allow",
        "Principal": {"Service": "logging.s3.amazonaws.com"}, "Resource": format!("arn:aws:s3:::{bucket}/*")}],
        "Version": "2012-10-17"})
    .to_string()
}
