//! Settles stages in groups: what has finished while the last group was being written forms the next one. No timer: an
//! idle worker answers at once, a busy one groups by itself.
//!
//! Each is decided for itself and written together with the others; then their successors are published and their
//! deliveries acknowledged, again together, while the next group is already being written.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tracing::{debug, warn};

use super::answer::{Answer, Report, Rules, entry};
use super::credit::Credit;
use super::gather::{Turns, gather};
use super::lease::{Lease, Leases};
use super::publish::Jobs;
use crate::broker::Receipt;
use crate::broker::settle::ack_group;
use crate::domain::SessionId;
use crate::domain::job::Job;
use crate::domain::session::{Session, Stage};
use crate::lifecycle::{Change, Hold};
use crate::store::gate::{Entry, Verdict};
use crate::store::{Error, Store};

/// A stage that has ended and waits to be settled.
pub struct Ended {
    /// The session as it was claimed.
    pub session: Session,
    /// What came of it.
    pub report: Report,
    /// The claim on it.
    pub lease: Arc<Lease>,
    /// The delivery that brought it.
    pub receipt: Receipt,
    /// Its place among the worker's; given back when it is settled.
    pub permit: OwnedSemaphorePermit,
    /// The span of the publish that the delivery came with.
    pub traceparent: Option<String>,
}

/// A worker's settling desk.
pub struct Settler {
    /// The database.
    pub store: Store,
    /// Publishes what follows.
    pub jobs: Jobs,
    /// The worker.
    pub worker: String,
    /// How answers become changes.
    pub rules: Rules,
    /// The room in the queues of the stages that may follow.
    pub credits: HashMap<Stage, Credit>,
    /// The worker's leases.
    pub leases: Arc<Leases>,
    /// How many are settled in one transaction at most.
    pub group: usize,
    /// Whose turn it is to write.
    pub turns: Turns,
}

/// How many groups may wait for their confirms while others are written.
const GROUPS_IN_PUBLICATION: usize = 4;
/// How often a change that was fenced out only by an intent is decided anew.
const DECISIONS: usize = 5;

impl Settler {
    /// Settles what comes until nothing comes any more and everything is acknowledged.
    pub async fn run(self, mut inbox: mpsc::Receiver<Ended>) {
        let (published, publishing) = mpsc::channel(GROUPS_IN_PUBLICATION);
        let publisher = tokio::spawn(publish(self.jobs.clone(), publishing));
        while let Some((group, turn)) = gather(&mut inbox, self.group, &self.turns).await {
            let jobs = self.write(&group).await;
            drop(turn);
            let receipts: Vec<Receipt> = group
                .into_iter()
                .map(|ended| {
                    self.leases.remove(&ended.lease);
                    ended.receipt
                })
                .collect();
            if published.send((jobs, receipts)).await.is_err() {
                warn!("The publisher of this worker has ended; rescue publishes what it leaves");
            }
        }
        drop(published);
        if let Err(error) = publisher.await {
            warn!("The publisher of this worker has ended: {error}");
        }
    }

    /// Writes a group, and returns the jobs that follow.
    async fn write(&self, group: &[Ended]) -> Vec<Job> {
        let mut jobs = Vec::new();
        let mut freed = false;
        let mut pending: Vec<(&Ended, Session)> = group.iter().map(|ended| (ended, ended.session.clone())).collect();
        for _ in 0..DECISIONS {
            if pending.is_empty() {
                break;
            }
            let now = self.store.now();
            let entries: Vec<Entry> = pending
                .iter()
                .map(|(ended, session)| {
                    let credit = match ended.report.answer {
                        Answer::Next(stage) if !ended.lease.intents().stop => {
                            self.credits.get(&stage).is_some_and(Credit::take)
                        }
                        Answer::Next(_)
                        | Answer::End(_)
                        | Answer::Retry
                        | Answer::Snooze(..)
                        | Answer::Park(..)
                        | Answer::Stop => false,
                    };
                    let random = rand::random::<f64>();
                    let mut change = self.rules.decide(session, &ended.report, &self.worker, now, credit, random);
                    // A claim that is not in the database yet is written as a part of what follows from it.
                    if let Some(claim) = ended.lease.unwritten().filter(|_| session.revision == ended.session.revision)
                    {
                        change.before = claim.before;
                    }
                    if let Some(transition) = &mut change.transition {
                        transition.traceparent.clone_from(&ended.traceparent);
                    }
                    entry(change, &ended.report)
                })
                .collect();
            let verdicts = self.commit(&entries).await;
            let mut fenced = Vec::new();
            for (((ended, _), entry), verdict) in pending.into_iter().zip(&entries).zip(verdicts) {
                match verdict {
                    Verdict::Committed => {
                        jobs.extend(entry.change.publish);
                        freed |= entry.change.hold == Hold::Release;
                    }
                    Verdict::Fenced => fenced.push((ended, &entry.change)),
                }
            }
            pending = self.still_ours(fenced, &mut jobs).await;
        }
        if freed {
            self.store.wake_scheduler();
        }
        jobs
    }

