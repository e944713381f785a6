//! How many sessions there are, by status.

use futures_util::try_join;
use jiff::Timestamp;
use tokio_postgres::types::ToSql;

use super::error::Doing;
use super::overview::SILENCE;
use super::{Error, Store, rows};
use crate::domain::TenantId;
use crate::domain::report::StatusCounts;

impl Store {
    /// Counts live sessions, and those that became final since a time, of one tenant or of all.
    pub async fn count_sessions(&self, tenant: Option<TenantId>, since: Timestamp) -> Result<StatusCounts, Error> {
        let tenant = tenant.map(|tenant| tenant.0);
        let silence = SILENCE.as_secs_f64();
        let client = self.client().await?;
        let of_tenant: [&(dyn ToSql + Sync); 1] = [&tenant];
        let ended: [&(dyn ToSql + Sync); 2] = [&tenant, &since];
        let heard: [&(dyn ToSql + Sync); 1] = [&silence];
        let (counted, sums, places) = try_join!(
            client.query(
                "SELECT status, count(*) AS count FROM session WHERE $1::bigint IS NULL OR tenant_id = $1 GROUP BY status
                 UNION ALL
                 SELECT status, count(*) FROM session_history
                 WHERE finished_at >= $2 AND ($1::bigint IS NULL OR tenant_id = $1) GROUP BY status",
                &ended,
            ),
            client.query_one(
                "SELECT clock_timestamp() AS at,
                        (SELECT count(*) FROM computer_hold WHERE $1::bigint IS NULL OR tenant_id = $1) AS running,
                        least((SELECT max_running FROM tenant WHERE id = $1), (SELECT max_running FROM scheduler_term))
                            AS max_running",
                &of_tenant,
            ),
            client.query(
                "SELECT stage, sum(capacity)::bigint AS places FROM worker
                 WHERE heartbeat_at >= clock_timestamp() - make_interval(secs => $1) GROUP BY stage",
                &heard,
            ),
        )
        .doing("counting sessions")?;
        Ok(StatusCounts {
            at: sums.get("at"),
            since,
            sessions: counted
                .iter()
                .map(|row| Ok((rows::word(row, "status")?, row.get("count"))))
                .collect::<Result<_, Error>>()?,
            running: sums.get("running"),
            max_running: sums.get("max_running"),
            places: places.iter().map(|row| (row.get("stage"), row.get("places"))).collect(),
        })
    }
}
