//! Workers claim jobs, in groups, and are given all that the stage needs in the same transaction.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use deadpool_postgres::Transaction;
use jiff::Timestamp;
use tracing::error;
use uuid::Uuid;

use super::error::Doing;
use super::gate::{self, Entry};
use super::{Error, Store, rows};
use crate::domain::SessionId;
use crate::domain::compliance::Fingerprint;
use crate::domain::computer::Computer;
use crate::domain::job::Job;
use crate::domain::run::Purpose;
use crate::domain::session::{Session, Stage};
use crate::lifecycle::claim::{Claim, claim};

/// What became of a job.
#[derive(Debug, Clone)]
pub enum Claimed {
    /// It is the worker's, with all that its stage needs.
    Taken(Box<Inputs>),
    /// Its successor's job has to be published again; then it can be dropped.
    Republish(Job),
    /// It counts no more.
    Dropped,
}

/// What a stage starts from.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// The session, claimed.
    pub session: Session,
    /// Its computer; none if it was removed meanwhile.
    pub computer: Option<Computer>,
    /// The gateway that has the connection of the computer's agent.
    pub gateway: Option<String>,
    /// Names the last judgement of the whole computer, if what is stored is still as that one left it.
    pub fingerprint: Option<Fingerprint>,
    /// The version of the policy that counts now.
    pub policy_version: i64,
    /// What detection found, as JSON text; for planning.
    pub findings: Option<String>,
    /// The dispatch of the planning and its plan, as JSON text; for execution.
    pub plan: Option<(i32, String)>,
    /// How far the plan's actions are; for execution.
    pub actions: Vec<ActionState>,
    /// How many plans the session has had that had something to do; for execution.
    pub plans: usize,
    /// The run that is recorded as in flight.
    pub run: Option<RunState>,
}

/// How far an action is.
#[derive(Debug, Clone)]
pub struct ActionState {
    /// Its place in the plan.
    pub seq: i32,
    /// `planned`, `started` or `done`.
    pub status: String,
    /// Its result, if it is done.
    pub result: Option<String>,
    /// How often it was started.
    pub attempts: i32,
}

/// A run that is recorded as in flight.
#[derive(Debug, Clone)]
pub struct RunState {
    /// The run.
    pub run_id: Uuid,
    /// The action it belongs to.
    pub action: Option<i32>,
    /// What it was started for.
    pub purpose: Purpose,
    /// Its steps, with scripts by hash, as JSON text.
    pub body: String,
    /// When all its steps have taken the longest they may.
    pub deadline: Timestamp,
    /// Its outcome as JSON text, if it has arrived.
    pub outcome: Option<String>,
}

impl Store {
    /// Claims jobs for a worker until `lease` from now. The answers are in the order of the jobs; of two equal jobs the
    /// second is dropped.
    pub async fn claim(&self, worker: &str, lease: Duration, jobs: &[Job]) -> Result<Vec<Claimed>, Error> {
        let mut ids: Vec<SessionId> = jobs.iter().map(|job| job.session).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut client = self.client().await?;
        let tx = client.transaction().await.doing("opening a transaction")?;
        let asked = Instant::now();
        let (sessions, version) = futures_util::try_join!(gate::lock(&tx, &ids), now_and_policy(&tx))?;
        let (database_now, policy_version) = version;
        self.clock().sample(database_now, asked);
        let sessions: HashMap<SessionId, Session> = sessions.into_iter().map(|session| (session.id, session)).collect();

        let mut taken = HashSet::new();
        let claims: Vec<Claim> = jobs
            .iter()
            .map(|job| match claim(sessions.get(&job.session), job, worker, database_now, lease) {
                // Of two equal jobs in one group the first is the one that counts.
                Claim::Take(_) if !taken.insert(job.session) => Claim::Drop,
                claim => claim,
            })
            .collect();
        let entries: Vec<Entry> = claims
            .iter()
            .filter_map(|claim| match claim {
                Claim::Take(change) => Some(Entry::bare((**change).clone())),
                Claim::Republish(_) | Claim::Drop => None,
            })
            .collect();
        let taken: Vec<&Session> = entries.iter().map(|entry| &entry.change.after).collect();
        let entry_refs: Vec<&Entry> = entries.iter().collect();
        let (epochs, mut inputs) = futures_util::try_join!(gate::write(&tx, &entry_refs), inputs(&tx, &taken))?;
        tx.commit().await.doing("committing claims")?;

        Ok(claims
            .into_iter()
            .map(|claim| match claim {
                Claim::Republish(job) => Claimed::Republish(job),
                Claim::Drop => Claimed::Dropped,
                Claim::Take(change) => match (epochs.get(&change.after.id), inputs.remove(&change.after.id)) {
                    (Some(epoch), Some(mut input)) => {
                        input.session = change.after;
                        input.session.epoch = *epoch;
                        input.policy_version = policy_version;
                        Claimed::Taken(Box::new(input))
                    }
                    _ => Claimed::Dropped,
                },
            })
            .collect())
    }
}

async fn now_and_policy(tx: &Transaction<'_>) -> Result<(jiff::Timestamp, i64), Error> {
    let statement = tx
        .prepare_cached("SELECT clock_timestamp() AS now, policy_version FROM installation")
        .await
        .doing("asking for the policy's version")?;
    let row = tx.query_one(&statement, &[]).await.doing("asking for the policy's version")?;
    Ok((row.get("now"), row.get("policy_version")))
}

