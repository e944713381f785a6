//! The engine: whole sessions through the real programs.
//!
//! - [`installation`]: a database, a prefix on the broker, computers that answer at once, and the programs
//! - [`mod@backlog`]: a backlog of sessions, and how long it took
//! - [`mod@steady`]: a fixed rate of sessions, and how long each took
//! - [`verdict`]: every session one end, no action twice

mod backlog;
mod installation;
mod statements;
mod steady;
mod verdict;

pub use backlog::backlog;
pub use steady::steady;
