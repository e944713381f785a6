//! Runs: what is started on computers, and what comes of it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use jiff::Timestamp;
use pitcrew_protocol::RunOutcome;
use uuid::Uuid;

use super::error::Doing;
use super::gate::{self, EndedAction, EndedRun, Entry};
use super::leases::{INTENTS, Intents};
use super::tx::{Last, Tx, params};
use super::{Error, Store};
use crate::domain::run::Purpose;
use crate::domain::session::Session;
use crate::domain::{ComputerId, SessionId};
use crate::lifecycle::wake::wake;

/// What a worker commits in the middle of a stage: that an action and its run have ended, that the next run starts.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The session.
    pub session: SessionId,
    /// The dispatch under which the worker has it.
    pub dispatch: i32,
    /// The worker's claim, if it is not in the database yet: it is written along.
    pub claim: Option<ClaimedNow>,
    /// The run that has ended.
    pub ended_run: Option<EndedRun>,
    /// The actions that have ended.
    pub ended_actions: Vec<EndedAction>,
    /// The run that starts.
    pub start: Option<StartRun>,
}

/// A claim that is written with the first progress of its stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimedNow {
    /// The revision of the session that was looked at.
    pub before: i32,
    /// When the worker took it.
    pub taken_at: Timestamp,
    /// Until when it is the worker's.
    pub deadline: Timestamp,
    /// The epoch that was drawn for it, unique to this claim.
    pub epoch: i64,
}

impl ClaimedNow {
    /// The claim by which a session is taken that was decided upon and is not in the database; none if it is not taken.
    pub fn of(session: &Session) -> Option<ClaimedNow> {
        let (taken_at, deadline) = session.taken_at.zip(session.deadline)?;
        Some(ClaimedNow { before: session.revision - 1, taken_at, deadline, epoch: session.epoch })
    }
}

/// A run that starts; it is committed before its command is sent.
#[derive(Debug, Clone)]
pub struct StartRun {
    /// The run.
    pub run_id: Uuid,
    /// The computer.
    pub computer: ComputerId,
    /// The computer's epoch.
    pub epoch: i64,
    /// The action it belongs to.
    pub action: Option<StartedAction>,
    /// What it is started for.
    pub purpose: Purpose,
    /// The time after which it must not start.
    pub start_by: Timestamp,
    /// Its steps, with scripts by hash, as JSON text.
    pub body: String,
}

/// An action that a run belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartedAction {
    /// The dispatch of the planning that made it.
    pub plan: i32,
    /// Its place in the plan.
    pub seq: i32,
    /// Which attempt this is, from 1. All runs of one attempt have the same, and one that did not reach the computer is
    /// made again under the same.
    pub attempt: i32,
}

/// What became of a worker's progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It is committed; this is wanted of the session.
    Committed(Intents),
    /// The session is not the worker's any more: nothing was written, nothing may be started.
    Fenced,
}

/// What became of an outcome that a computer sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is stored, now or before; the computer may forget it.
    Stored {
        /// The session waited for it and was made due.
        woke: bool,
    },
    /// No such run was ever started on this computer: it is evidence of a lie or of a restored backup.
    Unknown,
}

impl Store {
    /// Commits the progress of sessions that `worker` has. The answers are in the order given.
    pub async fn record(&self, worker: &str, progress: &[&Progress]) -> Result<Vec<Recorded>, Error> {
        let client = self.client().await?;
        let tx = Tx::begin(&client);
        let mine = fence(&tx, worker, progress).await?;
        let passing: Vec<&Progress> = progress
            .iter()
            .zip(&mine)
            .filter(|(_, recorded)| matches!(recorded, Recorded::Committed(_)))
            .map(|(progress, _)| *progress)
            .collect();
        let ended_actions: Vec<(SessionId, &EndedAction)> =
            passing.iter().flat_map(|p| p.ended_actions.iter().map(move |ended| (p.session, ended))).collect();
        let ended_runs: Vec<&EndedRun> = passing.iter().filter_map(|p| p.ended_run.as_ref()).collect();
        let starts: Vec<(SessionId, i32, &StartRun)> =
            passing.iter().filter_map(|p| p.start.as_ref().map(|start| (p.session, p.dispatch, start))).collect();
        let mut last = Last::default();
        gate::end_actions(&mut last, &ended_actions);
        gate::end_runs(&mut last, &ended_runs);
        start_runs(&mut last, &starts);
        tx.commit(last).await?;
        Ok(mine)
    }

