//! What a session did, read back: actions, logs, findings, plans, its timeline, and the facts about why it is not further.

use std::collections::HashMap;

use jiff::Timestamp;
use pitcrew_protocol::{RunOutcome, StepKind};
use tokio_postgres::types::Json;
use uuid::Uuid;

use super::error::Doing;
use super::overview::SILENCE;
use super::{Error, Store, rows};
use crate::domain::findings::Findings;
use crate::domain::plan::{Plan, PlannedAction};
use crate::domain::report::{ActionLine, Facts, LogEntry, Numbers, Other, Takes, TransitionLine};
use crate::domain::session::{Session, Stage, Status, WaitingOn};
use crate::domain::transition::{Transition, What};
use crate::domain::{Connection, RebootNeed, SessionId};

/// A plan as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredPlan {
    /// The dispatch of the planning that made it.
    pub dispatch: i32,
    /// Its SHA-256.
    pub hash: Option<Vec<u8>>,
    /// The plan.
    pub plan: Plan,
}

impl Store {
    /// The latest findings of a session.
    pub async fn findings(&self, session: SessionId) -> Result<Option<Findings>, Error> {
        let row = self.latest_result(session, Stage::Detection).await?;
        row.map(|row| rows::json(&row, "body")).transpose()
    }

    /// The latest findings of a session, and when its latest plan was made, if one was.
    pub async fn planned_from(&self, session: SessionId) -> Result<Option<(Findings, Option<Timestamp>)>, Error> {
        let doing = "reading what a plan was made from";
        let client = self.client().await?;
        let sql = "SELECT body, (SELECT max(at) FROM stage_result WHERE session_id = $1 AND stage = $3) AS planned_at
             FROM stage_result WHERE session_id = $1 AND stage = $2 ORDER BY dispatch DESC LIMIT 1";
        let statement = client.prepare_cached(sql).await.doing(doing)?;
        let stages = (Stage::Detection.as_str(), Stage::Planning.as_str());
        let row = client.query_opt(&statement, &[&session.0, &stages.0, &stages.1]).await.doing(doing)?;
        row.map(|row| Ok((rows::json(&row, "body")?, row.get("planned_at")))).transpose()
    }

    /// The latest plan of a session.
    pub async fn plan(&self, session: SessionId) -> Result<Option<StoredPlan>, Error> {
        let row = self.latest_result(session, Stage::Planning).await?;
        row.map(|row| {
            Ok(StoredPlan { dispatch: row.get("dispatch"), hash: row.get("hash"), plan: rows::json(&row, "body")? })
        })
        .transpose()
    }

