//! The one gate through which a session changes.
//!
//! Rows are locked in the order of their ids, fenced by revision, and everything that belongs to a change (timeline,
//! results, actions, reservation, history) is written in the same transaction. What is fenced out is not written at all.

mod actions;
mod compliance;
mod entry;
mod holds;
mod inventory;
mod results;
mod runs;
mod sessions;
mod transitions;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use tracing::error;
use uuid::Uuid;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::SessionId;
use crate::domain::session::{Session, WaitingOn};
use crate::lifecycle::Change;
use crate::lifecycle::park::outcome_is_here;

pub use entry::{EndedAction, EndedRun, Entry, PlannedRow, StageResult};

pub(super) use actions::end_actions;
pub(super) use runs::end_runs;
pub(super) use transitions::transitions;

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
            | WaitingOn::Retry
            | WaitingOn::Lock,
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
    let refused = holds::take_holds(tx, entries).await?;
    let entries: Vec<&Entry> =
        entries.iter().copied().filter(|entry| !refused.contains(&entry.change.after.id)).collect();
    let (ending, living): (Vec<&Entry>, Vec<&Entry>) =
        entries.iter().copied().partition(|entry| entry.change.after.status.is_final());
    let (updated, ..) = futures_util::try_join!(
        sessions::update(tx, &living),
        sessions::finish(tx, &ending),
        transitions(tx, &entries),
        results::results(tx, &entries),
        inventory::seen(tx, &entries),
        // What is settled without touching the computer is planned and ended at once, in this order.
        async {
            actions::planned(tx, &entries).await?;
            actions::ended(tx, &entries).await?;
            actions::leave_none_started(tx, &ending).await?;
            compliance::executed(tx, &entries).await
        },
        compliance::judged(tx, &entries),
        runs::outcomes(tx, &entries),
        holds::release_holds(tx, &entries),
    )?;
    let mut epochs = updated;
    epochs.extend(ending.iter().map(|entry| (entry.change.after.id, entry.change.after.epoch)));
    Ok(epochs)
}

/// Values of ours always serialise; what cannot be is a defect, and null is refused by the schema's checks.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
