//! Runs: what is started on computers, and what comes of it.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use pitcrew_protocol::RunOutcome;
use uuid::Uuid;

use super::error::Doing;
use super::gate::{self, EndedAction, EndedRun, Entry};
use super::leases::Intents;
use super::{Error, Store};
use crate::domain::run::Purpose;
use crate::domain::{ComputerId, SessionId};
use crate::lifecycle::wake::wake;

/// What a worker commits in the middle of a stage: that an action and its run have ended, that the next run starts.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The session.
    pub session: SessionId,
    /// The dispatch under which the worker has it.
    pub dispatch: i32,
    /// The run that has ended.
    pub ended_run: Option<EndedRun>,
    /// The actions that have ended.
    pub ended_actions: Vec<EndedAction>,
    /// The run that starts.
    pub start: Option<StartRun>,
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
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
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
        futures_util::try_join!(
            gate::end_actions(&tx, &ended_actions),
            gate::end_runs(&tx, &ended_runs),
            start_runs(&tx, &starts),
            start_actions(&tx, &starts),
        )?;
        tx.commit().await.doing("committing progress")?;
        Ok(mine)
    }

    /// Stores the outcome of a run that a computer sent, and makes its session due if it is parked for it; both under
    /// the lock of the session's row, so that parking and outcome cannot miss each other.
    pub async fn outcome_arrived(&self, computer: ComputerId, outcome: &RunOutcome) -> Result<Arrival, Error> {
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
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
        gate::end_runs(&tx, &[&ended]).await?;
        let change = locked
            .first()
            .filter(|session| session.run_in_flight == Some(outcome.run_id))
            .and_then(|session| wake(session, "The outcome has arrived.", "computer", now));
        let entry = change.map(Entry::bare);
        if let Some(entry) = &entry {
            gate::write(&tx, &[entry]).await?;
        }
        tx.commit().await.doing("storing an outcome")?;
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

    /// Makes due what waits for the connection of a computer, or for its restart. Returns the sessions.
    pub async fn wake_connected(&self, computer: ComputerId) -> Result<Vec<SessionId>, Error> {
        let client = self.client().await?;
        let statement = client
            .prepare_cached(
                "SELECT id FROM session WHERE computer_id = $1 AND waiting_on IN ('connectivity', 'reboot')
                 AND run_after IS NOT NULL",
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

/// Locks the sessions in order, checks that they are the worker's, and notes which run is in flight.
async fn fence(tx: &Transaction<'_>, worker: &str, progress: &[&Progress]) -> Result<Vec<Recorded>, Error> {
    let statement = tx
        .prepare_cached(
            "WITH mine AS (
                 SELECT s.id, u.run_id FROM session s
                 JOIN unnest($1::bigint[], $2::int[], $3::uuid[]) AS u(id, dispatch, run_id)
                   ON s.id = u.id AND s.dispatch = u.dispatch
                 WHERE s.owner = $4 ORDER BY s.id FOR NO KEY UPDATE OF s
             )
             UPDATE session s SET run_in_flight = mine.run_id FROM mine WHERE s.id = mine.id
             RETURNING s.id, s.dispatch, s.cancel IS NOT NULL AS cancel, s.pause IS NOT NULL AS pause,
                       EXISTS (SELECT FROM tenant t WHERE t.id = s.tenant_id AND t.stopped_at IS NOT NULL) AS stop",
        )
        .await
        .doing("fencing progress")?;
    let ids: Vec<i64> = progress.iter().map(|p| p.session.0).collect();
    let dispatches: Vec<i32> = progress.iter().map(|p| p.dispatch).collect();
    let runs: Vec<Option<Uuid>> = progress.iter().map(|p| p.start.as_ref().map(|start| start.run_id)).collect();
    let rows = tx.query(&statement, &[&ids, &dispatches, &runs, &worker]).await.doing("fencing progress")?;
    let mine: HashMap<(i64, i32), Intents> = rows
        .iter()
        .map(|row| {
            (
                (row.get("id"), row.get("dispatch")),
                Intents { cancel: row.get("cancel"), pause: row.get("pause"), stop: row.get("stop") },
            )
        })
        .collect();
    let mut seen = HashSet::new();
    Ok(progress
        .iter()
        .map(|p| match mine.get(&(p.session.0, p.dispatch)) {
            Some(intents) if seen.insert(p.session) => Recorded::Committed(*intents),
            _ => Recorded::Fenced,
        })
        .collect())
}

async fn start_runs(tx: &Transaction<'_>, starts: &[(SessionId, i32, &StartRun)]) -> Result<(), Error> {
    if starts.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "INSERT INTO run (run_id, session_id, computer_id, dispatch, epoch, action_seq, purpose, start_by, body)
             SELECT u.run_id, u.session_id, u.computer_id, u.dispatch, u.epoch, u.action_seq, u.purpose, u.start_by,
                    u.body::jsonb
             FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::int[], $5::bigint[], $6::int[], $7::text[],
                         $8::timestamptz[], $9::text[])
                  AS u(run_id, session_id, computer_id, dispatch, epoch, action_seq, purpose, start_by, body)
             ON CONFLICT DO NOTHING",
        )
        .await
        .doing("recording that runs start")?;
    tx.execute(
        &statement,
        &[
            &starts.iter().map(|(_, _, s)| s.run_id).collect::<Vec<_>>(),
            &starts.iter().map(|(id, _, _)| id.0).collect::<Vec<_>>(),
            &starts.iter().map(|(_, _, s)| s.computer.0).collect::<Vec<_>>(),
            &starts.iter().map(|(_, dispatch, _)| *dispatch).collect::<Vec<_>>(),
            &starts.iter().map(|(_, _, s)| s.epoch).collect::<Vec<_>>(),
            &starts.iter().map(|(_, _, s)| s.action.map(|action| action.seq)).collect::<Vec<_>>(),
            &starts.iter().map(|(_, _, s)| s.purpose.as_str()).collect::<Vec<_>>(),
            &starts.iter().map(|(_, _, s)| s.start_by).collect::<Vec<_>>(),
            &starts.iter().map(|(_, _, s)| s.body.as_str()).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording that runs start")?;
    Ok(())
}

async fn start_actions(tx: &Transaction<'_>, starts: &[(SessionId, i32, &StartRun)]) -> Result<(), Error> {
    let rows: Vec<_> =
        starts.iter().filter_map(|(id, _, start)| start.action.map(|action| (*id, action, start.run_id))).collect();
    if rows.is_empty() {
        return Ok(());
    }
    let statement = tx
        .prepare_cached(
            "UPDATE action a SET status = 'started', run_id = u.run_id, attempts = u.attempt,
                                 started_at = coalesce(a.started_at, clock_timestamp())
             FROM unnest($1::bigint[], $2::int[], $3::int[], $4::int[], $5::uuid[])
                  AS u(session_id, dispatch, seq, attempt, run_id)
             WHERE a.session_id = u.session_id AND a.dispatch = u.dispatch AND a.seq = u.seq",
        )
        .await
        .doing("recording that actions start")?;
    tx.execute(
        &statement,
        &[
            &rows.iter().map(|(id, ..)| id.0).collect::<Vec<_>>(),
            &rows.iter().map(|(_, action, _)| action.plan).collect::<Vec<_>>(),
            &rows.iter().map(|(_, action, _)| action.seq).collect::<Vec<_>>(),
            &rows.iter().map(|(_, action, _)| action.attempt).collect::<Vec<_>>(),
            &rows.iter().map(|(.., run)| *run).collect::<Vec<_>>(),
        ],
    )
    .await
    .doing("recording that actions start")?;
    Ok(())
}