    async fn latest_result(&self, session: SessionId, stage: Stage) -> Result<Option<tokio_postgres::Row>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT dispatch, hash, body FROM stage_result WHERE session_id = $1 AND stage = $2
                 ORDER BY dispatch DESC LIMIT 1",
            )
            .await
            .doing("reading a stage's result")?;
        client.query_opt(&statement, &[&session.0, &stage.as_str()]).await.doing("reading a stage's result")
    }

    /// The actions of a session, in order: those of its latest plan, and what earlier plans have done.
    pub async fn actions(&self, session: SessionId) -> Result<Vec<ActionLine>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(&format!(
                "SELECT a.dispatch, a.seq, a.item, a.deployment, a.type, a.reason, a.detected, a.desired, a.parent,
                        CASE WHEN r.run_id IS NULL THEN a.status ELSE 'started' END AS status, a.result,
                        a.result_reason, a.message, coalesce(r.attempt, a.attempts) AS attempts,
                        coalesce(r.run_id, a.run_id) AS run_id, coalesce(a.started_at, r.begun) AS started_at,
                        a.ended_at, latest.outcome, d.median_ms
                 FROM action a {} LEFT JOIN run latest ON latest.run_id = coalesce(r.run_id, a.run_id)
                 LEFT JOIN expected_duration d
                        ON d.item = split_part(a.item, '#', 1) AND d.type = a.type AND d.version = coalesce(a.desired, '')
                 WHERE a.session_id = $1
                   AND (a.status = 'done' OR a.dispatch = (SELECT max(dispatch) FROM action WHERE session_id = $1))
                 ORDER BY a.dispatch, a.seq",
                rows::RUNS_OF_ACTION
            ))
            .await
            .doing("reading actions")?;
        let found = client.query(&statement, &[&session.0]).await.doing("reading actions")?;
        drop(client);
        let mut lines = Vec::with_capacity(found.len());
        for row in &found {
            let outcome: Option<RunOutcome> = rows::optional_json(row, "outcome")?;
            let item: String = row.get("item");
            lines.push(ActionLine {
                seq: row.get("seq"),
                verified: outcome.as_ref().and_then(|outcome| verified(outcome, &item)),
                item,
                deployment: row.get("deployment"),
                action: row.get("type"),
                why: row.get("reason"),
                why_text: String::new(),
                detected: row.get("detected"),
                desired: row.get("desired"),
                status: row.get("status"),
                result: row.get("result"),
                result_reason: row.get("result_reason"),
                message: row.get("message"),
                attempts: row.get("attempts"),
                parent: row.get("parent"),
                plan: row.get("dispatch"),
                run_id: row.get("run_id"),
                expected_ms: row.get("median_ms"),
                takes: None,
                started_at: row.get("started_at"),
                ended_at: row.get("ended_at"),
                numbers: None,
            });
        }
        if let Some(plan) = self.plan(session).await? {
            complete(&mut lines, &plan);
        }
        // What a task's test has named stands below it, though it is done before.
        lines.sort_by_key(|line| (line.plan, line.parent.unwrap_or(line.seq), line.parent.is_some(), line.seq));
        for line in &mut lines {
            line.numbers = Numbers::of(line);
        }
        Ok(lines)
    }

    /// What the steps of a session wrote, in order; of one action only if `action` names its place in the plan.
    pub async fn logs(&self, session: SessionId, action: Option<i32>) -> Result<Vec<LogEntry>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT run_id, action_seq, outcome FROM run
                 WHERE session_id = $1 AND outcome IS NOT NULL AND ($2::int IS NULL OR action_seq = $2)
                 ORDER BY created_at, run_id",
            )
            .await
            .doing("reading logs")?;
        let found = client.query(&statement, &[&session.0, &action]).await.doing("reading logs")?;
        let mut entries = Vec::new();
        for row in &found {
            let outcome: RunOutcome = rows::json(row, "outcome")?;
            let (run_id, action): (Uuid, Option<i32>) = (row.get("run_id"), row.get("action_seq"));
            let stage = if action.is_some() { Stage::Execution } else { Stage::Detection };
            entries.extend(outcome.steps.into_iter().map(|step| LogEntry {
                run_id,
                stage,
                action,
                item: step.item,
                step: step.kind,
                status: step.status,
                exit_code: step.exit_code,
                observed: step.observed,
                activities: step.said.activities,
                warnings: step.warnings,
                output: step.output,
                output_omitted: step.output_omitted,
                started_at: step.started_at,
                duration_ms: step.duration_ms,
            }));
        }
        Ok(entries)
    }

    /// What happened to a session, in order.
    pub async fn transitions(&self, session: SessionId) -> Result<Vec<TransitionLine>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT seq, what, at, since, stage, dispatch, waited_on, due_at, admitted_at, taken_at, status, by, note,
                        traceparent
                 FROM transition WHERE session_id = $1 ORDER BY seq",
            )
            .await
            .doing("reading a timeline")?;
        let found = client.query(&statement, &[&session.0]).await.doing("reading a timeline")?;
        found
            .iter()
            .map(|row| {
                let what: What = serde_json::from_value(row.get::<_, String>("what").into()).map_err(|error| {
                    Error::Unreadable { what: "the column 'what'".to_owned(), why: error.to_string() }
                })?;
                Ok(TransitionLine {
                    status: rows::word(row, "status")?,
                    transition: Transition {
                        seq: row.get("seq"),
                        what,
                        at: row.get("at"),
                        since: row.get("since"),
                        stage: rows::word(row, "stage")?,
                        dispatch: row.get("dispatch"),
                        waited_on: rows::optional_word(row, "waited_on")?,
                        due_at: row.get("due_at"),
                        admitted_at: row.get("admitted_at"),
                        taken_at: row.get("taken_at"),
                        by: row.get("by"),
                        note: row.get("note"),
                        traceparent: row.get("traceparent"),
                    },
                })
            })
            .collect()
    }

    /// What has to be known to say why a session is not further.
    pub async fn facts(&self, session: &Session) -> Result<Facts, Error> {
        let client = self.client().await?;
        let row = client
            .query_one(
                "SELECT t.name AS tenant, t.stopped_at, (SELECT stop FROM installation) AS fleet_stop, t.max_running,
                        c.name AS computer, c.connection,
                        p.computer_id IS NOT NULL AS connected, h.session_id AS held_by,
                        (SELECT count(*) FROM computer_hold WHERE tenant_id = $1) AS tenant_holds,
                        (SELECT until > clock_timestamp() FROM scheduler_term) AS leads,
                        (SELECT count(*) FROM session WHERE stage = $3 AND run_after IS NULL
                            AND admitted_at IS NOT NULL AND taken_at IS NULL) AS queued,
                        (SELECT count(*) FROM session s WHERE s.tenant_id = $1 AND s.run_after <= $7
                            AND (s.priority, s.run_after, s.id) < ($5, $7, $4)) AS ahead,
                        w.workers, w.capacity, w.in_flight, w.age_ms
                 FROM (SELECT 1) one
                 LEFT JOIN tenant t ON t.id = $1
                 LEFT JOIN computer c ON c.id = $2
                 LEFT JOIN agent_presence p ON p.computer_id = $2
                 LEFT JOIN computer_hold h ON h.computer_id = $2
                 CROSS JOIN (
                     SELECT count(*) AS workers, coalesce(sum(capacity), 0)::bigint AS capacity,
                            coalesce(sum(in_flight), 0)::bigint AS in_flight,
                            coalesce(1000 * extract(epoch FROM max(clock_timestamp() - heartbeat_at)), 0)::bigint AS age_ms
                     FROM worker WHERE stage = $3 AND heartbeat_at > clock_timestamp() - make_interval(secs => $6)
                 ) w",
                &[
                    &session.tenant.0,
                    &session.computer.0,
                    &session.stage.as_str(),
                    &session.id.0,
                    &session.priority.rank(),
                    &SILENCE.as_secs_f64(),
                    &session.run_after.unwrap_or(session.since),
                ],
            )
            .await
            .doing("asking why a session is not further")?;
        let others = client
            .query(
                "SELECT id, status FROM session WHERE computer_id = $1 AND id < $2 ORDER BY id LIMIT 5",
                &[&session.computer.0, &session.id.0],
            )
            .await
            .doing("looking for a computer's other sessions")?;
        let failed = client
            .query(
                "SELECT item || ': ' || coalesce(message, result_reason, '') AS text FROM action
                 WHERE session_id = $1 AND result IN ('failed', 'indeterminate') ORDER BY dispatch, seq LIMIT 10",
                &[&session.id.0],
            )
            .await
            .doing("looking for failed actions")?;
        let ended = client
            .query_opt(
                "SELECT by, note FROM transition WHERE session_id = $1 AND what = 'finished' ORDER BY seq DESC LIMIT 1",
                &[&session.id.0],
            )
            .await
            .doing("asking how a session ended")?;
        let lock = match session.waiting_on {
            Some(WaitingOn::Lock) => client
                .query_opt(
                    "SELECT s.lock_wanted, h.id AS holder, c.name AS computer
                     FROM session s LEFT JOIN session h ON h.lock = s.lock_wanted
                     LEFT JOIN computer c ON c.id = h.computer_id
                     WHERE s.id = $1 AND s.lock_wanted IS NOT NULL",
                    &[&session.id.0],
                )
                .await
                .doing("asking what lock a session waits for")?,
            Some(_) | None => None,
        };
        let connection: Option<Json<Connection>> = row.get("connection");
        let by_agent = connection.is_some_and(|Json(connection)| connection == Connection::Agent);
        Ok(Facts {
            tenant: row.get::<_, Option<String>>("tenant").unwrap_or_default(),
            computer: row.get::<_, Option<String>>("computer").unwrap_or_default(),
            stopped_at: row.get("stopped_at"),
            fleet_stop: rows::optional_json(&row, "fleet_stop")?,
            tenant_most: row.get("max_running"),
            tenant_holds: row.get("tenant_holds"),
            held_by: row.get::<_, Option<i64>>("held_by").map(SessionId),
            others: others
                .iter()
                .map(|row| {
                    let status: Status = rows::word(row, "status")?;
                    Ok(Other { id: SessionId(row.get("id")), status })
                })
                .collect::<Result<_, Error>>()?,
            agent_connected: by_agent.then(|| row.get("connected")),
            lock: lock.map(|row| {
                let holder: Option<i64> = row.get("holder");
                let computer = row.get::<_, Option<String>>("computer").unwrap_or_default();
                (row.get("lock_wanted"), holder.map(|holder| (SessionId(holder), computer)))
            }),
            workers: row.get("workers"),
            capacity: row.get("capacity"),
            in_flight: row.get("in_flight"),
            ahead: row.get("ahead"),
            queued: row.get("queued"),
            scheduler_leads: row.get::<_, Option<bool>>("leads").unwrap_or(false),
            age_ms: row.get("age_ms"),
            ended: ended.map(|row| (row.get("by"), row.get("note"))),
            failed: failed.iter().map(|row| row.get("text")).collect(),
        })
    }
}

