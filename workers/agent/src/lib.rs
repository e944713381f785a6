//! The program on the computer: it runs what it is told, keeps what came of it, and refuses what comes late.
//!
//! Read in this order. [`connection`] and [`exec`] are the two ways in, a WebSocket that is kept and one request on
//! standard input; both hand their requests to [`computer`], which judges them by [`fence`], records, and starts
//! [`supervise`], a process of its own that works through the [`step`]s and outlives whoever started it. [`settle`]
//! finds out what became of a run; [`state`], [`spool`] and [`journal`] are all that is kept on disk.
//!
//! Nothing here knows the database, the broker or the server's packages.

pub mod serve;

pub mod backoff;
pub mod connection;
pub mod exec;

pub mod clock;
pub mod computer;
pub mod fence;
pub mod settle;

pub mod control;
pub mod step;
pub mod supervise;

pub mod boot;
pub mod durable;
pub mod error;
pub mod journal;
pub mod process;
pub mod spool;
pub mod state;

pub use error::Error;
