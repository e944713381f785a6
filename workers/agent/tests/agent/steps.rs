//! What scripts are given, what is kept of them, and how they are judged.

use pitcrew_protocol::{Ending, Interpreter, Script, Step, StepKind, StepOutcome, StepStatus, Then, Work};

use crate::support::*;

/// Runs steps on an agent of their own and answers with what came of each.
async fn steps(steps: Vec<Step>) -> (Ending, Vec<StepOutcome>) {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let outcome = gateway.accept().await.run_through(&run(1, steps)).await;
    (outcome.ending, outcome.steps)
}

async fn step(step: Step) -> StepOutcome {
    steps(vec![step]).await.1.remove(0)
}

#[tokio::test]
async fn a_script_sees_its_run_and_no_secret_of_the_agents() {
    let body = "echo $PITCREW_SESSION $PITCREW_ITEM $EXTRA; pwd; ls; id=$PITCREW_RUN_ID; env | grep -c TOKEN; \
                [ -n \"$HOME$PATH\" ] && [ -d \"$PITCREW_SANDBOX\" ] && [ -n \"$id\" ] && cat && echo fine";
    let env = [("EXTRA".to_owned(), "more words".to_owned())].into();
    let work = Work::Script(Script {
        interpreter: Interpreter::Sh,
        body: body.into(),
        env,
        secrets: Default::default(),
        files: Default::default(),
    });
    let outcome = step(Step { work, ..sh("") }).await;
    assert_eq!(outcome.status, StepStatus::Succeeded);
    let lines: Vec<_> = outcome.output.lines().collect();
    assert_eq!((lines[0], lines[2], lines[3], lines[4]), ("7 software/x more words", "step-0.sh", "0", "fine"));
    assert!(lines[1].ends_with("/work"), "{}", lines[1]);
    assert_eq!((outcome.observed.as_deref(), outcome.exit_code), (Some("fine"), Some(0)));
}

/// What the outcome of a script says that prints so, and knows a secret with a tab in it.
async fn told_a_secret(kind: StepKind, body: &str) -> String {
    let work = Work::Script(Script {
        interpreter: Interpreter::Python,
        body: format!("import os, json\nkey = os.environ['PARAM_KEY']\n{body}"),
        env: [("PARAM_KEY".to_owned(), "hunter2\tof\tspades".to_owned())].into(),
        secrets: ["PARAM_KEY".to_owned()].into(),
        files: Default::default(),
    });
    serde_json::to_string(&step(Step { kind, work, ..sh("") }).await).unwrap()
}

#[tokio::test]
async fn a_secret_is_struck_out_before_anything_is_cut() {
    for (kind, body, kept) in [
        (StepKind::Detect, "print('x' * 4090 + key)", "xx[secret]"),
        (StepKind::Test, "print('x' * 190 + key)\nprint('true')", "first: `xx"),
        (StepKind::Test, "print('x' * 190 + key)", "and printed `xx"),
        (
            StepKind::Act,
            "print('::pitcrew', json.dumps({'activity': 'a ' + key, 'stop': 'x' * 495 + key}))",
            "a [secret]",
        ),
        (StepKind::Act, "print('::pitcrew', json.dumps({key: 1}))", "[secret]"),
        (StepKind::Test, "print('::pitcrew', json.dumps({'child': {'key': key}}))", "[secret]"),
        (StepKind::Test, "print('::pitcrew', json.dumps({'child': {'key': 'a', 'parameters': {key: 1}}}))", "[secret]"),
        (StepKind::Test, "print('::pitcrew', json.dumps({'child': {'key': 'a', key: 1}}))", "[secret]"),
    ] {
        let told = told_a_secret(kind, body).await;
        assert!(told.contains(kept) && !told.contains("hun") && !told.contains("spades"), "{body}: {told}");
    }
}

#[tokio::test]
async fn interpreters() {
    let python = script(StepKind::Detect, Interpreter::Python, "import sys\nprint(sys.version_info[0])");
    let bash = script(StepKind::Detect, Interpreter::Bash, "a=(x y); echo ${a[1]}");
    let powershell = script(StepKind::Detect, Interpreter::Powershell, "'z'");
    let (ending, outcomes) = steps(vec![python, bash, powershell]).await;
    assert_eq!(ending, Ending::Completed);
    assert_eq!((outcomes[0].observed.as_deref(), outcomes[1].observed.as_deref()), (Some("3"), Some("y")));
    assert!(outcomes[2].observed.as_deref() == Some("z") || code(&outcomes[2]) == "interpreter", "{:?}", outcomes[2]);
}

#[tokio::test]
async fn output_keeps_its_order_and_the_last_line_is_observed() {
    let outcome =
        step(sh("echo one; sleep 0.1; echo two >&2; sleep 0.1; echo ' 24.08 '; echo; sleep 0.1; echo three >&2")).await;
    assert_eq!(outcome.output, "one\ntwo\n 24.08 \n\nthree\n");
    assert_eq!(outcome.observed.as_deref(), Some("24.08"));
    assert_eq!(step(sh("echo only errors >&2")).await.observed, None);
}

#[tokio::test]
async fn a_flood_of_output_is_bounded() {
    let outcome = step(sh("echo first; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo last")).await;
    assert_eq!(outcome.status, StepStatus::Succeeded);
    assert!(outcome.output.len() < 70_000, "{} bytes were kept", outcome.output.len());
    assert!(outcome.output.starts_with("first\n") && outcome.output.ends_with("last\n"));
    assert_eq!(outcome.output_omitted, 50_000_000 + "first\n\nlast\n".len() as u64 - 2 * 32 * 1024);
    assert_eq!(outcome.observed.as_deref(), Some("last"));
}

