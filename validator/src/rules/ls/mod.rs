//! State backend. One line per rule: keep the lists sorted by code.

mod backend_credentials;
mod backend_disagreement;
mod disguised_local_state;
mod local_backend;
mod local_remote_state;
mod settings;
mod shared_state;
pub(super) mod state_bucket;
mod state_in_own_cluster;
mod state_on_disk;
mod state_reader;
mod unencrypted_backend;
mod unlocked_backend;

use super::Rule;

/// The rules of this family.
pub static RULES: &[&dyn Rule] = &[
    &local_backend::LocalBackend,                // LS01
    &disguised_local_state::DisguisedLocalState, // LS02
    &unlocked_backend::UnlockedBackend,          // LS03
    &unencrypted_backend::UnencryptedBackend,    // LS04
    &backend_credentials::BackendCredentials,    // LS05
    &local_remote_state::LocalRemoteState,       // LS06
    &state_bucket::StateBucket,                  // LS08
    &shared_state::SharedState,                  // LS09
    &state_on_disk::StateOnDisk,                 // LS11
    &state_in_own_cluster::StateInOwnCluster,    // LS12
    &state_reader::StateReader,                  // LS13
    &backend_disagreement::BackendDisagreement,  // LS15
];
