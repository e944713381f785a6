//! What a stage may ask of the loop while it works: record a step's start or outcome, learn what is wanted, learn when
//! to stop.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pitcrew_protocol::RunOutcome;
use tokio_util::sync::CancellationToken;

use super::lease::{Lease, Leases};
use super::limit::Limits;
use super::recorder::Recorder;
use crate::domain::findings::Findings;
use crate::domain::job::Job;
use crate::domain::policy::Policy;
use crate::domain::{SecretId, Sha256Hash};
use crate::store::gate::{EndedAction, EndedRun};
use crate::store::leases::Intents;
use crate::store::locks::Taken;
use crate::store::policies::Policies;
use crate::store::runs::{Progress, Recorded, StartRun};
use crate::store::{self, Store};
use crate::telemetry::{ActionDone, Sessions};

/// The session is not this worker's any more: nothing may be started or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is not this worker's any more")]
pub struct Fenced;

/// Why a stage should give its delivery back between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Yield {
    /// The delivery's time is spent.
    BudgetSpent,
    /// The worker shuts down.
    ShuttingDown,
}

/// An attempt at an action that has ended.
#[derive(Debug, Clone, Copy)]
pub struct Done<'a> {
    /// How it ended.
    pub ended: &'a EndedAction,
    /// The maintenance item.
    pub item: &'a str,
    /// What was done to it.
    pub kind: &'a str,
    /// When it began.
    pub began: Timestamp,
}

/// A stage's line to the loop.
pub struct Checkpoint {
    pub(super) lease: Arc<Lease>,
    pub(super) leases: Arc<Leases>,
    pub(super) recorder: Recorder,
    pub(super) store: Store,
    pub(super) limits: Arc<Limits>,
    pub(super) policies: Arc<Policies>,
    pub(super) sessions: Sessions,
    pub(super) job: Job,
    pub(super) budget_ends: Instant,
    pub(super) patience: Duration,
    pub(super) draining: CancellationToken,
}

impl Checkpoint {
    /// Commits that a run and its actions have ended and, if `start` is given, that the next run starts. Only after
    /// this may its command be sent.
    ///
    /// # Errors
    /// [`Fenced`] if the session was given to another worker or is final.
    pub async fn record(
        &self,
        ended_run: Option<EndedRun>,
        ended_actions: Vec<EndedAction>,
        start: Option<StartRun>,
    ) -> Result<Intents, Fenced> {
        let run = start.as_ref().map(|start| start.run_id);
        let (session, dispatch) = (self.lease.session, self.lease.dispatch);
        let claim = self.lease.unwritten();
        let progress = Progress { session, dispatch, claim, ended_run, ended_actions, start };
        tokio::select! {
            () = self.lease.lost().cancelled() => Err(Fenced),
            recorded = self.recorder.record(progress) => match recorded {
                Recorded::Committed(intents) => {
                    if claim.is_some() {
                        self.lease.note_unwritten(None);
                        self.leases.add(self.lease.clone());
                    }
                    self.lease.note(intents);
                    self.lease.note_run(run);
                    Ok(intents)
                }
                Recorded::Fenced => {
                    self.lease.lost().cancel();
                    Err(Fenced)
                }
            }
        }
    }

    /// What is wanted of the session, as of the last heartbeat or commit.
    pub fn intents(&self) -> Intents {
        self.lease.intents()
    }

    /// Whether, and why, the stage should come to an end between two steps.
    pub fn should_yield(&self) -> Option<Yield> {
        if self.draining.is_cancelled() {
            Some(Yield::ShuttingDown)
        } else if Instant::now() >= self.budget_ends {
            Some(Yield::BudgetSpent)
        } else {
            None
        }
    }

    /// The time after which a command that is sent now must not start any more: the end of the lease, in database time.
    ///
    /// # Errors
    /// [`Fenced`] if that time has come.
    pub fn start_by(&self) -> Result<Timestamp, Fenced> {
        let remaining = self.lease.remaining();
        if remaining.is_zero() {
            // Nothing that was done since may be settled on this claim's account either.
            self.lease.lost().cancel();
            return Err(Fenced);
        }
        Ok(self.store.now() + remaining)
    }

    /// How long to wait for a step before the session is parked.
    pub fn patience(&self) -> Duration {
        if self.draining.is_cancelled() { self.patience.min(Duration::from_secs(1)) } else { self.patience }
    }

    /// Database time.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }

    /// Waits for the turn of a package source; answers with how long it would take if that is longer than a worker
    /// waits.
    pub async fn source_turn(&self, source: &str) -> Result<(), Duration> {
        self.limits.source(source, self.patience()).await
    }

    /// Tells of an attempt at an action that has ended.
    pub fn action_done(&self, done: Done<'_>) {
        self.sessions.action_done(ActionDone {
            job: &self.job,
            planned_by: done.ended.plan,
            seq: done.ended.seq,
            attempt: done.ended.attempts,
            item: done.item,
            kind: done.kind,
            result: &done.ended.result,
            message: &done.ended.message,
            started: done.began,
            ended: done.ended.at,
        });
    }

    /// The policy of this version, or a newer one.
    pub async fn policy(&self, version: i64) -> Result<Arc<Policy>, store::Error> {
        self.policies.at_least(version).await
    }

    /// What detection has found, from which the session's plan was made, and how long ago that was, in seconds.
    pub async fn planned_from(&self) -> Result<(Findings, u64), store::Error> {
        let (findings, planned_at) = self.store.planned_from(self.lease.session).await?.unwrap_or_default();
        let ago = planned_at.map_or(0, |at| self.now().duration_since(at).as_secs());
        Ok((findings, u64::try_from(ago).unwrap_or_default()))
    }

    /// What has come of the runs for the actions of a plan, the latest first.
    pub async fn outcomes_of_plan(&self, plan: i32) -> Result<Vec<(i32, RunOutcome)>, store::Error> {
        let runs = self.store.outcomes_of_plan(self.lease.session, plan).await?;
        // One that cannot be read is one that has not come, here as where a run is adopted.
        Ok(runs.into_iter().filter_map(|run| Some((run.action, serde_json::from_str(&run.outcome).ok()?))).collect())
    }

    /// The values of secrets, for a run that is sent from here.
    pub(super) async fn secrets(&self, ids: &BTreeSet<SecretId>) -> Result<HashMap<SecretId, String>, store::Error> {
        self.store.secrets(ids).await
    }

    /// Where stored files are fetched, for a run that is sent from here.
    pub(super) async fn file_addresses(
        &self,
        files: &BTreeSet<Sha256Hash>,
        start_by: Timestamp,
    ) -> Result<HashMap<Sha256Hash, String>, store::Error> {
        self.store.file_addresses(files, start_by).await
    }

    /// Takes a fleet-wide lock for the session, which holds it for as long as it has it.
    pub async fn take_lock(&self, name: &str) -> Result<Taken, store::Error> {
        self.store.take_lock(self.lease.session, self.lease.dispatch, name).await
    }

    /// Gives back the lock that the session holds or waits for, if any. Where that fails the gate or rescue frees it.
    pub async fn release_lock(&self) {
        if let Err(error) = self.store.release_lock(self.lease.session, self.lease.dispatch).await {
            tracing::warn!(error = &error as &dyn std::error::Error, "A lock could not be given back; rescue frees it");
        }
    }

    /// The run that is recorded as in flight.
    pub fn run_in_flight(&self) -> Option<uuid::Uuid> {
        self.lease.run_in_flight()
    }
}
