//! The truth table of verdicts.

use jiff::Timestamp;
use pitcrew_protocol::{Ending, RunOutcome, StepKind, StepOutcome, StepStatus};

use super::*;
use crate::domain::{ActionResult, PlannedAction, Reason, RebootNeed};

const FLEET: &str = "
{kind: tenant, name: t}
---
{kind: computer, name: c, tenant: t, os: linux}
---
{kind: software, name: s, detect: d, install: i, uninstall: u, upgrade: remove_first, versions: [1.0, 2.0]}
---
{kind: task, name: t, test: t, set: s}
---
{kind: deployment, name: d1, software: s, target: everyone}
---
{kind: deployment, name: d2, task: t, target: everyone}
";

fn actions() -> (PlannedAction, PlannedAction) {
    let mut actions = made(FLEET, "software/s 1.0\ntask/t false").actions.into_iter();
    (actions.next().unwrap(), actions.next().unwrap())
}

fn step(kind: StepKind, observed: Option<&str>) -> StepOutcome {
    StepOutcome {
        kind,
        item: "software/s".into(),
        status: StepStatus::Succeeded,
        exit_code: Some(0),
        observed: observed.map(str::to_owned),
        warnings: Vec::new(),
        wants_reboot: false,
        said: Default::default(),
        output: String::new(),
        output_omitted: 0,
        started_at: Timestamp::UNIX_EPOCH,
        duration_ms: 1,
    }
}

fn failed(kind: StepKind, code: &str) -> StepOutcome {
    let message = "It went wrong.".into();
    StepOutcome { status: StepStatus::Failed { code: code.into(), message }, ..step(kind, None) }
}

fn asks_for_reboot(step: StepOutcome) -> StepOutcome {
    StepOutcome { wants_reboot: true, ..step }
}

fn ended(ending: Ending, steps: Vec<StepOutcome>) -> RunOutcome {
    RunOutcome {
        run_id: uuid::Uuid::nil(),
        session: 1,
        epoch: 1,
        boot_id: "b".into(),
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
        ending,
        steps,
    }
}

fn reason(verdict: &Verdict) -> Option<(ActionResult, Reason)> {
    verdict.ends().map(|(result, reason, _)| (result, reason))
}

#[test]
fn a_software_is_judged_by_what_is_there_in_the_end() {
    use StepKind::{Act, Detect, Download, Verify};
    let (software, _) = actions();
    let look = || step(Detect, Some("1.0"));
    let act = || step(Act, None);
    let verdict = |ending, steps| judge(&software, &ended(ending, steps));
    let completed = |steps| verdict(Ending::Completed, steps);
    let stopped = |steps| verdict(Ending::Stopped, steps);

    let done = |reboot| Verdict::Done { detected: Some("2.0".into()), reboot };
    assert_eq!(completed(vec![look(), act(), act(), step(Verify, Some("2.0"))]), done(false));
    assert_eq!(completed(vec![look(), asks_for_reboot(act()), act(), step(Verify, Some("2.0"))]), done(true));
    assert_eq!(completed(vec![look(), asks_for_reboot(act()), act(), step(Verify, Some("1.0"))]), Verdict::NeedsReboot);
    assert_eq!(
        completed(vec![look(), act(), asks_for_reboot(act()), failed(Verify, "exit_code")]),
        Verdict::NeedsReboot
    );
    assert_eq!(stopped(vec![step(Detect, Some("2.0"))]), Verdict::AlreadyAsDesired { detected: Some("2.0".into()) });
    assert_eq!(stopped(vec![step(Detect, None)]), Verdict::Drifted { detected: None });

    let failure = |verdict| reason(&verdict).map(|(result, reason)| (result == ActionResult::Failed, reason));
    for (steps, why) in [
        (vec![failed(Detect, "exit_code")], Reason::DetectionFailed),
        (vec![look(), failed(Download, "download")], Reason::DownloadFailed),
        (vec![look(), failed(Download, "checksum")], Reason::ChecksumMismatch),
        (vec![look(), failed(Download, "signature")], Reason::SignatureMismatch),
        (vec![look(), failed(Act, "exit_code")], Reason::ScriptFailed),
        (vec![look(), act(), failed(Act, "timeout")], Reason::TimedOut),
        (vec![look(), failed(Act, "interpreter")], Reason::NoInterpreter),
        (vec![look(), act(), act(), failed(Verify, "exit_code")], Reason::DetectionFailed),
    ] {
        assert_eq!(failure(stopped(steps)), Some((true, why)));
    }
    assert_eq!(failure(completed(vec![look(), act(), act(), step(Verify, None)])), Some((true, Reason::VerifyFailed)));

    // A change that was cut off leaves nobody any the wiser; before it, nothing was changed.
    assert_eq!(verdict(Ending::Killed, vec![look()]), Verdict::Cancelled);
    assert_eq!(verdict(Ending::Killed, vec![]), Verdict::Cancelled);
    let cut = |ending| reason(&verdict(ending, vec![look(), failed(Act, "killed")]));
    assert_eq!(cut(Ending::Killed), Some((ActionResult::Indeterminate, Reason::Interrupted)));
    assert_eq!(cut(Ending::Interrupted), Some((ActionResult::Indeterminate, Reason::Interrupted)));
    let early = verdict(Ending::Interrupted, vec![failed(Detect, "interrupted")]);
    assert!(matches!(early, Verdict::Failed { may_pass: true, .. }), "{early:?}");
}

