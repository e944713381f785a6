//! Reaching computers: one trait, several ways.
//!
//! A worker asks [`Transports`] for a [`Link`] to a computer and does not know which way it got. Nothing here reads or
//! writes the database: whether and where an agent is connected is handed in with the [`Route`], and what comes of a
//! run is handed out.

pub mod link;
pub mod ways;

pub mod local;
pub mod noop;

mod error;

pub use error::Error;
pub use link::{Link, Route, Start, Transport, Way};
pub use ways::Transports;
