//! The outcomes of runs.

use super::{EndedRun, Entry};
use crate::store::tx::{Last, params};

pub(super) fn outcomes<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) {
    let rows: Vec<&EndedRun> = entries.iter().flat_map(|entry| entry.outcomes.iter()).collect();
    end_runs(last, &rows);
}

/// Records the outcomes of runs; the first one that is recorded for a run stays.
pub(in crate::store) fn end_runs<'p>(last: &mut Last<'p>, rows: &[&'p EndedRun]) {
    if rows.is_empty() {
        return;
    }
    let sql = "UPDATE run r SET outcome = u.outcome::json, outcome_at = u.at
             FROM unnest($1::uuid[], $2::text[], $3::timestamptz[]) AS u(run_id, outcome, at)
             WHERE r.run_id = ANY(ARRAY[u.run_id]) AND r.outcome IS NULL";
    last.add(
        "recording outcomes of runs",
        sql,
        params![
            rows.iter().map(|r| r.run_id).collect::<Vec<_>>(),
            rows.iter().map(|r| r.outcome.as_str()).collect::<Vec<_>>(),
            rows.iter().map(|r| r.at).collect::<Vec<_>>(),
        ],
    );
}
