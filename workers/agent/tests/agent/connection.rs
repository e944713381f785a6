//! The connection comes and goes; runs and outcomes do not care.

use pitcrew_protocol::{Ending, FromAgent, FromGateway, JournalEvent, RunState};

use crate::support::*;

#[tokio::test]
async fn an_outcome_is_sent_at_every_connection_until_acknowledged() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh("echo done")]);
    link.start(&run).await;
    let outcome = link.outcome().await;
    for _ in 0..2 {
        drop(link);
        link = gateway.accept().await;
        assert_eq!(link.outcome().await, outcome);
    }
    link.acknowledge(run.run_id).await;
    drop(link);
    link = gateway.accept().await;
    assert_eq!(
        link.ask(FromGateway::Ping { server_time: None, pongs: 0 }).await,
        FromAgent::Pong,
        "an acknowledged outcome was sent again"
    );
    assert_eq!(place.count(run.run_id, |event| *event == JournalEvent::Acknowledged), 1);
}

#[tokio::test]
async fn a_run_goes_on_while_the_server_is_gone() {
    let place = Place::new();
    let gateway = Gateway::start().await;
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let run = run(1, vec![sh("while [ ! -e $PITCREW_SANDBOX/go ]; do sleep 0.02; done"), sh("echo after")]);
    link.start(&run).await;
    drop(link);
    let mut link = gateway.accept().await;
    assert_eq!(link.hello.in_flight, Some(run.run_id));
    assert_eq!(link.state(take_over(2, Some(run.run_id))).await, RunState::InFlight { run_id: run.run_id });
    drop(link);
    std::fs::write(place.file("go"), "").unwrap();
    eventually("the end of the run", || {
        (place.count(run.run_id, |event| matches!(event, JournalEvent::RunEnded { .. })) == 1).then_some(())
    })
    .await;
    let mut link = gateway.accept().await;
    let outcome = link.outcome().await;
    assert_eq!((outcome.ending, outcome.epoch, outcome.steps.len()), (Ending::Completed, 1, 2));
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_dialled_anew() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let silent = gateway.accept_with(now(), 100).await;
    // The first connection is open still, half of it at least.
    let mut link = gateway.accept().await;
    assert_eq!(link.ask(FromGateway::Ping { server_time: None, pongs: 0 }).await, FromAgent::Pong);
    drop(silent);
}

#[tokio::test]
async fn an_agent_that_is_sent_away_comes_back() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept_unwelcomed().await;
    link.send(FromGateway::Goodbye { reason: "too many".into(), retry_after_ms: 50 }).await;
    assert_eq!(link.receive().await, None);
    let mut link = gateway.accept().await;
    assert_eq!(link.ask(FromGateway::Ping { server_time: None, pongs: 0 }).await, FromAgent::Pong);
}
