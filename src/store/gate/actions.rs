//! The actions of plans, and how they ended.

use deadpool_postgres::Transaction;

use super::results::worked_dispatch;
use super::{EndedAction, Entry};
use crate::domain::SessionId;
use crate::domain::session::Stage;
use crate::store::Error;
use crate::store::error::Doing;

pub(super) async fn planned(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> =
        entries.iter().flat_map(|entry| entry.planned.iter().map(move |row| (&entry.change, row))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO action (session_id, dispatch, seq, item, deployment, type, reason, detected, desired, status)
             SELECT u.*, 'planned'
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[]) AS u",
        )
        .await
        .doing("storing planned actions")?;
    let them = || rows.iter().map(|(_, row)| row);
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|(c, _)| c.after.id.0).collect::<Vec<_>>(),
            &rows.iter().map(|(c, _)| worked_dispatch(c)).collect::<Vec<_>>(),
            &them().map(|r| r.seq).collect::<Vec<_>>(),
            &them().map(|r| r.item.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.deployment.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.kind.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.reason.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.detected.as_deref()).collect::<Vec<_>>(),
            &them().map(|r| r.desired.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("storing planned actions")?;
    Ok(())
}

pub(super) async fn ended(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> =
        entries.iter().flat_map(|entry| entry.ended.iter().map(move |row| (entry.change.after.id, row))).collect();
    end_actions(tx, &rows).await
}

/// Nobody will tell how an action ended whose session is given up in the middle of it.
pub(super) async fn leave_none_started(tx: &Transaction<'_>, ending: &[&Entry]) -> Result<(), Error> {
    let given_up: Vec<i64> = ending
        .iter()
        .map(|entry| &entry.change.after)
        .filter(|session| session.stage == Stage::Execution && session.status.is_given_up())
        .map(|session| session.id.0)
        .collect();
    if given_up.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE action SET status = 'done', result = 'indeterminate', result_reason = 'interrupted',
                               message = 'The session ended before it was known what came of it.',
                               ended_at = clock_timestamp()
             WHERE session_id = ANY($1) AND status = 'started'",
        )
        .await
        .doing("ending actions of sessions that were given up")?;
    tx.execute(&statement, &[&given_up]).await.doing("ending actions of sessions that were given up")?;
    Ok(())
}

/// Records how actions ended.
pub(in crate::store) async fn end_actions(
    tx: &Transaction<'_>,
    rows: &[(SessionId, &EndedAction)],
) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE action a SET status = 'done', result = u.result, result_reason = u.reason, message = u.message,
                                 attempts = u.attempts, ended_at = u.at
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[],
                         $8::timestamptz[]) AS u(session_id, dispatch, seq, result, reason, message, attempts, at)
             WHERE a.session_id = u.session_id AND a.dispatch = u.dispatch AND a.seq = u.seq AND a.status <> 'done'",
        )
        .await
        .doing("recording how actions ended")?;
    let them = || rows.iter().map(|(_, row)| row);
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|(id, _)| id.0).collect::<Vec<_>>(),
            &them().map(|r| r.plan).collect::<Vec<_>>(),
            &them().map(|r| r.seq).collect::<Vec<_>>(),
            &them().map(|r| r.result.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.reason.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.message.as_str()).collect::<Vec<_>>(),
            &them().map(|r| r.attempts).collect::<Vec<_>>(),
            &them().map(|r| r.at).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording how actions ended")?;
    Ok(())
}
