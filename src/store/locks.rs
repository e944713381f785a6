//! Fleet-wide locks, under which serial tasks run one at a time.
//!
//! A lock is a column of the session that holds it, unique among live sessions: there is no holder that is not a live
//! session, and never two. It is held while a worker is at the action or something of it goes on at the computer; the
//! gate takes it from a session that comes to rest with nothing in flight, and a final session is no row here any more.
//! Not even a lost worker leaves a lock behind that rescue does not free with its session.

use jiff::Timestamp;
use tokio_postgres::error::SqlState;

use super::error::Doing;
use super::gate::Entry;
use super::{Error, Store};
use crate::domain::report::{LockLine, LockSession};
use crate::domain::{SessionId, TenantId};
use crate::lifecycle::wake::wake;

/// How often a lock that was freed between two looks is tried for.
const TRIES: usize = 3;

/// What came of trying to take a lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is the session's.
    Mine,
    /// Another session holds it; this one waits for it from now on.
    ByOther {
        /// Which, if it was still to be seen.
        holder: Option<SessionId>,
        /// Since when.
        since: Option<Timestamp>,
    },
    /// The session is not the worker's any more.
    Fenced,
}

impl Store {
    /// Takes a lock for a session that a worker has under this dispatch, or notes that it waits for it. Taking what it
    /// has already changes nothing.
    pub async fn take_lock(&self, session: SessionId, dispatch: i32, name: &str) -> Result<Taken, Error> {
        let client = self.client().await?;
        let take = client
            .prepare_cached(
                "UPDATE session SET lock = $3, lock_wanted = NULL,
                        lock_since = CASE WHEN lock = $3 THEN lock_since ELSE clock_timestamp() END
                 WHERE id = $1 AND dispatch = $2 AND taken_at IS NOT NULL
                   AND NOT EXISTS (SELECT FROM session h WHERE h.lock = $3 AND h.id <> $1)",
            )
            .await
            .doing("taking a lock")?;
        let want = client
            .prepare_cached(
                "UPDATE session s SET lock = NULL, lock_wanted = $3,
                        lock_since = CASE WHEN s.lock_wanted = $3 THEN s.lock_since ELSE clock_timestamp() END
                 FROM (SELECT 1) one LEFT JOIN session h ON h.lock = $3
                 WHERE s.id = $1 AND s.dispatch = $2 AND s.taken_at IS NOT NULL
                 RETURNING h.id AS holder, h.lock_since AS since",
            )
            .await
            .doing("waiting for a lock")?;
        let mut other = Taken::Fenced;
        for _ in 0..TRIES {
            match client.execute(&take, &[&session.0, &dispatch, &name]).await {
                Ok(1..) => return Ok(Taken::Mine),
                Ok(0) => {}
                // Somebody else took it at the same moment.
                Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {}
                Err(error) => return Err(error).doing("taking a lock"),
            }
            let row = client.query_opt(&want, &[&session.0, &dispatch, &name]).await.doing("waiting for a lock")?;
            let Some(row) = row else { return Ok(Taken::Fenced) };
            let holder: Option<i64> = row.get("holder");
            other = Taken::ByOther { holder: holder.map(SessionId), since: row.get("since") };
            if holder.is_some() {
                break;
            }
        }
        Ok(other)
    }

