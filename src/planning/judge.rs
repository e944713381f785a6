//! What the answer to an action's run means.

use pitcrew_protocol::{Ending, RunOutcome, StepKind, StepOutcome, StepStatus};

use crate::domain::{ActionResult, Does, PlannedAction, Reason, RebootNeed, Recipe, Want};

use super::findings::says;
use super::words::{installed, some_of, wanted};

/// What came of an action's run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was brought to its desired state, and that was verified.
    Done {
        /// The version that is installed now.
        detected: Option<String>,
        /// True if a script asked for a reboot all the same.
        reboot: bool,
    },
    /// Its file was fetched and checked; nothing was changed.
    Fetched,
    /// It was in its desired state already; nothing was changed.
    AlreadyAsDesired {
        /// The version that is installed.
        detected: Option<String>,
    },
    /// The computer is not as it was planned for; nothing was changed. It has to be planned anew.
    Drifted {
        /// The version that is installed.
        detected: Option<String>,
    },
    /// The change was made and takes a reboot before it can be verified: see [`judge_after_reboot`].
    NeedsReboot,
    /// It failed.
    Failed {
        /// Why.
        reason: Reason,
        /// What happened, in a sentence.
        message: String,
        /// True if another try may do better.
        may_pass: bool,
        /// The version that was detected last.
        detected: Option<String>,
    },
    /// It was called off before anything was changed.
    Cancelled,
    /// It was cut off after a change had begun: nobody knows before the next detection.
    Indeterminate {
        /// What happened, in a sentence.
        message: String,
    },
}

impl Verdict {
    /// How the action ends with this verdict; none if it does not end yet, because it is to be planned anew, or to be
    /// verified after a reboot.
    pub fn ends(&self) -> Option<(ActionResult, Reason, String)> {
        match self {
            Verdict::Done { detected: Some(version), .. } => {
                Some((ActionResult::Success, Reason::Done, format!("Version {version} is installed now.")))
            }
            Verdict::Done { detected: None, .. } => Some((ActionResult::Success, Reason::Done, "Done.".into())),
            Verdict::Fetched => {
                let message = "Its file was fetched and checked, and is in the computer's cache.".into();
                Some((ActionResult::Success, Reason::Fetched, message))
            }
            Verdict::AlreadyAsDesired { .. } => {
                let message = "It was as it should be already.".into();
                Some((ActionResult::Success, Reason::AlreadyAsDesired, message))
            }
            Verdict::Failed { reason, message, .. } => Some((ActionResult::Failed, *reason, message.clone())),
            Verdict::Cancelled => {
                let message = "It was called off before anything was changed.".into();
                Some((ActionResult::Cancelled, Reason::Cancelled, message))
            }
            Verdict::Indeterminate { message } => {
                Some((ActionResult::Indeterminate, Reason::Interrupted, message.clone()))
            }
            Verdict::Drifted { .. } | Verdict::NeedsReboot => None,
        }
    }
}

/// Judges the outcome of the run that [`super::steps()`] made.
pub fn judge(action: &PlannedAction, outcome: &RunOutcome) -> Verdict {
    let reboot = action.reboot == RebootNeed::Always || outcome.steps.iter().any(|step| step.wants_reboot);
    let change_is_made =
        outcome.steps.iter().rfind(|step| changes(step.kind)).is_some_and(|step| step.status.is_success())
            && outcome.steps.last().is_some_and(|step| !changes(step.kind));
    match cut_off(outcome).or_else(|| first_failure(action, outcome)) {
        // What cannot be looked at yet is looked at after the reboot.
        Some(Verdict::Failed { .. }) if change_is_made && reboot => return Verdict::NeedsReboot,
        Some(verdict) => return verdict,
        None if matches!(action.recipe, Recipe::Fetch { .. }) => return Verdict::Fetched,
        None if matches!(action.recipe, Recipe::Whole { .. }) => return whole(action, outcome),
        None if !change_is_made => return unchanged(action, outcome),
        None => {}
    }
    match verified(action, outcome) {
        Ok(_) if action.reboot == RebootNeed::Always => Verdict::NeedsReboot,
        Ok(detected) => Verdict::Done { detected, reboot },
        Err(_) if reboot => Verdict::NeedsReboot,
        Err(failed) => failed,
    }
}