#[test]
fn a_task_is_judged_by_its_last_test() {
    use StepKind::{Set, Test};
    let (_, task) = actions();
    let verdict = |steps| judge(&task, &ended(Ending::Completed, steps));
    let tested = |answer| step(Test, Some(answer));
    assert_eq!(verdict(vec![tested("true")]), Verdict::AlreadyAsDesired { detected: None });
    let done = Verdict::Done { detected: None, reboot: false };
    assert_eq!(verdict(vec![tested("false"), step(Set, None), tested("true")]), done);
    let still = verdict(vec![tested("false"), step(Set, None), tested("false")]);
    assert_eq!(reason(&still), Some((ActionResult::Failed, Reason::VerifyFailed)));
    let after_reboot = verdict(vec![tested("false"), asks_for_reboot(step(Set, None)), tested("false")]);
    assert_eq!(after_reboot, Verdict::NeedsReboot);
    assert_eq!(judge_after_reboot(&task, &ended(Ending::Completed, vec![tested("true")])), done);
    let failed_after = judge_after_reboot(&task, &ended(Ending::Completed, vec![tested("false")]));
    assert_eq!(reason(&failed_after), Some((ActionResult::Failed, Reason::VerifyFailed)));
}

#[test]
fn what_always_takes_a_reboot_is_done_only_after_it() {
    use StepKind::{Act, Detect, Verify};
    let (software, _) = actions();
    let software = PlannedAction { reboot: RebootNeed::Always, ..software };
    let steps = vec![step(Detect, Some("1.0")), step(Act, None), step(Act, None), step(Verify, Some("2.0"))];
    assert_eq!(judge(&software, &ended(Ending::Completed, steps)), Verdict::NeedsReboot);
    let after = judge_after_reboot(&software, &ended(Ending::Completed, vec![step(Verify, Some("2.0"))]));
    assert_eq!(after, Verdict::Done { detected: Some("2.0".into()), reboot: false });
}

/// Every download is before every change, so that a download that fails leaves the computer as it was.
#[test]
fn nothing_is_changed_before_everything_is_fetched() {
    let fleet = FLEET.replace(
        "versions: [1.0, 2.0]",
        "versions: [{version: 2.0, url: 'https://h.example/f', sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}]",
    );
    let plan = made(&fleet, "software/s 1.0\ntask/t true");
    let kinds: Vec<_> = steps(&plan.actions[0]).iter().map(|step| step.kind).collect();
    assert_eq!(kinds, [StepKind::Detect, StepKind::Download, StepKind::Act, StepKind::Act, StepKind::Verify]);
    assert_eq!(plan.actions[0].source.as_deref(), Some("h.example"));
}

/// What follows a change is not tried again: the next look would find the change made.
#[test]
fn a_script_that_follows_a_change_fails_it_for_good() {
    use StepKind::{Act, Detect};
    let fleet = FLEET.replace("upgrade: remove_first", "post_install: p");
    let action = made(&fleet, "software/s 1.0\ntask/t false").actions.remove(0);
    let verdict = |steps| judge(&action, &ended(Ending::Stopped, steps));
    let look = || step(Detect, Some("1.0"));
    let Verdict::Failed { reason, message, may_pass, .. } =
        verdict(vec![look(), step(Act, None), failed(Act, "exit_code")])
    else {
        panic!("it failed")
    };
    assert_eq!((reason, may_pass), (Reason::ScriptFailed, false));
    assert_eq!(message, "It was changed, and its script \"post_install\", which follows that, failed: It went wrong.");
    let Verdict::Failed { message, may_pass, .. } = verdict(vec![look(), failed(Act, "exit_code")]) else {
        panic!("it failed")
    };
    assert!(may_pass && message.starts_with("Changing it failed"), "{message}");
}

/// Where something is still to come, another try finds nothing there and has it installed.
#[test]
fn a_script_that_follows_a_removal_is_passed_by_where_something_is_still_to_be_installed() {
    use StepKind::{Act, Detect};
    let fleet = FLEET.replace("upgrade: remove_first", "upgrade: remove_first, post_uninstall: q, post_install: p");
    let action = made(&fleet, "software/s 1.0\ntask/t false").actions.remove(0);
    let verdict = |steps| judge(&action, &ended(Ending::Stopped, steps));
    let (look, act) = (|| step(Detect, Some("1.0")), || step(Act, None));
    let Verdict::Failed { message, may_pass, .. } = verdict(vec![look(), act(), failed(Act, "exit_code")]) else {
        panic!("it failed")
    };
    let expected = "It was removed, and its script \"post_uninstall\", which follows that, failed before anything was \
                    installed in its place: It went wrong.";
    assert_eq!((message.as_str(), may_pass), (expected, true));
    assert_eq!(verdict(vec![step(Detect, None)]), Verdict::Drifted { detected: None }, "it is planned anew");
    let last = verdict(vec![look(), act(), act(), act(), failed(Act, "exit_code")]);
    assert!(matches!(last, Verdict::Failed { may_pass: false, .. }), "{last:?}");
}
