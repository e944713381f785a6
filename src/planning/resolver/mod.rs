//! The resolver: which software can be there together, and in which versions.
//!
//! It knows nothing of computers and deployments but what a [`Problem`] says: packages with numbered versions, what is
//! wanted of some, and what they need of each other. The search is PubGrub's, which finds a choice if there is one and
//! otherwise a proof that there is none; the proof becomes sentences. In reading order: the problem, the search, the
//! sentences, and what is done where there is no choice.

mod problem;

mod search;

mod explain;

mod settle;

pub(super) use problem::{ABSENT, Need, Package, Problem, Root, Slot, Slots};
pub(super) use settle::settle;

#[cfg(test)]
mod tests;