    /// Stores the outcome of a run that a computer sent, and makes its session due if it is parked for it; both under
    /// the lock of the session's row, so that parking and outcome cannot miss each other.
    pub async fn outcome_arrived(&self, computer: ComputerId, outcome: &RunOutcome) -> Result<Arrival, Error> {
        let client = self.client().await?;
        let tx = Tx::begin(&client);
        let run = tx
            .prepare_cached("SELECT session_id FROM run WHERE run_id = $1 AND computer_id = $2")
            .await
            .doing("looking for a run")?;
        let Some(row) = tx.query_opt(&run, &[&outcome.run_id, &computer.0]).await.doing("looking for a run")? else {
            return Ok(Arrival::Unknown);
        };
        let session = SessionId(row.get("session_id"));
        let locked = gate::lock(&tx, &[session]).await?;
        let now = self.now();
        let ended = EndedRun { run_id: outcome.run_id, outcome: gate::to_json(outcome), at: now };
        let change = locked
            .first()
            .filter(|session| session.run_in_flight == Some(outcome.run_id))
            .and_then(|session| wake(session, "The outcome has arrived.", "computer", now));
        let entry = change.map(Entry::bare);
        let mut last = Last::default();
        gate::end_runs(&mut last, &[&ended]);
        gate::plan(&mut last, &entry.iter().collect::<Vec<_>>());
        tx.commit(last).await?;
        self.tell(entry.iter().map(|entry| &entry.change));
        if entry.is_some() {
            self.wake_scheduler();
        }
        Ok(Arrival::Stored { woke: entry.is_some() })
    }

    /// The body of a run, for the gateway: steps with scripts by hash, as JSON text.
    pub async fn run_body(&self, run_id: Uuid, computer: ComputerId) -> Result<Option<RunBody>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT session_id, epoch, start_by, body::text AS body FROM run WHERE run_id = $1 AND computer_id = $2",
            )
            .await
            .doing("reading a run")?;
        let row = client.query_opt(&statement, &[&run_id, &computer.0]).await.doing("reading a run")?;
        Ok(row.map(|row| RunBody {
            session: SessionId(row.get("session_id")),
            epoch: row.get("epoch"),
            start_by: row.get("start_by"),
            body: row.get("body"),
        }))
    }

    /// The outcomes of the runs for a plan's actions that are stored, as JSON text, the latest first.
    pub async fn outcomes_of_plan(&self, session: SessionId, plan: i32) -> Result<Vec<PlanRun>, Error> {
        let client = self.client().await?;
        let sql = "SELECT action_seq, outcome::text AS outcome FROM run
                   WHERE session_id = $1 AND plan = $2 AND action_seq IS NOT NULL AND outcome IS NOT NULL
                   ORDER BY created_at DESC, run_id DESC";
        let statement = client.prepare_cached(sql).await.doing("reading the outcomes of a plan")?;
        let rows = client.query(&statement, &[&session.0, &plan]).await.doing("reading the outcomes of a plan")?;
        Ok(rows.iter().map(|row| PlanRun { action: row.get("action_seq"), outcome: row.get("outcome") }).collect())
    }

    /// Whether the outcome of a run has arrived, as JSON text.
    pub async fn run_outcome(&self, run_id: Uuid) -> Result<Option<String>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached("SELECT outcome::text AS outcome FROM run WHERE run_id = $1")
            .await
            .doing("reading an outcome")?;
        let row = client.query_opt(&statement, &[&run_id]).await.doing("reading an outcome")?;
        Ok(row.and_then(|row| row.get("outcome")))
    }

    /// Makes due what waits for the connection of a computer, or for its restart. Returns the sessions. What a worker has
    /// is waited for: it may be about to wait for the connection, having seen none.
    pub async fn wake_connected(&self, computer: ComputerId) -> Result<Vec<SessionId>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT id FROM session WHERE computer_id = $1
                 AND (run_after IS NULL OR waiting_on IN ('connectivity', 'reboot'))",
            )
            .await
            .doing("looking for sessions that wait for a computer")?;
        let rows =
            client.query(&statement, &[&computer.0]).await.doing("looking for sessions that wait for a computer")?;
        drop(client);
        let ids: Vec<SessionId> = rows.iter().map(|row| SessionId(row.get("id"))).collect();
        let now = self.now();
        let written = self
            .decide(&ids, |session| {
                use crate::domain::session::WaitingOn;
                match session.waiting_on {
                    Some(WaitingOn::Connectivity | WaitingOn::Reboot) => {
                        wake(session, "The computer has connected.", "gateway", now).map(Entry::bare)
                    }
                    _ => None,
                }
            })
            .await?;
        if !written.is_empty() {
            self.wake_scheduler();
        }
        Ok(written.iter().map(|entry| entry.change.after.id).collect())
    }
}

/// What came of a run for an action of a plan.
#[derive(Debug, Clone)]
pub struct PlanRun {
    /// The action's place in the plan.
    pub action: i32,
    /// The run's outcome, as JSON text.
    pub outcome: String,
}

/// A stored run, for the gateway.
#[derive(Debug, Clone)]
pub struct RunBody {
    /// The session that asks.
    pub session: SessionId,
    /// The computer's epoch.
    pub epoch: i64,
    /// The time after which it must not start.
    pub start_by: Timestamp,
    /// Its steps, with scripts by hash, as JSON text.
    pub body: String,
}