/// What the last look after the change observed; none if there was no such look or it failed.
fn verified(outcome: &RunOutcome, item: &str) -> Option<String> {
    let changed = outcome.steps.iter().any(|step| matches!(step.kind, StepKind::Act | StepKind::Set));
    let last = outcome
        .steps
        .iter()
        .rfind(|step| step.item == item && matches!(step.kind, StepKind::Verify | StepKind::Test))?;
    let looked_after = last.kind == StepKind::Verify || changed;
    (looked_after && last.status.is_success()).then(|| last.observed.clone().unwrap_or_else(|| "absent".to_owned()))
}

/// Adds what only the plan knows: its sentences, and what is no action of its own yet.
fn complete(lines: &mut Vec<ActionLine>, stored: &StoredPlan) {
    let mut place: HashMap<i32, usize> = HashMap::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| line.plan == stored.dispatch) {
        place.insert(line.seq, at);
    }
    let empty = |seq: u32, item: &crate::domain::Item, deployment: &str, action: &str| ActionLine {
        seq: i32::try_from(seq).unwrap_or(i32::MAX),
        item: item.to_string(),
        deployment: deployment.to_owned(),
        action: action.to_owned(),
        why: String::new(),
        why_text: String::new(),
        detected: None,
        desired: None,
        status: "planned".to_owned(),
        result: None,
        result_reason: None,
        message: None,
        verified: None,
        attempts: 0,
        parent: None,
        plan: stored.dispatch,
        run_id: None,
        expected_ms: None,
        takes: None,
        started_at: None,
        ended_at: None,
        numbers: None,
    };
    let mut absent = Vec::new();
    for action in &stored.plan.actions {
        let seq = i32::try_from(action.seq).unwrap_or(i32::MAX);
        if let Some(line) = place.get(&seq).and_then(|at| lines.get_mut(*at)) {
            line.why_text.clone_from(&action.message);
            line.takes = Some(takes(action));
        } else {
            let line = empty(action.seq, &action.item, &action.deployment, action.action.as_str());
            absent.push(ActionLine {
                why: action.reason.to_string(),
                why_text: action.message.clone(),
                takes: Some(takes(action)),
                detected: action.detected.clone(),
                desired: action.version.clone(),
                parent: action.parent.map(|seq| i32::try_from(seq).unwrap_or(i32::MAX)),
                ..line
            });
        }
    }
    for settled in &stored.plan.settled {
        let seq = i32::try_from(settled.seq).unwrap_or(i32::MAX);
        if !place.contains_key(&seq) {
            let line = empty(settled.seq, &settled.item, &settled.deployment, settled.action.as_str());
            absent.push(ActionLine {
                why: settled.reason.to_string(),
                detected: settled.detected.clone(),
                status: "done".to_owned(),
                result: Some(settled.result.to_string()),
                result_reason: Some(settled.reason.to_string()),
                message: Some(settled.message.clone()),
                ..line
            });
        }
    }
    lines.extend(absent);
}

/// What doing an action takes.
fn takes(action: &PlannedAction) -> Takes {
    let download = action.recipe.download();
    Takes {
        downloads: download.is_some(),
        download_bytes: download.and_then(|download| download.size),
        reboot: action.reboot == RebootNeed::Always,
        safe_point: action.safe_point,
        undo: action.undo.as_ref().map(ToString::to_string),
    }
}
