//! Agents that decide when: each is a loop with one duty. Of those that admit and rescue, only the leading
//! scheduler's act; those that take in and keep messages share the work.
//!
//! - [`lead`]: becomes and stays leader, and runs the others while it is
//! - [`dispatch`]: admits what may run now; [`turns`] is its pure choice
//! - [`intake`]: makes sessions of what other systems submit over the broker
//! - [`dead_letters`]: keeps what the broker gave up on, and does again what people want done again
//! - [`learn`]: learns from what was done how long it takes
//! - [`program`]: the program that holds them
//! - [`rescue`]: lets what was lost run again

pub mod dead_letters;
pub mod dispatch;
pub mod intake;
pub mod lead;
pub mod learn;
mod outage;
pub mod program;
pub mod rescue;
pub mod turns;