/// Judges the outcome of the run that [`super::verification`] made, after a reboot.
pub fn judge_after_reboot(action: &PlannedAction, outcome: &RunOutcome) -> Verdict {
    match cut_off(outcome).or_else(|| first_failure(action, outcome)) {
        Some(Verdict::Cancelled) => {
            Verdict::Indeterminate { message: "It was called off before its change was verified.".into() }
        }
        Some(verdict) => verdict,
        None => match verified(action, outcome) {
            Ok(detected) => Verdict::Done { detected, reboot: false },
            Err(failed) => failed,
        },
    }
}

fn changes(kind: StepKind) -> bool {
    matches!(kind, StepKind::Act | StepKind::Set)
}

/// What a run that did not come to an end of its own comes to.
fn cut_off(outcome: &RunOutcome) -> Option<Verdict> {
    let changed = outcome.steps.iter().any(|step| changes(step.kind));
    match (&outcome.ending, changed) {
        (Ending::Completed | Ending::Stopped, _) => None,
        (Ending::Killed, false) => Some(Verdict::Cancelled),
        (Ending::Killed, true) => Some(Verdict::Indeterminate {
            message: "It was killed after a change had begun; it may be half done.".into(),
        }),
        (Ending::Interrupted, false) => Some(Verdict::Failed {
            reason: Reason::Interrupted,
            message: "The computer or its agent went down before anything was changed.".into(),
            may_pass: true,
            detected: None,
        }),
        (Ending::Interrupted, true) => Some(Verdict::Indeterminate {
            message: "The computer or its agent went down after a change had begun; it may be half done.".into(),
        }),
    }
}

/// The failure of the first step that failed.
fn first_failure(action: &PlannedAction, outcome: &RunOutcome) -> Option<Verdict> {
    outcome.steps.iter().enumerate().find_map(|(place, step)| {
        let StepStatus::Failed { code, message } = &step.status else { return None };
        let (reason, may_pass) = match (code.as_str(), step.kind) {
            ("checksum", _) => (Reason::ChecksumMismatch, false),
            ("signature", _) => (Reason::SignatureMismatch, false),
            ("interpreter", _) => (Reason::NoInterpreter, false),
            ("timeout", _) => (Reason::TimedOut, true),
            (_, StepKind::Download) => (Reason::DownloadFailed, true),
            (_, StepKind::Detect | StepKind::Verify | StepKind::Test) => (Reason::DetectionFailed, true),
            (_, StepKind::Act | StepKind::Set | StepKind::Inventory | StepKind::Versions | StepKind::Reboot) => {
                (Reason::ScriptFailed, true)
            }
        };
        let follows = followed(action, &outcome.steps[..place]).filter(|_| step.kind == StepKind::Act);
        let message = match follows {
            None => format!("{}: {message}", what_failed(step.kind)),
            Some(Follows { does, last: true }) => {
                format!("It was changed, and its script \"{does}\", which follows that, failed: {message}")
            }
            Some(Follows { does, last: false }) => format!(
                "It was removed, and its script \"{does}\", which follows that, failed before anything was installed in \
                 its place: {message}"
            ),
        };
        // Another try would find the change made, and never come to what follows it. Where something is still to be
        // installed, it finds nothing there, and that is done all the same.
        let may_pass = may_pass && follows.is_none_or(|follows| !follows.last);
        Some(Verdict::Failed { reason, message, may_pass, detected: None })
    })
}

/// A script that only follows a change.
#[derive(Clone, Copy)]
struct Follows {
    does: Does,
    /// Whether no change is to be made after it.
    last: bool,
}

