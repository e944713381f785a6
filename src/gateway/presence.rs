//! What the database is told about who is connected, in groups and by one task: what arrives while one group is being
//! written forms the next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::agent::Agent;
use super::registry::Registry;
use super::start::House;
use crate::store::Error;
use crate::store::presence::Presence;

/// Tidings that wait to be written before connections wait, too.
const WAITING_MAX: usize = 1_024;
/// Tidings in one group.
const GROUP_MAX: usize = 256;
/// Connections that are told of in one statement.
const SEEN_GROUP: usize = 2_000;
/// After how many silent turns the connections of another gateway are forgotten.
const SILENT_TURNS: u32 = 12;
/// Computers whose sessions are woken at the same time.
const WAKE_MAX: usize = 4;
/// How long leaving connections are waited for at the end.
const LEAVE_MAX: Duration = Duration::from_secs(5);

/// Where connections report.
pub(super) struct PresenceDesk(mpsc::Sender<Tiding>);

/// A connection comes or goes.
pub(super) enum Tiding {
    Came(Presence, oneshot::Sender<bool>),
    Left(Presence),
}

/// A desk, and what is put on it.
pub(super) fn desk() -> (PresenceDesk, mpsc::Receiver<Tiding>) {
    let (sender, tidings) = mpsc::channel(WAITING_MAX);
    (PresenceDesk(sender), tidings)
}

impl PresenceDesk {
    /// Notes a new connection; true once the database knows of it.
    pub(super) async fn came(&self, agent: &Agent) -> bool {
        let (written, known) = oneshot::channel();
        self.0.send(Tiding::Came(agent.presence.clone(), written)).await.is_ok() && known.await.unwrap_or(false)
    }

    /// Notes that a connection has ended.
    pub(super) async fn left(&self, presence: Presence) {
        // Without a desk the whole gateway is forgotten, or silent for so long that it will be.
        let _ = self.0.send(Tiding::Left(presence)).await;
    }
}

/// Keeps the database up to date until the gateway is `closed` and everyone has left.
pub(super) async fn keep(house: Arc<House>, mut tidings: mpsc::Receiver<Tiding>, closed: CancellationToken) {
    let mut turns = interval(house.settings.seen_every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut group = Vec::with_capacity(GROUP_MAX);
    loop {
        tokio::select! {
            biased;
            () = closed.cancelled() => break,
            _ = turns.tick() => {
                if let Err(error) = turn(&house).await {
                    tracing::warn!("The database was not told which agents are connected: {error}");
                }
            }
            _ = tidings.recv_many(&mut group, GROUP_MAX) => write(&house, &mut group).await,
        }
    }
    let leaving = async {
        while house.registry.len() > 0 {
            tidings.recv_many(&mut group, GROUP_MAX).await;
            write(&house, &mut group).await;
        }
    };
    let _ = tokio::time::timeout(LEAVE_MAX, leaving).await;
    if let Err(error) = house.store.gateway_gone(&house.settings.name).await {
        tracing::warn!("The connections of this gateway are forgotten only after a while: {error}");
    }
}

/// Writes a group. Of each connection what it said last counts, and it can only come and then leave.
async fn write(house: &House, group: &mut Vec<Tiding>) {
    let (mut came, mut left, mut waiting) = (Vec::new(), Vec::new(), Vec::new());
    for tiding in group.drain(..) {
        match tiding {
            Tiding::Came(presence, written) => {
                came.push(presence);
                waiting.push(written);
            }
            Tiding::Left(presence) => left.push(presence),
        }
    }
    if !came.is_empty() {
        let written = house.store.connected(&house.settings.name, &came).await;
        if let Err(error) = &written {
            tracing::warn!("{} agents were sent away, the database was not told of them: {error}", came.len());
        }
        for waiting in waiting {
            // One that has gone already says so, too.
            let _ = waiting.send(written.is_ok());
        }
        if written.is_ok() {
            wake(house, &came).await;
        }
    }
    if !left.is_empty()
        && let Err(error) = house.store.disconnected(&left).await
    {
        tracing::warn!("{} agents that have gone still count as connected for a while: {error}", left.len());
    }
}

/// Sessions that wait for these computers may go on.
async fn wake(house: &House, came: &[Presence]) {
    let wake = async |presence: &Presence| {
        if let Err(error) = house.store.wake_connected(presence.computer).await {
            // They are looked at again when their time is due.
            tracing::warn!("Sessions of computer {} were not woken: {error}", presence.computer);
        }
    };
    stream::iter(came).for_each_concurrent(WAKE_MAX, wake).await;
}

/// Tells which connections stand, learns which were replaced, and forgets what lost gateways have left.
async fn turn(house: &House) -> Result<(), Error> {
    house.store.ask_time().await?;
    let agents: HashMap<_, _> = house
        .registry
        .all()
        .into_iter()
        .filter(|agent| agent.is_known())
        .map(|agent| (agent.presence.connection, agent))
        .collect();
    let all: Vec<Presence> = agents.values().map(|agent| agent.presence.clone()).collect();
    for some in all.chunks(SEEN_GROUP) {
        let without_row = house.store.seen(some).await?;
        if !without_row.is_empty() {
            settle(house, &agents, &without_row).await?;
        }
    }
    house.store.forget_silent_agents(house.settings.seen_every * SILENT_TURNS).await?;
    Ok(())
}

/// A connection without a row has been replaced at another gateway, or forgotten while this one was cut off from the
/// database.
async fn settle(
    house: &House,
    agents: &HashMap<uuid::Uuid, Arc<Agent>>,
    without_row: &[Presence],
) -> Result<(), Error> {
    let computers: Vec<_> = without_row.iter().map(|presence| presence.computer).collect();
    let elsewhere = house.store.present_among(&computers).await?;
    let (replaced, forgotten): (Vec<_>, Vec<_>) =
        without_row.iter().cloned().partition(|presence| elsewhere.contains(&presence.computer));
    for presence in &replaced {
        if let Some(agent) = agents.get(&presence.connection) {
            Registry::replaced_elsewhere(agent);
        }
    }
    if !forgotten.is_empty() {
        house.store.still_connected(&house.settings.name, &forgotten).await?;
    }
    Ok(())
}
