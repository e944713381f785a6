//! Reservations of computers: taken with an admission, given back when nothing can be going on any more.

use std::collections::HashSet;

use jiff::Timestamp;

use super::Entry;
use crate::domain::SessionId;
use crate::domain::session::Session;
use crate::lifecycle::Hold;
use crate::store::Error;
use crate::store::error::Doing;
use crate::store::tx::{Last, Tx, params};

/// Reserves computers. Returns the sessions whose computer another one has.
pub(super) async fn take_holds(tx: &Tx<'_>, entries: &[&Entry]) -> Result<HashSet<SessionId>, Error> {
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

pub(super) fn release_holds(last: &mut Last<'_>, entries: &[&Entry]) {
    let ids: Vec<i64> = entries
        .iter()
        .filter(|entry| entry.change.hold == Hold::Release)
        .map(|entry| entry.change.after.id.0)
        .collect();
    if ids.is_empty() {
        return;
    }
    last.add("releasing computers", "DELETE FROM computer_hold WHERE session_id = ANY($1)", params![ids]);
}
