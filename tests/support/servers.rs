//! The servers: one PostgreSQL and one RabbitMQ for the whole run, and private ones for tests that break them.
//!
//! `PITCREW_DATABASE_URL` and `PITCREW_AMQP_URL` name servers to use instead of the run's own; `PITCREW_RABBITMQ_ROOT` a
//! root folder whose RabbitMQ is used (`make test-rabbit4`).

use std::path::PathBuf;
use std::sync::OnceLock;

use pitcrew::boot::services::{Postgres, RabbitMq, postgres, rabbitmq};

/// The servers that all tests of a run share.
pub struct Services {
    /// The maintenance database; tests take one of their own from [`super::database`].
    pub database_url: String,
    /// The broker's default virtual host.
    pub amqp_url: String,
    /// Held as long as the process lives. A static is never dropped: the watchdogs end these servers, and delete their
    /// folders, when the test process is gone, however it went.
    _own: (Option<Postgres>, Option<RabbitMq>),
}

/// The shared servers, started by the first test that asks.
pub fn services() -> &'static Services {
    static SERVICES: OnceLock<Services> = OnceLock::new();
    SERVICES.get_or_init(|| {
        // Callers are inside a runtime of their own, which ends with their test.
        std::thread::spawn(|| tokio::runtime::Runtime::new().expect("a runtime").block_on(start()))
            .join()
            .expect("the shared servers start")
    })
}

async fn start() -> Services {
    let given = |name| std::env::var(name).ok().filter(|url| !url.is_empty());
    let database = async {
        match given("PITCREW_DATABASE_URL") {
            Some(url) => (url, None),
            None => {
                // Losing the run's databases with the machine is no loss.
                let options = postgres::Options { fsync: false, ..own_postgres_options() };
                let server = Postgres::start(&scratch(), options).await.expect("PostgreSQL starts");
                (server.url("postgres"), Some(server))
            }
        }
    };
    let broker = async {
        match given("PITCREW_AMQP_URL") {
            Some(url) => (url, None),
            None => {
                let server = own_rabbitmq().await;
                (server.url(), Some(server))
            }
        }
    };
    let ((database_url, postgres), (amqp_url, rabbitmq)) = tokio::join!(database, broker);
    Services { database_url, amqp_url, _own: (postgres, rabbitmq) }
}

/// A PostgreSQL for one test alone, to be stopped, killed and frozen. Gone with its handle.
pub async fn own_postgres() -> Postgres {
    Postgres::start(&scratch(), own_postgres_options()).await.expect("PostgreSQL starts")
}

/// A RabbitMQ for one test alone, to be stopped, killed, frozen and wiped. Gone with its handle.
pub async fn own_rabbitmq() -> RabbitMq {
    let root = std::env::var_os("PITCREW_RABBITMQ_ROOT").filter(|root| !root.is_empty()).map(PathBuf::from);
    let options = rabbitmq::Options { ephemeral: true, root, ..Default::default() };
    RabbitMq::start(&scratch(), options).await.expect("RabbitMQ starts")
}

fn own_postgres_options() -> postgres::Options {
    postgres::Options { ephemeral: true, ..Default::default() }
}

/// The path of a folder that nobody has, for an ephemeral server to make and delete.
pub fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("pitcrew-test-{}", super::unique()))
}
