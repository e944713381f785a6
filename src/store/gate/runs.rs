//! The outcomes of runs.

use deadpool_postgres::Transaction;

use super::{EndedRun, Entry};
use crate::store::Error;
use crate::store::error::Doing;

pub(super) async fn outcomes(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<&EndedRun> = entries.iter().flat_map(|entry| entry.outcomes.iter()).collect();
    end_runs(tx, &rows).await
}

/// Records the outcomes of runs; the first one that is recorded for a run stays.
pub(in crate::store) async fn end_runs(tx: &Transaction<'_>, rows: &[&EndedRun]) -> Result<(), Error> {
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
