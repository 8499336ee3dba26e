//! Monolithic IAM. One line per rule: keep the lists sorted by code.

mod account_singleton;
mod boundary;
mod cluster_admin;
mod confused_deputy;
mod deploy_by_ref;
mod effective;
mod escalation;
mod fix;
mod gcp_authoritative;
mod gcp_broad_role;
mod glance;
mod kms_use;
mod long_session;
mod managed_full_access;
mod mlops_environment;
mod name_without_environment;
mod node_identity;
mod oidc_subject;
mod overlapping_trust;
mod public_resource;
mod published;
mod same_pod_two_environments;
mod shared_identity;
mod trust_anyone;
mod two_environments;
mod two_purposes;
mod undecided_policy;
mod wif_provider;
mod wildcard_action;
mod wildcard_resource;
mod workload_subject;

use super::Rule;

pub(crate) use fix::label;
pub(crate) use two_purposes::held;

/// The rules of this family.
pub static RULES: &[&dyn Rule] = &[
    &wildcard_action::WildcardAction,                   // MI01
    &wildcard_resource::WildcardResource,               // MI02
    &managed_full_access::ManagedFullAccess,            // MI03
    &gcp_broad_role::GcpBroadRole,                      // MI04
    &gcp_authoritative::GcpAuthoritativePolicy,         // MI05
    &two_purposes::TwoPurposes,                         // MI06
    &two_environments::TwoEnvironments,                 // MI07
    &overlapping_trust::OverlappingTrust,               // MI08
    &oidc_subject::OidcSubject,                         // MI09
    &wif_provider::WifProvider,                         // MI10
    &workload_subject::WorkloadSubject,                 // MI11
    &deploy_by_ref::DeployByRef,                        // MI12
    &escalation::PrivilegeEscalation,                   // MI13
    &trust_anyone::TrustAnyone,                         // MI14
    &node_identity::NodeIdentity,                       // MI15
    &shared_identity::SharedIdentity,                   // MI16
    &cluster_admin::ClusterAdmin,                       // MI17
    &public_resource::PublicResource,                   // MI18
    &same_pod_two_environments::SamePodTwoEnvironments, // MI19
    &name_without_environment::NameWithoutEnvironment,  // MI20
    &boundary::MissingBoundary,                         // MI21
    &confused_deputy::ConfusedDeputy,                   // MI22
    &kms_use::KmsUse,                                   // MI23
    &long_session::LongSession,                         // MI24
    &account_singleton::AccountSingleton,               // MI25
    &mlops_environment::MlopsEnvironment,               // MI26
    &undecided_policy::UndecidedPolicy,                 // MI27
];
