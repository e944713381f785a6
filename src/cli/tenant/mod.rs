//! `pitcrew tenant …`

mod start;
mod stop;
mod verb;

pub(super) use verb::{Verb, run};
