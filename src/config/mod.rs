//! Settings: one embedded file of defaults that is also the manual, a file of the operator's, and the environment.
//!
//! `default.toml` names every key there is. Whatever else is found in a file or in the environment is a fault, and all
//! faults are reported together, each with its place and what to do. This room reads; it connects to nothing, and it
//! never prints a password.

mod check;
mod fault;
mod layers;
mod load;
mod secret;
mod sections;
mod show;

pub use fault::{Fault, Faults, Place};
pub use load::{Loaded, load};
pub use secret::Secret;
pub use sections::{
    Amqp, Api, Capacity, Config, Database, Gateway, Limits, Log, LogFormat, Protocol, Retry, Scheduler, Telemetry,
    Worker,
};