    /// Those of the fenced ones that are still this worker's, as they are now: only an intent was noted meanwhile. One
    /// whose commit had come through unheard, on a connection that broke, is fenced by itself: its job is still due.
    async fn still_ours<'a>(
        &self,
        fenced: Vec<(&'a Ended, &Change)>,
        jobs: &mut Vec<Job>,
    ) -> Vec<(&'a Ended, Session)> {
        if fenced.is_empty() {
            return Vec::new();
        }
        let ids: Vec<SessionId> = fenced.iter().map(|(ended, _)| ended.session.id).collect();
        let mut patience = Patience::new();
        let live = loop {
            match self.store.live_sessions(&ids).await {
                Err(error) if error.is_transient() => patience.wait(&error).await,
                read => break read.unwrap_or_default(),
            }
        };
        let mut live: HashMap<SessionId, Session> = live.into_iter().map(|session| (session.id, session)).collect();
        fenced
            .into_iter()
            .filter_map(|(ended, change)| {
                let now = live.remove(&ended.session.id)?;
                let is_ours = |now: &Session| (now.revision, now.dispatch, now.stage, now.since);
                if is_ours(&now) == is_ours(&change.after) && now.taken_at.is_none() {
                    jobs.extend(change.publish);
                    return None;
                }
                let ours = now.dispatch == ended.session.dispatch && now.owner.as_deref() == Some(self.worker.as_str());
                if !ours {
                    debug!(session.id = %now.id, "Dispatch {} of session {} counts no more", ended.session.dispatch, now.id);
                }
                ours.then_some((ended, now))
            })
            .collect()
    }

    /// Commits a group; one that the database refuses is halved until those that it refuses are alone and left to
    /// rescue.
    async fn commit(&self, entries: &[Entry]) -> Vec<Verdict> {
        let mut patience = Patience::new();
        let committed = loop {
            match self.store.commit(entries).await {
                Err(error) if error.is_transient() => patience.wait(&error).await,
                committed => break committed,
            }
        };
        match committed {
            Ok(verdicts) => verdicts,
            Err(error) if entries.len() <= 1 => {
                warn!(error = &error as &dyn std::error::Error, "A stage cannot be settled");
                vec![Verdict::Fenced; entries.len()]
            }
            Err(_) => {
                let (first, second) = entries.split_at(entries.len() / 2);
                let mut verdicts = Box::pin(self.commit(first)).await;
                verdicts.extend(Box::pin(self.commit(second)).await);
                verdicts
            }
        }
    }
}

/// Waits between tries for as long as the failure is one that passes.
struct Patience(Duration);

impl Patience {
    fn new() -> Patience {
        Patience(Duration::from_millis(20))
    }

    async fn wait(&mut self, error: &Error) {
        warn!(error = error as &dyn std::error::Error, "Settling waits for the database");
        tokio::time::sleep(self.0.mul_f64(0.5 + rand::random::<f64>() / 2.0)).await;
        self.0 = (self.0 * 2).min(Duration::from_secs(2));
    }
}

/// Publishes successors, waits for their confirms, then acknowledges what they succeed. A confirm that does not come is
/// not waited for: the row is admitted, and rescue publishes it.
async fn publish(publisher: Jobs, mut inbox: mpsc::Receiver<(Vec<Job>, Vec<Receipt>)>) {
    while let Some((jobs, receipts)) = inbox.recv().await {
        publisher.publish(&jobs).await;
        ack_group(receipts).await;
    }
}
