//! The loop of a worker, on one page.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

use super::answer::{Answer, Report};
use super::checkpoint::Checkpoint;
use super::lease::{Lease, Leases};
use super::limit::Limits;
use super::publish::Jobs;
use super::recorder::Recorder;
use super::settle::Ended;
use crate::broker::settle::ack_group;
use crate::broker::{Broker, Consumer, Delivery, Receipt};
use crate::domain::job::{JOB_VERSION, Job};
use crate::domain::policy::Policy;
use crate::domain::session::{self, WaitingOn};
use crate::store::claims::{Asked, Claimed, Inputs, Taken};
use crate::store::leases::Intents;
use crate::store::policies::Policies;
use crate::store::runs::ClaimedNow;
use crate::store::{Error, Store};
use crate::telemetry::Sessions;

/// A stage's work: all that differs between the three kinds of worker.
#[async_trait]
pub trait Stage: Send + Sync + 'static {
    /// Which stage.
    fn stage(&self) -> session::Stage;

    /// Does it. A panic in it is a transient failure.
    async fn run(&self, work: Work, checkpoint: &Checkpoint) -> Report;
}

/// What a stage is given.
pub struct Work {
    /// What the claim has read.
    pub inputs: Inputs,
    /// The policy that counts.
    pub policy: Arc<Policy>,
}

/// What the loop works with.
pub struct Worker<S> {
    /// The stage.
    pub stage: Arc<S>,
    /// The worker's id.
    pub id: String,
    /// The database.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
    /// Publishes jobs.
    pub jobs: Jobs,
    /// How many sessions are in work at a time.
    pub capacity: usize,
    /// How many are claimed in one transaction at most.
    pub group: usize,
    /// From how many losses on a session is worked on alone.
    pub alone_from: i32,
    /// How long a claim is valid.
    pub lease: Duration,
    /// How long before its end a lease is not believed any more.
    pub margin: Duration,
    /// How long a delivery may be kept.
    pub budget: Duration,
    /// How long a step is waited for.
    pub patience: Duration,
    /// The worker's leases.
    pub leases: Arc<Leases>,
    /// Records progress.
    pub recorder: Recorder,
    /// Tells of actions.
    pub sessions: Sessions,
    /// Rates.
    pub limits: Arc<Limits>,
    /// The policy.
    pub policies: Arc<Policies>,
    /// Told when the worker is to stop.
    pub draining: CancellationToken,
    /// Told when the time for that is over: what is still in work is given back.
    pub leaving: CancellationToken,
}

impl<S: Stage> Worker<S> {
    /// Receives, claims, limits and runs until told to stop, then waits for what is in work. What has ended goes to
    /// `settle`, which settles and acknowledges it.
    pub async fn run(self, settle: mpsc::Sender<Ended>) {
        let worker = Arc::new(self);
        let queue = worker.broker.topology().queue(worker.stage.stage().as_str());
        // No more than can be worked on: what lay here unclaimed would be missing in the queue's depth, and rescue
        // would take it for lost.
        let prefetch = u16::try_from(worker.capacity).unwrap_or(u16::MAX);
        let consumer = worker.broker.consume(&queue, prefetch);
        let slots = Arc::new(Semaphore::new(usize::from(prefetch)));
        let running = TaskTracker::new();
        loop {
            tokio::select! {
                biased;
                () = worker.draining.cancelled() => break,
                () = free(&slots) => {}
            }
            let most = slots.available_permits().clamp(1, worker.group);
            let deliveries = tokio::select! {
                biased;
                () = worker.draining.cancelled() => break,
                deliveries = consumer.next_group(most) => deliveries,
            };
            if deliveries.is_empty() {
                break;
            }
            let (claimed, suspects) = worker.claim(&consumer, deliveries, Some(worker.alone_from)).await;
            for mine in claimed {
                let Ok(permit) = slots.clone().acquire_owned().await else { return };
                running.spawn(worker.clone().see_to(mine, permit, settle.clone()));
            }
            for suspect in suspects {
                let room = tokio::select! {
                    biased;
                    () = worker.draining.cancelled() => None,
                    permit = slots.clone().acquire_many_owned(u32::from(prefetch)) => permit.ok(),
                };
                // It may be its last chance: that is not taken by a worker that is about to leave.
                let Some(permit) = room else {
                    suspect.receipt.reject(true).await;
                    continue;
                };
                let (claimed, _) = worker.claim(&consumer, vec![suspect], None).await;
                let Some(mine) = claimed.into_iter().next() else { continue };
                let id = mine.taken.inputs.session.id;
                warn!(session.id = %id, "Session {id} was lost with its workers and is worked on alone");
                running.spawn(worker.clone().see_to(mine, permit, settle.clone()));
            }
        }
        consumer.drain().await;
        running.close();
        running.wait().await;
    }

