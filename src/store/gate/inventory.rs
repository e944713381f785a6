//! What computers were seen to have, for the queries of groups: the last inventory that was taken whole.

use super::{Entry, to_json};
use crate::store::tx::{Last, params};

/// Replaces the inventories of computers whose detection has taken one. One session has a computer, so no two write one.
pub(super) fn seen(last: &mut Last<'_>, entries: &[&Entry]) {
    let rows: Vec<_> =
        entries.iter().filter_map(|entry| Some((&entry.change.after, entry.result.as_ref()?.seen.as_ref()?))).collect();
    if rows.is_empty() {
        return;
    }
    let sql = "INSERT INTO computer_inventory (computer_id, session_id, taken_at, facts, software)
             SELECT u.computer, u.session, u.at, u.facts::jsonb, u.software::jsonb
             FROM unnest($1::bigint[], $2::bigint[], $3::timestamptz[], $4::text[], $5::text[])
                  AS u(computer, session, at, facts, software)
             ON CONFLICT (computer_id) DO UPDATE
             SET session_id = EXCLUDED.session_id, taken_at = EXCLUDED.taken_at, facts = EXCLUDED.facts,
                 software = EXCLUDED.software";
    last.add(
        "storing inventories",
        sql,
        params![
            rows.iter().map(|(session, _)| session.computer.0).collect::<Vec<_>>(),
            rows.iter().map(|(session, _)| session.id.0).collect::<Vec<_>>(),
            rows.iter().map(|(session, _)| session.since).collect::<Vec<_>>(),
            rows.iter().map(|(_, seen)| to_json(&seen.facts)).collect::<Vec<_>>(),
            rows.iter().map(|(_, seen)| to_json(&seen.software)).collect::<Vec<_>>(),
        ],
    );
}
