//! An environment after its first day: imported, changed, drifted, adopted, upgraded.

mod changes;
mod described;
mod drift;
mod import;
mod upgrades;
