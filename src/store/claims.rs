//! Workers claim jobs, in groups, and are given all that the stage needs.
//!
//! A job is *looked at* first: read without a lock, and decided upon. Its claim is written together with the first thing
//! that the stage has to write, a run's start or its whole result, and only if nothing has happened to the session since:
//! most stages cost one transaction less. Nothing is done at a computer before that. Where a claim must be seen whatever
//! becomes of the stage, or something may be going on at the computer already, it is written at once: see
//! [`Asked::at_once`].

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use deadpool_postgres::Object;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use tracing::{error, warn};
use uuid::Uuid;

use super::error::Doing;
use super::gate::{Entry, Verdict};
use super::{Clock, Error, Store, rows};
use crate::domain::SessionId;
use crate::domain::compliance::Fingerprint;
use crate::domain::computer::Computer;
use crate::domain::job::Job;
use crate::domain::run::Purpose;
use crate::domain::session::{Session, Stage};
use crate::lifecycle::Change;
use crate::lifecycle::claim::{Claim, claim};

/// How soon claims are asked for again whose answer was not heard.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// A job that is to be claimed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asked {
    /// The job.
    pub job: Job,
    /// Write the claim before anything else: it was delivered before, and if it kills whoever works on it, that is to
    /// be counted.
    pub at_once: bool,
}

/// A job that the worker may work on.
#[derive(Debug, Clone)]
pub struct Taken {
    /// What the stage starts from.
    pub inputs: Inputs,
    /// The claim is in the database. Otherwise it has to be written with whatever is written first.
    pub written: bool,
}

