//! One connection, kept up for ever.
//!
//! The client library's own recovery is not used: what it rebuilds and what it forgets changed from release to release.
//! Here a lost connection is simply gone, with everything on it, and a new one has a new generation. Whoever uses the
//! link compares generations and rebuilds what it needs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::StreamExt;
use lapin::Event;
use tokio::{
    sync::{Notify, watch},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::{
    Error, Topology,
    address::{self, Addresses},
    declare::declare,
    socket::Wire,
};
use crate::domain::retry::RetryPolicy;

/// The waits between attempts: they never end.
const BACK_OFF: RetryPolicy =
    RetryPolicy { attempts: i32::MAX, first: Duration::from_millis(200), longest: Duration::from_secs(5) };
/// A connection that stood this long was a good one: the next wait is a first wait again.
const GOOD: Duration = Duration::from_secs(2);
/// How often a connection is looked at although it reported nothing.
const LOOK: Duration = Duration::from_secs(1);

static GENERATION: AtomicU64 = AtomicU64::new(0);

/// What a link is doing, for readiness, metrics and people.
#[derive(Debug, Clone)]
pub enum State {
    /// There is no connection; one is being tried.
    Down(Error),
    /// Connected.
    Up,
    /// Connected, but the broker takes no messages over it; the text is its reason.
    Blocked(String),
}

/// A connection that stood when it was handed out.
pub(super) struct Live {
    /// Unique in this process, rising.
    pub(super) generation: u64,
    pub(super) wire: Wire,
}

/// A handle to a connection that comes back. The connection is closed when the last handle is gone.
#[derive(Clone)]
pub(super) struct Link {
    live: watch::Receiver<Option<Arc<Live>>>,
    state: watch::Receiver<State>,
    stop: CancellationToken,
}

/// What is done at each connection, and again when somebody notices that something is missing.
#[derive(Clone)]
pub(super) struct Upkeep {
    pub(super) topology: Arc<Topology>,
    pub(super) missing: Arc<Notify>,
}

impl Link {
    /// Starts connecting. With `upkeep` the connection counts as up only when the topology is declared.
    pub(super) fn start(addresses: Addresses, name: String, upkeep: Option<Upkeep>) -> Self {
        let (live_sender, live) = watch::channel(None);
        let why = format!("no connection to {addresses} yet");
        let (state_sender, state) = watch::channel(State::Down(Error::NotConnected { why }));
        let stop = CancellationToken::new();
        let supervisor =
            Supervisor { addresses, name, upkeep, live: live_sender, state: state_sender, stop: stop.clone() };
        tokio::spawn(supervisor.run());
        Link { live, state, stop }
    }

    /// The connection of this moment.
    pub(super) fn now(&self) -> Result<Arc<Live>, Error> {
        self.live.borrow().clone().ok_or_else(|| self.why_not())
    }

    /// The next connection that stands; waits for it as long as it takes.
    pub(super) async fn connected(&self) -> Result<Arc<Live>, Error> {
        let mut live = self.live.clone();
        let standing = live.wait_for(Option::is_some).await.map(|live| live.clone());
        standing.ok().flatten().ok_or_else(|| Error::NotConnected { why: "the link is closed".into() })
    }

    pub(super) fn state(&self) -> watch::Receiver<State> {
        self.state.clone()
    }

    /// Says good-bye to the broker and waits until it is done.
    pub(super) async fn close(&self) {
        self.stop.cancel();
        let mut live = self.live.clone();
        while live.changed().await.is_ok() {}
    }

    fn why_not(&self) -> Error {
        match &*self.state.borrow() {
            State::Down(error) => error.clone(),
            State::Up | State::Blocked(_) => Error::NotConnected { why: "the connection was just lost".into() },
        }
    }
}

struct Supervisor {
    addresses: Addresses,
    name: String,
    upkeep: Option<Upkeep>,
    live: watch::Sender<Option<Arc<Live>>>,
    state: watch::Sender<State>,
    stop: CancellationToken,
}

impl Supervisor {
    async fn run(self) {
        let stop = self.stop.clone();
        let mut failures = 0;
        // Processes that start together do not all begin with the same host.
        let mut attempt = rand::random::<u16>() as usize;
        loop {
            let opened = tokio::select! {
                opened = self.open(attempt) => opened,
                () = stop.cancelled() => break,
                () = self.live.closed() => break,
            };
            attempt += 1;
            let lost = match opened {
                Ok(live) => {
                    let since = Instant::now();
                    let lost = self.keep(live).await;
                    if since.elapsed() >= GOOD {
                        failures = 0;
                    }
                    lost
                }
                Err(error) => Some(error),
            };
            let Some(error) = lost else { break };
            failures += 1;
            self.report(&error);
            self.state.send_replace(State::Down(error));
            let wait = BACK_OFF.wait(failures, rand::random()).unwrap_or(BACK_OFF.longest);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => break,
                () = self.live.closed() => break,
            }
        }
        self.state.send_replace(State::Down(Error::NotConnected { why: "the link is closed".into() }));
    }

    async fn open(&self, attempt: usize) -> Result<Arc<Live>, Error> {
        let address = self.addresses.of_attempt(attempt);
        let host = address::host(&address);
        let wire = Wire::open(address, &self.name).await?;
        if let Some(upkeep) = &self.upkeep {
            declare(&wire.connection, &upkeep.topology).await?;
        }
        info!(connection = %self.name, "Connected to the broker at {host}");
        Ok(Arc::new(Live { generation: GENERATION.fetch_add(1, Ordering::Relaxed), wire }))
    }

    /// Watches a connection until it ends. None: it was ended on purpose.
    async fn keep(&self, live: Arc<Live>) -> Option<Error> {
        let connection = &live.wire.connection;
        let mut events = std::pin::pin!(connection.events_listener().fuse());
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut reason = String::from("memory or disk alarm");
        let mut why = String::from("the connection was lost");
        // In this order: whoever sees that it is up finds the connection.
        self.live.send_replace(Some(live.clone()));
        self.state.send_replace(State::Up);
        loop {
            tokio::select! {
                Some(event) = events.next() => match event {
                    Event::ConnectionBlocked(given) => reason = given,
                    Event::Error(error) => why = error.to_string(),
                    _ => {}
                },
                _ = look.tick() => {}
                () = self.missing() => self.declare_again(&live).await,
                () = self.stop.cancelled() => {
                    self.live.send_replace(None);
                    live.wire.close().await;
                    return None;
                }
                () = self.live.closed() => {
                    live.wire.close().await;
                    return None;
                }
            }
            if !connection.status().connected() {
                self.live.send_replace(None);
                return Some(Error::NotConnected { why });
            }
            let blocked = connection.status().blocked();
            self.state.send_if_modified(|state| match (&*state, blocked) {
                (State::Up, true) => {
                    warn!(connection = %self.name, "The broker takes no messages: {reason}");
                    *state = State::Blocked(reason.clone());
                    true
                }
                (State::Blocked(_), false) => {
                    *state = State::Up;
                    true
                }
                (State::Up, false) | (State::Blocked(_), true) | (State::Down(_), _) => false,
            });
        }
    }

    async fn missing(&self) {
        match &self.upkeep {
            Some(upkeep) => upkeep.missing.notified().await,
            None => std::future::pending().await,
        }
    }

    async fn declare_again(&self, live: &Live) {
        let Some(upkeep) = &self.upkeep else { return };
        if let Err(error) = declare(&live.wire.connection, &upkeep.topology).await {
            self.report(&error);
        }
        // However many notice at once, the topology is declared at most once per look.
        tokio::time::sleep(LOOK).await;
    }

    /// A difference needs a person; everything else passes by itself.
    fn report(&self, error: &Error) {
        let cause = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
        match error {
            Error::Mismatch { .. } => error!(connection = %self.name, "{error}{cause}"),
            _ => warn!(connection = %self.name, "{error}{cause}"),
        }
    }
}
