//! The network in use.

use super::Network;
use super::blueprint::Draft;
use crate::component::{Kind, Management, OnDestroy};

pub(super) fn add(draft: &mut Draft<'_>) {
    let spec = &draft.aws.network;
    let vpc_id = spec.vpc_id.to_string();
    let network = Network {
        vpc_id: vpc_id.clone(),
        private_subnet_ids: spec.private_subnet_ids.iter().map(ToString::to_string).collect(),
        public_subnet_ids: spec.public_subnet_ids.iter().map(ToString::to_string).collect(),
    };
    draft
        .want(&["network"], Kind::AwsNetwork, &network)
        .id(vpc_id.clone())
        .output("vpc_id", vpc_id)
        .managed(Management::Existing)
        .on_destroy(OnDestroy::Retain);
}