/// What became of a job.
#[derive(Debug, Clone)]
pub enum Claimed {
    /// The worker may work on it, with all that its stage needs.
    Taken(Box<Taken>),
    /// It was lost with its workers so often that one more time decides: the next one to take it does nothing else
    /// meanwhile, so that nobody else is taken for what it does. Nothing was written.
    Alone,
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
    /// Its result, if it is done.
    pub result: Option<String>,
    /// How often it was started.
    pub attempts: i32,
    /// When that was first.
    pub begun: Option<Timestamp>,
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
    /// Claims jobs for a worker until `lease` from now. Those that were lost `alone_from` times are left to a worker that
    /// claims without such a limit, having nothing else in work. The answers are in the order of the jobs; of two equal
    /// jobs the second is dropped.
    pub async fn claim(
        &self,
        worker: &str,
        lease: Duration,
        alone_from: Option<i32>,
        asked: &[Asked],
    ) -> Result<Vec<Claimed>, Error> {
        let Some(stage) = asked.first().map(|asked| asked.job.stage) else { return Ok(Vec::new()) };
        let mut ids: Vec<i64> = asked.iter().map(|asked| asked.job.session.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let client = self.client().await?;
        let mut looked = look(&client, self.clock(), stage, &ids).await?;
        drop(client);
        let mut taken = HashSet::new();
        let claims: Vec<Claim> = asked
            .iter()
            .map(|Asked { job, .. }| {
                let (session, epoch) = looked.sessions.get(&job.session).map(|(s, epoch)| (s, *epoch)).unzip();
                match claim(session, job, worker, looked.now, lease, epoch.unwrap_or_default()) {
                    // Of two equal jobs in one group the first is the one that counts.
                    Claim::Take(_) if !taken.insert(job.session) => Claim::Drop,
                    claim => claim,
                }
            })
            .collect();
        let alone = |change: &Change| alone_from.is_some_and(|losses| change.after.losses >= losses);
        let at_once: Vec<Entry> = claims
            .iter()
            .zip(asked)
            .filter_map(|(claim, asked)| match claim {
                Claim::Take(change) if (asked.at_once || cannot_wait(change)) && !alone(change) => {
                    Some(Entry::bare((**change).clone()))
                }
                Claim::Take(_) | Claim::Republish(_) | Claim::Drop => None,
            })
            .collect();
        let asked_for: HashSet<SessionId> = at_once.iter().map(|entry| entry.change.after.id).collect();
        let mut mine = HashSet::new();
        if !at_once.is_empty() {
            let (written, seen) = self.write_claims(stage, &at_once, lease).await?;
            mine = written;
            looked.update(seen);
        }
        Ok(claims
            .into_iter()
            .map(|claim| match claim {
                Claim::Republish(job) => Claimed::Republish(job),
                Claim::Drop => Claimed::Dropped,
                Claim::Take(change) if alone(&change) => Claimed::Alone,
                Claim::Take(change) => {
                    let written = mine.contains(&change.after.id);
                    if !written && asked_for.contains(&change.after.id) {
                        return Claimed::Dropped;
                    }
                    let inputs = looked.inputs(change.after);
                    Claimed::Taken(Box::new(Taken { inputs, written }))
                }
            })
            .collect())
    }

    /// Writes claims at once, and looks again: what was going on may have changed until they were written; from then on
    /// it is the worker's alone. Returns those that are the worker's. If no answer is heard this is tried again for as
    /// long as the claims may be worth something: given up, they would count as lost with their worker.
    async fn write_claims(
        &self,
        stage: Stage,
        claims: &[Entry],
        lease: Duration,
    ) -> Result<(HashSet<SessionId>, Looked), Error> {
        let begun = Instant::now();
        loop {
            match self.try_to_write(stage, claims).await {
                Err(error) if error.is_transient() && begun.elapsed() < lease => {
                    warn!(error = &error as &dyn std::error::Error, "Claims are asked for again");
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                answer => return answer,
            }
        }
    }

    async fn try_to_write(&self, stage: Stage, claims: &[Entry]) -> Result<(HashSet<SessionId>, Looked), Error> {
        let verdicts = self.commit(claims).await?;
        let ids: Vec<i64> = claims.iter().map(|entry| entry.change.after.id.0).collect();
        let client = self.client().await?;
        let looked = look(&client, self.clock(), stage, &ids).await?;
        // One that was committed before, unheard, is fenced out by itself.
        let is_written = |claim: &Session| {
            looked.sessions.get(&claim.id).is_some_and(|(session, _)| {
                (session.dispatch, &session.owner, session.taken_at, session.epoch)
                    == (claim.dispatch, &claim.owner, claim.taken_at, claim.epoch)
            })
        };
        let written = claims.iter().zip(verdicts).filter_map(|(entry, verdict)| {
            let claim = &entry.change.after;
            (verdict == Verdict::Committed || is_written(claim)).then_some(claim.id)
        });
        Ok((written.collect(), looked))
    }
}

/// Whether a claim has to be written before its stage begins: a step may be going on that is spoken to first, under an
/// epoch that counts; an end is wanted; or it was lost before, and every further loss counts.
fn cannot_wait(change: &Change) -> bool {
    let session = &change.after;
    session.run_in_flight.is_some() || session.cancel.is_some() || session.losses > 0
}

/// What was seen of some sessions, each thing a moment after the one before it.
struct Looked {
    now: Timestamp,
    policy_version: i64,
    /// The sessions, each with an epoch that was drawn for whoever looks at it now. It was drawn with the session's row
    /// or after: of two claims of a computer that are written, the later one has the higher epoch.
    sessions: HashMap<SessionId, (Session, i64)>,
    computers: HashMap<i64, KnownComputer>,
    /// What the stage before left, and its dispatch.
    results: HashMap<SessionId, (i32, String)>,
    /// The actions of all plans, each with the dispatch of its planning.
    actions: HashMap<SessionId, Vec<(i32, ActionState)>>,
    runs: HashMap<Uuid, RunState>,
}

impl Looked {
    /// What was seen later counts.
    fn update(&mut self, later: Looked) {
        self.computers.extend(later.computers);
        self.results.extend(later.results);
        self.actions.extend(later.actions);
        self.runs.extend(later.runs);
    }

    /// What a stage starts from; of each session it can be asked once.
    fn inputs(&mut self, session: Session) -> Inputs {
        let KnownComputer { computer, gateway, fingerprint } =
            self.computers.remove(&session.computer.0).unwrap_or_default();
        let result = self.results.remove(&session.id);
        let (findings, plan) = match session.stage {
            Stage::Detection => (None, None),
            Stage::Planning => (result.map(|(_, body)| body), None),
            Stage::Execution => (None, result),
        };
        let mut states = self.actions.remove(&session.id).unwrap_or_default();
        let plans = states.iter().map(|(dispatch, _)| dispatch).collect::<HashSet<_>>().len();
        states.retain(|(dispatch, _)| plan.as_ref().is_some_and(|(planned, _)| planned == dispatch));
        Inputs {
            computer,
            gateway,
            fingerprint,
            policy_version: self.policy_version,
            findings,
            plan,
            plans,
            actions: states.into_iter().map(|(_, state)| state).collect(),
            run: session.run_in_flight.and_then(|run| self.runs.remove(&run)),
            session,
        }
    }
}

static SESSIONS: LazyLock<String> = LazyLock::new(|| {
    format!("SELECT {}, nextval('computer_epoch') AS drawn FROM session s WHERE s.id = ANY($1)", rows::SESSION)
});

static COMPUTERS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT c.* FROM session s CROSS JOIN LATERAL (
             SELECT {}, p.gateway, j.fingerprint FROM {}
             LEFT JOIN agent_presence p ON p.computer_id = c.id
             LEFT JOIN judgement j ON j.computer_id = c.id
             WHERE c.id = s.computer_id OFFSET 0
         ) c WHERE s.id = ANY($1)",
        rows::COMPUTER,
        rows::FROM_COMPUTER
    )
});

const RESULTS: &str = "SELECT DISTINCT ON (session_id) session_id, dispatch, body::text AS body FROM stage_result
     WHERE session_id = ANY($1) AND stage = $2 ORDER BY session_id, dispatch DESC";

static ACTIONS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT a.session_id, a.dispatch, a.seq, a.result,
                coalesce(r.attempt, a.attempts) AS attempts,
                coalesce(a.started_at, r.begun) AS begun
         FROM action a {} WHERE a.session_id = ANY($1) ORDER BY a.session_id, a.dispatch, a.seq",
        rows::RUNS_OF_ACTION
    )
});

