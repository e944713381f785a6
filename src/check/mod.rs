//! The checker: whether what must always hold did hold, from the evidence that is left: the database and the computers'
//! own journals. It changes nothing, and believes no part of the program at its word.
//!
//! - [`journal`]: what a computer's journal alone shows
//! - [`compare`]: whether journals and database tell the same story
//! - [`verdict`]: the violations, for people and machines
//! - [`program`]: the program around it; the database's own invariants are in [`crate::store::check`]

pub mod compare;
pub mod journal;
pub mod program;
pub mod verdict;

pub use verdict::{Verdict, Violation};
