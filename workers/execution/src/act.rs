//! Does one action: detect, download, act, verify, as one run; again if it failed for a reason that may pass; a reboot
//! and another look where it takes one.

use pitcrew::domain::outcome::{ActionResult, Reason};
use pitcrew::domain::plan::PlannedAction;
use pitcrew::domain::run::RunSpec;
use pitcrew::domain::session::{RebootPolicy, WaitingOn};
use pitcrew::planning::{self, Verdict};
use pitcrew::stage::errand::{Errands, Halt};
use pitcrew::stage::{Answer, Report};
use pitcrew::store::gate::EndedRun;
use pitcrew_protocol::{RunOutcome, StepKind};

use crate::walk::{Walk, number};

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

/// Does an action from its beginning; it was started `attempts` times before.
pub async fn act(walk: &mut Walk<'_>, action: &PlannedAction, attempts: i32) -> Result<Acted, Halt> {
    if let Some(source) = &action.source
        && let Err(wait) = walk.checkpoint.source_turn(source).await
    {
        let until = walk.checkpoint.now() + wait;
        let note = format!("The rate of the package source {source} is reached.");
        return Err(Report::new(Answer::Snooze(WaitingOn::Turn, until), note).into());
    }
    let outcome = start(walk, action, RunSpec { steps: planning::steps(action) }).await?;
    resume(walk, action, attempts, outcome).await
}

/// Goes on with an action from the outcome of one of its runs, perhaps one that another worker has started.
pub async fn resume(
    walk: &mut Walk<'_>,
    action: &PlannedAction,
    attempts: i32,
    outcome: RunOutcome,
) -> Result<Acted, Halt> {
    let first = outcome.steps.first().map(|step| step.kind);
    let verdict = match first {
        // The outcome of a reboot: what was changed before it can be looked at now.
        Some(StepKind::Reboot) => {
            keep(walk, &outcome);
            after_reboot(walk, action).await?
        }
        // The outcome of the look after a reboot.
        Some(StepKind::Verify) => {
            keep(walk, &outcome);
            planning::judge_after_reboot(action, &outcome)
        }
        Some(_) | None => {
            keep(walk, &outcome);
            planning::judge(action, &outcome)
        }
    };
    match verdict {
        Verdict::NeedsReboot => {
            if walk.work.inputs.session.order.reboot == RebootPolicy::Never {
                let message = "The change was made and takes a reboot, which this session may not do.";
                return Ok(Acted::Ended(ActionResult::Failed, Reason::RebootNotAllowed, message.to_owned()));
            }
            let spec = RunSpec { steps: vec![planning::reboot(&action.item)] };
            let outcome = start(walk, action, spec).await.map_err(waiting_for_reboot)?;
            Box::pin(resume(walk, action, attempts, outcome)).await
        }
        Verdict::Failed { message, may_pass: true, .. } if attempts < retries(action) => {
            tracing::info!(session.id = %walk.work.inputs.session.id, "{} failed and is tried again: {message}", action.item);
            if walk.checkpoint.intents().cancel {
                return Ok(Acted::Cancelled);
            }
            Box::pin(act(walk, action, attempts + 1)).await
        }
        verdict => Ok(acted(verdict)),
    }
}

fn retries(action: &PlannedAction) -> i32 {
    i32::try_from(action.retries).unwrap_or(i32::MAX)
}

/// Looks again after a reboot.
async fn after_reboot(walk: &mut Walk<'_>, action: &PlannedAction) -> Result<Verdict, Halt> {
    let outcome = start(walk, action, RunSpec { steps: planning::verification(action) }).await?;
    keep(walk, &outcome);
    Ok(planning::judge_after_reboot(action, &outcome))
}

/// Starts a run of this action; what has ended before is committed with its start.
async fn start(walk: &mut Walk<'_>, action: &PlannedAction, spec: RunSpec) -> Result<RunOutcome, Halt> {
    let ended_run = walk.pending.run.take();
    let before = ended_run.as_ref().map(|ended| ended.run_id);
    let errands = Errands {
        spec: &spec,
        action: Some((walk.plan, number(action.seq))),
        policy: &walk.work.policy,
        ended_run,
        ended_actions: std::mem::take(&mut walk.pending.actions),
    };
    let outcome = walk.errand.start(errands).await;
    if let Some(run) = before
        && walk.errand.must_acknowledge()
    {
        walk.errand.acknowledge(run).await;
    }
    outcome
}

/// Keeps an outcome, to be committed with what comes next.
fn keep(walk: &mut Walk<'_>, outcome: &RunOutcome) {
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
