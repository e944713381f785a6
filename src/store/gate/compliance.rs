//! What sessions have judged, written where it differs from what is stored.
//!
//! Two have a say. Planning judges by what was found: what it says differs from its computer's last judgement, or it
//! would not be here, so the stored rows are read and compared. Execution judges by what came of its actions: whoever
//! ends the session, a worker, a person or rescue, those rows are the evidence, so one statement makes verdicts of them.
//!
//! One session has a computer, so nobody else writes its rows meanwhile. Where a session without it does, because it is
//! called off while it waits, what it planned counts only if no other session has ended on the computer since.

mod changes;

use std::collections::{HashMap, HashSet};

use super::Entry;
use crate::domain::Judged;
use crate::domain::session::{Stage, Status, WaitingOn};
use crate::lifecycle::Change;
use crate::store::Error;
use crate::store::error::Doing;
use crate::store::tx::{Last, Tx, params};
use changes::{Changes, Stored};

const EXECUTED: &str = include_str!("executed.sql");
const DOING: &str = "recording compliance";

/// Writes what planning has judged.
pub(super) async fn judged(tx: &Tx<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let entries: Vec<&Entry> = entries.iter().copied().filter(|entry| entry.judgement.is_some()).collect();
    if entries.is_empty() {
        return Ok(());
    }
    let mut stored = read(tx, &entries).await?;
    let mut changes = Changes::default();
    let mut fingerprints = Vec::new();
    for entry in entries {
        let Some(judgement) = &entry.judgement else { continue };
        let session = &entry.change.after;
        let mut before = stored.remove(&session.computer.0).unwrap_or_default();
        let written = changes.len();
        let mut known: HashSet<String> = judgement.kept.iter().map(ToString::to_string).collect();
        for verdict in &judgement.verdicts {
            let item = verdict.item.to_string();
            let old = before.remove(&item);
            known.insert(item);
            if !verdict.pending {
                changes.compare(old, now(verdict, &entry.change));
            }
        }
        if judgement.complete {
            let gone = before.into_values().filter(|old| !known.contains(&old.item));
            changes.gone.extend(gone.map(|old| (old, session.since, session.id.0)));
        }
        let fingerprint = judgement.fingerprint();
        if fingerprint.is_some() || changes.len() > written {
            fingerprints.push((session, fingerprint));
        }
    }
    changes.write(tx).await?;
    if fingerprints.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO judgement AS j (computer_id, fingerprint, session_id, at)
             SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::timestamptz[])
             ON CONFLICT (computer_id) DO UPDATE
             SET fingerprint = excluded.fingerprint, session_id = excluded.session_id, at = excluded.at
             WHERE j.fingerprint IS DISTINCT FROM excluded.fingerprint",
        )
        .await
        .doing(DOING)?;
    let sessions = || fingerprints.iter().map(|(session, _)| session);
    tx.execute(
        &statement,
        &[
            &sessions().map(|session| session.computer.0).collect::<Vec<_>>(),
            &fingerprints.iter().map(|(_, name)| name.as_ref().map(<[u8; 16]>::as_slice)).collect::<Vec<_>>(),
            &sessions().map(|session| session.id.0).collect::<Vec<_>>(),
            &sessions().map(|session| session.since).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing(DOING)?;
    Ok(())
}

/// A verdict as it would be stored if it were new.
fn now(verdict: &Judged, change: &Change) -> Stored {
    let session = &change.after;
    Stored {
        computer: session.computer.0,
        item: verdict.item.to_string(),
        tenant: session.tenant.0,
        deployment: verdict.deployment.clone(),
        state: verdict.state.to_string(),
        reason: verdict.reason.clone(),
        detected: verdict.detected.clone(),
        desired: verdict.desired.clone(),
        since: session.since,
        session: session.id.0,
    }
}

/// What is stored of these sessions' computers, by computer and item.
async fn read(tx: &Tx<'_>, entries: &[&Entry]) -> Result<HashMap<i64, HashMap<String, Stored>>, Error> {
    let statement = tx
        .prepare_cached(
            "SELECT computer_id, item, tenant_id, deployment, state, reason, detected, desired, since, session_id
             FROM compliance WHERE computer_id = ANY($1)",
        )
        .await
        .doing(DOING)?;
    let computers: Vec<i64> = entries.iter().map(|entry| entry.change.after.computer.0).collect();
    let rows = tx.query(&statement, &[&computers]).await.doing(DOING)?;
    let mut stored: HashMap<i64, HashMap<String, Stored>> = HashMap::new();
    for row in rows {
        let verdict = Stored {
            computer: row.get("computer_id"),
            item: row.get("item"),
            tenant: row.get("tenant_id"),
            deployment: row.get("deployment"),
            state: row.get("state"),
            reason: row.get("reason"),
            detected: row.get("detected"),
            desired: row.get("desired"),
            since: row.get("since"),
            session: row.get("session_id"),
        };
        stored.entry(verdict.computer).or_default().insert(verdict.item.clone(), verdict);
    }
    Ok(stored)
}

/// Plans what came of the actions of sessions that end, or come to wait for something that may take long.
///
/// In the moments between a plan and its execution, and while that goes on, the verdicts from before stand.
pub(super) fn executed(last: &mut Last<'_>, entries: &[&Entry]) {
    let sessions: Vec<_> =
        entries.iter().filter(|entry| tells(&entry.change)).map(|entry| &entry.change.after).collect();
    if sessions.is_empty() {
        return;
    }
    last.add(
        DOING,
        EXECUTED,
        params![
            sessions.iter().map(|session| session.id.0).collect::<Vec<_>>(),
            sessions.iter().map(|session| session.computer.0).collect::<Vec<_>>(),
            sessions.iter().map(|session| session.tenant.0).collect::<Vec<_>>(),
            sessions.iter().map(|session| session.since).collect::<Vec<_>>(),
        ],
    );
}

/// True if it is time to tell what came of a session's plan so far.
fn tells(change: &Change) -> bool {
    let long = match change.after.waiting_on {
        Some(
            WaitingOn::Window
            | WaitingOn::Schedule
            | WaitingOn::Approval
            | WaitingOn::Postponed
            | WaitingOn::Connectivity,
        ) => true,
        Some(WaitingOn::Turn | WaitingOn::Reboot | WaitingOn::Retry | WaitingOn::Computer | WaitingOn::Lock) | None => {
            false
        }
    };
    let status = change.after.status;
    change.after.stage == Stage::Execution && (status.is_final() || status == Status::Paused || long)
}