/// Reads what the stages of these sessions start from.
async fn inputs(tx: &Transaction<'_>, sessions: &[&Session]) -> Result<HashMap<SessionId, Inputs>, Error> {
    if sessions.is_empty() {
        return Ok(HashMap::new());
    }
    let of = |stage: Stage| -> Vec<i64> {
        sessions.iter().filter(|session| session.stage == stage).map(|session| session.id.0).collect()
    };
    let busy: Vec<Uuid> = sessions.iter().filter_map(|session| session.run_in_flight).collect();
    let computers: Vec<i64> = sessions.iter().map(|session| session.computer.0).collect();
    let (mut computers, mut findings, mut plans, mut actions, mut runs) = futures_util::try_join!(
        read_computers(tx, computers),
        read_results(tx, Stage::Detection, of(Stage::Planning)),
        read_results(tx, Stage::Planning, of(Stage::Execution)),
        read_actions(tx, of(Stage::Execution)),
        read_runs(tx, busy),
    )?;
    Ok(sessions
        .iter()
        .map(|session| {
            let KnownComputer { computer, gateway, fingerprint } =
                computers.remove(&session.computer.0).unwrap_or_default();
            let plan = plans.remove(&session.id);
            let mut states = actions.remove(&session.id).unwrap_or_default();
            let plans = states.iter().map(|(dispatch, _)| dispatch).collect::<HashSet<_>>().len();
            states.retain(|(dispatch, _)| plan.as_ref().is_some_and(|(planned, _)| planned == dispatch));
            let inputs = Inputs {
                session: (*session).clone(),
                computer,
                gateway,
                fingerprint,
                policy_version: 0,
                findings: findings.remove(&session.id).map(|(_, body)| body),
                plan,
                plans,
                actions: states.into_iter().map(|(_, state)| state).collect(),
                run: session.run_in_flight.and_then(|run| runs.remove(&run)),
            };
            (session.id, inputs)
        })
        .collect())
}

/// A computer and what is known of it.
#[derive(Default)]
struct KnownComputer {
    computer: Option<Computer>,
    gateway: Option<String>,
    fingerprint: Option<Fingerprint>,
}

async fn read_computers(tx: &Transaction<'_>, ids: Vec<i64>) -> Result<HashMap<i64, KnownComputer>, Error> {
    let sql = format!(
        "SELECT {}, p.gateway, j.fingerprint FROM {}
         LEFT JOIN agent_presence p ON p.computer_id = c.id
         LEFT JOIN judgement j ON j.computer_id = c.id
         WHERE c.id = ANY($1)",
        rows::COMPUTER,
        rows::FROM_COMPUTER
    );
    let statement = tx.prepare_cached(&sql).await.doing("reading computers")?;
    let found = tx.query(&statement, &[&ids]).await.doing("reading computers")?;
    Ok(found
        .iter()
        .filter_map(|row| {
            let id: i64 = row.get("id");
            let computer =
                rows::computer(row).inspect_err(|error| error!("Computer {id} is left alone: {error}")).ok()?;
            let fingerprint: Option<&[u8]> = row.get("fingerprint");
            let fingerprint = fingerprint.and_then(|name| name.try_into().ok());
            Some((id, KnownComputer { computer: Some(computer), gateway: row.get("gateway"), fingerprint }))
        })
        .collect())
}

async fn read_results(
    tx: &Transaction<'_>,
    stage: Stage,
    ids: Vec<i64>,
) -> Result<HashMap<SessionId, (i32, String)>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = tx
        .prepare_cached(
            "SELECT DISTINCT ON (session_id) session_id, dispatch, body::text AS body FROM stage_result
             WHERE session_id = ANY($1) AND stage = $2 ORDER BY session_id, dispatch DESC",
        )
        .await
        .doing("reading results")?;
    let found = tx.query(&statement, &[&ids, &stage.as_str()]).await.doing("reading results")?;
    Ok(found.iter().map(|row| (SessionId(row.get("session_id")), (row.get("dispatch"), row.get("body")))).collect())
}

async fn read_actions(
    tx: &Transaction<'_>,
    ids: Vec<i64>,
) -> Result<HashMap<SessionId, Vec<(i32, ActionState)>>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = tx
        .prepare_cached(
            "SELECT session_id, dispatch, seq, status, result, attempts FROM action
             WHERE session_id = ANY($1) ORDER BY session_id, dispatch, seq",
        )
        .await
        .doing("reading actions")?;
    let found = tx.query(&statement, &[&ids]).await.doing("reading actions")?;
    let mut actions: HashMap<SessionId, Vec<(i32, ActionState)>> = HashMap::new();
    for row in &found {
        let state = ActionState {
            seq: row.get("seq"),
            status: row.get("status"),
            result: row.get("result"),
            attempts: row.get("attempts"),
        };
        actions.entry(SessionId(row.get("session_id"))).or_default().push((row.get("dispatch"), state));
    }
    Ok(actions)
}

async fn read_runs(tx: &Transaction<'_>, ids: Vec<Uuid>) -> Result<HashMap<Uuid, RunState>, Error> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let statement = tx
        .prepare_cached(
            "SELECT run_id, action_seq, purpose, body::text AS body, outcome::text AS outcome,
                    start_by + make_interval(secs => coalesce((SELECT sum((step ->> 'timeout_ms')::float8)
                        FROM jsonb_array_elements(body -> 'steps') step), 0) / 1000) AS deadline
             FROM run WHERE run_id = ANY($1)",
        )
        .await
        .doing("reading runs")?;
    let found = tx.query(&statement, &[&ids]).await.doing("reading runs")?;
    found
        .iter()
        .map(|row| {
            let run_id: Uuid = row.get("run_id");
            let state = RunState {
                run_id,
                action: row.get("action_seq"),
                purpose: rows::word(row, "purpose")?,
                body: row.get("body"),
                deadline: row.get("deadline"),
                outcome: row.get("outcome"),
            };
            Ok((run_id, state))
        })
        .collect()
}
