//! What is started, what is refused, and that nothing is started twice.

use jiff::SignedDuration;
use pitcrew_protocol::{
    Ending, FromAgent, FromGateway, JournalEvent, Refusal, Run, RunState, Script, Step, StepKind, Work,
};
use uuid::Uuid;

use crate::support::*;

#[tokio::test]
async fn a_run_is_started_once_and_known_ever_after() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    assert_eq!((link.hello.protocol, link.hello.epoch, link.hello.in_flight), (1, 0, None));
    let run =
        run(3, vec![sh("echo once >> $PITCREW_SANDBOX/done; while [ ! -e $PITCREW_SANDBOX/go ]; do sleep 0.02; done")]);
    let frame = FromGateway::Run { request: Uuid::now_v7(), run: run.clone() };
    link.start(&run).await;
    assert_eq!(link.state(frame.clone()).await, RunState::InFlight { run_id: run.run_id });
    std::fs::write(place.file("go"), "").unwrap();
    let outcome = link.outcome().await;
    assert_eq!((outcome.ending.clone(), outcome.epoch, outcome.session), (Ending::Completed, 3, 7));
    assert_eq!(outcome.boot_id, link.hello.boot_id);

    assert_eq!(link.state(frame.clone()).await, RunState::Ended(outcome.clone()));
    link.acknowledge(run.run_id).await;
    assert_eq!(link.state(frame).await, RunState::Ended(outcome));
    assert_eq!(place.note("done").as_deref(), Some("once"));
    assert_eq!(place.count(run.run_id, |event| *event == JournalEvent::RunStarted), 1);
}

#[tokio::test]
async fn a_lower_epoch_is_refused_and_a_higher_one_recorded() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    assert_eq!(link.state(take_over(5, None)).await, RunState::Idle);
    let stale = run(4, vec![sh("echo no >> $PITCREW_SANDBOX/done")]);
    for frame in [run_frame(&stale), take_over(4, None), kill(4, Uuid::now_v7())] {
        let answer = link.ask(frame).await;
        assert!(
            matches!(&answer, FromAgent::Refused { epoch: 5, refusal: Refusal::StaleEpoch, .. }),
            "a stale request was answered with {answer:?}"
        );
    }
    let late = Run { start_by: now() - SignedDuration::from_secs(1), ..run(9, vec![]) };
    assert_eq!(link.refusal(run_frame(&late)).await, Refusal::TooLate);
    agent.crash();
    let _agent = place.agent(&gateway.url());
    let link = gateway.accept().await;
    assert_eq!(link.hello.epoch, 9, "the epoch of a refused run counts, and outlives the agent");
    assert_eq!(place.note("done"), None);
    let raised: Vec<_> = place
        .journal()
        .iter()
        .filter_map(|line| match line.event {
            JournalEvent::EpochRaised { from } => Some((from, line.epoch)),
            _ => None,
        })
        .collect();
    assert_eq!(raised, [(0, 5), (5, 9)]);
    assert_eq!(place.count(stale.run_id, |event| matches!(event, JournalEvent::Refused { .. })), 1);
}

#[tokio::test]
async fn start_by_is_judged_by_the_servers_clock() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    // The computer's clock is an hour behind the server's.
    let server_time = now() + SignedDuration::from_hours(1);
    let mut link = gateway.accept_with(server_time, 60_000).await;
    let late = Run { start_by: now() + SignedDuration::from_mins(59), ..run(1, vec![]) };
    assert_eq!(link.refusal(run_frame(&late)).await, Refusal::TooLate);
    let timely = Run { start_by: server_time + SignedDuration::from_mins(1), ..run(1, vec![]) };
    assert_eq!(link.run_through(&timely).await.ending, Ending::Completed);
    // It hears the server's time in pings, too: one that says how long it was on its way sets the reckoning back.
    let ping = |pongs| FromGateway::Ping { server_time: Some(now()), pongs };
    assert_eq!(link.ask(ping(0)).await, FromAgent::Pong);
    assert_eq!(link.refusal(run_frame(&Run { run_id: Uuid::now_v7(), ..late.clone() })).await, Refusal::TooLate);
    assert_eq!(link.ask(ping(2)).await, FromAgent::Pong);
    let timely = Run { run_id: Uuid::now_v7(), ..late };
    assert_eq!(link.run_through(&timely).await.ending, Ending::Completed);
}

#[tokio::test]
async fn another_run_in_flight_is_adopted_or_killed_first() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let first = run(1, vec![sh("echo begun; sleep 600 & echo $! > $PITCREW_SANDBOX/pid; wait"), sh("echo never")]);
    let second = run(2, vec![sh("true")]);
    link.start(&first).await;
    let sleeper = eventually("the script's child", || place.note("pid")).await;
    assert_eq!(link.refusal(run_frame(&second)).await, Refusal::Busy { run_id: first.run_id });
    assert_eq!(link.state(take_over(3, None)).await, RunState::InFlight { run_id: first.run_id });
    assert_eq!(link.refusal(kill(1, first.run_id)).await, Refusal::StaleEpoch);
    assert_eq!(link.state(kill(3, Uuid::now_v7())).await, RunState::Idle);
    assert_eq!(link.state(kill(3, first.run_id)).await, RunState::InFlight { run_id: first.run_id });
    let outcome = link.outcome().await;
    assert_eq!((outcome.ending.clone(), outcome.steps.len()), (Ending::Killed, 1));
    assert_eq!(code(&outcome.steps[0]), "killed");
    assert_eq!(outcome.steps[0].output, "begun\n");
    assert!(!is_alive(&sleeper), "a child of the killed script still runs");
    assert_eq!(link.state(kill(3, first.run_id)).await, RunState::Ended(outcome.clone()));
    assert_eq!(link.state(take_over(4, Some(first.run_id))).await, RunState::Ended(outcome));
    let third = run(4, vec![sh("true")]);
    assert_eq!(link.run_through(&third).await.ending, Ending::Completed);
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_with_a_reason() {
    let (place, gateway) = (Place::new(), Gateway::start().await);
    let _agent = place.agent(&gateway.url());
    let mut link = gateway.accept().await;
    let outside = Work::Download {
        url: "https://example.test/x".into(),
        sha256: "../../etc/passwd".into(),
        size: None,
        signature: None,
    };
    let local =
        Work::Download { url: "file:///etc/passwd".into(), sha256: "a".repeat(64), size: None, signature: None };
    let env = [("A=B".to_owned(), "x".to_owned())].into();
    let named = Work::Script(Script {
        interpreter: pitcrew_protocol::Interpreter::Sh,
        body: "true".into(),
        env,
        secrets: Default::default(),
        files: Default::default(),
    });
    for work in [outside, local, named] {
        let step = Step { kind: StepKind::Download, work, ..sh("") };
        let refusal = link.refusal(run_frame(&run(1, vec![step]))).await;
        assert!(matches!(&refusal, Refusal::Invalid { message } if message.contains("step 0")), "{refusal:?}");
    }
    let request = Uuid::now_v7();
    link.send_text(&format!(r#"{{"type":"run","request":"{request}","run":{{"steps":"none"}}}}"#)).await;
    match link.receive().await {
        Some(FromAgent::Refused { request: named, refusal: Refusal::Invalid { .. }, .. }) => assert_eq!(named, request),
        other => panic!("a garbled request was answered with {other:?}"),
    }
    link.send_text("what?").await;
    assert_eq!(link.ask(FromGateway::Ping { server_time: None, pongs: 0 }).await, FromAgent::Pong);
}
