//! The ceiling: the same durable work as three stages of a session, over the same broker and the same database, with
//! nothing in between.
//!
//! - [`hop`]: takes a group, writes it, publishes what follows, acknowledges
//! - [`rows`]: what is written
//! - [`mod@run`]: a backlog through three hops, and how long it took

mod hop;
mod rows;
mod run;

pub use run::run;
