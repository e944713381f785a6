//! The one gate through which a session changes.
//!
//! Rows are locked in the order of their ids, fenced by revision, and everything that belongs to a change (timeline,
//! results, actions, reservation, history) is written in the same transaction. What is fenced out is not written at all.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tracing::error;
use uuid::Uuid;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::SessionId;
use crate::domain::session::{Session, Stage, WaitingOn};
use crate::lifecycle::park::outcome_is_here;
use crate::lifecycle::{Change, Hold};

/// A change and what is written along with it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The decided change.
    pub change: Change,
    /// What the stage found out or decided.
    pub result: Option<StageResult>,
    /// The actions of a new plan.
    pub planned: Vec<PlannedRow>,
    /// Actions that have ended.
    pub ended: Vec<EndedAction>,
    /// Runs that have ended.
    pub outcomes: Vec<EndedRun>,
}

/// The body of a stage's result, as JSON text.
#[derive(Debug, Clone)]
pub struct StageResult {
    /// The stage.
    pub stage: Stage,
    /// The JSON document.
    pub body: String,
    /// Its SHA-256, of a plan.
    pub hash: Option<Vec<u8>>,
}

/// An action as it is planned.
#[derive(Debug, Clone)]
pub struct PlannedRow {
    /// Its place in the plan.
    pub seq: i32,
    /// The maintenance item.
    pub item: String,
    /// The deployment that wants it.
    pub deployment: String,
    /// What is to be done.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// What was found.
    pub detected: Option<String>,
    /// What is wanted.
    pub desired: Option<String>,
}

/// An action that has ended.
#[derive(Debug, Clone)]
pub struct EndedAction {
    /// The dispatch of the planning that made it.
    pub plan: i32,
    /// Its place in the plan.
    pub seq: i32,
    /// `success`, `failed`, `skipped`, `cancelled` or `indeterminate`.
    pub result: String,
    /// One of a fixed set.
    pub reason: String,
    /// A sentence for a person.
    pub message: String,
    /// How often it was started.
    pub attempts: i32,
    /// When it ended.
    pub at: Timestamp,
}

/// A run that has ended.
#[derive(Debug, Clone)]
pub struct EndedRun {
    /// The run.
    pub run_id: Uuid,
    /// Its outcome, as JSON text.
    pub outcome: String,
    /// When it was received.
    pub at: Timestamp,
}

