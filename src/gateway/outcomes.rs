//! Outcomes: stored, then acknowledged to the computer, then forwarded to the worker that waits.
//!
//! The outcome of a run that was never started on the computer is stored nowhere and never acknowledged: either it is a
//! lie, or the database was restored from a backup, and then the computer's copy is the only one.

use std::time::Duration;

use pitcrew_protocol::{FromGateway, RunOutcome};
use tokio::time::sleep;

use super::agent::Agent;
use super::answers::tell;
use super::forwarded::forwarded;
use super::start::House;
use crate::domain::retry::RetryPolicy;
use crate::store::Error;
use crate::store::runs::Arrival;
use crate::transport::message::Tidings;

/// The waits while the database cannot be reached. They end with the connection.
const WAITS: RetryPolicy =
    RetryPolicy { attempts: i32::MAX, first: Duration::from_millis(500), longest: Duration::from_secs(10) };
/// Outcomes of other computers' runs after which an agent is cut off.
const LIES_MAX: u32 = 8;
/// When it may come again.
const LIAR_WAIT: Duration = Duration::from_secs(300);

/// How often an agent has sent what is not its own.
#[derive(Debug, Default)]
pub(super) struct Lies(u32);

/// What became of an outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is stored, now or before.
    Stored,
    /// No such run was ever started on the computer.
    Refused,
    /// The connection ended first, or the database cannot hold it. The computer keeps it.
    NotStored,
}

/// An outcome has come by itself.
pub(super) async fn arrived(house: &House, agent: &Agent, outcome: &RunOutcome, lies: &mut Lies) {
    if store(house, agent, outcome, lies).await == Fate::Stored
        && let Some(asker) = agent.watcher_of(outcome.run_id)
    {
        tell(house, &asker, Tidings::Outcome { outcome: forwarded(outcome.clone()) });
    }
}

/// Stores an outcome, as long as that takes, and acknowledges it.
pub(super) async fn store(house: &House, agent: &Agent, outcome: &RunOutcome, lies: &mut Lies) -> Fate {
    let (computer, run_id) = (agent.computer(), outcome.run_id);
    for failures in 1.. {
        let Ok(permit) = house.database_work.acquire().await else { return Fate::NotStored };
        let stored = house.store.outcome_arrived(computer, outcome).await;
        drop(permit);
        match stored {
            Ok(Arrival::Stored { .. }) => {
                agent.send(FromGateway::Acknowledge { run_id });
                return Fate::Stored;
            }
            Ok(Arrival::Unknown) => {
                lies.heard(house, agent, outcome).await;
                return Fate::Refused;
            }
            Err(error) if error.is_transient() => {
                let why = chain(&error);
                tracing::warn!(run.id = %run_id, "The outcome of run {run_id} waits at computer {computer}: {why}");
            }
            Err(error) => {
                let why = chain(&error);
                tracing::error!(run.id = %run_id, "The outcome of run {run_id} stays at computer {computer}: {why}");
                return Fate::NotStored;
            }
        }
        let wait = WAITS.wait(failures, rand::random()).unwrap_or(WAITS.longest);
        if agent.over().run_until_cancelled(sleep(wait)).await.is_none() {
            return Fate::NotStored;
        }
    }
    Fate::NotStored
}

impl Lies {
    /// The first of a connection is recorded for the auditors, and too many end it.
    async fn heard(&mut self, house: &House, agent: &Agent, outcome: &RunOutcome) {
        let (computer, run_id) = (agent.computer(), outcome.run_id);
        self.0 += 1;
        tracing::warn!(
            run.id = %run_id,
            "Computer {computer} sent the outcome of run {run_id}, which was never started on it: nothing is changed"
        );
        if self.0 == 1
            && let Err(error) = house.store.outcome_refused(computer, run_id).await
        {
            tracing::warn!("A refused outcome could not be recorded for the auditors: {}", chain(&error));
        }
        if self.0 >= LIES_MAX {
            agent.close(format!("the agent sent {LIES_MAX} outcomes that are not its own"), LIAR_WAIT);
        }
    }
}

fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
