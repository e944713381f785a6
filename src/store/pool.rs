//! The connections to the database.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use jiff::Timestamp;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Client, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use uuid::Uuid;

use super::error::Doing;
use super::wakes::Sending;
use super::{Clock, Error, Keyring};
use crate::domain::session::Session;
use crate::domain::transition::Transition;
use crate::lifecycle::Change;

/// How long a caller waits for a connection before it is told that the database is unavailable.
const WAIT_FOR_CONNECTION: Duration = Duration::from_secs(5);
/// A statement that takes longer than this is given up by the server; none of ours should come near it.
const STATEMENT_TIMEOUT_MS: u32 = 30_000;
/// A transaction in which nothing is said for so long is given up by the server: its process is frozen or cut off, and
/// others wait for the rows that it has locked, the scheduler's term among them.
const IDLE_TIMEOUT_MS: u32 = 10_000;

/// How the server plans the statements of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plans {
    /// As it thinks best: for the varied questions of people.
    Best,
    /// Once for each connection, along indexes: for loops that say the same few statements all day, of a few rows each. A
    /// plan that is made while a table is nearly empty reads all of it, and is kept when it has grown.
    AlongIndexes,
}

impl Plans {
    fn settings(self) -> &'static str {
        match self {
            Plans::Best => "",
            Plans::AlongIndexes => {
                " -c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off"
            }
        }
    }
}

/// Who is told of transitions.
type Observer = Box<dyn Fn(&Session, &Transition) + Send + Sync>;

/// Access to the database; cheap to clone.
#[derive(Clone)]
pub struct Store {
    pool: Pool,
    connector: Connector,
    clock: Arc<Clock>,
    observer: Arc<OnceLock<Observer>>,
    sending: Arc<Sending>,
    files_at: Arc<str>,
    keys: Keyring,
}

/// How to connect to the database.
#[derive(Clone)]
pub(super) struct Connector {
    config: tokio_postgres::Config,
    tls: Option<MakeRustlsConnect>,
}

impl Connector {
    fn new(config: tokio_postgres::Config) -> Result<Connector, Error> {
        let mode = config.get_ssl_mode();
        let tls = match MakeRustlsConnect::with_native_certs() {
            // A certificate of this machine's store that cannot be read is one that is not trusted.
            Ok((tls, _unreadable)) if mode != SslMode::Disable => Some(tls),
            Err(errors) if mode == SslMode::Require => {
                let why = format!("sslmode=require, and this machine has no root certificates: {errors:?}");
                return Err(Error::Unavailable(why.into()));
            }
            Ok(_) | Err(_) => None,
        };
        Ok(Connector { config, tls })
    }

    /// Makes a connection outside the pool. Its messages must be polled for as long as the client is used.
    pub(super) async fn connect(&self) -> Result<(Client, Messages), tokio_postgres::Error> {
        Ok(match &self.tls {
            Some(tls) => {
                let (client, mut connection) = self.config.connect(tls.clone()).await?;
                (client, stream::poll_fn(move |context| connection.poll_message(context)).boxed())
            }
            None => {
                let (client, mut connection) = self.config.connect(NoTls).await?;
                (client, stream::poll_fn(move |context| connection.poll_message(context)).boxed())
            }
        })
    }
}

/// What the server sends of its own accord.
pub(super) type Messages = BoxStream<'static, Result<AsyncMessage, tokio_postgres::Error>>;

impl Store {
    /// Prepares up to `size` connections to `url` without making one yet. TLS is used as the URL's `sslmode` says.
    pub fn new(url: &str, size: usize) -> Result<Store, Error> {
        Store::with(url, size, Plans::Best)
    }

    /// The same, with statements planned in this way.
    pub fn with(url: &str, size: usize, plans: Plans) -> Result<Store, Error> {
        let mut config: tokio_postgres::Config = url.parse().map_err(Error::Url)?;
        config.connect_timeout(WAIT_FOR_CONNECTION);
        config.keepalives_idle(Duration::from_secs(10));
        config.tcp_user_timeout(Duration::from_secs(20));
        if config.get_application_name().is_none() {
            config.application_name("pitcrew");
        }
        let options = format!(
            "{} -c statement_timeout={STATEMENT_TIMEOUT_MS} -c idle_in_transaction_session_timeout={IDLE_TIMEOUT_MS} -c timezone=UTC -c jit=off{}",
            config.get_options().unwrap_or_default(),
            plans.settings(),
        );
        config.options(options.trim());
        let connector = Connector::new(config)?;
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &connector.tls {
            Some(tls) => Manager::from_config(connector.config.clone(), tls.clone(), recycling),
            None => Manager::from_config(connector.config.clone(), NoTls, recycling),
        };
        let pool = Pool::builder(manager)
            .max_size(size)
            .wait_timeout(Some(WAIT_FOR_CONNECTION))
            .create_timeout(Some(WAIT_FOR_CONNECTION))
            .recycle_timeout(Some(WAIT_FOR_CONNECTION))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| Error::Unavailable(error.into()))?;
        let (clock, observer, sending) = (Arc::default(), Arc::default(), Arc::default());
        let keys = Keyring::default();
        Ok(Store { pool, connector, clock, observer, sending, files_at: Arc::from(""), keys })
    }

    /// The same, telling computers to fetch stored files from the server at this address.
    #[must_use]
    pub fn with_files_at(self, url: &str) -> Store {
        Store { files_at: Arc::from(url.trim_end_matches('/')), ..self }
    }

    pub(super) fn files_at(&self) -> &str {
        &self.files_at
    }

    /// The same, knowing the keys of the secrets.
    #[must_use]
    pub fn with_keys(self, keys: Keyring) -> Store {
        Store { keys, ..self }
    }

    pub(super) fn keys(&self) -> &Keyring {
        &self.keys
    }

    /// A connection of one's own for a while.
    pub async fn client(&self) -> Result<Object, Error> {
        self.pool.get().await.map_err(|error| Error::Unavailable(error.into()))
    }

    pub(super) fn connector(&self) -> &Connector {
        &self.connector
    }

    pub(super) fn sending(&self) -> &Sending {
        &self.sending
    }

    /// Has `observer` told of every transition that this process commits, after the commit. The first one stays.
    pub fn observe(&self, observer: impl Fn(&Session, &Transition) + Send + Sync + 'static) {
        // A second observer would hear everything twice from its own point of view; there is only one.
        let _ = self.observer.set(Box::new(observer));
    }

    /// Tells of what was committed.
    pub(super) fn tell<'a>(&self, changes: impl IntoIterator<Item = &'a Change>) {
        let Some(observer) = self.observer.get() else { return };
        for change in changes {
            if let Some(transition) = &change.transition {
                observer(&change.after, transition);
            }
        }
    }

    /// Which installation this is.
    pub async fn installation(&self) -> Result<Uuid, Error> {
        let client = self.client().await?;
        let row =
            client.query_one("SELECT id FROM installation", &[]).await.doing("asking which installation this is")?;
        Ok(row.get("id"))
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
