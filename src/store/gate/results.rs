//! What stages found out or decided.

use deadpool_postgres::Transaction;

use super::Entry;
use crate::lifecycle::Change;
use crate::store::Error;
use crate::store::error::Doing;

pub(super) async fn results(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
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
pub(super) fn worked_dispatch(change: &Change) -> i32 {
    change.transition.as_ref().map_or(change.after.dispatch, |transition| transition.dispatch)
}
