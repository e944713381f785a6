//! Computers as they are shown: with their connection, and with what is done and was last done on them.

use tokio_postgres::Row;

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::report::{ComputerLine, LastSession, Page, Presence};
use crate::domain::{Computer, ComputerId, ComputerName, SessionId, TenantId};

/// Names that are looked through for a suggestion.
const MOST_NAMES: i64 = 10_000;

/// Everything that is shown of a computer; a WHERE clause on `c` follows.
const SELECT: &str = "
    SELECT c.id, t.name AS tenant, c.name, c.os, c.arch, c.tags, c.connection, c.excluded,
           c.agent_token_hash IS NOT NULL AS has_token,
           p.gateway, p.agent_version, p.connected_at, p.seen_at, h.session_id AS held_by,
           live.ids AS live, last.id AS last_id, last.kind AS last_kind, last.status AS last_status, last.finished_at
    FROM computer c
    JOIN tenant t ON t.id = c.tenant_id
    LEFT JOIN agent_presence p ON p.computer_id = c.id
    LEFT JOIN computer_hold h ON h.computer_id = c.id
    LEFT JOIN LATERAL (
        SELECT array_agg(id ORDER BY id) AS ids
        FROM (SELECT id FROM session s WHERE s.computer_id = c.id ORDER BY id LIMIT 10) oldest
    ) live ON true
    LEFT JOIN LATERAL (
        SELECT id, kind, status, finished_at FROM session_history s WHERE s.computer_id = c.id ORDER BY id DESC LIMIT 1
    ) last ON true";

impl Store {
    /// A page of computers, those with ids above `after`.
    pub async fn list_computers(
        &self,
        tenant: Option<TenantId>,
        name: Option<&str>,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<ComputerLine>, Error> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let client = self.client().await?;
        let sql = format!(
            "{SELECT} WHERE c.id > $1 AND ($2::bigint IS NULL OR c.tenant_id = $2) AND ($3::text IS NULL OR c.name = $3)
             ORDER BY c.id LIMIT $4"
        );
        let statement = client.prepare_cached(&sql).await.doing("listing computers")?;
        let rows = client
            .query(&statement, &[&after.unwrap_or(0), &tenant.map(|tenant| tenant.0), &name, &most])
            .await
            .doing("listing computers")?;
        let lines = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(lines, limit, |line| line.id.0))
    }

    /// A computer as it is resolved: with its primary user, its facts, and what groups ask of its inventory.
    pub async fn computer(&self, id: ComputerId) -> Result<Option<Computer>, Error> {
        let client = self.client().await?;
        let sql = format!("SELECT {} FROM {} WHERE c.id = $1", rows::COMPUTER, rows::FROM_COMPUTER);
        let statement = client.prepare_cached(&sql).await.doing("reading a computer")?;
        let row = client.query_opt(&statement, &[&id.0]).await.doing("reading a computer")?;
        row.as_ref().map(rows::computer).transpose()
    }

    /// The computers that a word names: an id, a name, or `tenant/name`.
    pub async fn computers_named(&self, word: &str, tenant: Option<TenantId>) -> Result<Vec<ComputerLine>, Error> {
        let path = word.split_once('/').unwrap_or(("", ""));
        let client = self.client().await?;
        let sql = format!(
            "{SELECT} WHERE ($1::bigint IS NULL OR c.tenant_id = $1)
               AND (c.name = $2 OR c.id = $3 OR (t.name = $4 AND c.name = $5)) ORDER BY c.id LIMIT 10"
        );
        let statement = client.prepare_cached(&sql).await.doing("looking for a computer")?;
        let id: i64 = word.parse().unwrap_or(-1);
        let rows = client
            .query(&statement, &[&tenant.map(|tenant| tenant.0), &word, &id, &path.0, &path.1])
            .await
            .doing("looking for a computer")?;
        rows.iter().map(line).collect()
    }
}

impl Store {
    /// The names of computers, for whoever misspelt one: of a large fleet first those that begin alike.
    pub async fn computer_names(&self, like: &str, tenant: Option<TenantId>) -> Result<Vec<ComputerName>, Error> {
        let client = self.client().await?;
        let sql = "SELECT t.name AS tenant, c.name FROM computer c JOIN tenant t ON t.id = c.tenant_id
                   WHERE $1::bigint IS NULL OR c.tenant_id = $1
                   ORDER BY lower(left(c.name, 1)) <> lower(left($2, 1)), c.id LIMIT $3";
        let rows = client
            .query(sql, &[&tenant.map(|tenant| tenant.0), &like, &MOST_NAMES])
            .await
            .doing("looking for similar names")?;
        Ok(rows.iter().map(|row| ComputerName { tenant: row.get("tenant"), name: row.get("name") }).collect())
    }
}

fn line(row: &Row) -> Result<ComputerLine, Error> {
    let gateway: Option<String> = row.get("gateway");
    let last: Option<i64> = row.get("last_id");
    let live: Option<Vec<i64>> = row.get("live");
    Ok(ComputerLine {
        id: ComputerId(row.get("id")),
        tenant: row.get("tenant"),
        name: row.get("name"),
        os: rows::word(row, "os")?,
        arch: row.get("arch"),
        tags: row.get("tags"),
        connection: rows::json(row, "connection")?,
        excluded: row.get("excluded"),
        has_token: row.get("has_token"),
        presence: gateway.map(|gateway| Presence {
            gateway,
            agent_version: row.get("agent_version"),
            connected_at: row.get("connected_at"),
            seen_at: row.get("seen_at"),
        }),
        answers: Default::default(),
        held_by: row.get::<_, Option<i64>>("held_by").map(SessionId),
        live: live.unwrap_or_default().into_iter().map(SessionId).collect(),
        last: match last {
            Some(id) => Some(LastSession {
                id: SessionId(id),
                kind: rows::word(row, "last_kind")?,
                status: rows::word(row, "last_status")?,
                finished_at: row.get("finished_at"),
            }),
            None => None,
        },
    })
}