impl Entry {
    /// A change with nothing beside it.
    pub fn bare(change: Change) -> Entry {
        Entry { change, result: None, planned: Vec::new(), ended: Vec::new(), outcomes: Vec::new() }
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is committed; the session's epoch is this.
    Committed {
        /// The computer's epoch for this session.
        epoch: i64,
    },
    /// The session has changed meanwhile, or is final: nothing was written.
    Fenced,
}

impl Store {
    /// Writes changes that were decided on what the caller knew; each for itself is written whole or fenced out.
    pub async fn commit(&self, entries: &[Entry]) -> Result<Vec<Verdict>, Error> {
        if entries.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<i64> = entries.iter().map(|entry| entry.change.after.id.0).collect();
        ids.sort_unstable();
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let lock = tx
            .prepare_cached("SELECT id, revision FROM session WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
            .await
            .doing("locking sessions")?;
        let rows = tx.query(&lock, &[&ids]).await.doing("locking sessions")?;
        let current: HashMap<i64, i32> = rows.iter().map(|row| (row.get("id"), row.get("revision"))).collect();
        let mut passing: Vec<Cow<'_, Entry>> = entries
            .iter()
            .filter(|entry| current.get(&entry.change.after.id.0) == Some(&entry.change.before))
            .map(Cow::Borrowed)
            .collect();
        meet_outcomes(&tx, &mut passing).await?;
        let epochs = write(&tx, &passing.iter().map(Cow::as_ref).collect::<Vec<_>>()).await?;
        let written: Vec<Change> = passing
            .iter()
            .filter(|entry| epochs.contains_key(&entry.change.after.id))
            .map(|entry| entry.change.clone())
            .collect();
        tx.commit().await.doing("committing changes of sessions")?;
        self.tell(&written);
        Ok(entries.iter().map(|entry| verdict(&epochs, entry.change.after.id)).collect())
    }

    /// Locks sessions, lets `decide` look at each as it is now, and writes what it says. Returns what was written.
    pub async fn decide<F>(&self, ids: &[SessionId], mut decide: F) -> Result<Vec<Entry>, Error>
    where
        F: FnMut(&Session) -> Option<Entry>,
    {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let sessions = lock(&tx, ids).await?;
        let entries: Vec<Entry> = sessions.iter().filter_map(&mut decide).collect();
        let epochs = write(&tx, &entries.iter().collect::<Vec<_>>()).await?;
        tx.commit().await.doing("committing changes of sessions")?;
        let written: Vec<Entry> =
            entries.into_iter().filter(|entry| epochs.contains_key(&entry.change.after.id)).collect();
        self.tell(written.iter().map(|entry| &entry.change));
        Ok(written)
    }
}

fn verdict(epochs: &HashMap<SessionId, i64>, id: SessionId) -> Verdict {
    epochs.get(&id).map_or(Verdict::Fenced, |epoch| Verdict::Committed { epoch: *epoch })
}

/// Makes due what parks for an outcome that has arrived in the meantime.
async fn meet_outcomes(tx: &Transaction<'_>, entries: &mut [Cow<'_, Entry>]) -> Result<(), Error> {
    let awaited: Vec<Uuid> = entries.iter().filter_map(|entry| awaits(entry)).collect();
    if awaited.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached("SELECT run_id FROM run WHERE run_id = ANY($1) AND outcome IS NOT NULL")
        .await
        .doing("looking for outcomes")?;
    let rows = tx.query(&statement, &[&awaited]).await.doing("looking for outcomes")?;
    let here: HashSet<Uuid> = rows.iter().map(|row| row.get("run_id")).collect();
    for entry in entries {
        if awaits(entry).is_some_and(|run| here.contains(&run)) {
            outcome_is_here(&mut entry.to_mut().change);
        }
    }
    Ok(())
}

/// The run whose outcome a change lets its session wait for.
fn awaits(entry: &Entry) -> Option<Uuid> {
    let after = &entry.change.after;
    let for_the_computer = match after.waiting_on {
        Some(WaitingOn::Computer | WaitingOn::Reboot | WaitingOn::Connectivity) => true,
        Some(
            WaitingOn::Turn
            | WaitingOn::Window
            | WaitingOn::Schedule
            | WaitingOn::Approval
            | WaitingOn::Postponed
            | WaitingOn::Retry,
        )
        | None => false,
    };
    after.run_in_flight.filter(|_| for_the_computer)
}

/// Locks sessions in the order of their ids and reads them; final ones are absent.
pub(super) async fn lock(tx: &Transaction<'_>, ids: &[SessionId]) -> Result<Vec<Session>, Error> {
    let sql = format!("SELECT {} FROM session s WHERE s.id = ANY($1) ORDER BY s.id FOR NO KEY UPDATE", rows::SESSION);
    let statement = tx.prepare_cached(&sql).await.doing("locking sessions")?;
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows = tx.query(&statement, &[&ids]).await.doing("locking sessions")?;
    // One row that cannot be read, perhaps because a newer version wrote it, must not hold up all the others.
    Ok(rows
        .iter()
        .filter_map(|row| {
            rows::session(row)
                .inspect_err(|error| error!("Session {} is left alone: {error}", row.get::<_, i64>("id")))
                .ok()
        })
        .collect())
}

/// Writes changes of sessions that are locked and whose revision was checked. Returns the epochs of those written.
pub(super) async fn write(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<HashMap<SessionId, i64>, Error> {
    let refused = take_holds(tx, entries).await?;
    let entries: Vec<&Entry> =
        entries.iter().copied().filter(|entry| !refused.contains(&entry.change.after.id)).collect();
    let (ending, living): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().copied().partition(|entry| entry.change.after.status.is_final());
    let (updated, ..) = futures_util::try_join!(
        update(tx, &living),
        finish(tx, &ending),
        transitions(tx, &entries),
        results(tx, &entries),
        // What is settled without touching the computer is planned and ended at once, in this order.
        async {
            planned(tx, &entries).await?;
            ended(tx, &entries).await?;
            leave_none_started(tx, &ending).await
        },
        outcomes(tx, &entries),
        release_holds(tx, &entries),
    )?;
    let mut epochs = updated;
    epochs.extend(ending.iter().map(|entry| (entry.change.after.id, entry.change.after.epoch)));
    Ok(epochs)
}

/// Reserves computers. Returns the sessions whose computer another one has.
async fn take_holds(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<HashSet<SessionId>, Error> {
    let taking: Vec<&Session> =
        entries.iter().filter(|entry| entry.change.hold == Hold::Take).map(|entry| &entry.change.after).collect();
    if taking.is_empty() {
        return Ok(HashSet::new());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO computer_hold AS h (computer_id, session_id, tenant_id, since)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::timestamptz[])
             ON CONFLICT (computer_id) DO UPDATE SET since = h.since WHERE h.session_id = excluded.session_id
             RETURNING session_id",
        )
        .await
        .doing("reserving computers")?;
    let computers: Vec<i64> = taking.iter().map(|session| session.computer.0).collect();
    let sessions: Vec<i64> = taking.iter().map(|session| session.id.0).collect();
    let tenants: Vec<i64> = taking.iter().map(|session| session.tenant.0).collect();
    let since: Vec<Option<Timestamp>> = taking.iter().map(|session| session.admitted_at).collect();
    let rows = tx.query(&statement, &[&computers, &sessions, &tenants, &since]).await.doing("reserving computers")?;
    let got: HashSet<i64> = rows.iter().map(|row| row.get("session_id")).collect();
    Ok(taking.iter().map(|session| session.id).filter(|id| !got.contains(&id.0)).collect())
}

async fn release_holds(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let ids: Vec<i64> = entries
        .iter()
        .filter(|entry| entry.change.hold == Hold::Release)
        .map(|entry| entry.change.after.id.0)
        .collect();
    if ids.is_empty() {
        return Ok(());
    }
    let statement =
        tx.prepare_cached("DELETE FROM computer_hold WHERE session_id = ANY($1)").await.doing("releasing computers")?;
    tx.execute(&statement, &[&ids]).await.doing("releasing computers")?;
    Ok(())
}

async fn update(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<HashMap<SessionId, i64>, Error> {
    if entries.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE session s SET
                 status = u.status, waiting_on = u.waiting_on, stage = u.stage, dispatch = u.dispatch,
                 attempt = u.attempt, losses = u.losses, run_after = u.run_after, waited_on = u.waited_on,
                 due_at = u.due_at, admitted_at = u.admitted_at, taken_at = u.taken_at, owner = u.owner,
                 deadline = u.deadline,
                 epoch = CASE WHEN u.raise_epoch THEN nextval('computer_epoch') ELSE s.epoch END,
                 run_in_flight = u.run_in_flight, cancel = u.cancel::jsonb, pause = u.pause::jsonb,
                 revision = u.revision, since = u.since, started_at = u.started_at, last_error = u.last_error
             FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[],
                         $9::timestamptz[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
                         $14::text[], $15::timestamptz[], $16::bool[], $17::uuid[], $18::text[], $19::text[],
                         $20::int[], $21::timestamptz[], $22::timestamptz[], $23::text[])
                  AS u(id, before, status, waiting_on, stage, dispatch, attempt, losses, run_after, waited_on, due_at,
                       admitted_at, taken_at, owner, deadline, raise_epoch, run_in_flight, cancel, pause, revision,
                       since, started_at, last_error)
             WHERE s.id = u.id AND s.revision = u.before
             RETURNING s.id, s.epoch",
        )
        .await
        .doing("changing sessions")?;
    let changes = || entries.iter().map(|entry| &entry.change);
    let sessions = || changes().map(|change| &change.after);
    let rows = tx
        .query(
            &statement,
            &[
                &sessions().map(|s| s.id.0).collect::<Vec<_>>(),
                &changes().map(|c| c.before).collect::<Vec<_>>(),
                &sessions().map(|s| s.status.as_str()).collect::<Vec<_>>(),
                &sessions().map(|s| s.waiting_on.map(|w| w.as_str())).collect::<Vec<_>>(),
                &sessions().map(|s| s.stage.as_str()).collect::<Vec<_>>(),
                &sessions().map(|s| s.dispatch).collect::<Vec<_>>(),
                &sessions().map(|s| s.attempt).collect::<Vec<_>>(),
                &sessions().map(|s| s.losses).collect::<Vec<_>>(),
                &sessions().map(|s| s.run_after).collect::<Vec<_>>(),
                &sessions().map(|s| s.waited_on.map(|w| w.as_str())).collect::<Vec<_>>(),
                &sessions().map(|s| s.due_at).collect::<Vec<_>>(),
                &sessions().map(|s| s.admitted_at).collect::<Vec<_>>(),
                &sessions().map(|s| s.taken_at).collect::<Vec<_>>(),
                &sessions().map(|s| s.owner.as_deref()).collect::<Vec<_>>(),
                &sessions().map(|s| s.deadline).collect::<Vec<_>>(),
                &changes().map(|c| c.raise_epoch).collect::<Vec<_>>(),
                &sessions().map(|s| s.run_in_flight).collect::<Vec<_>>(),
                &sessions().map(|s| s.cancel.as_ref().map(to_json)).collect::<Vec<_>>(),
                &sessions().map(|s| s.pause.as_ref().map(to_json)).collect::<Vec<_>>(),
                &sessions().map(|s| s.revision).collect::<Vec<_>>(),
                &sessions().map(|s| s.since).collect::<Vec<_>>(),
                &sessions().map(|s| s.started_at).collect::<Vec<_>>(),
                &sessions().map(|s| s.last_error.as_deref()).collect::<Vec<_>>(),
            ],
        )
        .await
        .doing("changing sessions")?;
    Ok(rows.iter().map(|row| (SessionId(row.get("id")), row.get("epoch"))).collect())
}

async fn finish(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "WITH u AS (
                 SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::int[], $5::timestamptz[], $6::text[])
                      AS u(id, before, status, revision, finished_at, last_error)
             ), gone AS (
                 DELETE FROM session s USING u WHERE s.id = u.id AND s.revision = u.before
                 RETURNING s.id, s.tenant_id, s.computer_id, s.kind, s.priority, s.\"order\", u.status, s.stage,
                           s.dispatch, s.attempt, s.losses, s.epoch, s.cancel, u.revision, s.created_at, s.started_at,
                           u.finished_at, u.last_error
             )
             INSERT INTO session_history (id, tenant_id, computer_id, kind, priority, \"order\", status, stage, dispatch,
                                          attempt, losses, epoch, cancel, revision, created_at, started_at,
                                          finished_at, last_error)
             SELECT * FROM gone",
        )
        .await
        .doing("ending sessions")?;
    let changes = || entries.iter().map(|entry| &entry.change);
    tx.execute(
        &statement,
        &[
            &changes().map(|c| c.after.id.0).collect::<Vec<_>>(),
            &changes().map(|c| c.before).collect::<Vec<_>>(),
            &changes().map(|c| c.after.status.as_str()).collect::<Vec<_>>(),
            &changes().map(|c| c.after.revision).collect::<Vec<_>>(),
            &changes().map(|c| c.after.finished_at).collect::<Vec<_>>(),
            &changes().map(|c| c.after.last_error.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("ending sessions")?;
    Ok(())
}

pub(super) async fn transitions(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.change.transition.as_ref().map(|transition| (&entry.change.after, transition)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch,
                                     waited_on, due_at, admitted_at, taken_at, status, by, note, traceparent)
             SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[],
                                  $7::timestamptz[], $8::text[], $9::int[], $10::text[], $11::timestamptz[],
                                  $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::text[],
                                  $17::text[])",
        )
        .await
        .doing("recording transitions")?;
    let them = || rows.iter().map(|(_, transition)| transition);
    let sessions = || rows.iter().map(|(session, _)| session);
    tx.execute(
        &statement,
        &[
            &sessions().map(|s| s.id.0).collect::<Vec<_>>(),
            &them().map(|t| t.seq).collect::<Vec<_>>(),
            &sessions().map(|s| s.tenant.0).collect::<Vec<_>>(),
            &sessions().map(|s| s.computer.0).collect::<Vec<_>>(),
            &them().map(|t| t.what.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.at).collect::<Vec<_>>(),
            &them().map(|t| t.since).collect::<Vec<_>>(),
            &them().map(|t| t.stage.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.dispatch).collect::<Vec<_>>(),
            &them().map(|t| t.waited_on.map(|w| w.as_str())).collect::<Vec<_>>(),
            &them().map(|t| t.due_at).collect::<Vec<_>>(),
            &them().map(|t| t.admitted_at).collect::<Vec<_>>(),
            &them().map(|t| t.taken_at).collect::<Vec<_>>(),
            &sessions().map(|s| s.status.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.by.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.note.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.traceparent.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording transitions")?;
    Ok(())
}

async fn results(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> =
        entries.iter().filter_map(|entry| entry.result.as_ref().map(|result| (&entry.change, result))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO stage_result (session_id, stage, dispatch, at, hash, body)
             SELECT u.id, u.stage, u.dispatch, u.at, u.hash, u.body::jsonb
             FROM unnest($1::bigint[], $2::text[], $3::int[], $4::timestamptz[], $5::bytea[], $6::text[])
                  AS u(id, stage, dispatch, at, hash, body)",
        )
        .await
        .doing("storing results")?;
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|(c, _)| c.after.id.0).collect::<Vec<_>>(),
            &rows.iter().map(|(_, r)| r.stage.as_str()).collect::<Vec<_>>(),
            &rows.iter().map(|(c, _)| worked_dispatch(c)).collect::<Vec<_>>(),
            &rows.iter().map(|(c, _)| c.after.since).collect::<Vec<_>>(),
            &rows.iter().map(|(_, r)| r.hash.as_deref()).collect::<Vec<_>>(),
            &rows.iter().map(|(_, r)| r.body.as_str()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("storing results")?;
    Ok(())
}

/// The dispatch whose work a change settles: its timeline entry names it.
fn worked_dispatch(change: &Change) -> i32 {
    change.transition.as_ref().map_or(change.after.dispatch, |transition| transition.dispatch)
}

async fn planned(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> =
        entries.iter().flat_map(|entry| entry.planned.iter().map(move |row| (&entry.change, row))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, detected, desired, status)
             SELECT u.*, 'planned'
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[]) AS u",
        )
        .await
        .doing("storing planned actions")?;
    let them = || rows.iter().map(|(_, row)| row);
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|(c, _)| c.after.id.0).collect::<Vec<_>>(),
            &rows.iter().map(|(c, _)| worked_dispatch(c)).collect::<Vec<_>>(),
            &them().map(|r| r.seq).collect::<Vec<_>>(),
            &them().map(|r| r.item.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.deployment.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.kind.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.reason.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.detected.as_deref()).collect::<Vec<_>>(),
            &them().map(|r| r.desired.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("storing planned actions")?;
    Ok(())
}

async fn ended(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> =
        entries.iter().flat_map(|entry| entry.ended.iter().map(move |row| (entry.change.after.id, row))).collect();
    end_actions(tx, &rows).await
}

async fn outcomes(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<&EndedRun> = entries.iter().flat_map(|entry| entry.outcomes.iter()).collect();
    end_runs(tx, &rows).await
}

/// Nobody will tell how an action ended whose session is given up in the middle of it.
async fn leave_none_started(tx: &Transaction<'_>, ending: &[&Entry]) -> Result<(), Error> {
    let given_up: Vec<i64> = ending
        .iter()
        .map(|entry| &entry.change.after)
        .filter(|session| session.stage == Stage::Execution && session.status.is_given_up())
        .map(|session| session.id.0)
        .collect();
    if given_up.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE action SET status = 'done', result = 'indeterminate', result_reason = 'interrupted',
                               message = 'The session ended before it was known what came of it.',
                               ended_at = clock_timestamp()
             WHERE session_id = ANY($1) AND status = 'started'",
        )
        .await
        .doing("ending actions of sessions that were given up")?;
    tx.execute(&statement, &[&given_up]).await.doing("ending actions of sessions that were given up")?;
    Ok(())
}

