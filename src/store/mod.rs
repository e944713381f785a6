//! Postgres: the only SQL in the project, one file for each noun, and one gate through which a session changes.
//!
//! Nothing here knows the broker.

mod clock;
mod error;
pub mod gate;
pub mod migrate;
mod pool;
mod rows;

pub mod admission;
pub mod approvals;
pub mod audit;
pub mod check;
pub mod claims;
pub mod compliance;
pub mod computers;
mod counts;
mod database;
pub mod decisions;
pub mod dead_letters;
pub mod durations;
mod first_token;
pub mod files;
pub mod fleet;
pub mod forecast;
pub mod intents;
pub mod leases;
pub mod listings;
pub mod locks;
pub mod overview;
pub mod outbox;
mod overrides;
pub mod policies;
pub mod policy;
pub mod presence;
pub mod rejections;
pub mod reports;
pub mod reruns;
pub mod rescue;
pub mod runs;
pub mod scan;
mod script_texts;
mod seal;
mod secrets;
pub mod sessions;
pub mod submissions;
pub mod tenants;
pub mod terms;
mod tx;
pub mod tokens;
pub mod wakes;
pub mod workers;

pub use clock::Clock;
pub use error::Error;
pub use migrate::migrate;
pub use pool::{Plans, Store};
pub use seal::{Keyring, NotAKey};