#[tokio::test]
async fn an_inventory_is_kept_whole_and_clean() {
    let body = "echo noise >&2; head -c 900000 /dev/zero | tr '\\0' x";
    let outcome = step(script(StepKind::Inventory, Interpreter::Sh, body)).await;
    assert_eq!((outcome.output.len(), outcome.output_omitted, outcome.observed), (900_000, 0, None));
    let failed = step(script(StepKind::Inventory, Interpreter::Sh, "echo why >&2; exit 1")).await;
    assert_eq!(failed.output, "why\n");
}

#[tokio::test]
async fn the_versions_there_are_are_read_whole_and_asked_for_with_what_is_installed() {
    let detect = script(StepKind::Detect, Interpreter::Sh, "echo 1.2");
    let ask =
        script(StepKind::Versions, Interpreter::Sh, "echo noise >&2; echo '[' ; echo \"\\\"$PITCREW_DETECTED\\\"]\"");
    let other = Step { item: "software/y".into(), ..ask.clone() };
    let (ending, outcomes) = steps(vec![ask.clone(), detect, ask, other]).await;
    assert_eq!(ending, Ending::Completed);
    assert_eq!((outcomes[2].output.as_str(), &outcomes[2].observed), ("[\n\"1.2\"]\n", &None));
    // Before it was detected, and for another item, nothing is known.
    assert_eq!((outcomes[0].output.as_str(), outcomes[3].output.as_str()), ("[\n\"\"]\n", "[\n\"\"]\n"));
}

#[tokio::test]
async fn bytes_that_are_no_text_are_replaced() {
    let outcome = step(sh(r"printf 'a\377b\n'")).await;
    assert_eq!((outcome.output.as_str(), outcome.observed.as_deref()), ("a\u{fffd}b\n", Some("a\u{fffd}b")));
}

#[tokio::test]
async fn exits_are_judged() {
    let test = |body| script(StepKind::Test, Interpreter::Sh, body);
    let (_, outcomes) = steps(vec![
        sh("exit 3"),
        sh("kill -9 $$"),
        sh("exit 194"),
        test("echo true"),
        test("echo false"),
        test("echo yes"),
        test("true"),
    ])
    .await;
    let codes: Vec<_> = outcomes.iter().map(code).collect();
    assert_eq!(codes, ["exit_code", "signal", "succeeded", "succeeded", "succeeded", "not_boolean", "not_boolean"]);
    assert_eq!((outcomes[0].exit_code, outcomes[1].exit_code), (Some(3), None));
    let StepStatus::Failed { message, .. } = &outcomes[1].status else { panic!("it was killed") };
    assert!(message.contains("SIGKILL"), "{message}");
    let wants: Vec<_> = outcomes.iter().map(|outcome| outcome.wants_reboot).collect();
    assert_eq!(wants, [false, false, true, false, false, false, false]);
}

#[tokio::test]
async fn a_step_past_its_time_is_ended_with_all_it_started() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    // Neither the script nor its child heeds the first, polite signal.
    let body = "trap '' TERM; sleep 600 & echo $! > $PITCREW_SANDBOX/pid; echo waiting; while :; do sleep 600; done";
    let slow = Step { timeout_ms: 1_000, ..then(sh(body), Then::IfSucceeded) };
    let outcome = link.run_through(&run(1, vec![slow, sh("echo never")])).await;
    assert_eq!((outcome.ending, outcome.steps.len()), (Ending::Stopped, 1));
    assert_eq!((code(&outcome.steps[0]), outcome.steps[0].output.as_str()), ("timeout", "waiting\n"));
    let sleeper = place.note("pid").unwrap();
    eventually("the end of the script's child", || (!is_alive(&sleeper)).then_some(())).await;
}

#[tokio::test]
async fn a_child_left_behind_does_not_hold_the_step() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let body = "sleep 600 & echo $! > $PITCREW_SANDBOX/pid; echo started";
    let outcome = gateway.accept().await.run_through(&run(1, vec![sh(body), sh("echo next")])).await;
    assert_eq!((outcome.ending, outcome.steps[0].output.as_str()), (Ending::Completed, "started\n"));
    let daemon = place.note("pid").unwrap();
    assert!(is_alive(&daemon), "what a script leaves running is left alone");
    assert!(std::process::Command::new("kill").arg(daemon).status().unwrap().success());
}

#[tokio::test]
async fn the_outcome_of_a_step_decides_what_follows() {
    let detect = |observed: &str| script(StepKind::Detect, Interpreter::Sh, &format!("echo {observed}"));
    let expected = || Some("1.0".to_owned());
    let go_on = vec![then(detect("1.0"), Then::IfObserved(expected())), sh("echo acted")];
    let (ending, outcomes) = steps(go_on).await;
    assert_eq!((ending, outcomes.len()), (Ending::Completed, 2));
    let drifted = vec![then(detect("1.1"), Then::IfObserved(expected())), sh("echo never")];
    let (ending, outcomes) = steps(drifted).await;
    assert_eq!((ending, outcomes.len()), (Ending::Stopped, 1));
    let done = vec![then(detect("1.0"), Then::DoneIfObserved(expected())), sh("echo never")];
    let (ending, outcomes) = steps(done).await;
    assert_eq!((ending, outcomes.len()), (Ending::Completed, 1));
}