static FENCE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "WITH mine AS (
             SELECT s.id, u.run_id, u.before, u.taken_at, u.deadline, u.epoch FROM session s
             JOIN unnest($1::bigint[], $2::int[], $3::uuid[], $5::int[], $6::timestamptz[], $7::timestamptz[],
                         $8::bigint[]) AS u(id, dispatch, run_id, before, taken_at, deadline, epoch)
               ON s.id = ANY(ARRAY[u.id]) AND s.dispatch = u.dispatch
             WHERE CASE WHEN u.before IS NULL THEN s.owner = $4
                        ELSE s.revision = u.before OR (s.owner = $4 AND s.epoch = u.epoch) END
             ORDER BY u.id FOR NO KEY UPDATE OF s
         )
         UPDATE session s SET run_in_flight = m.run_id, status = 'running', waiting_on = NULL, owner = $4,
                taken_at = coalesce(m.taken_at, s.taken_at), deadline = coalesce(m.deadline, s.deadline),
                epoch = coalesce(m.epoch, s.epoch), revision = coalesce(m.before + 1, s.revision),
                started_at = coalesce(s.started_at, m.taken_at)
         FROM mine m WHERE s.id = ANY(ARRAY[m.id]) RETURNING s.id, s.dispatch, {INTENTS}"
    )
});

/// Locks the sessions in order, checks that they are the worker's, and notes which run is in flight. A claim that comes
/// along is written if nothing has happened to its session since it was looked at; or it was written already, by a
/// transaction whose end was not heard.
async fn fence(tx: &Tx<'_>, worker: &str, progress: &[&Progress]) -> Result<Vec<Recorded>, Error> {
    let statement = tx.prepare_cached(&FENCE).await.doing("fencing progress")?;
    // Two of one session come of a job that was delivered twice: the first one counts, and only one is asked about.
    let mut seen = HashSet::new();
    let first: Vec<bool> = progress.iter().map(|p| seen.insert((p.session, p.dispatch))).collect();
    let asked = || progress.iter().zip(&first).filter(|(_, first)| **first).map(|(progress, _)| *progress);
    let ids: Vec<i64> = asked().map(|p| p.session.0).collect();
    let dispatches: Vec<i32> = asked().map(|p| p.dispatch).collect();
    let runs: Vec<Option<Uuid>> = asked().map(|p| p.start.as_ref().map(|start| start.run_id)).collect();
    let claims = || asked().map(|p| p.claim.as_ref());
    let befores: Vec<Option<i32>> = claims().map(|claim| claim.map(|claim| claim.before)).collect();
    let taken: Vec<Option<Timestamp>> = claims().map(|claim| claim.map(|claim| claim.taken_at)).collect();
    let deadlines: Vec<Option<Timestamp>> = claims().map(|claim| claim.map(|claim| claim.deadline)).collect();
    let epochs: Vec<Option<i64>> = claims().map(|claim| claim.map(|claim| claim.epoch)).collect();
    let rows = tx
        .query(&statement, &[&ids, &dispatches, &runs, &worker, &befores, &taken, &deadlines, &epochs])
        .await
        .doing("fencing progress")?;
    let mine: HashMap<(i64, i32), Intents> =
        rows.iter().map(|row| ((row.get("id"), row.get("dispatch")), Intents::of(row))).collect();
    Ok(progress
        .iter()
        .zip(first)
        .map(|(p, first)| match mine.get(&(p.session.0, p.dispatch)) {
            Some(intents) if first => Recorded::Committed(*intents),
            Some(_) | None => Recorded::Fenced,
        })
        .collect())
}

fn start_runs<'p>(last: &mut Last<'p>, starts: &[(SessionId, i32, &'p StartRun)]) {
    if starts.is_empty() {
        return;
    }
    let sql = "INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, plan, action_seq, attempt, purpose,
                                start_by, body)
               SELECT u.run_id, u.session_id, u.computer_id, u.dispatch, u.epoch, u.plan, u.action_seq, u.attempt,
                      u.purpose, u.start_by, u.body::json
               FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::int[], $7::int[],
                           $8::int[], $9::text[], $10::timestamptz[], $11::text[])
                    AS u(run_id, session_id, computer_id, dispatch, epoch, plan, action_seq, attempt, purpose, start_by,
                         body)
               ON CONFLICT DO NOTHING";
    last.add(
        "recording that runs start",
        sql,
        params![
            starts.iter().map(|(_, _, s)| s.run_id).collect::<Vec<_>>(),
            starts.iter().map(|(id, _, _)| id.0).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.computer.0).collect::<Vec<_>>(),
            starts.iter().map(|(_, dispatch, _)| *dispatch).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.epoch).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.action.map(|action| action.plan)).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.action.map(|action| action.seq)).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.action.map(|action| action.attempt)).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.purpose.as_str()).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.start_by).collect::<Vec<_>>(),
            starts.iter().map(|(_, _, s)| s.body.as_str()).collect::<Vec<_>>(),
        ],
    );
}
