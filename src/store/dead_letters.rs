//! Dead letters: messages that the broker gave up on, for people to act on.

use serde_json::Value;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use super::error::Doing;
use super::{Error, Store, gate, rows};
use crate::domain::SessionId;
use crate::domain::job::Job;
use crate::domain::report::{LetterLine, LetterState, Page};
use crate::domain::session::Intent;

/// A dead letter as it comes from the broker.
#[derive(Debug, Clone, PartialEq)]
pub struct NewLetter {
    /// The queue that put it aside.
    pub queue: String,
    /// Why, in the broker's word.
    pub reason: String,
    /// The message's id.
    pub message_id: String,
    /// The session of a job.
    pub session: Option<SessionId>,
    /// The message's properties and headers.
    pub headers: Value,
    /// The message.
    pub body: Vec<u8>,
    /// It may be here already.
    pub redelivered: bool,
}

/// A dead letter that somebody wants worked on again.
#[derive(Debug, Clone, PartialEq)]
pub struct WantedLetter {
    /// Its id.
    pub id: i64,
    /// The queue that put it aside.
    pub queue: String,
    /// The message's properties and headers.
    pub headers: Value,
    /// The message.
    pub body: Vec<u8>,
    /// Who wants it.
    pub wanted: Intent,
}

const COLUMNS: &str = "id, queue, at, reason, message_id, session_id, state, redrive ->> 'by' AS redrive_by, \
     resolved_by, resolved_at, note";

impl Store {
    /// Keeps dead letters, all in one transaction.
    pub async fn keep_dead_letters(&self, letters: &[NewLetter]) -> Result<(), Error> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        for letter in letters {
            tx.execute(
                "INSERT INTO dead_letter (queue, at, reason, message_id, session_id, headers, body, state)
                 SELECT $1, clock_timestamp(), $2, $3, $4, $5, $6, 'open'
                 WHERE NOT ($7 AND EXISTS (
                     SELECT 1 FROM dead_letter
                     WHERE state = 'open' AND queue = $1 AND message_id = $3 AND headers = $5 AND body = $6))",
                &[
                    &letter.queue,
                    &letter.reason,
                    &letter.message_id,
                    &letter.session.map(|session| session.0),
                    &Json(&letter.headers),
                    &letter.body,
                    &letter.redelivered,
                ],
            )
            .await
            .doing("keeping a dead letter")?;
        }
        tx.commit().await.doing("keeping dead letters")
    }

    /// Lets rescue look at the session of a job that the broker gave up on, if that job is still the current one and
    /// nobody took it. Returns whether it is.
    pub async fn look_at(&self, job: &Job) -> Result<bool, Error> {
        let client = self.client().await?;
        let changed = client
            .execute(
                "UPDATE session SET deadline = least(deadline, clock_timestamp())
                 WHERE id = $1 AND stage = $2 AND dispatch = $3 AND admitted_at IS NOT NULL AND taken_at IS NULL",
                &[&job.session.0, &job.stage.as_str(), &job.dispatch],
            )
            .await
            .doing("letting a session be looked at")?;
        Ok(changed == 1)
    }

    /// A page of dead letters, the newest first, those with ids below `after`.
    pub async fn list_dead_letters(
        &self,
        state: Option<LetterState>,
        after: Option<i64>,
        limit: usize,
    ) -> Result<Page<LetterLine>, Error> {
        let most = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let client = self.client().await?;
        let rows = client
            .query(
                &format!(
                    "SELECT {COLUMNS} FROM dead_letter WHERE id < $1 AND ($2::text IS NULL OR state = $2)
                     ORDER BY id DESC LIMIT $3"
                ),
                &[&after.unwrap_or(i64::MAX), &state.map(LetterState::as_str), &most],
            )
            .await
            .doing("listing dead letters")?;
        let lines = rows.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::of(lines, limit, |line| line.id))
    }

    /// A dead letter with its message.
    pub async fn dead_letter(&self, id: i64) -> Result<Option<LetterLine>, Error> {
        let client = self.client().await?;
        let row = client
            .query_opt(&format!("SELECT {COLUMNS}, headers, body FROM dead_letter WHERE id = $1"), &[&id])
            .await
            .doing("reading a dead letter")?;
        row.map(|row| {
            let body: Vec<u8> = row.get("body");
            Ok(LetterLine {
                headers: Some(rows::json(&row, "headers")?),
                body: Some(String::from_utf8_lossy(&body).into_owned()),
                ..line(&row)?
            })
        })
        .transpose()
    }

    /// Asks the scheduler to work on an open dead letter again. Returns whether it was open.
    pub async fn want_redrive(&self, id: i64, wanted: &Intent) -> Result<bool, Error> {
        let client = self.client().await?;
        let changed = client
            .execute(
                "UPDATE dead_letter SET redrive = coalesce(redrive, $2::text::jsonb) WHERE id = $1 AND state = 'open'",
                &[&id, &gate::to_json(wanted)],
            )
            .await
            .doing("asking for a dead letter to be worked on again")?;
        Ok(changed == 1)
    }

    /// The open dead letters that are to be worked on again, the oldest first.
    pub async fn wanted_dead_letters(&self, most: i64) -> Result<Vec<WantedLetter>, Error> {
        let client = self.client().await?;
        let found = client
            .query(
                "SELECT id, queue, headers, body, redrive FROM dead_letter
                 WHERE state = 'open' AND redrive IS NOT NULL ORDER BY id LIMIT $1",
                &[&most],
            )
            .await
            .doing("looking for dead letters to work on again")?;
        found
            .iter()
            .map(|row| {
                Ok(WantedLetter {
                    id: row.get("id"),
                    queue: row.get("queue"),
                    headers: rows::json(row, "headers")?,
                    body: row.get("body"),
                    wanted: rows::json(row, "redrive")?,
                })
            })
            .collect()
    }

    /// Settles an open dead letter. Returns whether it was open.
    pub async fn settle_dead_letter(&self, id: i64, state: LetterState, by: &str, note: &str) -> Result<bool, Error> {
        let client = self.client().await?;
        let changed = client
            .execute(
                "UPDATE dead_letter SET state = $2, resolved_by = $3, resolved_at = clock_timestamp(), note = $4
                 WHERE id = $1 AND state = 'open'",
                &[&id, &state.as_str(), &by, &note],
            )
            .await
            .doing("settling a dead letter")?;
        Ok(changed == 1)
    }
}

fn line(row: &Row) -> Result<LetterLine, Error> {
    let state: LetterState = rows::word(row, "state")?;
    let wanted: Option<String> = row.get("redrive_by");
    Ok(LetterLine {
        id: row.get("id"),
        queue: row.get("queue"),
        at: row.get("at"),
        reason: row.get("reason"),
        message_id: row.get("message_id"),
        session: row.get::<_, Option<i64>>("session_id").map(SessionId),
        redrive_wanted_by: wanted.filter(|_| state == LetterState::Open),
        state,
        resolved_by: row.get("resolved_by"),
        resolved_at: row.get("resolved_at"),
        note: row.get("note"),
        headers: None,
        body: None,
    })
}
