//! Sessions: accepting them, and reading them.

use jiff::Timestamp;

use super::audit::{self, Audit};
use super::error::Doing;
use super::gate::{self, Entry};
use super::tx::{Last, Tx, params};
use super::{Error, Store, rows};
use crate::domain::session::{Group, Kind, Session};
use crate::domain::{SessionId, TenantId};
use crate::lifecycle::submit::{Submission, submit};

/// Sessions that one statement inserts: a tenant's whole fleet is accepted in one transaction of many short statements.
const CHUNK: usize = 1_000;

/// Names a submission of a submitter, so that sending it again makes nothing twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The tenant that it is for.
    pub tenant: TenantId,
    /// Who submits.
    pub submitter: String,
    /// The submitter's key, unique for each tenant.
    pub key: String,
    /// The SHA-256 of what was asked for.
    pub body_hash: Vec<u8>,
    /// Sessions that were there already and that it is about as well.
    pub already: Vec<SessionId>,
}

/// What became of a submission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// These sessions were made.
    New(Vec<SessionId>),
    /// They were made before, by the same submission.
    Before(Vec<SessionId>),
    /// The key was used before for something else.
    KeyConflict,
}

impl Store {
    /// Accepts submissions, all or none. With a key, all must be for one tenant.
    pub async fn submit(&self, submissions: Vec<Submission>, key: Option<&Key>) -> Result<Accepted, Error> {
        self.submit_audited(submissions, key, None).await
    }

    /// The same, with the call's audit entry in the same transaction.
    pub async fn submit_audited(
        &self,
        submissions: Vec<Submission>,
        key: Option<&Key>,
        audit: Option<&Audit>,
    ) -> Result<Accepted, Error> {
        let client = self.client().await?;
        let tx = Tx::begin(&client);
        if let Some(key) = key
            && let Some(earlier) = claim_key(&tx, key).await?
        {
            return Ok(earlier);
        }
        let entries = accept(&tx, submissions).await?;
        if let Some(audit) = audit {
            audit::record(tx.client(), audit).await?;
        }
        let mut last = Last::default();
        for chunk in entries.chunks(CHUNK) {
            insert(&mut last, chunk);
            gate::transitions(&mut last, &chunk.iter().collect::<Vec<_>>());
        }
        link_reruns(&mut last, &entries);
        if let Some(key) = key {
            let made = entries.iter().map(|entry| entry.change.after.id);
            let ids: Vec<i64> = made.chain(key.already.iter().copied()).map(|id| id.0).collect();
            let sql = "UPDATE submission SET sessions = $4 WHERE tenant_id = $1 AND submitter = $2 AND key = $3";
            last.add(
                "noting what a submission made",
                sql,
                params![key.tenant.0, key.submitter.as_str(), key.key.as_str(), ids],
            );
        }
        tx.commit(last).await?;
        self.tell(entries.iter().map(|entry| &entry.change));
        Ok(Accepted::New(entries.iter().map(|entry| entry.change.after.id).collect()))
    }

    /// A session, live or final.
    pub async fn session(&self, id: SessionId) -> Result<Option<Session>, Error> {
        let client = self.client().await?;
        let live = client
            .prepare_cached(&format!("SELECT {} FROM session s WHERE s.id = $1", rows::SESSION))
            .await
            .doing("reading a session")?;
        let history = client
            .prepare_cached(&format!("SELECT {} FROM session_history s WHERE s.id = $1", rows::HISTORY))
            .await
            .doing("reading a session")?;
        // A session moves from the live ones to history, never back: looked for in this order it cannot be missed.
        if let Some(row) = client.query_opt(&live, &[&id.0]).await.doing("reading a session")? {
            return rows::session(&row).map(Some);
        }
        let row = client.query_opt(&history, &[&id.0]).await.doing("reading a session")?;
        row.as_ref().map(rows::final_session).transpose()
    }

    /// Those of these sessions that are live, as they are now.
    pub async fn live_sessions(&self, ids: &[SessionId]) -> Result<Vec<Session>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(&format!("SELECT {} FROM session s WHERE s.id = ANY($1)", rows::SESSION))
            .await
            .doing("reading sessions")?;
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let found = client.query(&statement, &[&ids]).await.doing("reading sessions")?;
        found.iter().map(rows::session).collect()
    }
}

