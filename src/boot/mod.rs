//! Bringing Pitcrew up on one machine: what has to run before, and beside, its own programs.
//!
//! [`mod@up`] is the page to read first. It locks a [`folder`], lays the ground ([`services`], an up-to-date database, a first
//! token), and lets the supervisor keep the programs running until it is told to stop. [`demo`] does the same with a sample.

pub mod demo;
mod env_file;
mod error;
mod first_token;
mod folder;
mod ground;
mod leftovers;
mod logs;
mod program;
pub mod services;
mod supervise;
mod terminal;
mod up;
mod watchdog;

pub use error::Error;
pub use folder::Folder;
pub use logs::{Logs, Show};
pub use program::{Leaves, Program};
pub use supervise::Supervisor;
pub use terminal::Terminal;
pub use up::{Options, up};
