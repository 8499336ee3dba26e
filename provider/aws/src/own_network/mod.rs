//! The network of the environment's own: VPC, subnets, gateways, routes, endpoints.
//!
//! EC2 gives random ids, so each object is found by the mark in its tags, which is set in the very call that makes it.

mod endpoint;
mod internet_gateway;
mod marked;
mod nat_gateway;
mod route_table;
mod security_group;
mod subnet;
mod vpc;
