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
pub mod claims;
mod database;
mod first_token;
pub mod fleet;
pub mod intents;
pub mod leases;
pub mod policy;
pub mod presence;
pub mod rescue;
pub mod runs;
mod script_texts;
pub mod sessions;
pub mod terms;
pub mod wakes;
pub mod workers;

pub use clock::Clock;
pub use error::Error;
pub use migrate::migrate;
pub use pool::Store;
