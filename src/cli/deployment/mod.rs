//! `pitcrew deployment …`

mod list;
mod replace;
mod settle;
mod show;
mod verb;

pub(super) use verb::{Verb, run};
