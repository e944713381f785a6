//! What a worker is sent of an outcome: no more than the broker takes in one message. All of it is stored.
//!
//! Whatever a worker decides by is passed on whole or not at all. A step of which it is not is passed on as failed, with a
//! message that says so: half an answer would be taken for all of it.

use pitcrew_protocol::{RunOutcome, StepOutcome, StepStatus};
use serde::Serialize;

/// Bytes of text up to which an outcome is passed on as it is. In JSON they are six times as many at most.
const TEXT_MAX: usize = 1024 * 1024;
/// Bytes of JSON that the steps of an outcome may be together, those of [`bare`] steps aside.
const WHOLE_MAX: usize = 6 * 1024 * 1024;
/// So many steps are passed on at most of an outcome that is too long.
const STEPS_MAX: usize = 4_000;
/// The longest name of an item, boot or failure that a bare step keeps, in bytes.
const NAME_MAX: usize = 100;
/// The longest reason of a refusal, in bytes.
const REASON_MAX: usize = 2_000;

/// What a worker is sent of an outcome. If it is very long, what is merely shown stays behind; then, step by step, all that
/// a script has printed and said. The longest that is passed on is about 10 MiB.
pub(super) fn forwarded(mut outcome: RunOutcome) -> RunOutcome {
    if outcome.steps.iter().map(text).sum::<usize>() + outcome.boot_id.len() <= TEXT_MAX {
        return outcome;
    }
    for step in outcome.steps.iter_mut().filter(|step| !step.kind.is_read_whole()) {
        leave_out_output(step);
    }
    cut(&mut outcome.boot_id, NAME_MAX);
    let mut left = WHOLE_MAX;
    for step in &mut outcome.steps {
        let bytes = json_bytes(step);
        match left.checked_sub(bytes) {
            Some(rest) => left = rest,
            None => bare(step, bytes),
        }
    }
    outcome.steps.truncate(STEPS_MAX);
    outcome
}

/// Shortens the reason that an agent gives for a refusal.
pub(super) fn shortened(mut reason: String) -> String {
    cut(&mut reason, REASON_MAX);
    reason
}

/// Bytes of text in the outcome of a step, and some for what is around it.
fn text(step: &StepOutcome) -> usize {
    const AROUND: usize = 100;
    let StepOutcome { item, status, observed, warnings, said, output, .. } = step;
    let status = match status {
        StepStatus::Succeeded => 0,
        StepStatus::Failed { code, message } => code.len() + message.len(),
    };
    let warnings: usize = warnings.iter().map(|warning| warning.len() + 1).sum();
    let children: usize = said.children.iter().map(|child| child.size()).sum();
    let activities = said.activities.iter().map(|activity| activity.text.as_ref().map_or(0, String::len) + AROUND);
    let said = children + said.stop.as_ref().map_or(0, String::len) + activities.sum::<usize>();
    AROUND + item.len() + status + observed.as_ref().map_or(0, String::len) + warnings + said + output.len()
}

/// Leaves of a step what names it, and that it was too much. About 1 KiB of JSON.
fn bare(step: &mut StepOutcome, bytes: usize) {
    leave_out_output(step);
    cut(&mut step.item, NAME_MAX);
    step.observed = None;
    step.warnings.clear();
    step.said = Default::default();
    let message = format!(
        "what it printed and said is stored, and was too much to be gone by: {bytes} bytes, in a run whose steps may have \
         {WHOLE_MAX} together; let its script print less"
    );
    let code = match &mut step.status {
        StepStatus::Succeeded => "io".to_owned(),
        StepStatus::Failed { code, .. } => {
            cut(code, NAME_MAX);
            std::mem::take(code)
        }
    };
    step.status = StepStatus::Failed { code, message };
}

fn leave_out_output(step: &mut StepOutcome) {
    step.output_omitted = step.output_omitted.saturating_add(step.output.len() as u64);
    step.output = String::new();
}

fn cut(text: &mut String, most: usize) {
    text.truncate(text.floor_char_boundary(most));
}

/// How long a document is as JSON; as long as can be if it cannot be written.
fn json_bytes(document: &impl Serialize) -> usize {
    serde_json::to_vec(document).map_or(usize::MAX, |json| json.len())
}

#[cfg(test)]
mod tests {
    use pitcrew_protocol::{Activity, Child, StepKind};

    use super::*;

    fn step(kind: StepKind, output: String) -> StepOutcome {
        StepOutcome {
            kind,
            item: "software/x".into(),
            status: StepStatus::Succeeded,
            exit_code: Some(0),
            observed: Some("1".into()),
            warnings: Vec::new(),
            wants_reboot: false,
            said: Default::default(),
            output,
            output_omitted: 0,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            duration_ms: 1,
        }
    }

    fn outcome(steps: Vec<StepOutcome>) -> RunOutcome {
        RunOutcome {
            run_id: Default::default(),
            session: 1,
            epoch: 1,
            boot_id: "boot".into(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: jiff::Timestamp::UNIX_EPOCH,
            ending: pitcrew_protocol::Ending::Completed,
            steps,
        }
    }

    const MESSAGE_MAX: usize = 11 * 1024 * 1024;

    #[test]
    fn an_outcome_of_usual_length_is_passed_on_whole() {
        let usual =
            outcome(vec![step(StepKind::Detect, "x".repeat(64 * 1024)), step(StepKind::Inventory, "[]".into())]);
        assert_eq!(forwarded(usual.clone()), usual);
    }

    #[test]
    fn what_is_read_is_passed_on_whole_or_the_step_says_why_not() {
        let long = (0..20).map(|_| step(StepKind::Versions, "1".repeat(1024 * 1024))).collect();
        let told = forwarded(outcome(long));
        assert!(json_bytes(&told) < MESSAGE_MAX);
        assert_eq!(told.steps.len(), 20);
        let (whole, cut): (Vec<_>, Vec<_>) = told.steps.iter().partition(|step| step.status.is_success());
        assert!(whole.len() == 5 && whole.iter().all(|step| step.output.len() == 1024 * 1024), "{}", whole.len());
        for step in cut {
            assert_eq!((step.output.len(), step.output_omitted, &step.observed), (0, 1024 * 1024, &None));
            let StepStatus::Failed { code, message } = &step.status else { panic!("it failed") };
            assert!(code == "io" && message.contains("too much to be gone by"), "{message}");
        }
    }

    #[test]
    fn no_lie_is_too_long_for_the_broker() {
        let long = || "\u{1}".repeat(3 * 1024 * 1024);
        let mut said = step(StepKind::Test, String::new());
        said.said.stop = Some(long());
        said.said.activities = vec![Activity { percent: None, text: Some(long()), after_ms: 1 }; 3];
        said.said.children = vec![Child { key: long(), title: None, parameters: [(long(), long())].into() }];
        let mut warned = step(StepKind::Act, long());
        warned.warnings = vec![long()];
        let mut failed = step(StepKind::Act, String::new());
        failed.item = long();
        failed.status = StepStatus::Failed { code: long(), message: long() };
        let mut lie = outcome([said, warned, failed].into_iter().cycle().take(9).collect());
        lie.boot_id = long();
        assert!(json_bytes(&forwarded(lie)) < MESSAGE_MAX);
        let many = (0..60_000).map(|_| step(StepKind::Act, String::new())).collect();
        assert!(json_bytes(&forwarded(outcome(many))) < MESSAGE_MAX);
        assert_eq!(shortened(long()).len(), REASON_MAX);
    }
}
