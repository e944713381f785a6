//! The steps: what a supervisor does, one at a time. A step never fails the supervisor; it says what came of it.

pub mod cache;
pub mod context;
pub mod download;
pub mod ended;
pub mod hearing;
pub mod limit;
pub mod output;
pub mod reboot;
pub mod script;
pub mod secrets;
pub mod signature;

pub use context::Context;
pub use ended::Ended;
