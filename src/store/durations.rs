//! How long actions take: medians, learned now and then from the latest actions.
//!
//! What a task's test names is learned and looked up as its task: most of it comes once and never again.

use deadpool_postgres::Transaction;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::report::Duration;
use crate::planning::forecast::Durations;

/// So many of the latest actions are looked through.
const LATEST: i64 = 20_000;
/// So many samples take the place of what was learned from more.
const ENOUGH: i32 = 5;
const DOING: &str = "reading how long actions take";

impl Store {
    /// Learns from the latest actions that were done at the first attempt. Returns how many medians are other than before.
    pub async fn learn_durations(&self) -> Result<u64, Error> {
        let doing = "learning how long actions take";
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "WITH nobodys AS (DELETE FROM expected_duration WHERE position('#' IN item) > 0)
                 INSERT INTO expected_duration AS e (item, type, version, median_ms, samples, learned_at)
                 SELECT item, type, coalesce(desired, ''),
                        round(1000 * percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - started_at))),
                        count(*), clock_timestamp()
                 FROM (SELECT split_part(item, '#', 1) AS item, type, desired, result, result_reason, attempts, started_at, ended_at
                       FROM action ORDER BY session_id DESC, dispatch DESC, seq DESC LIMIT $1) latest
                 WHERE result = 'success' AND result_reason = 'done' AND attempts = 1 AND ended_at >= started_at
                 GROUP BY item, type, coalesce(desired, '')
                 ON CONFLICT (item, type, version) DO UPDATE
                 SET median_ms = excluded.median_ms, samples = excluded.samples, learned_at = excluded.learned_at
                 WHERE excluded.samples >= least(e.samples, $2)
                   AND (e.median_ms, e.samples) IS DISTINCT FROM (excluded.median_ms, excluded.samples)",
            )
            .await
            .doing(doing)?;
        client.execute(&statement, &[&LATEST, &ENOUGH]).await.doing(doing)
    }

    /// What was learned, by item, type and version; of one item if one is named.
    pub async fn durations(&self, item: Option<&str>, limit: usize) -> Result<Vec<Duration>, Error> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX);
        let client = self.client().await?;
        let found = client
            .query(
                "SELECT item, type, version, median_ms, samples, learned_at FROM expected_duration
                 WHERE $1::text IS NULL OR item = split_part($1, '#', 1) ORDER BY item, type, version LIMIT $2",
                &[&item, &most],
            )
            .await
            .doing(DOING)?;
        Ok(found
            .iter()
            .map(|row| Duration {
                item: row.get("item"),
                action: row.get("type"),
                version: Some(row.get::<_, String>("version")).filter(|version| !version.is_empty()),
                median_ms: row.get("median_ms"),
                samples: row.get("samples"),
                learned_at: row.get("learned_at"),
            })
            .collect())
    }
}

/// All that was learned, in milliseconds.
pub(super) async fn all(tx: &Transaction<'_>) -> Result<Durations, Error> {
    let found = tx.query("SELECT item, type, version, median_ms FROM expected_duration", &[]).await.doing(DOING)?;
    Ok(found
        .iter()
        .map(|row| {
            let median = u64::try_from(row.get::<_, i64>("median_ms")).unwrap_or(0);
            ((row.get("item"), row.get("type"), row.get("version")), median)
        })
        .collect())
}