/// The next script of an action after these steps, if it only follows a change.
fn followed(action: &PlannedAction, before: &[StepOutcome]) -> Option<Follows> {
    let done = before.iter().filter(|step| step.kind == StepKind::Act).count();
    let mut rest = action.changes().skip(done).map(|(does, _)| does);
    let does = rest.next().filter(|does| does.follows())?;
    Some(Follows { does, last: rest.all(Does::follows) })
}

fn what_failed(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Detect => "Detecting it before the change failed",
        StepKind::Download => "Downloading it failed, and nothing was changed",
        StepKind::Act => "Changing it failed",
        StepKind::Verify => "Detecting it after the change failed",
        StepKind::Test => "Testing it failed",
        StepKind::Set => "Setting it failed",
        StepKind::Inventory => "Taking the inventory failed",
        StepKind::Versions => "Asking for its versions failed",
        StepKind::Reboot => "Restarting the computer failed",
    }
}

/// What a look at a task comes to whose children were all done.
fn whole(action: &PlannedAction, outcome: &RunOutcome) -> Verdict {
    let Err(Verdict::Failed { reason, detected, .. }) = verified(action, outcome) else {
        return Verdict::Done { detected: None, reboot: false };
    };
    let named = outcome.steps.last().map_or(&[][..], |test| &test.said.children);
    let message = match some_of(named) {
        Some(them) => {
            format!("All that its test had named was done, and now it names {them}: the next session takes that up.")
        }
        None => "All that its test had named was done, and it still prints false.".to_owned(),
    };
    // Nothing happens in between, so looking again would show the same.
    Verdict::Failed { reason, message, may_pass: false, detected }
}

/// What a run in which nothing was changed comes to: its first look was not as planned.
fn unchanged(action: &PlannedAction, outcome: &RunOutcome) -> Verdict {
    let Some(look) = outcome.steps.iter().find(|step| step.kind != StepKind::Download) else {
        let message = "The computer answered without having done anything.".into();
        return Verdict::Failed { reason: Reason::Interrupted, message, may_pass: true, detected: None };
    };
    let detected = look.observed.clone();
    match &action.recipe {
        Recipe::Task { .. } if says(look, "true") => Verdict::AlreadyAsDesired { detected: None },
        Recipe::Task { .. } | Recipe::Whole { .. } => Verdict::Drifted { detected: None },
        Recipe::Fetch { .. } => Verdict::Fetched,
        // What fails its test is not as it should be, whatever its version.
        Recipe::Software { .. }
            if action.want.is_met_by(action.scheme, detected.as_deref()) && detected != action.detected =>
        {
            Verdict::AlreadyAsDesired { detected }
        }
        Recipe::Software { .. } => Verdict::Drifted { detected },
    }
}

/// Whether the last look shows what was wanted: the version that is installed now, or the failure.
fn verified(action: &PlannedAction, outcome: &RunOutcome) -> Result<Option<String>, Verdict> {
    let last = |kind: StepKind| outcome.steps.iter().rev().find(|step| step.kind == kind);
    let not = |message: String, detected: Option<String>| {
        Err(Verdict::Failed { reason: Reason::VerifyFailed, message, may_pass: true, detected })
    };
    let is_false = |test: &StepOutcome| !says(test, "true");
    if action.want == Want::Satisfied {
        return match last(StepKind::Test) {
            Some(test) if says(test, "true") => Ok(None),
            Some(_) => not("After it was set, its test still prints false.".into(), None),
            None => not("After it was set, it was not tested.".into(), None),
        };
    }
    let Some(look) = last(StepKind::Verify) else {
        return not("After the change, it was not detected again.".into(), None);
    };
    let detected = look.observed.clone();
    if !action.want.is_met_by(action.scheme, detected.as_deref()) {
        let found = installed(detected.as_deref());
        return not(format!("After the change: {found}, {}.", wanted(&action.want)), detected);
    }
    if last(StepKind::Test).is_some_and(is_false) {
        return not(
            format!("After the change: {} and its test prints false.", installed(detected.as_deref())),
            detected,
        );
    }
    Ok(detected)
}
