//! The source of a configuration: files, syntax, partial evaluation.
//!
//! Plan JSON loses locals, lines, dynamic blocks and the constants beside a reference; the source has them. It comes from the saved plan
//! (which stores every file) or from a directory.

pub mod build;
mod computed;
pub mod eval;
pub mod files;
mod functions;
pub mod locate;
pub mod syntax;
mod world;

pub use computed::names_one_thing;
pub use eval::{Evaluator, Scope};
pub use files::Sources;
pub use functions::{UNKNOWN_TEXT, with_holes};
pub use world::{Nothing, World};