/// Records how actions ended.
pub(super) async fn end_actions(tx: &Transaction<'_>, rows: &[(SessionId, &EndedAction)]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE action a SET status = 'done', result = u.result, result_reason = u.reason, message = u.message,
                                 attempts = u.attempts, ended_at = u.at
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[],
                         $8::timestamptz[]) AS u(session_id, dispatch, seq, result, reason, message, attempts, at)
             WHERE a.session_id = u.session_id AND a.dispatch = u.dispatch AND a.seq = u.seq AND a.status <> 'done'",
        )
        .await
        .doing("recording how actions ended")?;
    let them = || rows.iter().map(|(_, row)| row);
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            &them().map(|r| r.plan).collect::<Vec<_>>(),
            &them().map(|r| r.seq).collect::<Vec<_>>(),
            &them().map(|r| r.result.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.reason.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.message.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.attempts).collect::<Vec<_>>(),
            &them().map(|r| r.at).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording how actions ended")?;
    Ok(())
}

/// Records the outcomes of runs; the first one that is recorded for a run stays.
pub(super) async fn end_runs(tx: &Transaction<'_>, rows: &[&EndedRun]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE run r SET outcome = u.outcome::jsonb, outcome_at = u.at
             FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS u(run_id, outcome, at)
             WHERE r.run_id = u.run_id AND r.outcome IS NULL",
        )
        .await
        .doing("recording outcomes of runs")?;
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|r| r.run_id).collect::<Vec<_>>(),
            &rows.iter().map(|r| r.outcome.as_str()).collect::<Vec<_>>(),
            &rows.iter().map(|r| r.at).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording outcomes of runs")?;
    Ok(())
}

/// Values of ours always serialise; what cannot be is a defect, and null is refused by the schema's checks.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
