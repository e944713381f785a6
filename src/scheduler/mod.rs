//! Agents that decide when: each is a loop with one duty, and only the leading scheduler's act.
//!
//! - [`lead`]: becomes and stays leader, and runs the others while it is
//! - [`dispatch`]: admits what may run now; [`turns`] is its pure choice
//! - [`program`]: the program that holds them
//! - [`rescue`]: lets what was lost run again

pub mod dispatch;
pub mod lead;
pub mod program;
pub mod rescue;
pub mod turns;
