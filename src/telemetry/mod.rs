//! What the program tells of itself: logs, traces and metrics.
//!
//! A session is one trace (see [`ids`]). Its root, its waits and its stages are made from the rows of its timeline by a
//! pure function (see [`spans`]), once, by whoever has committed the row; what happens inside a stage, and every publish,
//! is told by those who do it (see [`sessions`]). Nothing here decides anything, waits for a network on the way of work,
//! or fails a session: what cannot be sent is dropped and counted. Every name is in one [`table`].

pub mod http;
pub mod ids;
pub mod metrics;
pub mod sessions;
pub mod spans;
pub mod stretch;
pub mod table;

mod batch;
mod emit;
mod error;
mod logs;
mod otlp;
mod start;

#[cfg(test)]
mod delivery;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod receiver;

pub use emit::Telemetry;
pub use error::Error;
pub use sessions::{ActionDone, PublishSpan, Sessions};
pub use start::{Guard, start};
