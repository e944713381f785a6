//! `pitcrew file …`: the files that computers fetch from the server.

mod discard;
mod list;
mod store;
mod verb;

pub(super) use store::store;
pub(super) use verb::{Verb, run};
