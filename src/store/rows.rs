//! How a session is read from its row: in one place.

use std::str::FromStr;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::Json;

use super::Error;
use crate::domain::computer::{Computer, PrimaryUser};
use crate::domain::session::{Priority, Session, Status};
use crate::domain::{ComputerId, SessionId, TenantId};

/// The columns of a live session, for a SELECT from `session s`.
pub(super) const SESSION: &str = "s.id, s.tenant_id, s.computer_id, s.kind, s.priority, s.\"order\", s.status, \
     s.waiting_on, s.stage, s.dispatch, s.attempt, s.losses, s.run_after, s.waited_on, s.due_at, s.admitted_at, \
     s.taken_at, s.owner, s.deadline, s.epoch, s.run_in_flight, s.cancel, s.pause, s.revision, s.since, s.created_at, \
     s.started_at, s.last_error";

/// Reads a live session.
pub(super) fn session(row: &Row) -> Result<Session, Error> {
    Ok(Session {
        id: SessionId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        computer: ComputerId(row.get("computer_id")),
        kind: word(row, "kind")?,
        priority: Priority::from_rank(row.get("priority")),
        order: json(row, "order")?,
        status: word(row, "status")?,
        waiting_on: optional_word(row, "waiting_on")?,
        stage: word(row, "stage")?,
        dispatch: row.get("dispatch"),
        attempt: row.get("attempt"),
        losses: row.get("losses"),
        run_after: row.get("run_after"),
        waited_on: optional_word(row, "waited_on")?,
        due_at: row.get("due_at"),
        admitted_at: row.get("admitted_at"),
        taken_at: row.get("taken_at"),
        owner: row.get("owner"),
        deadline: row.get("deadline"),
        epoch: row.get("epoch"),
        run_in_flight: row.get("run_in_flight"),
        cancel: optional_json(row, "cancel")?,
        pause: optional_json(row, "pause")?,
        revision: row.get("revision"),
        since: row.get("since"),
        created_at: row.get("created_at"),
        started_at: row.get("started_at"),
        finished_at: None,
        last_error: row.get("last_error"),
    })
}

/// The columns of a final session, for a SELECT from `session_history s`.
pub(super) const HISTORY: &str = "s.id, s.tenant_id, s.computer_id, s.kind, s.priority, s.\"order\", s.status, s.stage, \
     s.dispatch, s.attempt, s.losses, s.epoch, s.cancel, s.revision, s.created_at, s.started_at, s.finished_at, s.last_error";

/// Reads a final session.
pub(super) fn final_session(row: &Row) -> Result<Session, Error> {
    let finished_at: Timestamp = row.get("finished_at");
    let status: Status = word(row, "status")?;
    Ok(Session {
        id: SessionId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        computer: ComputerId(row.get("computer_id")),
        kind: word(row, "kind")?,
        priority: Priority::from_rank(row.get("priority")),
        order: json(row, "order")?,
        status,
        waiting_on: None,
        stage: word(row, "stage")?,
        dispatch: row.get("dispatch"),
        attempt: row.get("attempt"),
        losses: row.get("losses"),
        run_after: None,
        waited_on: None,
        due_at: None,
        admitted_at: None,
        taken_at: None,
        owner: None,
        deadline: None,
        epoch: row.get("epoch"),
        run_in_flight: None,
        cancel: optional_json(row, "cancel")?,
        pause: None,
        revision: row.get("revision"),
        since: finished_at,
        created_at: row.get("created_at"),
        started_at: row.get("started_at"),
        finished_at: Some(finished_at),
        last_error: row.get("last_error"),
    })
}