    /// Gives back what a session holds or waits for, and wakes the session that has waited longest.
    pub async fn release_lock(&self, session: SessionId, dispatch: i32) -> Result<(), Error> {
        let client = self.client().await?;
        let release = client
            .prepare_cached(
                "WITH old AS (
                     SELECT id, lock FROM session
                     WHERE id = $1 AND dispatch = $2 AND (lock IS NOT NULL OR lock_wanted IS NOT NULL)
                     FOR NO KEY UPDATE
                 )
                 UPDATE session s SET lock = NULL, lock_wanted = NULL, lock_since = NULL
                 FROM old WHERE s.id = old.id RETURNING old.lock",
            )
            .await
            .doing("giving back a lock")?;
        let row = client.query_opt(&release, &[&session.0, &dispatch]).await.doing("giving back a lock")?;
        let Some(name) = row.and_then(|row| row.get::<_, Option<String>>("lock")) else { return Ok(()) };
        let first = client
            .prepare_cached(
                "SELECT id FROM session WHERE lock_wanted = $1 AND run_after > clock_timestamp()
                 ORDER BY lock_since, id LIMIT 1",
            )
            .await
            .doing("looking who waits for a lock")?;
        let next = client.query_opt(&first, &[&name]).await.doing("looking who waits for a lock")?;
        drop(client);
        if let Some(row) = next {
            self.wake_waiters(&[SessionId(row.get("id"))]).await?;
        }
        Ok(())
    }

    /// Wakes the session that has waited longest for each lock that nobody holds: the one it was promised to may be
    /// paused or stopped, and who freed it may have died before it could wake anybody. Returns how many.
    pub async fn wake_for_free_locks(&self) -> Result<usize, Error> {
        let client = self.client().await?;
        let free = client
            .prepare_cached(
                "SELECT DISTINCT ON (w.lock_wanted) w.id FROM session w
                 WHERE w.lock_wanted IS NOT NULL AND w.run_after > clock_timestamp()
                   AND NOT EXISTS (SELECT FROM session h WHERE h.lock = w.lock_wanted)
                 ORDER BY w.lock_wanted, w.lock_since, w.id",
            )
            .await
            .doing("looking for locks that nobody holds")?;
        let found = client.query(&free, &[]).await.doing("looking for locks that nobody holds")?;
        drop(client);
        let ids: Vec<SessionId> = found.iter().map(|row| SessionId(row.get("id"))).collect();
        self.wake_waiters(&ids).await
    }

    async fn wake_waiters(&self, ids: &[SessionId]) -> Result<usize, Error> {
        let now = self.now();
        let woken =
            self.decide(ids, |session| wake(session, "The lock is free.", "lock", now).map(Entry::bare)).await?;
        if !woken.is_empty() {
            self.wake_scheduler();
        }
        Ok(woken.len())
    }

    /// The locks that are held or waited for, by name; of a tenant only what its own sessions do.
    pub async fn locks(&self, tenant: Option<TenantId>) -> Result<Vec<LockLine>, Error> {
        let client = self.client().await?;
        let found = client
            .query(
                "SELECT coalesce(s.lock, s.lock_wanted) AS name, s.lock IS NOT NULL AS holds, s.id, s.lock_since,
                        t.name AS tenant, c.name AS computer, s.status,
                        (SELECT step ->> 'item' FROM run r, jsonb_array_elements(r.body::jsonb -> 'steps') AS step
                         WHERE r.run_id = s.run_in_flight LIMIT 1) AS item
                 FROM session s JOIN tenant t ON t.id = s.tenant_id LEFT JOIN computer c ON c.id = s.computer_id
                 WHERE (s.lock IS NOT NULL OR s.lock_wanted IS NOT NULL) AND ($1::bigint IS NULL OR s.tenant_id = $1)
                 ORDER BY 1, holds DESC, s.lock_since, s.id",
                &[&tenant.map(|tenant| tenant.0)],
            )
            .await
            .doing("listing locks")?;
        let mut lines: Vec<LockLine> = Vec::new();
        for row in &found {
            let name: String = row.get("name");
            let session = LockSession {
                session: SessionId(row.get("id")),
                tenant: row.get("tenant"),
                computer: row.get::<_, Option<String>>("computer").unwrap_or_default(),
                status: super::rows::word(row, "status")?,
                item: row.get("item"),
                since: row.get("lock_since"),
            };
            if lines.last().is_none_or(|line| line.name != name) {
                lines.push(LockLine { name, holder: None, waiters: Vec::new() });
            }
            let Some(line) = lines.last_mut() else { continue };
            if row.get("holds") { line.holder = Some(session) } else { line.waiters.push(session) }
        }
        Ok(lines)
    }
}
