//! What stages found out or decided.

use super::Entry;
use crate::lifecycle::Change;
use crate::store::tx::{Last, params};

pub(super) fn results<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) {
    let rows: Vec<_> =
        entries.iter().filter_map(|entry| entry.result.as_ref().map(|result| (&entry.change, result))).collect();
    if rows.is_empty() {
        return;
    }
    let sql = "INSERT INTO stage_result (session_id, stage, dispatch, at, hash, body)
             SELECT u.id, u.stage, u.dispatch, u.at, u.hash, u.body::json
             FROM unnest($1::bigint[], $2::text[], $3::int[], $4::timestamptz[], $5::bytea[], $6::text[])
                  AS u(id, stage, dispatch, at, hash, body)";
    last.add(
        "storing results",
        sql,
        params![
            rows.iter().map(|(c, _)| c.after.id.0).collect::<Vec<_>>(),
            rows.iter().map(|(_, r)| r.stage.as_str()).collect::<Vec<_>>(),
            rows.iter().map(|(c, _)| worked_dispatch(c)).collect::<Vec<_>>(),
            rows.iter().map(|(c, _)| c.after.since).collect::<Vec<_>>(),
            rows.iter().map(|(_, r)| r.hash.as_deref()).collect::<Vec<_>>(),
            rows.iter().map(|(_, r)| r.body.as_str()).collect::<Vec<_>>(),
        ],
    );
}

/// The dispatch whose work a change settles: its timeline entry names it.
pub(super) fn worked_dispatch(change: &Change) -> i32 {
    change.transition.as_ref().map_or(change.after.dispatch, |transition| transition.dispatch)
}
