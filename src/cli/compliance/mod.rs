//! `pitcrew compliance …`

mod counts;
mod filter;
mod history;
mod list;
mod recurring;
mod verb;

pub(super) use verb::{Verb, run};
