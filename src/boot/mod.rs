//! Bringing Pitcrew up on one machine: what has to run before, and beside, its own programs.

pub mod services;
