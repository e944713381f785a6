//! Goes through the plan: what is done stays done, what has lost its ground is skipped, the rest is done in order.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use pitcrew::domain::computer::Computer;
use pitcrew::domain::outcome::{ActionResult, Reason};
use pitcrew::domain::plan::{Plan, PlannedAction};
use pitcrew::domain::run::Purpose;
use pitcrew::domain::session::{self, Status, WaitingOn};
use pitcrew::domain::{Item, Tally};
use pitcrew::planning;
use pitcrew::stage::checkpoint::{Done, Fenced, Yield};
use pitcrew::stage::errand::{Adopted, Errand, Halt, fenced};
use pitcrew::stage::{Answer, Checkpoint, Report, Work};
use pitcrew::store::gate::{EndedAction, EndedRun, RunsOfAction};
use pitcrew::store::locks::Taken;
use pitcrew::transport::Transports;
use uuid::Uuid;

use crate::act::{Acted, act, resume, said_stop};
use crate::still_wanted::Today;

/// A session may be planned so many times; after that what has drifted has failed.
const MOST_PLANS: usize = 3;

/// A session that waits for a lock is woken when it is free; so long after it looks all the same.
const LOCK_POLL: Duration = Duration::from_secs(600);
/// What the database could not be asked for is asked for again after this.
const DATABASE_AGAIN: Duration = Duration::from_secs(5);

/// What has happened and is not committed yet.
#[derive(Default)]
pub struct Pending {
    /// A run that has ended.
    pub run: Option<EndedRun>,
    /// Actions that have ended.
    pub actions: Vec<EndedAction>,
}

/// A run that was left in flight, and what came of it.
struct Left {
    action: Option<i32>,
    purpose: Purpose,
    adopted: Adopted,
}

/// The walk through one plan.
pub struct Walk<'a> {
    /// What the stage was given.
    pub work: &'a Work,
    /// The dispatch of the planning.
    pub plan: i32,
    /// The line to the loop.
    pub checkpoint: &'a Checkpoint,
    /// The computer.
    pub errand: Errand<'a>,
    /// What is not committed yet.
    pub pending: Pending,
    /// When the action was begun that is in work.
    began: Timestamp,
    /// Which attempt at it this is, from 1.
    pub attempt: i32,
    /// Its runs, as far as they are known.
    pub runs: Option<RunsOfAction>,
    /// What a script has ended the session with.
    pub stop: Option<String>,
}

/// Goes through the plan from where it was left.
pub async fn walk(
    transports: &Transports,
    work: &Work,
    computer: &Computer,
    plan: &Plan,
    dispatch: i32,
    checkpoint: &Checkpoint,
) -> Report {
    let gateway = work.inputs.gateway.clone();
    let errand = match Errand::open(transports, &work.inputs.session, computer, gateway, checkpoint).await {
        Ok(errand) => errand,
        Err(halt) => return *halt,
    };
    let mut walk = Walk {
        work,
        plan: dispatch,
        checkpoint,
        errand,
        pending: Pending::default(),
        began: checkpoint.now(),
        attempt: 1,
        runs: None,
        stop: None,
    };
    let mut report = match walk.through(computer, plan).await {
        Ok(report) => report,
        Err(halt) => *halt,
    };
    report.ended.append(&mut walk.pending.actions);
    report.outcomes.extend(walk.pending.run.take());
    if walk.errand.must_acknowledge() && !report.outcomes.is_empty() {
        walk.commit_and_acknowledge(&mut report).await;
    }
    let waits = matches!(report.answer, Answer::Snooze(WaitingOn::Lock, _));
    if !waits && report.run_in_flight.is_none() && plan.actions.iter().any(|action| action.lock.is_some()) {
        // What ended without an outcome that counts, or was put off, must not keep others waiting.
        checkpoint.release_lock().await;
    }
    report
}

