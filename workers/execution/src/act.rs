//! Does one action: detect, download, act, verify, as one run; again if it failed for a reason that may pass; a reboot
//! and another look where it takes one.

use pitcrew::domain::outcome::{ActionResult, Reason};
use pitcrew::domain::plan::PlannedAction;
use pitcrew::domain::run::{Purpose, RunSpec, StepSpec};
use pitcrew::domain::session::{RebootPolicy, WaitingOn};
use pitcrew::planning::{self, Verdict};
use pitcrew::stage::errand::{Errands, Halt};
use pitcrew::stage::{Answer, Report};
use pitcrew::store::gate::EndedRun;
use pitcrew::store::runs::StartedAction;
use pitcrew_protocol::said::line_of;
use pitcrew_protocol::{Ending, RunOutcome, StepStatus};

use crate::walk::{Walk, number};

/// How often a run is repeated that was cut off before it changed anything.
const CUT_OFF_MOST: i32 = 5;

/// What came of an action.
pub enum Acted {
    /// It ended.
    Ended(ActionResult, Reason, String),
    /// It was not begun.
    Skipped(Reason, String),
    /// It was called off before anything was changed.
    Cancelled,
    /// It was cut off in the middle of a change.
    CutOff(String),
    /// The computer is not as it was planned for; nothing was changed.
    Drifted(String),
}

/// Does an action from its beginning.
pub async fn act(walk: &mut Walk<'_>, action: &PlannedAction) -> Result<Acted, Halt> {
    if let Some(source) = &action.source
        && let Err(wait) = walk.checkpoint.source_turn(source).await
    {
        let until = walk.checkpoint.now() + wait;
        let note = format!("The rate of the package source {source} is reached.");
        return Err(Report::new(Answer::Snooze(WaitingOn::Turn, until), note).into());
    }
    let outcome = start(walk, action, Purpose::Act, planning::steps(action)).await?;
    resume(walk, action, Purpose::Act, outcome).await
}

/// Goes on with an action from the outcome of one of its runs, perhaps one that another worker has started.
pub async fn resume(
    walk: &mut Walk<'_>,
    action: &PlannedAction,
    purpose: Purpose,
    outcome: RunOutcome,
) -> Result<Acted, Halt> {
    keep(walk, &outcome);
    let verdict = match purpose {
        Purpose::Detect | Purpose::Act => planning::judge(action, &outcome),
        Purpose::Verify => planning::judge_after_reboot(action, &outcome),
        Purpose::Reboot => match not_restarted(&outcome) {
            Some(message) => {
                let message = format!("The change was made, and the computer did not restart for it: {message}");
                return Ok(Acted::Ended(ActionResult::Failed, Reason::ScriptFailed, message));
            }
            None => {
                let outcome = start(walk, action, Purpose::Verify, planning::verification(action)).await?;
                keep(walk, &outcome);
                planning::judge_after_reboot(action, &outcome)
            }
        },
    };
    match verdict {
        Verdict::NeedsReboot if walk.work.inputs.session.order.reboot == RebootPolicy::Never => {
            let message = "The change was made and takes a reboot, which this session may not do.";
            Ok(Acted::Ended(ActionResult::Failed, Reason::RebootNotAllowed, message.to_owned()))
        }
        Verdict::NeedsReboot if purpose == Purpose::Act => {
            let steps = vec![planning::reboot(&action.item)];
            let outcome = start(walk, action, Purpose::Reboot, steps).await.map_err(waiting_for_reboot)?;
            Box::pin(resume(walk, action, Purpose::Reboot, outcome)).await
        }
        Verdict::Failed { reason, message, may_pass: true, .. }
            if walk.attempt <= tries_again(action, reason) && walk.stop.is_none() =>
        {
            tracing::info!(session.id = %walk.work.inputs.session.id, "{} failed and is tried again: {message}", action.item);
            walk.attempt += 1;
            Box::pin(act(walk, action)).await
        }
        verdict => Ok(acted(verdict)),
    }
}

