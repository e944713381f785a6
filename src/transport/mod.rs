//! Reaching computers: one trait, several ways.
//!
//! A worker asks [`Transports`] for a [`Link`] to a computer and does not know which way it got. Nothing here reads or
//! writes the database: whether and where an agent is connected is handed in with the [`Route`], and what comes of a
//! run is handed out.

pub mod link;
pub mod ways;

pub mod agent;
pub mod local;
pub mod noop;

pub mod message;
pub mod post;
mod replies;

mod error;

pub use error::Error;
pub use link::{Link, Route, Start, Transport, Unready, Way};
pub use ways::Transports;
