//! Verbs: one file for each thing that can happen to a session. All of it is pure: a session, what happened and the
//! time go in, a [`Change`] comes out, and whoever asked carries it out through the store's one gate.
//!
//! Nothing here knows the clock, chance, the database or the broker; time and randomness are handed in.

pub mod admit;
pub mod cancel;
pub mod change;
pub mod claim;
pub mod fail;
pub mod finish;
pub mod lose;
pub mod park;
pub mod pause;
pub mod resume;
pub mod snooze;
pub mod submit;
pub mod succeed;
pub mod wake;

#[cfg(test)]
mod properties;

pub use change::{Change, Hold};
