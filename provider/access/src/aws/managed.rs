//! AWS managed policies: what `AdministratorAccess` and its like contain, as of the date in `data/aws/SOURCES.md`.
//!
//! ```
//! use mlops_access::aws::managed;
//!
//! let admin = managed::document("arn:aws:iam::aws:policy/AdministratorAccess").unwrap();
//! assert_eq!(admin.statements.len(), 1);
//! assert!(managed::document("arn:aws:iam::123456789012:policy/Mine").is_none());
//! ```

use super::arn::Arn;
use super::pack::Pack;
use super::policy::Policy;
use std::sync::OnceLock;

static BYTES: &[u8] = include_bytes!("../../data/aws/managed.pack");

fn pack() -> &'static Pack {
    static PACK: OnceLock<Pack> = OnceLock::new();
    PACK.get_or_init(|| Pack::open(BYTES))
}

/// The document of a managed policy, by its ARN in any partition or by its bare name (path included where it has one, such as
/// `service-role/AmazonEBSCSIDriverPolicy`). `None` when it is not one of AWS's, or newer than the data.
pub fn document(arn_or_name: &str) -> Option<Policy> {
    Policy::parse(json(arn_or_name)?).ok()
}

/// The same as JSON text.
pub fn json(arn_or_name: &str) -> Option<&'static str> {
    let path = match Arn::parse(arn_or_name) {
        Some(arn) if arn.service == "iam" && arn.account == "aws" => {
            arn.resource.strip_prefix("policy")?.to_owned()
        }
        Some(_) => return None,
        None => format!("/{arn_or_name}"),
    };
    pack().get(&path)
}

/// The ARNs of all managed policies that are known, in the commercial partition, sorted.
pub fn arns() -> impl ExactSizeIterator<Item = String> {
    pack().keys().map(|path| format!("arn:aws:iam::aws:policy{path}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_document_is_understood_to_the_last_element() {
        assert!(arns().len() > 1_000);
        for arn in arns() {
            let policy = document(&arn).unwrap_or_else(|| panic!("{arn} cannot be read"));
            assert!(!policy.statements.is_empty(), "{arn}");
            assert!(policy.unread.is_empty(), "{arn}: {:?}", policy.unread);
            for statement in &policy.statements {
                assert!(statement.unread.is_empty(), "{arn}: {:?}", statement.unread);
            }
            assert_eq!(Policy::parse(&policy.to_json()).as_ref(), Ok(&policy), "{arn}");
        }
    }

    #[test]
    fn the_policies_that_rules_name_are_there() {
        for name in [
            "AdministratorAccess",
            "PowerUserAccess",
            "IAMFullAccess",
            "ReadOnlyAccess",
            "SecretsManagerReadWrite",
            "AmazonS3FullAccess",
            "AmazonEKSWorkerNodePolicy",
            "AmazonEKSClusterPolicy",
            "AmazonEC2ContainerRegistryReadOnly",
            "AmazonSageMakerFullAccess",
            "service-role/AmazonEBSCSIDriverPolicy",
            "job-function/ViewOnlyAccess",
        ] {
            assert!(document(name).is_some(), "{name}");
        }
        assert!(json("arn:aws-us-gov:iam::aws:policy/ReadOnlyAccess").is_some());
    }
}
