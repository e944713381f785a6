//! The timeline.

use deadpool_postgres::Transaction;

use super::Entry;
use crate::store::Error;
use crate::store::error::Doing;

pub(in crate::store) async fn transitions(tx: &Transaction<'_>, entries: &[&Entry]) -> Result<(), Error> {
    let rows: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.change.transition.as_ref().map(|transition| (&entry.change.after, transition)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch,
                                     waited_on, due_at, admitted_at, taken_at, status, by, note, traceparent)
             SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[],
                                  $7::timestamptz[], $8::text[], $9::int[], $10::text[], $11::timestamptz[],
                                  $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::text[],
                                  $17::text[])",
        )
        .await
        .doing("recording transitions")?;
    let them = || rows.iter().map(|(_, transition)| transition);
    let sessions = || rows.iter().map(|(session, _)| session);
    tx.execute(
        &statement,
        &[
            &sessions().map(|s| s.id.0).collect::<Vec<_>>(),
            &them().map(|t| t.seq).collect::<Vec<_>>(),
            &sessions().map(|s| s.tenant.0).collect::<Vec<_>>(),
            &sessions().map(|s| s.computer.0).collect::<Vec<_>>(),
            &them().map(|t| t.what.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.at).collect::<Vec<_>>(),
            &them().map(|t| t.since).collect::<Vec<_>>(),
            &them().map(|t| t.stage.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.dispatch).collect::<Vec<_>>(),
            &them().map(|t| t.waited_on.map(|w| w.as_str())).collect::<Vec<_>>(),
            &them().map(|t| t.due_at).collect::<Vec<_>>(),
            &them().map(|t| t.admitted_at).collect::<Vec<_>>(),
            &them().map(|t| t.taken_at).collect::<Vec<_>>(),
            &sessions().map(|s| s.status.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.by.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.note.as_str()).collect::<Vec<_>>(),
            &them().map(|t| t.traceparent.as_deref()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording transitions")?;
    Ok(())
}
