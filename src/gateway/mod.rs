//! The agents' connections.
//!
//! A gateway keeps a WebSocket to each agent that dials in and stands between it and the workers: commands come from the
//! gateway's own queue, runs are read from the database, outcomes are stored there before anything else is done with
//! them. In reading order:
//!
//! - [`start`]: a gateway, from its start to its drain
//! - [`door`]: who may come in
//! - [`connection`]: the life of one connection
//! - [`registry`], [`agent`]: who is connected, and what is known of each
//! - [`writer`]: what goes out to an agent
//! - [`commands`], [`scripts`]: from the queue to the agent
//! - [`answers`], [`outcomes`], [`forwarded`]: from the agent to the database and to the worker
//! - [`presence`]: what the database is told about who is connected
//! - [`allowance`]: what an agent may send
//!
//! It decides nothing about sessions, and what an agent says changes nothing but the outcome of a run that was started
//! on its own computer.

mod agent;
mod allowance;
mod answers;
mod commands;
mod connection;
mod door;
mod forwarded;
mod outcomes;
mod presence;
mod registry;
mod scripts;
mod start;
mod writer;

pub use door::router;
pub use start::{Gateway, Settings};