const RUNS: &str = "SELECT run_id, action_seq, purpose, body::text AS body, outcome::text AS outcome,
            start_by + make_interval(secs => coalesce((SELECT sum((step ->> 'timeout_ms')::float8)
                FROM json_array_elements(body -> 'steps') step), 0) / 1000) AS deadline
     FROM run WHERE run_id = ANY($1)";

/// Reads sessions and what their stage starts from: all questions in one round trip.
async fn look(client: &Object, clock: &Clock, stage: Stage, ids: &[i64]) -> Result<Looked, Error> {
    let before = match stage {
        Stage::Detection => None,
        Stage::Planning => Some(Stage::Detection.as_str()),
        Stage::Execution => Some(Stage::Planning.as_str()),
    };
    let results = async {
        match &before {
            Some(before) => ask(client, "reading results", RESULTS, &[&ids, before]).await,
            None => Ok(Vec::new()),
        }
    };
    let actions = async {
        match stage {
            Stage::Execution => ask(client, "reading actions", &ACTIONS, &[&ids]).await,
            Stage::Detection | Stage::Planning => Ok(Vec::new()),
        }
    };
    let these: [&(dyn ToSql + Sync); 1] = [&ids];
    let (now, sessions, computers, results, actions) = futures_util::try_join!(
        now_and_policy(client, clock),
        ask(client, "looking at sessions", &SESSIONS, &these),
        ask(client, "reading computers", &COMPUTERS, &these),
        results,
        actions,
    )?;
    let sessions: HashMap<SessionId, (Session, i64)> = sessions
        .iter()
        // One row that cannot be read, perhaps because a newer version wrote it, must not hold up all the others.
        .filter_map(|row| {
            rows::session(row)
                .inspect_err(|error| error!("Session {} is left alone: {error}", row.get::<_, i64>("id")))
                .ok()
                .map(|session| (session.id, (session, row.get("drawn"))))
        })
        .collect();
    let busy: Vec<Uuid> = sessions.values().filter_map(|(session, _)| session.run_in_flight).collect();
    let runs = if busy.is_empty() { Vec::new() } else { ask(client, "reading runs", RUNS, &[&busy]).await? };
    let (now, policy_version) = now;
    Ok(Looked {
        now,
        policy_version,
        sessions,
        computers: read_computers(&computers),
        results: read_results(&results),
        actions: read_actions(&actions),
        runs: read_runs(&runs)?,
    })
}

async fn now_and_policy(client: &Object, clock: &Clock) -> Result<(Timestamp, i64), Error> {
    let doing = "asking for the policy's version";
    let sql = "SELECT clock_timestamp() AS now, policy_version FROM installation";
    let statement = client.prepare_cached(sql).await.doing(doing)?;
    // The sooner the answer is looked at, the more certain it is: the other questions are still on their way.
    let asked = Instant::now();
    let row = client.query_one(&statement, &[]).await.doing(doing)?;
    let now = row.get("now");
    clock.sample(now, asked);
    Ok((now, row.get("policy_version")))
}

async fn ask(
    client: &Object,
    doing: &'static str,
    sql: &str,
    params: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Error> {
    let statement = client.prepare_cached(sql).await.doing(doing)?;
    client.query(&statement, params).await.doing(doing)
}

/// A computer and what is known of it.
#[derive(Default)]
struct KnownComputer {
    computer: Option<Computer>,
    gateway: Option<String>,
    fingerprint: Option<Fingerprint>,
}

fn read_computers(found: &[Row]) -> HashMap<i64, KnownComputer> {
    found
        .iter()
        .filter_map(|row| {
            let id: i64 = row.get("id");
            let computer =
                rows::computer(row).inspect_err(|error| error!("Computer {id} is left alone: {error}")).ok()?;
            let fingerprint: Option<&[u8]> = row.get("fingerprint");
            let fingerprint = fingerprint.and_then(|name| name.try_into().ok());
            Some((id, KnownComputer { computer: Some(computer), gateway: row.get("gateway"), fingerprint }))
        })
        .collect()
}

fn read_results(found: &[Row]) -> HashMap<SessionId, (i32, String)> {
    found.iter().map(|row| (SessionId(row.get("session_id")), (row.get("dispatch"), row.get("body")))).collect()
}

fn read_actions(found: &[Row]) -> HashMap<SessionId, Vec<(i32, ActionState)>> {
    let mut actions: HashMap<SessionId, Vec<(i32, ActionState)>> = HashMap::new();
    for row in found {
        let state = ActionState {
            seq: row.get("seq"),
            result: row.get("result"),
            attempts: row.get("attempts"),
            begun: row.get("begun"),
        };
        actions.entry(SessionId(row.get("session_id"))).or_default().push((row.get("dispatch"), state));
    }
    actions
}

fn read_runs(found: &[Row]) -> Result<HashMap<Uuid, RunState>, Error> {
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
