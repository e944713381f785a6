//! The actions of plans, and how they ended.

use super::results::worked_dispatch;
use super::{EndedAction, Entry};
use crate::domain::SessionId;
use crate::domain::session::Stage;
use crate::store::tx::{Last, params};

pub(super) fn planned<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) {
    let rows: Vec<_> =
        entries.iter().flat_map(|entry| entry.planned.iter().map(move |row| (&entry.change, row))).collect();
    if rows.is_empty() {
        return;
    }
    let sql =
        "INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, detected, desired, parent, status)
             SELECT u.*, 'planned'
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::int[]) AS u";
    let them = || rows.iter().map(|(_, row)| row);
    last.add(
        "storing planned actions",
        sql,
        params![
            rows.iter().map(|(c, _)| c.after.id.0).collect::<Vec<_>>(),
            rows.iter().map(|(c, _)| worked_dispatch(c)).collect::<Vec<_>>(),
            them().map(|r| r.seq).collect::<Vec<_>>(),
            them().map(|r| r.item.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.deployment.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.kind.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.reason.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.detected.as_deref()).collect::<Vec<_>>(),
            them().map(|r| r.desired.as_deref()).collect::<Vec<_>>(),
            them().map(|r| r.parent).collect::<Vec<_>>(),
        ],
    );
}

pub(super) fn ended<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) {
    let rows: Vec<_> =
        entries.iter().flat_map(|entry| entry.ended.iter().map(move |row| (entry.change.after.id, row))).collect();
    end_actions(last, &rows);
}

/// Nobody will tell how an action ended whose session is given up in the middle of it.
pub(super) fn leave_none_started(last: &mut Last<'_>, ending: &[&Entry]) {
    let given_up: Vec<i64> = ending
        .iter()
        .map(|entry| &entry.change.after)
        .filter(|session| session.stage == Stage::Execution && session.status.is_given_up())
        .map(|session| session.id.0)
        .collect();
    if given_up.is_empty() {
        return;
    }
    let sql = "UPDATE action a SET status = 'done', result = 'indeterminate', result_reason = 'interrupted',
                                   message = 'The session ended before it was known what came of it.',
                                   attempts = coalesce(r.attempt, a.attempts), run_id = coalesce(r.run_id, a.run_id),
                                   started_at = coalesce(a.started_at, r.created_at), ended_at = clock_timestamp()
               FROM action b LEFT JOIN LATERAL (
                   SELECT run_id, attempt, created_at FROM run
                   WHERE session_id = b.session_id AND plan = b.dispatch AND action_seq = b.seq
                   ORDER BY created_at DESC LIMIT 1
               ) r ON true
               WHERE b.session_id = ANY($1) AND (b.status = 'started' OR (b.status = 'planned' AND r.run_id IS NOT NULL))
                 AND a.session_id = b.session_id AND a.dispatch = b.dispatch AND a.seq = b.seq";
    last.add("ending actions of sessions that were given up", sql, params![given_up]);
}

/// Records how actions ended.
pub(in crate::store) fn end_actions<'p>(last: &mut Last<'p>, rows: &[(SessionId, &'p EndedAction)]) {
    if rows.is_empty() {
        return;
    }
    let sql = "UPDATE action a SET status = 'done', result = u.result, result_reason = u.reason, message = u.message,
                                 attempts = u.attempts, run_id = coalesce(u.run_id, a.run_id),
                                 started_at = coalesce(a.started_at, u.started_at), ended_at = u.at
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[],
                         $8::uuid[], $9::timestamptz[], $10::timestamptz[])
                  AS u(session_id, dispatch, seq, result, reason, message, attempts, run_id, started_at, at)
             WHERE a.session_id = ANY(ARRAY[u.session_id]) AND a.dispatch = u.dispatch AND a.seq = u.seq
               AND a.status <> 'done'";
    let them = || rows.iter().map(|(_, row)| row);
    last.add(
        "recording how actions ended",
        sql,
        params![
            rows.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            them().map(|r| r.plan).collect::<Vec<_>>(),
            them().map(|r| r.seq).collect::<Vec<_>>(),
            them().map(|r| r.result.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.reason.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.message.as_str()).collect::<Vec<_>>(),
            them().map(|r| r.attempts).collect::<Vec<_>>(),
            them().map(|r| r.runs.map(|runs| runs.last)).collect::<Vec<_>>(),
            them().map(|r| r.runs.map(|runs| runs.begun)).collect::<Vec<_>>(),
            them().map(|r| r.at).collect::<Vec<_>>(),
        ],
    );
}