/// How often an action is tried again. A run that was cut off before it changed anything is no failure of the action: it
/// is repeated whatever its deployment says, but not for ever, since it may be what brings the computer down.
fn tries_again(action: &PlannedAction, reason: Reason) -> i32 {
    let retries = i32::try_from(action.retries).unwrap_or(i32::MAX);
    if reason == Reason::Interrupted { retries.saturating_add(CUT_OFF_MOST) } else { retries }
}

/// Why a reboot did not happen; none if it did.
fn not_restarted(outcome: &RunOutcome) -> Option<String> {
    let failure = outcome.steps.iter().find_map(|step| match &step.status {
        StepStatus::Succeeded => None,
        StepStatus::Failed { message, .. } => Some(message.clone()),
    });
    match (failure, &outcome.ending) {
        (Some(message), _) => Some(message),
        (None, Ending::Completed) => None,
        (None, Ending::Stopped | Ending::Killed | Ending::Interrupted) => {
            Some("the restart was called off.".to_owned())
        }
    }
}

/// Starts a run of this action; what has ended before is committed with its start.
async fn start(
    walk: &mut Walk<'_>,
    action: &PlannedAction,
    purpose: Purpose,
    steps: Vec<StepSpec>,
) -> Result<RunOutcome, Halt> {
    let ended_run = walk.pending.run.take();
    let before = ended_run.as_ref().map(|ended| ended.run_id);
    let spec = RunSpec { steps };
    let errands = Errands {
        spec: &spec,
        purpose,
        action: Some(StartedAction { plan: walk.plan, seq: number(action.seq), attempt: walk.attempt }),
        policy: &walk.work.policy,
        ended_run,
        ended_actions: std::mem::take(&mut walk.pending.actions),
    };
    let outcome = walk.errand.start(errands).await;
    if let Some(run) = before
        && walk.errand.must_acknowledge()
        && walk.errand.committed()
    {
        walk.errand.acknowledge(run).await;
    }
    outcome
}

/// The message with which a script has ended the session.
pub fn said_stop(outcome: &RunOutcome) -> Option<String> {
    outcome.steps.iter().find_map(|step| step.said.stop.as_deref().map(line_of))
}

/// Keeps an outcome, to be committed with what comes next.
fn keep(walk: &mut Walk<'_>, outcome: &RunOutcome) {
    walk.ran(outcome.run_id);
    walk.stop = said_stop(outcome).or(walk.stop.take());
    walk.pending.run = serde_json::to_string(outcome).ok().map(|text| EndedRun {
        run_id: outcome.run_id,
        outcome: text,
        at: walk.checkpoint.now(),
    });
}

/// A session that is parked for a reboot says so.
fn waiting_for_reboot(mut halt: Halt) -> Halt {
    if let Answer::Park(waiting_on, _) = &mut halt.answer {
        *waiting_on = WaitingOn::Reboot;
        halt.note = "The computer restarts.".to_owned();
    }
    halt
}

fn acted(verdict: Verdict) -> Acted {
    match verdict {
        Verdict::Done { detected, .. } => {
            let message = match detected {
                Some(version) => format!("Done; {version} was detected afterwards."),
                None => "Done, and verified.".to_owned(),
            };
            Acted::Ended(ActionResult::Success, Reason::Done, message)
        }
        Verdict::Fetched => {
            let message = "Its file was fetched and checked, and is in the computer's cache.";
            Acted::Ended(ActionResult::Success, Reason::Fetched, message.to_owned())
        }
        Verdict::AlreadyAsDesired { .. } => {
            let message = "It was as desired already when its turn came; nothing was changed.";
            Acted::Ended(ActionResult::Success, Reason::AlreadyAsDesired, message.to_owned())
        }
        Verdict::Drifted { detected } => {
            let found = detected.unwrap_or_else(|| "nothing".to_owned());
            Acted::Drifted(format!("The computer is not as it was planned for: {found} was detected."))
        }
        Verdict::Failed { reason, message, .. } => Acted::Ended(ActionResult::Failed, reason, message),
        Verdict::Cancelled => Acted::Cancelled,
        Verdict::Indeterminate { message } => Acted::CutOff(message),
        Verdict::NeedsReboot => {
            let message = "The change was made and still asks for a reboot after one.";
            Acted::Ended(ActionResult::Failed, Reason::VerifyFailed, message.to_owned())
        }
    }
}
