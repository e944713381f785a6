//! Leases: a worker says which sessions it still works on, and learns what is wanted of them.

use std::sync::LazyLock;
use std::time::Duration;

use tokio_postgres::Row;

use super::error::Doing;
use super::{Error, Store};
use crate::domain::SessionId;

/// What is wanted of a session that a worker has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intents {
    /// It is to be cancelled.
    pub cancel: bool,
    /// It is to be paused.
    pub pause: bool,
    /// Its tenant or the whole fleet is stopped: nothing new is to be started there.
    pub stop: bool,
    /// The version of the policy that counts.
    pub policy_version: i64,
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

impl Intents {
    /// Reads them from a row with the columns [`INTENTS`].
    pub(super) fn of(row: &Row) -> Intents {
        Intents {
            cancel: row.get("cancel"),
            pause: row.get("pause"),
            stop: row.get("stop"),
            policy_version: row.get("policy_version"),
        }
    }
}

/// What is wanted of `session s`, for a SELECT or a RETURNING. What concerns everyone is looked up once a statement.
pub(super) const INTENTS: &str = "s.cancel IS NOT NULL AS cancel, s.pause IS NOT NULL AS pause,
     (EXISTS (SELECT FROM tenant t WHERE t.id = s.tenant_id AND t.stopped_at IS NOT NULL)
      OR (SELECT i.stop IS NOT NULL FROM installation i)) AS stop,
     (SELECT i.policy_version FROM installation i) AS policy_version";

static RENEW: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH mine AS (
             SELECT s.id FROM session s
             JOIN unnest($1::bigint[], $2::int[]) AS u(id, dispatch)
               ON s.id = ANY(ARRAY[u.id]) AND s.dispatch = u.dispatch
             WHERE s.owner = $3 ORDER BY u.id FOR NO KEY UPDATE OF s
         )
         UPDATE session s SET deadline = clock_timestamp() + make_interval(secs => $4)
         FROM mine WHERE s.id = ANY(ARRAY[mine.id]) RETURNING s.id, s.dispatch, {INTENTS}"
    )
});

static LOOK: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT s.id, s.dispatch, {INTENTS} FROM session s
         JOIN unnest($1::bigint[], $2::int[]) AS u(id, dispatch)
               ON s.id = ANY(ARRAY[u.id]) AND s.dispatch = u.dispatch
         WHERE s.owner = $3"
    )
});

impl Store {
    /// Extends the leases of sessions that `worker` has under these dispatches until `lease` from now. A session that
    /// does not come back is not the worker's any more.
    pub async fn renew(&self, worker: &str, held: &[(SessionId, i32)], lease: Duration) -> Result<Vec<Renewed>, Error> {
        let client = self.client().await?;
        let statement = client.prepare_cached(&RENEW).await.doing("extending leases")?;
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
        let statement = client.prepare_cached(&LOOK).await.doing("looking what is wanted of sessions")?;
        let ids: Vec<i64> = held.iter().map(|(id, _)| id.0).collect();
        let dispatches: Vec<i32> = held.iter().map(|(_, dispatch)| *dispatch).collect();
        let rows = client
            .query(&statement, &[&ids, &dispatches, &worker])
            .await
            .doing("looking what is wanted of sessions")?;
        Ok(rows.iter().map(renewed).collect())
    }
}

fn renewed(row: &Row) -> Renewed {
    Renewed { session: SessionId(row.get("id")), dispatch: row.get("dispatch"), intents: Intents::of(row) }
}
