//! What the tests stand on: servers, databases of their own, queue names of their own, a network that can fail, and
//! waiting for a condition instead of for a time.

mod database;
mod programs;
mod proxy;
mod servers;
mod wait;

pub use database::{Database, SECRET_KEY, database, empty_database, store};
pub use programs::program;
pub use proxy::Proxy;
pub use servers::{own_postgres, own_rabbitmq, scratch, services};
pub use wait::until;

/// A beginning for queue and exchange names that no other test has.
pub fn prefix() -> String {
    format!("test-{}.", unique())
}

/// A word that nobody else has.
fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()[..16].to_owned()
}
