//! `pitcrew lock …`

mod list;
mod verb;

pub(super) use verb::{Verb, run};
