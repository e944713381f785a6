//! What a step's outcome means for the steps after it: pure, as [`Then`] says.

use pitcrew_protocol::{StepOutcome, Then};

/// How a run goes on after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// With the step after it.
    GoOn,
    /// Nothing is left to do.
    Complete,
    /// The step has ended the run.
    Stop,
}

/// Decides how a run goes on after a step.
pub fn after(then: &Then, outcome: &StepOutcome) -> Next {
    let succeeded = outcome.status.is_success();
    match then {
        Then::GoOn => Next::GoOn,
        Then::IfSucceeded if succeeded => Next::GoOn,
        Then::IfObserved(expected) if succeeded && outcome.observed == *expected => Next::GoOn,
        Then::DoneIfObserved(expected) if succeeded && outcome.observed == *expected => Next::Complete,
        Then::DoneIfObserved(_) if succeeded => Next::GoOn,
        Then::IfSucceeded | Then::IfObserved(_) | Then::DoneIfObserved(_) => Next::Stop,
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use pitcrew_protocol::{StepKind, StepStatus};

    use super::*;

    #[test]
    fn every_then_as_it_is_documented() {
        let some = |text: &str| Some(text.to_owned());
        let cases = [
            (Then::GoOn, true, None, Next::GoOn),
            (Then::GoOn, false, None, Next::GoOn),
            (Then::IfSucceeded, true, some("x"), Next::GoOn),
            (Then::IfSucceeded, false, some("x"), Next::Stop),
            (Then::IfObserved(some("1.0")), true, some("1.0"), Next::GoOn),
            (Then::IfObserved(some("1.0")), true, some("2.0"), Next::Stop),
            (Then::IfObserved(some("1.0")), false, some("1.0"), Next::Stop),
            (Then::IfObserved(None), true, None, Next::GoOn),
            (Then::IfObserved(None), true, some("1.0"), Next::Stop),
            (Then::DoneIfObserved(some("true")), true, some("true"), Next::Complete),
            (Then::DoneIfObserved(some("true")), true, some("false"), Next::GoOn),
            (Then::DoneIfObserved(some("true")), false, some("true"), Next::Stop),
            (Then::DoneIfObserved(None), true, None, Next::Complete),
        ];
        for (then, succeeded, observed, next) in cases {
            assert_eq!(after(&then, &outcome(succeeded, observed.clone())), next, "{then:?} {succeeded} {observed:?}");
        }
    }

    fn outcome(succeeded: bool, observed: Option<String>) -> StepOutcome {
        let status = if succeeded {
            StepStatus::Succeeded
        } else {
            StepStatus::Failed { code: "exit_code".into(), message: String::new() }
        };
        StepOutcome {
            kind: StepKind::Detect,
            item: "software/x".into(),
            status,
            exit_code: None,
            observed,
            warnings: Vec::new(),
            wants_reboot: false,
            said: Default::default(),
            output: String::new(),
            output_omitted: 0,
            started_at: Timestamp::UNIX_EPOCH,
            duration_ms: 0,
        }
    }
}
