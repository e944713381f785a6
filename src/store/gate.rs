//! The one gate through which a session changes.
//!
//! Rows are locked in the order of their ids, fenced by revision, and everything that belongs to a change (timeline,
//! results, actions, reservation, history) is written in the same transaction. What is fenced out is not written at all.
//!
//! Rows that are changed are found by `key = ANY(ARRAY[u.key])`, which says the same as `key = u.key` but leaves the
//! planner one way only: to look up each in the index. Of the plain form it makes a scan of the whole table if that was
//! empty when its statistics were made, as the tables of live sessions are after a quiet night. For the same reason what
//! is locked in the order of its ids is ordered by the ids that are asked for, not by those of the table: the whole index
//! would be read in its order.

mod actions;
mod compliance;
mod entry;
mod holds;
mod answers;
mod inventory;
mod results;
mod runs;
mod sessions;
mod transitions;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use tokio_postgres::Row;
use tracing::error;
use uuid::Uuid;

use super::error::Doing;
use super::tx::{Last, Tx};
use super::{Error, Store, rows};
use crate::domain::SessionId;
use crate::domain::session::{Session, WaitingOn};
use crate::lifecycle::Change;
use crate::lifecycle::park::outcome_is_here;
use crate::lifecycle::snooze::connection_is_here;

pub use entry::{EndedAction, EndedRun, Entry, PlannedRow, RunsOfAction, StageResult};

pub(super) use actions::end_actions;
pub(super) use runs::end_runs;
pub(super) use transitions::transitions;

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It is committed.
    Committed,
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
        let client = self.client().await?;
        let tx = Tx::begin(&client);
        let lock = tx.prepare_cached(&locked("s.id, s.revision")).await.doing("locking sessions")?;
        let rows = tx.query(&lock, &[&ids]).await.doing("locking sessions")?;
        let current: HashMap<i64, i32> = rows.iter().map(|row| (row.get("id"), row.get("revision"))).collect();
        let mut passing: Vec<Cow<'_, Entry>> = entries
            .iter()
            .filter(|entry| current.get(&entry.change.after.id.0) == Some(&entry.change.before))
            .map(Cow::Borrowed)
            .collect();
        meet_outcomes(&tx, &mut passing).await?;
        meet_connections(&tx, &mut passing).await?;
        let written = write(tx, &passing.iter().map(Cow::as_ref).collect::<Vec<_>>()).await?;
        self.tell(passing.iter().map(|entry| &entry.change).filter(|change| written.contains(&change.after.id)));
        Ok(entries.iter().map(|entry| verdict(&written, entry.change.after.id)).collect())
    }

    /// Locks sessions, lets `decide` look at each as it is now, and writes what it says. Returns what was written.
    pub async fn decide<F>(&self, ids: &[SessionId], mut decide: F) -> Result<Vec<Entry>, Error>
    where
        F: FnMut(&Session) -> Option<Entry>,
    {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client().await?;
        let tx = Tx::begin(&client);
        let sessions = lock(&tx, ids).await?;
        let entries: Vec<Entry> = sessions.iter().filter_map(&mut decide).collect();
        let passed = write(tx, &entries.iter().collect::<Vec<_>>()).await?;
        let written: Vec<Entry> = entries.into_iter().filter(|entry| passed.contains(&entry.change.after.id)).collect();
        self.tell(written.iter().map(|entry| &entry.change));
        Ok(written)
    }
}

fn verdict(written: &HashSet<SessionId>, id: SessionId) -> Verdict {
    if written.contains(&id) { Verdict::Committed } else { Verdict::Fenced }
}

