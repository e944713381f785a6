//! What became of the run in flight: the one place where a run that nobody supervises any more gets its outcome.

use jiff::Timestamp;
use pitcrew_protocol::{Ending, JournalEvent, Run, RunOutcome, Step, StepOutcome, StepStatus};
use uuid::Uuid;

use crate::spool::Known;
use crate::state::{Progress, StateDir};
use crate::{Error, process};

/// What is in flight on this computer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFlight {
    /// Nothing.
    Nothing,
    /// A run, under its supervisor.
    Supervised(Uuid),
    /// A run that has asked for a restart of the computer, which has not happened yet.
    Rebooting(Uuid),
}

impl InFlight {
    /// The run in flight.
    pub fn run_id(self) -> Option<Uuid> {
        match self {
            InFlight::Nothing => None,
            InFlight::Supervised(run_id) | InFlight::Rebooting(run_id) => Some(run_id),
        }
    }
}

/// Finds out what is in flight, and ends a run whose supervisor is gone. Call it under the state folder's lock.
///
/// # Errors
/// [`Error::Io`] or [`Error::Damaged`].
pub fn settle(state: &StateDir, boot_id: &str) -> Result<InFlight, Error> {
    let Some(run_id) = state.in_flight()? else { return Ok(InFlight::Nothing) };
    let folder = state.run_folder(run_id);
    // A supervisor stores the outcome before it goes, so asking for it first could miss an outcome stored in between.
    let supervised = folder.is_supervised()?;
    if state.spool().find(run_id)? != Known::No {
        state.clear_run(run_id)?;
        return Ok(InFlight::Nothing);
    }
    if supervised {
        return Ok(InFlight::Supervised(run_id));
    }
    let (Some(run), Some(progress)) = (folder.read_run()?, folder.read_progress()?) else {
        let source = "the record of the run in flight is missing".into();
        return Err(Error::Damaged { path: folder.run(), source });
    };
    let Some((ending, status)) = judge(&run, &progress, boot_id, folder.read_end()?, Timestamp::now()) else {
        return Ok(InFlight::Rebooting(run_id));
    };
    process::kill_leftovers(run_id, &folder)?;
    let before = progress.steps.len();
    let outcome = outcome(&run, progress, boot_id, ending.clone(), status, Timestamp::now());
    state.spool().store(&outcome)?;
    if let Some(step) = outcome.steps.get(before) {
        let (kind, item, code) = (step.kind, step.item.clone(), step.status.code().map(str::to_owned));
        state.journal().about(&run, JournalEvent::StepEnded { index: before, kind, item, code })?;
    }
    state.journal().about(&run, JournalEvent::RunEnded { ending: ending.clone() })?;
    state.clear_run(run_id)?;
    tracing::info!(run_id = %run_id, "The run had no supervisor any more and has ended: {ending:?}");
    Ok(InFlight::Nothing)
}

/// True if a run has asked for a restart of the computer and nothing but that is awaited.
///
/// # Errors
/// [`Error::Io`] or [`Error::Damaged`].
pub fn awaits_restart(state: &StateDir) -> Result<bool, Error> {
    let Some(run_id) = state.in_flight()? else { return Ok(false) };
    let folder = state.run_folder(run_id);
    let unsettled = !folder.is_supervised()? && state.spool().find(run_id)? == Known::No;
    Ok(unsettled && folder.read_progress()?.is_some_and(|progress| progress.rebooting))
}

/// How a run without a supervisor has ended, and its step in flight with it; none while its restart is awaited.
fn judge(
    run: &Run,
    progress: &Progress,
    boot_id: &str,
    told: Option<Ending>,
    now: Timestamp,
) -> Option<(Ending, StepStatus)> {
    if progress.rebooting {
        if progress.boot_id != boot_id {
            return Some((Ending::Completed, StepStatus::Succeeded));
        }
        let timeout_ms = step_in_flight(run, progress).map_or(0, |step| step.timeout_ms);
        let waited = progress.step_started_at.map_or(0, |since| now.duration_since(since).as_millis());
        if waited <= i128::from(timeout_ms) {
            return None;
        }
        let message = format!("the computer had not started again after {timeout_ms} ms");
        return Some((Ending::Stopped, StepStatus::Failed { code: "timeout".into(), message }));
    }
    let ending = told.unwrap_or(Ending::Interrupted);
    let status = cut_short(&ending);
    Some((ending, status))
}

/// The status of the step that was in flight when a run was killed or interrupted.
pub fn cut_short(ending: &Ending) -> StepStatus {
    let (code, message) = match ending {
        Ending::Killed => ("killed", "the run was killed on request"),
        Ending::Completed | Ending::Stopped | Ending::Interrupted => {
            ("interrupted", "the agent or the computer went down")
        }
    };
    StepStatus::Failed { code: code.into(), message: format!("{message}; what the step does may be half done") }
}

fn step_in_flight<'a>(run: &'a Run, progress: &Progress) -> Option<&'a Step> {
    progress.step_started_at.and_then(|_| run.steps.get(progress.steps.len()))
}

fn outcome(
    run: &Run,
    progress: Progress,
    boot_id: &str,
    ending: Ending,
    status: StepStatus,
    now: Timestamp,
) -> RunOutcome {
    let in_flight = step_in_flight(run, &progress).cloned();
    let mut steps = progress.steps;
    if let (Some(step), Some(started_at)) = (in_flight, progress.step_started_at) {
        steps.push(StepOutcome {
            kind: step.kind,
            item: step.item,
            status,
            exit_code: None,
            observed: None,
            warnings: Vec::new(),
            wants_reboot: false,
            said: Default::default(),
            output: String::new(),
            output_omitted: 0,
            started_at,
            duration_ms: u64::try_from(now.duration_since(started_at).as_millis()).unwrap_or(0),
        });
    }
    RunOutcome {
        run_id: run.run_id,
        session: run.session,
        epoch: run.epoch,
        boot_id: boot_id.to_owned(),
        started_at: progress.started_at,
        ended_at: now,
        ending,
        steps,
    }
}
