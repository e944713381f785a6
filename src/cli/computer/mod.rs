//! `pitcrew computer …`

mod decide;
mod list;
mod show;
mod token;
mod verb;

pub(super) use verb::{Verb, run};
