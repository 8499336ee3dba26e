//! Local AWS and Google Cloud on loopback: for tests and demonstrations.
//!
//! The middle is pure: a [`World`] is plain data, and every service is a function of world and call
//! (`answer(&mut World, &Call) -> Result<Answer, Refusal>`). The thin edge around it reads requests by the vendors' own API
//! descriptions into a [`Call`] (operation, input as JSON), decides who calls and whether they may, and writes the answer
//! by the same description. What no description knows is refused; what a description knows and no service carries is
//! refused too, never answered with a friendly 200.

pub mod account;
mod admin;
pub mod answer;
pub mod aws;
pub mod call;
pub mod clock;
pub mod edge;
pub mod exchange;
pub mod fault;
pub mod gcp;
mod hold;
pub mod journal;
mod kubernetes;
pub mod protocol;
pub mod random;
pub mod sandbox;
mod server;
mod shared;
pub mod snapshot;
pub mod store;
pub mod world;

pub use answer::{Answer, Refusal};
pub use call::{Call, Caller};
pub use clock::Clock;
pub use fault::{Effect, Fault};
pub use sandbox::Sandbox;
pub use world::{Behaviour, World};
