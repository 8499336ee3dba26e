//! The driver against an emulator that others wrote: each kind of component is made, observed, changed and deleted.

mod documents;
mod eks;
mod harness;
mod server;
mod storage;
mod who;
