//! One call, one request: the way of the local and the ssh transport.

use pitcrew_protocol::{Ending, FromAgent, FromGateway, JournalEvent, Refusal, RunOutcome, RunState};

use crate::support::*;

fn outcome(answer: Option<FromAgent>) -> RunOutcome {
    match answer {
        Some(FromAgent::Outcome(outcome)) => outcome,
        other => panic!("expected an outcome, got {other:?}"),
    }
}

fn state(answer: Option<FromAgent>) -> RunState {
    match answer {
        Some(FromAgent::State { state, .. }) => state,
        other => panic!("expected a state, got {other:?}"),
    }
}

#[tokio::test]
async fn a_call_runs_and_a_later_one_acknowledges() {
    let place = Place::new();
    let run = run(1, vec![sh("echo hello")]);
    let mut call = place.exec(&run_frame(&run));
    assert_eq!(state(call.answer()), RunState::InFlight { run_id: run.run_id });
    let ended = outcome(call.answer());
    assert_eq!((ended.ending.clone(), ended.steps[0].output.as_str()), (Ending::Completed, "hello\n"));
    assert_eq!(call.answer(), None);
    assert!(call.exit().await.success());
    assert_eq!(state(place.exec(&run_frame(&run)).answer()), RunState::Ended(ended));

    let mut call = place.exec(&FromGateway::Acknowledge { run_id: run.run_id });
    assert_eq!(call.answer(), None);
    assert!(call.exit().await.success());
    assert_eq!(std::fs::read_dir(place.state().join("outcomes")).unwrap().count(), 0);

    let events: Vec<_> =
        place.journal().into_iter().map(|line| serde_json::to_value(line).unwrap()["event"].clone()).collect();
    assert_eq!(
        events,
        ["booted", "epoch_raised", "run_started", "step_started", "step_ended", "run_ended", "acknowledged"]
    );
}

#[tokio::test]
async fn a_run_survives_its_caller_and_is_adopted() {
    let place = Place::new();
    let run = run(1, vec![sh("while [ ! -e $PITCREW_SANDBOX/go ]; do sleep 0.02; done"), sh("echo through")]);
    let mut call = place.exec(&run_frame(&run));
    assert_eq!(state(call.answer()), RunState::InFlight { run_id: run.run_id });
    let supervisor = place.supervisor(run.run_id).to_string();
    let session = std::process::Command::new("ps").args(["-o", "sess=", "-p", &supervisor]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&session.stdout).trim(), supervisor, "a hang-up would reach the supervisor");
    call.crash();

    let other = run_frame(&empty_run(1));
    assert!(matches!(
        place.exec(&other).answer(),
        Some(FromAgent::Refused { refusal: Refusal::Busy { run_id }, .. }) if run_id == run.run_id
    ));
    let mut again = place.exec(&run_frame(&run));
    assert_eq!(state(again.answer()), RunState::InFlight { run_id: run.run_id });
    let mut adopted = place.exec(&take_over(2, None));
    assert_eq!(state(adopted.answer()), RunState::InFlight { run_id: run.run_id });
    std::fs::write(place.file("go"), "").unwrap();
    let ended = outcome(adopted.answer());
    assert_eq!((ended.ending.clone(), ended.steps[1].observed.as_deref()), (Ending::Completed, Some("through")));
    assert_eq!(outcome(again.answer()), ended);
    assert_eq!(place.count(run.run_id, |event| *event == JournalEvent::RunStarted), 1);

    let refused = place.exec(&run_frame(&empty_run(1))).answer();
    assert!(matches!(refused, Some(FromAgent::Refused { epoch: 2, refusal: Refusal::StaleEpoch, .. })), "{refused:?}");
}

#[tokio::test]
async fn a_run_begins_though_its_caller_dies_before_it_is_answered() {
    let place = Place::new();
    let run = run(1, vec![sh("echo through")]);
    place.exec_and_die(&run_frame(&run));
    let ended = eventually("the run to be known", || match place.exec(&take_over(1, Some(run.run_id))).answer() {
        Some(FromAgent::State { state: RunState::Ended(outcome), .. }) => Some(outcome),
        _ => None,
    })
    .await;
    assert_eq!((ended.ending, ended.steps[0].observed.as_deref()), (Ending::Completed, Some("through")));
}

#[tokio::test]
async fn a_run_is_killed_by_another_call() {
    let place = Place::new();
    let run = run(1, vec![sh("echo $$ > $PITCREW_SANDBOX/pid; sleep 600")]);
    let mut call = place.exec(&run_frame(&run));
    state(call.answer());
    let script = eventually("the script", || place.note("pid")).await;
    let mut killer = place.exec(&kill(1, run.run_id));
    assert_eq!(state(killer.answer()), RunState::InFlight { run_id: run.run_id });
    assert_eq!(outcome(killer.answer()).ending, Ending::Killed);
    assert_eq!(outcome(call.answer()).ending, Ending::Killed);
    assert!(!is_alive(&script));
    assert_eq!(state(place.exec(&take_over(1, None)).answer()), RunState::Idle);
}

#[tokio::test]
async fn a_call_that_cannot_be_read_says_so() {
    let place = Place::new();
    let mut call = place.exec_text("{}");
    assert_eq!(call.answer(), None);
    assert_eq!(call.exit().await.code(), Some(2));
}

fn empty_run(epoch: i64) -> pitcrew_protocol::Run {
    run(epoch, vec![])
}