impl Walk<'_> {
    async fn through(&mut self, computer: &Computer, plan: &Plan) -> Result<Report, Halt> {
        let mut today = None;
        let mut results: BTreeMap<i32, ActionResult> = BTreeMap::new();
        let mut before: BTreeMap<i32, (i32, Option<Timestamp>)> = BTreeMap::new();
        for state in &self.work.inputs.actions {
            before.insert(state.seq, (state.attempts, state.begun));
            if let Some(Ok(result)) = state.result.as_deref().map(str::parse) {
                results.insert(state.seq, result);
            }
        }
        // What is settled is in its table of its own and not counted twice.
        results.retain(|seq, _| plan.actions.iter().any(|action| number(action.seq) == *seq));
        if let Some(report) = self.recall(plan, &results).await? {
            return Ok(report);
        }
        let mut unfinished = self.unfinished().await?;
        for action in &plan.actions {
            let seq = number(action.seq);
            if results.contains_key(&seq) {
                continue;
            }
            let (attempts, begun) = before.get(&seq).copied().unwrap_or_default();
            self.began = begun.unwrap_or_else(|| self.checkpoint.now());
            self.runs = None;
            // An attempt whose command did not reach the computer is made again under the same number.
            self.attempt = attempts.max(1);
            let left = unfinished.take_if(|left| left.action == Some(seq));
            if let (Some(_), Some(run)) = (&left, &self.work.inputs.run) {
                self.ran(run.run_id);
            }
            let acted = match left {
                Some(Left { adopted: Adopted::Ended(outcome), purpose, .. }) => {
                    resume(self, action, purpose, outcome).await?
                }
                Some(Left { adopted: Adopted::GivenUp, .. }) => {
                    let why = "The computer went away in the middle and did not come back within the time that its steps may take.";
                    Acted::CutOff(why.to_owned())
                }
                Some(Left { adopted: Adopted::NeverStarted, .. }) | None => {
                    if let Some(report) = self.wanted_otherwise(plan, &results) {
                        return Ok(report);
                    }
                    let known = self.today(today.take(), computer, plan).await?;
                    match self.obstacle(action, plan, &results, today.insert(known)) {
                        Some((reason, message)) => Acted::Skipped(reason, message),
                        None if let Some(message) = below(action, plan, &results) => {
                            Acted::Ended(ActionResult::Failed, Reason::ChildFailed, message)
                        }
                        None => {
                            if let Some(report) = self.wait_for_lock(action).await? {
                                return Ok(report);
                            }
                            act(self, action).await?
                        }
                    }
                }
            };
            match self.conclude(action, acted, plan, &results) {
                Ok(result) => results.insert(seq, result),
                Err(report) => return Ok(*report),
            };
            if let Some(message) = self.stop.take() {
                self.end_rest(plan, &results, ActionResult::Skipped, Reason::StoppedByScript, &message);
                return Ok(stopped(&action.item, &message));
            }
            if action.lock.is_some() {
                // The next one may have it once what came of this one is certain.
                self.commit_pending().await?;
                self.checkpoint.release_lock().await;
            }
        }
        if self.checkpoint.intents().cancel {
            return Ok(Report::new(Answer::End(Status::Cancelled), "It was called off after its last action."));
        }
        let settled = plan.settled.iter().map(|settled| settled.result);
        let tally = Tally::of(plan.compliant as usize, results.values().copied().chain(settled));
        Ok(Report::new(Answer::End(tally.status()), tally.sentence()))
    }

    /// Recalls that a script has ended the session, from the outcomes of earlier claims. They are looked at only where one
    /// may have said so that was not followed yet: in the middle of an action, and after the last one, with a report of it.
    async fn recall(&mut self, plan: &Plan, results: &BTreeMap<i32, ActionResult>) -> Result<Option<Report>, Halt> {
        let states = &self.work.inputs.actions;
        let all_ended = !results.is_empty() && results.len() == plan.actions.len();
        let in_the_middle = states.iter().any(|state| state.result.is_none() && state.begun.is_some());
        if !all_ended && !in_the_middle {
            return Ok(None);
        }
        let outcomes = self.checkpoint.outcomes_of_plan(self.plan).await.map_err(|error| {
            let note = format!("What its scripts have said could not be asked for: {error}");
            Report::new(Answer::Snooze(WaitingOn::Turn, self.checkpoint.now() + DATABASE_AGAIN), note)
        })?;
        let said = outcomes.iter().find_map(|(seq, outcome)| Some((*seq, said_stop(outcome)?)));
        let Some((seq, message)) = said else { return Ok(None) };
        let action = plan.actions.iter().find(|action| number(action.seq) == seq);
        match action.filter(|_| all_ended) {
            Some(action) => Ok(Some(stopped(&action.item, &message))),
            None => {
                self.stop = Some(message);
                Ok(None)
            }
        }
    }

    /// What came of the run that an earlier claim has left in flight.
    async fn unfinished(&mut self) -> Result<Option<Left>, Halt> {
        let Some(run) = &self.work.inputs.run else { return Ok(None) };
        let adopted = self.errand.adopt(run).await?;
        Ok(Some(Left { action: run.action, purpose: run.purpose, adopted }))
    }

    /// Whether something else than the next action is wanted now: an end, a pause, or the delivery back.
    fn wanted_otherwise(&mut self, plan: &Plan, results: &BTreeMap<i32, ActionResult>) -> Option<Report> {
        let intents = self.checkpoint.intents();
        if intents.cancel {
            self.cancel_rest(plan, results);
            return Some(Report::new(Answer::End(Status::Cancelled), "It was called off between two actions."));
        }
        let now = self.checkpoint.now();
        if intents.pause {
            return Some(Report::new(Answer::Snooze(WaitingOn::Turn, now), "It was paused between two actions."));
        }
        if intents.stop {
            let note = "Its tenant or the whole fleet was stopped; it goes on when that is over.";
            return Some(Report::new(Answer::Snooze(WaitingOn::Turn, now), note));
        }
        let why = match self.checkpoint.should_yield()? {
            Yield::ShuttingDown => "The worker shuts down; another one goes on.",
            Yield::BudgetSpent => "The time of one delivery is spent; it goes on with the next.",
        };
        Some(Report::new(Answer::Snooze(WaitingOn::Turn, now), why))
    }

    /// What the policy of today would plan; what is known of that already is kept until the policy changes again.
    async fn today(&mut self, known: Option<Today>, computer: &Computer, plan: &Plan) -> Result<Today, Halt> {
        let version = self.checkpoint.intents().policy_version;
        if let Some(known) = known.filter(|known| known.is_of(version)) {
            return Ok(known);
        }
        let planned = async {
            let policy = match self.work.policy.version() >= version {
                true => self.work.policy.clone(),
                false => self.checkpoint.policy(version).await?,
            };
            Today::of(self.checkpoint, &policy, computer, &self.work.inputs.session, plan).await
        };
        planned.await.map_err(|error| {
            let note = format!("Whether all is still wanted could not be asked: {error}");
            Report::new(Answer::Snooze(WaitingOn::Turn, self.checkpoint.now() + DATABASE_AGAIN), note).into()
        })
    }

    /// Takes the lock of an action; a report if another session has it.
    async fn wait_for_lock(&mut self, action: &PlannedAction) -> Result<Option<Report>, Halt> {
        let Some(name) = &action.lock else { return Ok(None) };
        // Only a session whose claim is written can hold a lock.
        self.commit_pending().await?;
        let now = self.checkpoint.now();
        Ok(match self.checkpoint.take_lock(name).await {
            Ok(Taken::Mine) => None,
            Ok(Taken::ByOther { holder, .. }) => {
                let by = holder.map_or_else(|| "another session".to_owned(), |holder| format!("session {holder}"));
                let note = format!("{} waits for the lock {name}, which {by} holds.", action.item);
                Some(Report::new(Answer::Snooze(WaitingOn::Lock, now + LOCK_POLL), note))
            }
            Ok(Taken::Fenced) => Some(*fenced(Fenced)),
            Err(error) => {
                let note = format!("The lock {name} could not be asked for: {error}");
                Some(Report::new(Answer::Snooze(WaitingOn::Turn, now + DATABASE_AGAIN), note))
            }
        })
    }

    /// Commits what has ended.
    async fn commit_pending(&mut self) -> Result<(), Halt> {
        let run = self.pending.run.take();
        let ended = run.as_ref().map(|run| run.run_id);
        let actions = std::mem::take(&mut self.pending.actions);
        self.checkpoint.record(run, actions, None).await.map_err(fenced)?;
        if let Some(run) = ended.filter(|_| self.errand.must_acknowledge()) {
            self.errand.acknowledge(run).await;
        }
        Ok(())
    }

    /// Why an action cannot be begun.
    fn obstacle(
        &self,
        action: &PlannedAction,
        plan: &Plan,
        results: &BTreeMap<i32, ActionResult>,
        today: &Today,
    ) -> Option<(Reason, String)> {
        for need in &action.needs {
            let fulfilled = results.get(&number(*need)).is_some_and(|result| *result == ActionResult::Success);
            if !fulfilled {
                let name = plan.actions.iter().find(|other| other.seq == *need).map(|other| other.item.to_string());
                let name = name.unwrap_or_else(|| format!("action {need}"));
                return Some((Reason::PrerequisiteFailed, format!("It needs {name}, which did not succeed.")));
            }
        }
        today.objects(action).map(|message| (Reason::DeploymentChanged, message))
    }

    /// Notes how an action ended; a report where the whole stage ends with it.
    fn conclude(
        &mut self,
        action: &PlannedAction,
        acted: Acted,
        plan: &Plan,
        results: &BTreeMap<i32, ActionResult>,
    ) -> Result<ActionResult, Box<Report>> {
        let (result, reason, message) = match acted {
            Acted::Ended(result, reason, message) => (result, reason, message),
            Acted::Skipped(reason, message) => (ActionResult::Skipped, reason, message),
            Acted::Cancelled => {
                self.cancel_rest(plan, results);
                let note = "It was called off in the middle of an action.";
                return Err(Report::new(Answer::End(Status::Cancelled), note).into());
            }
            Acted::CutOff(message) => {
                self.note(action, self.attempt, ActionResult::Indeterminate, Reason::Interrupted, &message);
                if self.checkpoint.intents().cancel {
                    self.cancel_rest(plan, results);
                    return Err(Report::new(Answer::End(Status::Cancelled), message).into());
                }
                return Ok(ActionResult::Indeterminate);
            }
            Acted::Drifted(message) if let Some(stop) = &self.stop => {
                let message = format!("{message} It is not planned anew, since a script has ended the session: {stop}");
                (ActionResult::Skipped, Reason::Drifted, message)
            }
            Acted::Drifted(message) if self.work.inputs.plans < MOST_PLANS => {
                for other in plan.actions.iter().filter(|other| !results.contains_key(&number(other.seq))) {
                    let attempts = self.attempt * i32::from(other.seq == action.seq);
                    self.note(other, attempts, ActionResult::Skipped, Reason::Drifted, "It is planned anew.");
                }
                let note = format!("{}: {message} It is planned anew.", action.item);
                return Err(Report::new(Answer::Next(session::Stage::Detection), note).into());
            }
            Acted::Drifted(message) => (ActionResult::Failed, Reason::Drifted, message),
        };
        let attempts = if result == ActionResult::Skipped { 0 } else { self.attempt };
        self.note(action, attempts, result, reason, &message);
        Ok(result)
    }

    /// Notes a run of the action that is in work.
    pub fn ran(&mut self, last: Uuid) {
        self.runs = Some(RunsOfAction { last, begun: self.began });
    }

    /// Notes an action as ended, to be committed with what comes next.
    fn note(&mut self, action: &PlannedAction, attempts: i32, result: ActionResult, reason: Reason, message: &str) {
        let ended = EndedAction {
            plan: self.plan,
            seq: number(action.seq),
            result: result.to_string(),
            reason: reason.to_string(),
            message: message.to_owned(),
            attempts,
            runs: self.runs.filter(|_| attempts > 0),
            at: self.checkpoint.now(),
        };
        let item = action.item.to_string();
        self.checkpoint.action_done(Done {
            ended: &ended,
            item: &item,
            kind: action.action.as_str(),
            began: self.began,
        });
        self.pending.actions.push(ended);
    }

    fn cancel_rest(&mut self, plan: &Plan, results: &BTreeMap<i32, ActionResult>) {
        let (result, reason) = (ActionResult::Cancelled, Reason::Cancelled);
        self.end_rest(plan, results, result, reason, "The session was cancelled.");
    }

    /// Ends alike all that has not ended.
    fn end_rest(
        &mut self,
        plan: &Plan,
        results: &BTreeMap<i32, ActionResult>,
        result: ActionResult,
        reason: Reason,
        message: &str,
    ) {
        let noted: Vec<i32> = self.pending.actions.iter().map(|ended| ended.seq).collect();
        for action in &plan.actions {
            let seq = number(action.seq);
            if !results.contains_key(&seq) && !noted.contains(&seq) {
                self.note(action, 0, result, reason, message);
            }
        }
    }

    /// Commits what has ended before the computer is allowed to forget it. Where another stage follows, the actions end
    /// with its coming only: whoever takes this stage over before that must not find them all ended and be done.
    async fn commit_and_acknowledge(&mut self, report: &mut Report) {
        let outcomes = std::mem::take(&mut report.outcomes);
        let mut ended = match report.answer {
            Answer::Next(_) => None,
            Answer::End(_) | Answer::Retry | Answer::Snooze(..) | Answer::Park(..) | Answer::Stop => {
                Some(std::mem::take(&mut report.ended))
            }
        };
        for outcome in outcomes {
            let run = outcome.run_id;
            let actions = ended.take().unwrap_or_default();
            if self.checkpoint.record(Some(outcome), actions, None).await.is_ok() {
                self.errand.acknowledge(run).await;
            }
        }
    }
}

/// What has failed of that which is below an action.
fn below(action: &PlannedAction, plan: &Plan, results: &BTreeMap<i32, ActionResult>) -> Option<String> {
    planning::failed_below(action, plan, |seq| results.get(&number(seq)).copied())
}

/// The end of a session that a script has ended.
fn stopped(item: &Item, message: &str) -> Report {
    Report::new(Answer::End(Status::Cancelled), format!("The script of {item} ended it: {message}"))
}

/// Plans are far shorter than this can count.
pub fn number(seq: u32) -> i32 {
    i32::try_from(seq).unwrap_or(i32::MAX)
}
