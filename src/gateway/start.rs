//! A gateway, from its start to its drain.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::presence::{self, PresenceDesk};
use super::registry::Registry;
use super::scripts::Scripts;
use super::{commands, connection};
use crate::broker::Broker;
use crate::shutdown::Shutdown;
use crate::store::{Error, Store};
use crate::transport::post::Post;

/// How a gateway works.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Its name: the routing key under which it takes commands. No other process may use it.
    pub name: String,
    /// How often each agent is pinged. One that is silent for three times that is taken for gone.
    pub ping_every: Duration,
    /// How often the database is told which connections stand. It forgets those of a gateway that has been silent for
    /// twelve times that.
    pub seen_every: Duration,
    /// Connections at most; more are sent away, to come again later or to another gateway.
    pub agents_max: usize,
    /// Outcomes that are stored, and commands that are prepared, at the same time; each takes a database connection.
    pub database_work_max: usize,
}

impl Settings {
    /// What is right for thousands of agents.
    pub fn new(name: impl Into<String>) -> Self {
        Settings {
            name: name.into(),
            ping_every: Duration::from_secs(15),
            seen_every: Duration::from_secs(10),
            agents_max: 20_000,
            database_work_max: 8,
        }
    }
}

/// A running gateway. Cheap to clone.
#[derive(Clone)]
pub struct Gateway(pub(super) Arc<House>);

/// What every part of a gateway uses.
pub(super) struct House {
    pub(super) settings: Settings,
    pub(super) store: Store,
    pub(super) post: Post,
    pub(super) registry: Registry,
    pub(super) presence: PresenceDesk,
    pub(super) scripts: Scripts,
    /// Bounds what agents and commands ask of the database.
    pub(super) database_work: Semaphore,
    /// Bounds what those who are not let in yet ask of it.
    pub(super) door_work: Semaphore,
    pub(super) shutdown: Shutdown,
}

impl Gateway {
    /// Starts taking commands. Agents come in where [`super::router`] is served. On shutdown commands are no longer
    /// taken, so that their senders learn at once that this way is closed; then agents are sent elsewhere, a little
    /// apart; then the database is told.
    ///
    /// # Errors
    /// The database cannot be reached, or cannot forget what another gateway of this name has left.
    pub async fn start(settings: Settings, store: Store, broker: &Broker, shutdown: &Shutdown) -> Result<Self, Error> {
        store.ask_time().await?;
        store.gateway_gone(&settings.name).await?;
        let (presence, tidings) = presence::desk();
        let house = Arc::new(House {
            database_work: Semaphore::new(settings.database_work_max.max(1)),
            door_work: Semaphore::new(settings.database_work_max.max(1)),
            registry: Registry::new(settings.agents_max),
            post: Post::start(broker),
            scripts: Scripts::default(),
            shutdown: shutdown.clone(),
            presence,
            settings,
            store,
        });
        let closed = CancellationToken::new();
        let queue = broker.commands(&house.settings.name, commands::PREFETCH);
        let (taking, draining, done) = (house.clone(), house.clone(), closed.clone());
        shutdown.spawn(async move {
            let taken = commands::take(&taking, &queue);
            if shutdown_first(&draining.shutdown, taken).await {
                queue.drain().await;
            }
            draining.registry.close_all(connection::STOPPING);
            done.cancel();
        });
        shutdown.spawn(presence::keep(house.clone(), tidings, closed));
        Ok(Gateway(house))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.settings.name
    }

    /// How many agents are connected.
    pub fn connected(&self) -> usize {
        self.0.registry.len()
    }
}

/// Works until the shutdown begins. False if the work ended before.
async fn shutdown_first(shutdown: &Shutdown, work: impl Future<Output = ()>) -> bool {
    shutdown.draining().run_until_cancelled(work).await.is_none()
}
