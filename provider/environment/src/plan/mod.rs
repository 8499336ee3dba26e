//! Planning: from what is wanted and what was found to printable steps.
//!
//! * [`diff`]: one component as wanted against its properties as found.
//! * [`decide`], [`decide_removal`]: one component against an observation of it, while applying.
//! * [`plan_change`]: two lists of components, while planning, without a look at the cloud.
//! * [`deviations`]: what was found against what was wanted last, while refreshing.

mod decide;
mod diff;
mod drift;
mod existing;
mod fixed;
mod follow;
mod foresee;
mod refusal;
mod rules;
mod step;

pub use decide::{Decision, decide, decide_removal, leaving};
pub use diff::diff;
pub use drift::{Deviation, Finding, deviations, reported};
pub use fixed::fixed_settings;
pub use follow::follow;
pub use foresee::{Foresight, plan_change};
pub use refusal::{Bound, Cause, Refusal, consent_token};
pub(crate) use rules::irrevocable;
pub use step::{Action, Change, Disruption, Step};
