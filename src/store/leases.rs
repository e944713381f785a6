//! Leases: a worker says which sessions it still works on, and learns what is wanted of them.

use std::time::Duration;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::SessionId;

/// What is wanted of a session that a worker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Intents {
    /// It is to be cancelled.
    pub cancel: bool,
    /// It is to be paused.
    pub pause: bool,
    /// Its tenant is stopped: nothing new is to be started there.
    pub stop: bool,
}

/// A session that is still the worker's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Renewed {
    /// The session.
    pub session: SessionId,
    /// Its dispatch.
    pub dispatch: i32,
    /// What is wanted of it.
    pub intents: Intents,
}

impl Store {
    /// Extends the leases of sessions that `worker` has under these dispatches until `lease` from now. A session that
    /// does not come back is not the worker's any more.
    pub async fn renew(&self, worker: &str, held: &[(SessionId, i32)], lease: Duration) -> Result<Vec<Renewed>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "WITH mine AS (
                     SELECT s.id FROM session s
                     JOIN unnest($1::bigint[], $2::int[]) AS u(id, dispatch)
                       ON s.id = ANY(ARRAY[u.id]) AND s.dispatch = u.dispatch
                     WHERE s.owner = $3 ORDER BY u.id FOR NO KEY UPDATE OF s
                 )
                 UPDATE session s SET deadline = clock_timestamp() + make_interval(secs => $4)
                 FROM mine WHERE s.id = ANY(ARRAY[mine.id])
                 RETURNING s.id, s.dispatch, s.cancel IS NOT NULL AS cancel, s.pause IS NOT NULL AS pause,
                           EXISTS (SELECT FROM tenant t WHERE t.id = s.tenant_id AND t.stopped_at IS NOT NULL) AS stop",
            )
            .await
            .doing("extending leases")?;
        let ids: Vec<i64> = held.iter().map(|(id, _)| id.0).collect();
        let dispatches: Vec<i32> = held.iter().map(|(_, dispatch)| *dispatch).collect();
        let rows = client
            .query(&statement, &[&ids, &dispatches, &worker, &lease.as_secs_f64()])
            .await
            .doing("extending leases")?;
        Ok(rows.iter().map(renewed).collect())
    }

    /// Looks what is wanted of sessions that `worker` has under these dispatches, and extends nothing. A session that does
    /// not come back is not the worker's any more.
    pub async fn look(&self, worker: &str, held: &[(SessionId, i32)]) -> Result<Vec<Renewed>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT s.id, s.dispatch, s.cancel IS NOT NULL AS cancel, s.pause IS NOT NULL AS pause,
                           EXISTS (SELECT FROM tenant t WHERE t.id = s.tenant_id AND t.stopped_at IS NOT NULL) AS stop
                 FROM session s
                 JOIN unnest($1::bigint[], $2::int[]) AS u(id, dispatch)
                       ON s.id = ANY(ARRAY[u.id]) AND s.dispatch = u.dispatch
                 WHERE s.owner = $3",
            )
            .await
            .doing("looking what is wanted of sessions")?;
        let ids: Vec<i64> = held.iter().map(|(id, _)| id.0).collect();
        let dispatches: Vec<i32> = held.iter().map(|(_, dispatch)| *dispatch).collect();
        let rows = client
            .query(&statement, &[&ids, &dispatches, &worker])
            .await
            .doing("looking what is wanted of sessions")?;
        Ok(rows.iter().map(renewed).collect())
    }
}

fn renewed(row: &tokio_postgres::Row) -> Renewed {
    Renewed {
        session: SessionId(row.get("id")),
        dispatch: row.get("dispatch"),
        intents: Intents { cancel: row.get("cancel"), pause: row.get("pause"), stop: row.get("stop") },
    }
}
