//! `pitcrew dead-letter …`

mod discard;
mod list;
mod redrive;
mod show;
mod verb;

pub(super) use verb::{Verb, run};