/// Makes due what parks for an outcome that has arrived in the meantime.
async fn meet_outcomes(tx: &Tx<'_>, entries: &mut [Cow<'_, Entry>]) -> Result<(), Error> {
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

/// Lets what waits for a connection that came while its worker had it look again soon. Whoever notes a connection looks
/// for those who wait under the lock of their rows, so that neither can miss the other.
async fn meet_connections(tx: &Tx<'_>, entries: &mut [Cow<'_, Entry>]) -> Result<(), Error> {
    let waiting = |entry: &Entry| {
        let Change { after, transition, .. } = &entry.change;
        let taken_at = transition.as_ref().and_then(|transition| transition.taken_at)?;
        matches!(after.waiting_on, Some(WaitingOn::Connectivity)).then_some((after.computer.0, taken_at))
    };
    let (computers, taken): (Vec<i64>, Vec<Timestamp>) = entries.iter().filter_map(|entry| waiting(entry)).unzip();
    if computers.is_empty() {
        return Ok(());
    }
    // A connection is noted a moment after its time; one that was there when the worker looked did not help it.
    let statement = tx
        .prepare_cached(
            "SELECT u.computer_id FROM unnest($1::bigint[], $2::timestamptz[]) AS u(computer_id, taken_at)
             JOIN agent_presence p ON p.computer_id = u.computer_id
             WHERE p.connected_at > u.taken_at - interval '1 second'",
        )
        .await
        .doing("looking for connections")?;
    let rows = tx.query(&statement, &[&computers, &taken]).await.doing("looking for connections")?;
    let here: HashSet<i64> = rows.iter().map(|row| row.get("computer_id")).collect();
    for entry in entries {
        if waiting(entry).is_some_and(|(computer, _)| here.contains(&computer)) {
            connection_is_here(&mut entry.to_mut().change);
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
            | WaitingOn::Retry
            | WaitingOn::Lock,
        )
        | None => false,
    };
    after.run_in_flight.filter(|_| for_the_computer)
}

/// The query that locks the sessions `$1` in the order of their ids and reads these columns of `session s`.
fn locked(columns: &str) -> String {
    format!(
        "SELECT {columns} FROM (SELECT id FROM unnest($1::bigint[]) AS asked(id) ORDER BY id) asked
         JOIN session s ON s.id = ANY(ARRAY[asked.id]) ORDER BY asked.id FOR NO KEY UPDATE OF s"
    )
}

/// Locks sessions in the order of their ids and reads them; final ones are absent.
pub(super) async fn lock(tx: &Tx<'_>, ids: &[SessionId]) -> Result<Vec<Session>, Error> {
    let statement = tx.prepare_cached(&locked(rows::SESSION)).await.doing("locking sessions")?;
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

/// Writes changes of sessions that are locked and whose revision was checked, and commits. Returns those written.
pub(super) async fn write(tx: Tx<'_>, entries: &[&Entry]) -> Result<HashSet<SessionId>, Error> {
    let refused = holds::take_holds(&tx, entries).await?;
    let entries: Vec<&Entry> =
        entries.iter().copied().filter(|entry| !refused.contains(&entry.change.after.id)).collect();
    compliance::judged(&tx, &entries).await?;
    let mut last = Last::default();
    let places = plan(&mut last, &entries);
    let answers = tx.commit(last).await?;
    Ok(written(places, &answers))
}

/// Plans all that these changes write, of which none takes a computer or brings a judgement. Returns the places of the answers that name what
/// was written.
pub(super) fn plan<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) -> [Option<usize>; 2] {
    let (ending, living): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().copied().partition(|entry| entry.change.after.status.is_final());
    let places = [sessions::update(last, &living), sessions::finish(last, &ending)];
    transitions(last, entries);
    results::results(last, entries);
    inventory::seen(last, entries);
    answers::answers(last, entries);
    // What is settled without touching the computer is planned and ended at once, in this order.
    actions::planned(last, entries);
    actions::ended(last, entries);
    actions::leave_none_started(last, &ending);
    runs::outcomes(last, entries);
    // Reads the outcomes of what has failed.
    compliance::executed(last, entries);
    holds::release_holds(last, entries);
    places
}

fn written(places: [Option<usize>; 2], answers: &[Vec<Row>]) -> HashSet<SessionId> {
    let rows = places.into_iter().flatten().filter_map(|place| answers.get(place)).flatten();
    rows.map(|row| SessionId(row.get("id"))).collect()
}

/// Values of ours always serialise; what cannot be is a defect, and null is refused by the schema's checks.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
