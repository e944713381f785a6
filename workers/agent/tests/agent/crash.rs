//! Agents, supervisors and whole computers that go down in the middle.

use std::collections::HashMap;
use std::time::Duration;

use pitcrew_protocol::{Ending, FromAgent, FromGateway, JournalEvent, RunState};
use uuid::Uuid;

use crate::support::*;

const SLEEPER: &str = "echo $$ > $PITCREW_SANDBOX/pid; sleep 600";

#[tokio::test]
async fn a_crashed_agent_finds_its_run_again() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh("while [ ! -e $PITCREW_SANDBOX/go ]; do sleep 0.02; done; echo through")]);
    link.start(&run).await;
    agent.crash();
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    assert_eq!(link.hello.in_flight, Some(run.run_id));
    assert_eq!(link.state(run_frame(&run)).await, RunState::InFlight { run_id: run.run_id });
    std::fs::write(place.file("go"), "").unwrap();
    let outcome = link.outcome().await;
    assert_eq!((outcome.ending, outcome.steps[0].observed.as_deref()), (Ending::Completed, Some("through")));
    assert_eq!(place.count(run.run_id, |event| *event == JournalEvent::RunStarted), 1);
    assert_eq!(place.count(run.run_id, |event| *event == JournalEvent::RunAdopted), 2);
}

#[tokio::test]
async fn a_run_that_lost_its_supervisor_is_interrupted_and_leaves_no_process() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh("echo first"), sh(SLEEPER), sh("echo never")]);
    link.start(&run).await;
    let script = eventually("the script", || place.note("pid")).await;
    let supervisor = place.supervisor(run.run_id);
    agent.crash();
    assert!(std::process::Command::new("kill").args(["-9", &supervisor.to_string()]).status().unwrap().success());
    assert!(is_alive(&script));

    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    assert_eq!(link.hello.in_flight, None);
    let outcome = link.outcome().await;
    assert_eq!((outcome.run_id, outcome.ending.clone(), outcome.steps.len()), (run.run_id, Ending::Interrupted, 2));
    assert_eq!((code(&outcome.steps[0]), code(&outcome.steps[1])), ("succeeded", "interrupted"));
    assert!(!is_alive(&script), "the orphan still runs");
    assert_eq!(link.state(run_frame(&run)).await, RunState::Ended(outcome));
    assert!(!place.state().join("runs").join(run.run_id.to_string()).exists());
}

#[tokio::test]
async fn a_lost_supervisor_is_noticed_by_the_agent_that_stays() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh(SLEEPER)]);
    link.start(&run).await;
    eventually("the script", || place.note("pid")).await;
    let supervisor = place.supervisor(run.run_id).to_string();
    assert!(std::process::Command::new("kill").args(["-9", &supervisor]).status().unwrap().success());
    assert_eq!(link.outcome().await.ending, Ending::Interrupted);
}

#[tokio::test]
async fn a_stopped_agent_interrupts_the_run_after_its_grace() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let mut agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh(SLEEPER)]);
    link.start(&run).await;
    let script = eventually("the script", || place.note("pid")).await;
    agent.signal("TERM");
    assert!(agent.exit().await.success());
    assert!(!is_alive(&script));
    let ended = JournalEvent::RunEnded { ending: Ending::Interrupted };
    assert_eq!(place.count(run.run_id, |event| *event == ended), 1);
    let _agent = place.agent(&gateway.url());
    assert_eq!(gateway.accept().await.outcome().await.ending, Ending::Interrupted);
}

#[tokio::test]
async fn a_stopped_agent_waits_for_a_run_that_ends_in_time() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let mut agent = place.agent_with(&gateway.url(), &["--grace", "60"]);
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh("while [ ! -e $PITCREW_SANDBOX/go ]; do sleep 0.02; done")]);
    link.start(&run).await;
    agent.signal("TERM");
    assert_eq!(link.receive().await, None, "a stopping agent hangs up");
    std::fs::write(place.file("go"), "").unwrap();
    assert!(agent.exit().await.success());
    let ended = JournalEvent::RunEnded { ending: Ending::Completed };
    assert_eq!(place.count(run.run_id, |event| *event == ended), 1);
}

#[tokio::test]
async fn a_second_agent_in_the_same_place_is_refused() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let _link = gateway.accept().await;
    assert!(!place.agent(&gateway.url()).exit().await.success());
}

/// Kills the agent, and every other time the supervisor with it, a little later in every round, so that the crashes
/// fall upon every moment in the life of a run. The state folder and the journal must never contradict themselves.
#[tokio::test]
async fn whenever_it_crashes_every_run_is_started_once_and_has_one_outcome() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let mut outcomes: HashMap<Uuid, Ending> = HashMap::new();
    let mut asked = Vec::new();
    for round in 0..24_i64 {
        let agent = place.agent(&gateway.url());
        let mut link = gateway.accept().await;
        let run = run(round + 1, vec![sh("echo $PITCREW_RUN_ID >> $PITCREW_SANDBOX/log"), sh("sleep 0.1")]);
        asked.push(run.run_id);
        link.send(run_frame(&run)).await;
        tokio::time::sleep(Duration::from_millis(5 * u64::try_from(round).unwrap())).await;
        if round % 2 == 1 {
            let path = place.state().join("runs").join(run.run_id.to_string()).join("supervisor");
            if let Ok(supervisor) = std::fs::read_to_string(path) {
                let _ = std::process::Command::new("kill").args(["-9", &supervisor]).output();
            }
        }
        agent.crash();

        let agent = place.agent(&gateway.url());
        let mut link = gateway.accept().await;
        link.send(run_frame(&run)).await;
        while !outcomes.contains_key(&run.run_id) {
            match link.receive().await {
                Some(FromAgent::Outcome(outcome) | FromAgent::State { state: RunState::Ended(outcome), .. }) => {
                    let before = outcomes.insert(outcome.run_id, outcome.ending.clone());
                    assert!(before.is_none_or(|before| before == outcome.ending));
                    link.send(FromGateway::Acknowledge { run_id: outcome.run_id }).await;
                }
                Some(FromAgent::State { .. }) => {}
                other => panic!("expected a state or an outcome, got {other:?}"),
            }
        }
        agent.crash();
    }
    let mut highest = 0;
    for line in place.journal() {
        match line.event {
            JournalEvent::EpochRaised { from } => assert!(from < line.epoch),
            JournalEvent::RunStarted => assert!(line.epoch >= highest, "a run started after a newer epoch"),
            _ => {}
        }
        highest = highest.max(line.epoch);
    }
    let log = std::fs::read_to_string(place.file("log")).unwrap_or_default();
    for run_id in asked {
        assert!(place.count(run_id, |event| *event == JournalEvent::RunStarted) <= 1);
        let acted = log.lines().filter(|line| *line == run_id.to_string()).count();
        let started = place.count(run_id, |event| matches!(event, JournalEvent::StepStarted { index: 0, .. }));
        assert!(acted <= started && started <= 1, "{run_id} acted {acted} times, {started} starts are in the journal");
        if outcomes[&run_id] == Ending::Completed {
            assert_eq!(acted, 1);
        }
    }
    for ending in [Ending::Completed, Ending::Interrupted] {
        assert!(outcomes.values().any(|one| *one == ending), "the crashes never led to {ending:?}");
    }
}