    /// Works on one session to its settlement.
    async fn see_to(self: Arc<Self>, mine: Mine, permit: OwnedSemaphorePermit, settle: mpsc::Sender<Ended>) {
        let Mine { taken, receipt, asked, traceparent } = mine;
        let lease = self.hold(&taken, asked);
        let session = taken.inputs.session.clone();
        if let Some(report) = self.work(taken.inputs, &lease).await {
            // The settler outlives every sender; if it is gone the process is going down, and rescue sees to it.
            let _ = settle.send(Ended { session, report, lease, receipt, permit, traceparent }).await;
        } else {
            self.leases.remove(&lease);
            receipt.ack().await;
        }
    }

    /// Claims a group of deliveries together; also returns those that have to be claimed alone. While the database
    /// cannot be reached the consumer is paused, so that deliveries are not burnt.
    async fn claim(
        &self,
        consumer: &Consumer,
        deliveries: Vec<Delivery>,
        alone_from: Option<i32>,
    ) -> (Vec<Mine>, Vec<Delivery>) {
        let mut jobs = Vec::new();
        let mut good = Vec::new();
        for delivery in deliveries {
            match parse(&delivery, self.stage.stage()) {
                Ok(job) => {
                    jobs.push(Asked { job, at_once: delivery.redelivered });
                    good.push(delivery);
                }
                Err(why) => {
                    warn!("A message in the {} queue is no job: {why}", self.stage.stage());
                    delivery.receipt.reject(false).await;
                }
            }
        }
        let mut asked = Instant::now();
        let claimed = loop {
            match self.claim_each(&jobs, alone_from).await {
                Ok(claimed) => break claimed,
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "Claiming waits for the database");
                    consumer.pause().await;
                    if !self.database_is_back().await {
                        return (Vec::new(), Vec::new());
                    }
                    consumer.resume();
                    asked = Instant::now();
                }
            }
        };
        let mut taken = Vec::new();
        let mut done = Vec::new();
        let mut again = Vec::new();
        let mut suspects = Vec::new();
        for (claimed, delivery) in claimed.into_iter().zip(good) {
            match claimed {
                Claimed::Taken(one) => {
                    let traceparent = delivery.header("traceparent").map(str::to_owned);
                    taken.push(Mine { taken: *one, receipt: delivery.receipt, asked, traceparent });
                }
                Claimed::Alone => suspects.push(delivery),
                Claimed::Dropped => done.push(delivery.receipt),
                Claimed::Republish(job) => {
                    again.push(job);
                    done.push(delivery.receipt);
                }
            }
        }
        self.jobs.publish(&again).await;
        ack_group(done).await;
        (taken, suspects)
    }

    /// Claims jobs; a group that the database refuses is halved until those that it refuses are alone. They are dropped
    /// here and looked at by rescue. Only a failure that passes is an error.
    async fn claim_each(&self, jobs: &[Asked], alone_from: Option<i32>) -> Result<Vec<Claimed>, Error> {
        match self.store.claim(&self.id, self.lease, alone_from, jobs).await {
            Err(error) if !error.is_transient() && jobs.len() > 1 => {
                let (first, second) = jobs.split_at(jobs.len() / 2);
                let mut claimed = Box::pin(self.claim_each(first, alone_from)).await?;
                claimed.extend(Box::pin(self.claim_each(second, alone_from)).await?);
                Ok(claimed)
            }
            Err(error) if !error.is_transient() => {
                warn!(error = &error as &dyn std::error::Error, "A job cannot be claimed");
                Ok(vec![Claimed::Dropped; jobs.len()])
            }
            claimed => claimed,
        }
    }

    /// True when the database answers again, false when the worker is to stop.
    async fn database_is_back(&self) -> bool {
        loop {
            tokio::select! {
                () = self.draining.cancelled() => return false,
                () = tokio::time::sleep(Duration::from_millis(300)) => {}
            }
            if self.store.ask_time().await.is_ok() {
                return true;
            }
        }
    }

    /// Takes the claim into the care of the heartbeat, once it is in the database.
    fn hold(&self, taken: &Taken, asked: Instant) -> Arc<Lease> {
        let session = &taken.inputs.session;
        let until = asked + self.lease.saturating_sub(self.margin);
        let lease = Arc::new(Lease::new(session.id, session.dispatch, until));
        lease.note_run(session.run_in_flight);
        let (cancel, pause) = (session.cancel.is_some(), session.pause.is_some());
        lease.note(Intents { cancel, pause, stop: false, policy_version: taken.inputs.policy_version });
        if taken.written {
            self.leases.add(lease.clone());
        } else {
            lease.note_unwritten(ClaimedNow::of(session));
        }
        lease
    }

    /// Limits and runs one stage; none when the lease is lost, and with it the right to say anything.
    async fn work(&self, inputs: Inputs, lease: &Arc<Lease>) -> Option<Report> {
        // What is to be cancelled, or has something in flight, is seen to whatever the rate.
        let rated = inputs.session.cancel.is_none() && inputs.session.run_in_flight.is_none();
        if rated && let Err(wait) = self.limits.tenant(inputs.session.tenant) {
            // Everyone is told of the same next free turn; spread, they do not all come back for it at once.
            let until = self.store.now() + wait + Duration::from_secs(2).mul_f64(rand::random());
            let mut report = Report::new(Answer::Snooze(WaitingOn::Turn, until), "The tenant's rate is reached.");
            report.run_in_flight = lease.run_in_flight();
            return Some(report);
        }
        let policy = match self.policy(inputs.policy_version).await {
            Ok(policy) => policy,
            Err(error) => {
                let note = format!("The policy could not be loaded: {error}");
                // A database that is away is not the session's fault.
                let mut report = match error.is_transient() {
                    true => Report::new(Answer::Snooze(WaitingOn::Turn, self.store.now() + POLICY_AGAIN), note),
                    false => Report::new(Answer::Retry, note),
                };
                report.run_in_flight = lease.run_in_flight();
                return Some(report);
            }
        };
        let checkpoint = Checkpoint {
            lease: lease.clone(),
            leases: self.leases.clone(),
            recorder: self.recorder.clone(),
            store: self.store.clone(),
            limits: self.limits.clone(),
            policies: self.policies.clone(),
            sessions: self.sessions.clone(),
            job: job_of(&inputs.session),
            budget_ends: Instant::now() + self.budget,
            patience: self.patience,
            draining: self.draining.clone(),
        };
        let id = inputs.session.id;
        let work = Work { inputs, policy };
        let running = AssertUnwindSafe(self.stage.run(work, &checkpoint)).catch_unwind();
        let report = tokio::select! {
            biased;
            report = running => report,
            () = lease.lost().cancelled() => {
                debug!(session.id = %id, "Session {id} was given to another worker");
                return None;
            }
            // Dropping the stage drops no truth: a run is recorded before it is sent, and an outcome that is not
            // recorded yet is still at the computer, where whoever comes next asks for it.
            () = self.leaving.cancelled() => {
                let why = "The worker shut down before the stage was done; another one goes on.";
                let mut report = Report::new(Answer::Snooze(WaitingOn::Turn, self.store.now()), why);
                report.run_in_flight = lease.run_in_flight();
                Ok(report)
            }
        };
        if lease.lost().is_cancelled() {
            return None;
        }
        Some(report.unwrap_or_else(|_| {
            let mut report = Report::new(Answer::Retry, "The worker's program has a defect and panicked; see its log.");
            report.run_in_flight = lease.run_in_flight();
            report
        }))
    }

    async fn policy(&self, version: i64) -> Result<Arc<Policy>, Error> {
        self.policies.at_least(version).await
    }
}

/// How long before a policy that could not be loaded is tried again.
const POLICY_AGAIN: Duration = Duration::from_secs(2);

/// A claimed job and its delivery.
struct Mine {
    taken: Taken,
    receipt: Receipt,
    asked: Instant,
    traceparent: Option<String>,
}

/// Waits until there is room for another session.
async fn free(slots: &Semaphore) {
    // The semaphore is never closed; the permit is given back at once and counted when the room is used.
    let _ = slots.acquire().await;
}

/// The job by which a session was claimed.
fn job_of(session: &session::Session) -> Job {
    Job {
        v: JOB_VERSION,
        session: session.id,
        tenant: session.tenant,
        stage: session.stage,
        dispatch: session.dispatch,
    }
}

/// The job in a delivery to the workers of `stage`. One that lies in the wrong queue would be done as what it is not.
fn parse(delivery: &Delivery, stage: session::Stage) -> Result<Job, String> {
    let job: Job = serde_json::from_slice(&delivery.body).map_err(|error| error.to_string())?;
    if job.v != JOB_VERSION {
        Err(format!("version {} is not known here", job.v))
    } else if job.stage != stage {
        Err(format!("it is for the workers of {}", job.stage))
    } else {
        Ok(job)
    }
}
