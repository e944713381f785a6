//! What every server program of Pitcrew begins and ends with: settings, log and telemetry, database, broker, signals.

use std::time::Duration;

use tracing::{info, warn};
use uuid::Uuid;

use crate::broker::{Broker, Topology};
use crate::config::{self, Config};
use crate::shutdown::Shutdown;
use crate::store::{Keyring, Plans, Store};
use crate::telemetry::{self, Sessions};

/// Groups are allocated by one thread and given back by another, hundreds of small pieces at a time: the system's
/// allocator spends a quarter of a worker's time on that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A running server program.
pub struct Process {
    /// What it is called among its like, new at every start.
    pub id: String,
    /// The settings.
    pub config: Config,
    /// The database.
    pub store: Store,
    /// Tells of sessions.
    pub sessions: Sessions,
    /// The log, traces and metrics.
    pub telemetry: telemetry::Guard,
    /// Says when to stop.
    pub shutdown: Shutdown,
}

/// How long between two attempts to reach a service that is not there yet.
const TRY_AGAIN: Duration = Duration::from_secs(1);

impl Process {
    /// Starts the program that is called `service`, one of loops, and waits for its database.
    ///
    /// # Errors
    /// Settings that are wrong, and addresses that cannot be addresses.
    pub async fn start(service: &str) -> anyhow::Result<Process> {
        // The first provider stays; a second attempt changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self::with(service, config::load(None, std::env::vars())?.config, Plans::AlongIndexes).await
    }

    /// The same with settings that have been read. The TLS provider must have been chosen.
    ///
    /// # Errors
    /// Addresses that cannot be addresses.
    pub async fn with(service: &str, config: Config, plans: Plans) -> anyhow::Result<Process> {
        let telemetry = telemetry::start(service, &config).await?;
        let shutdown = Shutdown::on_signals(config.worker.drain_grace)?;
        let store = Store::with(config.database.url.expose(), config.database.pool_size, plans)?;
        let store = store.with_files_at(config.api.for_computers());
        let store = store.with_keys(Keyring::read(config.secrets.keys()?.expose())?);
        let installation = installation(&store, &shutdown).await?;
        let sessions = telemetry.telemetry().sessions(installation);
        let told = sessions.clone();
        store.observe(move |session, transition| told.transition_committed(session, transition));
        let id = format!("{service}-{}", Uuid::now_v7().simple());
        Ok(Process { id, config, store, sessions, telemetry, shutdown })
    }

    /// The broker, whose links are kept up from now on.
    pub fn broker(&self) -> anyhow::Result<Broker> {
        let topology = Topology::new(&self.config.amqp.prefix);
        Ok(Broker::connect(self.config.amqp.url.expose(), topology, &self.id)?)
    }
}

/// Waits for the database and its schema, and learns which installation this is.
async fn installation(store: &Store, shutdown: &Shutdown) -> anyhow::Result<Uuid> {
    let mut told = String::new();
    loop {
        match store.installation().await {
            Ok(installation) => return Ok(installation),
            Err(error) => {
                let why =
                    std::error::Error::source(&error).map_or_else(|| error.to_string(), |s| format!("{error}: {s}"));
                if why != told {
                    warn!("Waiting for the database (is it there, and was `pitcrew migrate` run?): {why}");
                    told = why;
                }
            }
        }
        tokio::select! {
            () = shutdown.draining().cancelled() => anyhow::bail!("stopped while waiting for the database"),
            () = tokio::time::sleep(TRY_AGAIN) => {}
        }
        if !told.is_empty() && store.installation().await.is_ok() {
            info!("The database is there");
        }
    }
}
