//! A restart of the sandbox.

use pitcrew_protocol::{Ending, FromAgent, JournalEvent, StepStatus};

use crate::support::*;

#[tokio::test]
async fn a_run_that_restarts_the_computer_ends_after_the_restart() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let mut agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let before = link.hello.boot_id.clone();
    let run = run(1, vec![sh("echo before"), reboot()]);
    link.start(&run).await;
    assert_eq!(agent.exit().await.code(), Some(86));

    let agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let after = link.hello.boot_id.clone();
    assert_ne!(before, after);
    let outcome = link.outcome().await;
    assert_eq!((outcome.ending, outcome.boot_id), (Ending::Completed, after.clone()));
    assert_eq!(outcome.steps[1].status, StepStatus::Succeeded);
    link.acknowledge(run.run_id).await;

    agent.crash();
    let _agent = place.agent(&gateway.url());
    assert_eq!(gateway.accept().await.hello.boot_id, after, "a crash of the agent is no restart");
    assert_eq!(place.count(run.run_id, |event| matches!(event, JournalEvent::RebootBegun { .. })), 1);
    let boots = place.journal().iter().filter(|line| matches!(line.event, JournalEvent::Booted { .. })).count();
    assert_eq!(boots, 2);
}

#[tokio::test]
async fn a_call_that_restarts_the_computer_is_answered_by_the_next_one() {
    let place = Place::new();
    let run = run(1, vec![reboot()]);
    let mut call = place.exec(&run_frame(&run));
    assert!(matches!(call.answer(), Some(FromAgent::State { .. })));
    assert_eq!(call.answer(), None);
    assert_eq!(call.exit().await.code(), Some(86));
    match place.exec(&run_frame(&run)).answer() {
        Some(FromAgent::State { state: pitcrew_protocol::RunState::Ended(outcome), .. }) => {
            assert_eq!(outcome.ending, Ending::Completed);
        }
        other => panic!("expected the outcome, got {other:?}"),
    }
}
