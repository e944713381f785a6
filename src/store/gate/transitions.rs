//! The timeline.

use super::Entry;
use crate::store::tx::{Last, params};

pub(in crate::store) fn transitions<'p>(last: &mut Last<'p>, entries: &[&'p Entry]) {
    let rows: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.change.transition.as_ref().map(|transition| (&entry.change.after, transition)))
        .collect();
    if rows.is_empty() {
        return;
    }
    let sql = "INSERT INTO transition (session_id, seq, tenant_id, computer_id, what, at, since, stage, dispatch,
                                     waited_on, due_at, admitted_at, taken_at, status, by, note, traceparent)
             SELECT * FROM unnest($1::bigint[], $2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::timestamptz[],
                                  $7::timestamptz[], $8::text[], $9::int[], $10::text[], $11::timestamptz[],
                                  $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::text[],
                                  $17::text[])";
    let them = || rows.iter().map(|(_, transition)| transition);
    let sessions = || rows.iter().map(|(session, _)| session);
    last.add(
        "recording transitions",
        sql,
        params![
            sessions().map(|s| s.id.0).collect::<Vec<_>>(),
            them().map(|t| t.seq).collect::<Vec<_>>(),
            sessions().map(|s| s.tenant.0).collect::<Vec<_>>(),
            sessions().map(|s| s.computer.0).collect::<Vec<_>>(),
            them().map(|t| t.what.as_str()).collect::<Vec<_>>(),
            them().map(|t| t.at).collect::<Vec<_>>(),
            them().map(|t| t.since).collect::<Vec<_>>(),
            them().map(|t| t.stage.as_str()).collect::<Vec<_>>(),
            them().map(|t| t.dispatch).collect::<Vec<_>>(),
            them().map(|t| t.waited_on.map(|w| w.as_str())).collect::<Vec<_>>(),
            them().map(|t| t.due_at).collect::<Vec<_>>(),
            them().map(|t| t.admitted_at).collect::<Vec<_>>(),
            them().map(|t| t.taken_at).collect::<Vec<_>>(),
            sessions().map(|s| s.status.as_str()).collect::<Vec<_>>(),
            them().map(|t| t.by.as_str()).collect::<Vec<_>>(),
            them().map(|t| t.note.as_str()).collect::<Vec<_>>(),
            them().map(|t| t.traceparent.as_deref()).collect::<Vec<_>>(),
        ],
    );
}
