//! The verdict on a run: every session has one end and was completed, and nothing was done twice.

use tokio_postgres::Client;

/// Each counts something that must not be there, for `$1` sessions with ids above `$2`.
const FAULTS: [(&str, &str); 7] = [
    (
        "sessions missing from history or there twice",
        "SELECT abs($1 - count(DISTINCT id)) + count(*) - count(DISTINCT id) FROM session_history WHERE id > $2",
    ),
    (
        "sessions that were not completed",
        "SELECT count(*) + 0 * $1 FROM session_history WHERE id > $2 AND status <> 'completed'",
    ),
    (
        "sessions still live, or computers still held",
        "SELECT (SELECT count(*) FROM session) + (SELECT count(*) FROM computer_hold) + 0 * ($1 + $2)",
    ),
    (
        "sessions without exactly three actions",
        "SELECT abs($1 - count(*)) FROM (SELECT session_id FROM action WHERE session_id > $2 GROUP BY session_id
                                         HAVING count(*) = 3) done",
    ),
    (
        "actions that did not succeed at the first attempt",
        "SELECT count(*) + 0 * $1 FROM action
         WHERE session_id > $2 AND (result IS DISTINCT FROM 'success' OR attempts <> 1)",
    ),
    (
        "detections or actions started twice, or never",
        "SELECT abs($1 * 4 - count(*)) FROM (SELECT session_id, dispatch, action_seq FROM run WHERE session_id > $2
                                             GROUP BY 1, 2, 3 HAVING count(*) = 1) once",
    ),
    ("runs without an outcome", "SELECT count(*) + 0 * $1 FROM run WHERE session_id > $2 AND outcome IS NULL"),
];

/// Fails, saying what is wrong, unless all is as it must be.
pub async fn check(sql: &Client, first: i64, sessions: u64) -> anyhow::Result<()> {
    let sessions = i64::try_from(sessions)?;
    let mut wrong = Vec::new();
    for (what, query) in FAULTS {
        let query = query.replace("$1", "$1::bigint").replace("$2", "$2::bigint");
        let count: i64 = sql.query_one(&query, &[&sessions, &first]).await?.get(0);
        if count != 0 {
            wrong.push(format!("{count} {what}"));
        }
    }
    anyhow::ensure!(wrong.is_empty(), "the verdict on {sessions} sessions: {}", wrong.join("; "));
    Ok(())
}