/// The columns of a computer, for a SELECT from [`FROM_COMPUTER`].
pub(super) const COMPUTER: &str = "c.id, c.tenant_id, c.name, c.os, c.arch, c.tags, c.connection, c.excluded, c.device, \
     u.name AS person, u.tags AS person_tags, c.approvals, coalesce(v.facts || c.facts, c.facts) AS facts, \
     CASE WHEN i.asked_software <> '{}' AND v.software IS NOT NULL THEN coalesce( \
         (SELECT jsonb_object_agg(asked, versions) FROM unnest(i.asked_software) asked, \
          LATERAL (SELECT v.software -> asked AS versions OFFSET 0) found WHERE versions IS NOT NULL), '{}') END AS software, \
     CASE WHEN i.asks_scripts THEN (SELECT jsonb_object_agg(key, value || jsonb_build_object('age_s', \
          greatest(0, floor(extract(epoch FROM clock_timestamp() - (value ->> 'at')::timestamptz))::bigint))) \
         FROM computer_answer w, jsonb_each(w.answers) WHERE w.computer_id = c.id) END AS answers";

/// Computers, each with its primary user and its last inventory. Whole inventories are never read: only what some group
/// asks for, and nothing of them where none asks.
pub(super) const FROM_COMPUTER: &str = "installation i CROSS JOIN computer c LEFT JOIN person u ON u.id = c.person_id \
     LEFT JOIN computer_inventory v ON v.computer_id = c.id";

/// Reads a computer.
pub(super) fn computer(row: &Row) -> Result<Computer, Error> {
    let person: Option<String> = row.get("person");
    Ok(Computer {
        id: ComputerId(row.get("id")),
        tenant: TenantId(row.get("tenant_id")),
        name: row.get("name"),
        os: word(row, "os")?,
        arch: row.get("arch"),
        tags: row.get::<_, Vec<String>>("tags").into_iter().collect(),
        connection: json(row, "connection")?,
        excluded: row.get("excluded"),
        device: optional_word(row, "device")?,
        person: person.map(|name| PrimaryUser {
            name,
            tags: row.get::<_, Option<Vec<String>>>("person_tags").unwrap_or_default().into_iter().collect(),
        }),
        approvals: json(row, "approvals")?,
        facts: json(row, "facts")?,
        software: optional_json(row, "software")?,
        answers: optional_json(row, "answers")?.unwrap_or_default(),
    })
}

/// Joins to `action a` its runs as `r`, if it is planned and not done: `run_id` and `attempt` of the last one, and when
/// the first one was begun. An action that has one is started.
pub(super) const RUNS_OF_ACTION: &str = "LEFT JOIN LATERAL (
         SELECT run_id, attempt, min(created_at) OVER () AS begun FROM run
         WHERE a.status = 'planned' AND session_id = a.session_id AND plan = a.dispatch AND action_seq = a.seq
         ORDER BY created_at DESC, run_id DESC LIMIT 1
     ) r ON true";

/// Reads a word of one of our enums.
pub(super) fn word<T: FromStr>(row: &Row, column: &'static str) -> Result<T, Error>
where
    T::Err: ToString,
{
    let text: &str = row.get(column);
    text.parse().map_err(|error: T::Err| unreadable(column, error.to_string()))
}

/// Reads a word of one of our enums, or none.
pub(super) fn optional_word<T: FromStr>(row: &Row, column: &'static str) -> Result<Option<T>, Error>
where
    T::Err: ToString,
{
    let text: Option<&str> = row.get(column);
    text.map(|text| text.parse().map_err(|error: T::Err| unreadable(column, error.to_string()))).transpose()
}

/// Reads a JSON document.
pub(super) fn json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<T, Error> {
    let Json(value) = row.try_get::<_, Json<T>>(column).map_err(|error| unreadable(column, chain(&error)))?;
    Ok(value)
}

/// Reads a JSON document, or none.
pub(super) fn optional_json<T: DeserializeOwned>(row: &Row, column: &'static str) -> Result<Option<T>, Error> {
    let value = row.try_get::<_, Option<Json<T>>>(column).map_err(|error| unreadable(column, chain(&error)))?;
    Ok(value.map(|Json(value)| value))
}

/// Writes a JSON document. What cannot be written cannot be stored, which is a fault of the program.
pub(super) fn json_of<T: serde::Serialize>(value: &T) -> Result<serde_json::Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Refused(format!("this cannot be stored as JSON: {error}")))
}

fn unreadable(column: &str, why: String) -> Error {
    Error::Unreadable { what: format!("the column '{column}'"), why }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
