//! `pitcrew secret …`

mod list;
mod rotate;
mod store;
mod verb;

pub(super) use verb::{Verb, run};
