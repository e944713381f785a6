//! The outbox: transitions as events, in an order in which none can appear behind what was read.
//!
//! A transaction's id is drawn when it first writes, and it commits later; so a reader takes only rows of transactions
//! that are older than every one still running. Source: the visibility rules of `pg_current_snapshot`, PostgreSQL
//! documentation, "System Information Functions".

use super::error::Doing;
use super::{Error, Store, rows};
use crate::domain::event::Event;
use crate::domain::{ComputerId, SessionId, TenantId};

/// How far a reader has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    tx: String,
    session: i64,
    seq: i32,
}

impl Store {
    /// Where a reader left off. A new reader begins with the oldest that is kept.
    pub async fn outbox_cursor(&self, reader: &str) -> Result<Cursor, Error> {
        let doing = "looking where a reader of the outbox left off";
        let client = self.client().await?;
        client
            .execute(
                "INSERT INTO outbox_cursor (reader, tx, session_id, seq)
                 VALUES ($1, '0', 0, 0) ON CONFLICT DO NOTHING",
                &[&reader],
            )
            .await
            .doing(doing)?;
        let row = client
            .query_one("SELECT tx::text AS tx, session_id, seq FROM outbox_cursor WHERE reader = $1", &[&reader])
            .await
            .doing(doing)?;
        Ok(Cursor { tx: row.get("tx"), session: row.get("session_id"), seq: row.get("seq") })
    }

    /// The next events after `cursor`, at most `most`, and where they end.
    pub async fn outbox_after(&self, cursor: &Cursor, most: i64) -> Result<(Vec<Event>, Cursor), Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT tx::text AS tx, session_id, seq, tenant_id, computer_id, what, at, stage, status, by, note
                 FROM transition
                 WHERE (tx, session_id, seq) > ($1::text::xid8, $2, $3)
                   AND tx < pg_snapshot_xmin(pg_current_snapshot())
                 ORDER BY tx, session_id, seq LIMIT $4",
            )
            .await
            .doing("reading the outbox")?;
        let found = client
            .query(&statement, &[&cursor.tx, &cursor.session, &cursor.seq, &most])
            .await
            .doing("reading the outbox")?;
        let mut end = cursor.clone();
        let mut events = Vec::with_capacity(found.len());
        for row in &found {
            let (session, seq): (i64, i32) = (row.get("session_id"), row.get("seq"));
            end = Cursor { tx: row.get("tx"), session, seq };
            events.push(Event {
                v: 1,
                id: format!("{session}/{seq}"),
                session: SessionId(session),
                seq,
                tenant: TenantId(row.get("tenant_id")),
                computer: ComputerId(row.get("computer_id")),
                what: row.get("what"),
                status: rows::word(row, "status")?,
                stage: rows::word(row, "stage")?,
                at: row.get("at"),
                by: row.get("by"),
                note: row.get("note"),
            });
        }
        Ok((events, end))
    }

    /// Notes that a reader has told of everything up to `cursor`.
    pub async fn outbox_told(&self, reader: &str, cursor: &Cursor) -> Result<(), Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("UPDATE outbox_cursor SET tx = $2::text::xid8, session_id = $3, seq = $4 WHERE reader = $1")
            .await
            .doing("noting what was told of")?;
        client
            .execute(&statement, &[&reader, &cursor.tx, &cursor.session, &cursor.seq])
            .await
            .doing("noting what was told of")?;
        Ok(())
    }
}