/// Reserves a key. Returns what it made before, if it was used.
async fn claim_key(tx: &Tx<'_>, key: &Key) -> Result<Option<Accepted>, Error> {
    let inserted = tx
        .execute(
            "INSERT INTO submission (tenant_id, submitter, key, body_hash, sessions, created_at)
             VALUES ($1, $2, $3, $4, '{}', clock_timestamp()) ON CONFLICT DO NOTHING",
            &[&key.tenant.0, &key.submitter, &key.key, &key.body_hash],
        )
        .await
        .doing("reserving an idempotency key")?;
    if inserted == 1 {
        return Ok(None);
    }
    let row = tx
        .query_one(
            "SELECT body_hash, sessions FROM submission WHERE tenant_id = $1 AND submitter = $2 AND key = $3",
            &[&key.tenant.0, &key.submitter, &key.key],
        )
        .await
        .doing("reading an idempotency key")?;
    let body_hash: Vec<u8> = row.get("body_hash");
    let sessions: Vec<i64> = row.get("sessions");
    Ok(Some(if body_hash == key.body_hash {
        Accepted::Before(sessions.into_iter().map(SessionId).collect())
    } else {
        Accepted::KeyConflict
    }))
}

/// Draws ids, and makes sessions of submissions. Several of them are a group.
async fn accept(tx: &Tx<'_>, mut submissions: Vec<Submission>) -> Result<Vec<Entry>, Error> {
    let statement = tx
        .prepare_cached(
            "SELECT nextval('session_id') AS id, clock_timestamp() AS now FROM generate_series(1, $1::bigint)",
        )
        .await
        .doing("drawing session ids")?;
    let count = i64::try_from(submissions.len()).unwrap_or(i64::MAX);
    let drawn = tx.query(&statement, &[&count]).await.doing("drawing session ids")?;
    if let ([first, .., last], [_, _, ..]) = (drawn.as_slice(), submissions.as_slice()) {
        let group = Group { id: SessionId(first.get("id")), last: SessionId(last.get("id")) };
        submissions.iter_mut().for_each(|submission| submission.order.group = Some(group));
    }
    let now = drawn.first().map_or_else(Timestamp::now, |row| row.get("now"));
    Ok(submissions
        .into_iter()
        .zip(&drawn)
        .map(|(submission, row)| Entry::bare(submit(SessionId(row.get("id")), submission, now)))
        .collect())
}

/// Notes at the sessions that are run again by which ones.
fn link_reruns(last: &mut Last<'_>, entries: &[Entry]) {
    let sessions = entries.iter().map(|entry| &entry.change.after);
    let again: Vec<&Session> = sessions.filter(|session| session.order.rerun_of.is_some()).collect();
    if again.is_empty() {
        return;
    }
    // A repair that is run again is about its one item as a whole.
    let item = |session: &Session| {
        session.order.item.as_ref().filter(|_| session.kind != Kind::Repair).map(ToString::to_string)
    };
    last.add(
        "linking sessions to those that run them again",
        "INSERT INTO rerun (session_id, rerun_id, item) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[])",
        params![
            again.iter().filter_map(|session| session.order.rerun_of).map(|of| of.0).collect::<Vec<_>>(),
            again.iter().map(|session| session.id.0).collect::<Vec<_>>(),
            again.iter().map(|session| item(session)).collect::<Vec<_>>(),
        ],
    );
}

fn insert<'p>(last: &mut Last<'p>, entries: &'p [Entry]) {
    let sql = "INSERT INTO session (id, tenant_id, computer_id, kind, priority, \"order\", status, waiting_on, stage,
                                  dispatch, attempt, losses, run_after, revision, since, created_at)
             SELECT u.id, u.tenant_id, u.computer_id, u.kind, u.priority, u.body::jsonb, 'pending', u.waiting_on,
                    u.stage, 0, 0, 0, u.run_after, u.revision, u.since, u.since
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::smallint[], $6::text[], $7::text[],
                         $8::timestamptz[], $9::int[], $10::timestamptz[], $11::text[])
                  AS u(id, tenant_id, computer_id, kind, priority, body, waiting_on, run_after, revision, since, stage)";
    let them = || entries.iter().map(|entry| &entry.change.after);
    last.add(
        "accepting sessions",
        sql,
        params![
            them().map(|s| s.id.0).collect::<Vec<_>>(),
            them().map(|s| s.tenant.0).collect::<Vec<_>>(),
            them().map(|s| s.computer.0).collect::<Vec<_>>(),
            them().map(|s| s.kind.as_str()).collect::<Vec<_>>(),
            them().map(|s| s.priority.rank()).collect::<Vec<_>>(),
            them().map(|s| gate::to_json(&s.order)).collect::<Vec<_>>(),
            them().map(|s| s.waiting_on.map(|w| w.as_str())).collect::<Vec<_>>(),
            them().map(|s| s.run_after).collect::<Vec<_>>(),
            them().map(|s| s.revision).collect::<Vec<_>>(),
            them().map(|s| s.since).collect::<Vec<_>>(),
            them().map(|s| s.stage.as_str()).collect::<Vec<_>>(),
        ],
    );
}
