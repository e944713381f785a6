//! The connections to the database.

use std::sync::Arc;
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use jiff::Timestamp;
use tokio_postgres::NoTls;
use tokio_postgres::config::SslMode;

use super::error::Doing;
use super::{Clock, Error};

/// How long a caller waits for a connection before it is told that the database is unavailable.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);
/// A statement that takes longer than this is given up by the server; none of ours should come near it.
const STATEMENT_TIMEOUT_MS: u32 = 30_000;

/// Access to the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    clock: Arc<Clock>,
}

impl Store {
    /// Prepares up to `size` connections to `url` without making one yet. TLS is used as the URL's `sslmode` says.
    pub fn new(url: &str, size: usize) -> Result<Store, Error> {
        let mut config: tokio_postgres::Config = url.parse().map_err(Error::Url)?;
        config.connect_timeout(WAIT_FOR_CONNECTION);
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(20));
        if config.get_application_name().is_none() {
            config.application_name("pitcrew");
        }
        let options = format!(
            "{} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout={STATEMENT_TIMEOUT_MS} -c timezone=UTC -c jit=off",
            config.get_options().unwrap_or_default()
        );
        config.options(options.trim());
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let mode = config.get_ssl_mode();
        let manager = match tokio_postgres_rustls::MakeRustlsConnect::with_native_certs() {
            // A certificate of this machine's store that cannot be read is one that is not trusted.
            Ok((tls, _unreadable)) if mode != SslMode::Disable => Manager::from_config(config, tls, recycling),
            Err(errors) if mode == SslMode::Require => {
                let why = format!("sslmode=require, and this machine has no root certificates: {errors:?}");
                return Err(Error::Unavailable(why.into()));
            }
            Ok(_) | Err(_) => Manager::from_config(config, NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(WAIT_FOR_CONNECTION))
            .create_timeout(Some(WAIT_FOR_CONNECTION))
            .recycle_timeout(Some(WAIT_FOR_CONNECTION))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Unavailable(error.into()))?;
        Ok(Store { pool, clock: Arc::default() })
    }

    /// A connection of one's own for a while.
    pub async fn client(&self) -> Result<Object, Error> {
        self.pool.get().await.map_err(|error| Error::Unavailable(error.into()))
    }

    /// The database's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database's time, as reckoned here.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Asks the database for its time; also the cheapest way to learn whether it can be reached.
    pub async fn ask_time(&self) -> Result<Timestamp, Error> {
        let client = self.client().await?;
        let asked = Instant::now();
        let row =
            client.query_one("SELECT clock_timestamp() AS now", &[]).await.doing("asking the database for its time")?;
        let now = row.get("now");
        self.clock.sample(now, asked);
        Ok(now)
    }
}
