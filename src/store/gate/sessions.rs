//! The sessions' own rows: live ones are updated in place, final ones move to history.

use super::{Entry, to_json};
use crate::store::tx::{Last, params};

/// Plans the update of live sessions. Returns the place of its answer: the ids of those that were changed.
pub(super) fn update<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) -> Option<usize> {
    if entries.is_empty() {
        return None;
    }
    let sql = "UPDATE session s SET
                 status = u.status, waiting_on = u.waiting_on, stage = u.stage, dispatch = u.dispatch,
                 attempt = u.attempt, losses = u.losses, run_after = u.run_after, waited_on = u.waited_on,
                 due_at = u.due_at, admitted_at = u.admitted_at, taken_at = u.taken_at, owner = u.owner,
                 deadline = u.deadline, epoch = u.epoch, run_in_flight = u.run_in_flight, cancel = u.cancel::jsonb,
                 pause = u.pause::jsonb, revision = u.revision, since = u.since, started_at = u.started_at,
                 last_error = u.last_error,
                 lock = CASE WHEN u.admitted_at IS NOT NULL OR u.run_in_flight IS NOT NULL THEN s.lock END,
                 lock_wanted = CASE WHEN u.status <> 'paused' THEN s.lock_wanted END,
                 lock_since = CASE
                     WHEN s.lock IS NOT NULL AND (u.admitted_at IS NOT NULL OR u.run_in_flight IS NOT NULL)
                         OR s.lock_wanted IS NOT NULL AND u.status <> 'paused' THEN s.lock_since END
             FROM unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::int[], $7::int[], $8::int[],
                         $9::timestamptz[], $10::text[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
                         $14::text[], $15::timestamptz[], $16::bigint[], $17::uuid[], $18::text[], $19::text[],
                         $20::int[], $21::timestamptz[], $22::timestamptz[], $23::text[])
                  AS u(id, before, status, waiting_on, stage, dispatch, attempt, losses, run_after, waited_on, due_at,
                       admitted_at, taken_at, owner, deadline, epoch, run_in_flight, cancel, pause, revision, since,
                       started_at, last_error)
             WHERE s.id = ANY(ARRAY[u.id]) AND s.revision = u.before
             RETURNING s.id";
    let changes = || entries.iter().map(|entry| &entry.change);
    let sessions = || changes().map(|change| &change.after);
    Some(last.add(
        "changing sessions",
        sql,
        params![
            sessions().map(|s| s.id.0).collect::<Vec<_>>(),
            changes().map(|c| c.before).collect::<Vec<_>>(),
            sessions().map(|s| s.status.as_str()).collect::<Vec<_>>(),
            sessions().map(|s| s.waiting_on.map(|w| w.as_str())).collect::<Vec<_>>(),
            sessions().map(|s| s.stage.as_str()).collect::<Vec<_>>(),
            sessions().map(|s| s.dispatch).collect::<Vec<_>>(),
            sessions().map(|s| s.attempt).collect::<Vec<_>>(),
            sessions().map(|s| s.losses).collect::<Vec<_>>(),
            sessions().map(|s| s.run_after).collect::<Vec<_>>(),
            sessions().map(|s| s.waited_on.map(|w| w.as_str())).collect::<Vec<_>>(),
            sessions().map(|s| s.due_at).collect::<Vec<_>>(),
            sessions().map(|s| s.admitted_at).collect::<Vec<_>>(),
            sessions().map(|s| s.taken_at).collect::<Vec<_>>(),
            sessions().map(|s| s.owner.as_deref()).collect::<Vec<_>>(),
            sessions().map(|s| s.deadline).collect::<Vec<_>>(),
            sessions().map(|s| s.epoch).collect::<Vec<_>>(),
            sessions().map(|s| s.run_in_flight).collect::<Vec<_>>(),
            sessions().map(|s| s.cancel.as_ref().map(to_json)).collect::<Vec<_>>(),
            sessions().map(|s| s.pause.as_ref().map(to_json)).collect::<Vec<_>>(),
            sessions().map(|s| s.revision).collect::<Vec<_>>(),
            sessions().map(|s| s.since).collect::<Vec<_>>(),
            sessions().map(|s| s.started_at).collect::<Vec<_>>(),
            sessions().map(|s| s.last_error.as_deref()).collect::<Vec<_>>(),
        ],
    ))
}

/// Plans the move of sessions that have ended. Returns the place of its answer: the ids of those that were moved.
pub(super) fn finish<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) -> Option<usize> {
    if entries.is_empty() {
        return None;
    }
    let sql = "WITH u AS (
                 SELECT * FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bigint[], $5::int[],
                                      $6::timestamptz[], $7::timestamptz[], $8::text[])
                      AS u(id, before, status, epoch, revision, started_at, finished_at, last_error)
             ), gone AS (
                 DELETE FROM session s USING u WHERE s.id = ANY(ARRAY[u.id]) AND s.revision = u.before
                 RETURNING s.id, s.tenant_id, s.computer_id, s.kind, s.priority, s.\"order\", u.status, s.stage,
                           s.dispatch, s.attempt, s.losses, u.epoch, s.cancel, u.revision, s.created_at, u.started_at,
                           u.finished_at, u.last_error
             )
             INSERT INTO session_history (id, tenant_id, computer_id, kind, priority, \"order\", status, stage, dispatch,
                                          attempt, losses, epoch, cancel, revision, created_at, started_at,
                                          finished_at, last_error)
             SELECT * FROM gone RETURNING id";
    let changes = || entries.iter().map(|entry| &entry.change);
    Some(last.add(
        "ending sessions",
        sql,
        params![
            changes().map(|c| c.after.id.0).collect::<Vec<_>>(),
            changes().map(|c| c.before).collect::<Vec<_>>(),
            changes().map(|c| c.after.status.as_str()).collect::<Vec<_>>(),
            changes().map(|c| c.after.epoch).collect::<Vec<_>>(),
            changes().map(|c| c.after.revision).collect::<Vec<_>>(),
            changes().map(|c| c.after.started_at).collect::<Vec<_>>(),
            changes().map(|c| c.after.finished_at).collect::<Vec<_>>(),
            changes().map(|c| c.after.last_error.as_deref()).collect::<Vec<_>>(),
        ],
    ))
}
