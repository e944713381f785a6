//! Whether a request may be carried out: pure judgements, made under the state folder's lock and before anything else.

use jiff::Timestamp;
use pitcrew_protocol::{Refusal, Run, RunState, Script, Work};
use uuid::Uuid;

use crate::spool::Known;

/// What is to be done with a request for a run.
#[derive(Debug, PartialEq)]
pub enum Verdict {
    /// Start it.
    Start,
    /// It is known: start nothing, answer with its state.
    Known(RunState),
    /// Refuse it.
    Refuse(Refusal),
}

/// Compares a request's epoch with the recorded one. Answers with the epoch to record first, if it is higher.
///
/// # Errors
/// The refusal of a lower one.
pub fn judge_epoch(recorded: i64, asked: i64) -> Result<Option<i64>, Refusal> {
    match asked.cmp(&recorded) {
        std::cmp::Ordering::Less => Err(Refusal::StaleEpoch),
        std::cmp::Ordering::Equal => Ok(None),
        std::cmp::Ordering::Greater => Ok(Some(asked)),
    }
}

/// Judges a run whose epoch has passed. A known run is answered even past its start-by time: nothing starts.
pub fn judge_run(run: &Run, in_flight: Option<Uuid>, known: Known, now: Timestamp) -> Verdict {
    match (known, in_flight) {
        (Known::Ended(outcome), _) => Verdict::Known(RunState::Ended(*outcome)),
        (Known::Forgotten, _) => Verdict::Refuse(forgotten(run.run_id)),
        (Known::No, Some(run_id)) if run_id == run.run_id => Verdict::Known(RunState::InFlight { run_id }),
        (Known::No, Some(run_id)) => Verdict::Refuse(Refusal::Busy { run_id }),
        (Known::No, None) => match judge_time(run, now).and_then(|()| judge_form(run)) {
            Ok(()) => Verdict::Start,
            Err(refusal) => Verdict::Refuse(refusal),
        },
    }
}

/// Compares a run's start-by time with the server's clock.
///
/// # Errors
/// The refusal of a run that comes too late.
pub fn judge_time(run: &Run, now: Timestamp) -> Result<(), Refusal> {
    if now > run.start_by { Err(Refusal::TooLate) } else { Ok(()) }
}

/// The refusal of a run that ended so long ago that its outcome is gone.
pub fn forgotten(run_id: Uuid) -> Refusal {
    Refusal::Invalid {
        message: format!(
            "run {run_id} has ended, and its outcome was acknowledged long ago and is no longer kept here"
        ),
    }
}

/// Refuses what no step could do, and what would leave the cache folder.
fn judge_form(run: &Run) -> Result<(), Refusal> {
    for (index, step) in run.steps.iter().enumerate() {
        let wrong = |what: &str| {
            Err(Refusal::Invalid { message: format!("step {index} of run {} ({}): {what}", run.run_id, step.item) })
        };
        if step.item.contains('\0') {
            return wrong("the item's name holds a null character");
        }
        match &step.work {
            Work::Script(script) | Work::Fetch { script, .. } if !has_possible_variables(script) => {
                return wrong("an environment variable has an impossible name or value");
            }
            Work::Download { sha256, .. } | Work::Fetch { sha256, .. } if !is_checksum(sha256) => {
                return wrong("sha256 must be 64 lower-case hexadecimal digits");
            }
            Work::Download { url, .. } => {
                if !url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
                    return wrong("url must be an http or https address");
                }
            }
            Work::Script(_) | Work::Fetch { .. } | Work::Reboot => {}
        }
    }
    Ok(())
}

fn has_possible_variables(script: &Script) -> bool {
    let bad_name = |name: &String| name.is_empty() || name.contains(['=', '\0']);
    !script.env.iter().any(|(name, value)| bad_name(name) || value.contains('\0'))
}

fn is_checksum(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lower_epoch_is_refused() {
        assert_eq!(judge_epoch(5, 4), Err(Refusal::StaleEpoch));
        assert_eq!(judge_epoch(5, 5), Ok(None));
        assert_eq!(judge_epoch(5, 6), Ok(Some(6)));
    }
}
