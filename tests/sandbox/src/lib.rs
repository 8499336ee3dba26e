//! Local AWS and Google Cloud on loopback: for tests and demonstrations.
//!
//! The middle is pure: a [`World`] is plain data, and every service is a function of world and call
//! (`answer(&mut World, &Call) -> Result<Answer, Refusal>`). The thin edge around it reads requests by the vendors' own API
//! descriptions into a [`Call`] (operation, input as JSON), decides who calls and whether they may, and writes the answer
//! by the same description. What no description knows is refused; what a description knows and no service carries is
//! refused too, never answered with a friendly 200.

pub mod answer;
pub mod aws;
pub mod call;
pub mod clock;
pub mod exchange;
pub mod gcp;
pub mod protocol;
pub mod random;
pub mod world;

pub use answer::{Answer, Refusal};
pub use call::{Call, Caller};
pub use clock::Clock;
pub use world::World;
