//! Commands, from a worker to a computer and back.

use jiff::ToSpan;
use pitcrew::transport::{Error, Route, Transport, Way};
use pitcrew_protocol::{Ending, FromAgent, FromGateway, Refusal, RunState};
use tempfile::tempdir;
use uuid::Uuid;

use super::wire::Wire;
use super::world::{FREE_PORT, SOON, World, real_agent};
use crate::support::{Proxy, services, until};

#[tokio::test]
async fn a_real_agent_runs_what_it_is_sent_and_forgets_it_once_stored() {
    let world = World::new().await;
    let (house, computer, folder) = (world.gateway("north").await, world.computer().await, tempdir().unwrap());
    let _agent = real_agent(&computer, &house.url(), folder.path());
    world.until_connected(&computer, &house).await;
    let mut link = world.link(&house, &computer).await;

    assert_eq!(link.take_over(1, None).await, Ok(RunState::Idle));
    let run = world.run(&computer, 1, "echo 24.09").await;
    let state = link.start(&run.start()).await.unwrap();
    assert_eq!(state, RunState::InFlight { run_id: run.run_id });
    let outcome = link.wait(run.run_id, SOON).await.unwrap().expect("it ends");
    assert_eq!(outcome.ending, Ending::Completed);
    assert_eq!(outcome.steps[0].observed.as_deref(), Some("24.09"));
    assert_eq!(world.outcome(run.run_id).await, Some(serde_json::to_value(&outcome).unwrap()));
    let kept = || async { folder.path().join("outcomes").read_dir().unwrap().next().is_none().then_some(()) };
    until(SOON, kept, "the computer to forget the outcome").await;

    // The same run again starts nothing, and a newer owner learns what came of it.
    assert_eq!(link.start(&run.start()).await, Ok(RunState::Ended(outcome.clone())));
    let mut newer = world.link(&house, &computer).await;
    assert_eq!(newer.take_over(2, Some(run.run_id)).await, Ok(RunState::Ended(outcome)));
    let late = world.run(&computer, 1, "echo never").await;
    let error = link.start(&late.start()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { refusal: Refusal::StaleEpoch, epoch: 2, .. }), "{error}");
    world.end().await;
}

#[tokio::test]
async fn a_run_in_flight_is_adopted_and_killed() {
    let world = World::new().await;
    let (house, computer, folder) = (world.gateway("north").await, world.computer().await, tempdir().unwrap());
    let _agent = real_agent(&computer, &house.url(), folder.path());
    world.until_connected(&computer, &house).await;
    let run = world.run(&computer, 1, "sleep 600").await;
    let in_flight = RunState::InFlight { run_id: run.run_id };
    let mut first = world.link(&house, &computer).await;
    assert_eq!(first.start(&run.start()).await, Ok(in_flight.clone()));
    assert_eq!(first.wait(run.run_id, std::time::Duration::from_millis(50)).await, Ok(None));

    let mut second = world.link(&house, &computer).await;
    assert_eq!(second.take_over(2, Some(run.run_id)).await, Ok(in_flight));
    let error = first.kill(1, run.run_id).await.unwrap_err();
    assert!(matches!(error, Error::Refused { refusal: Refusal::StaleEpoch, .. }), "{error}");
    second.kill(2, run.run_id).await.unwrap();
    let outcome = second.wait(run.run_id, SOON).await.unwrap().expect("it ends");
    assert_eq!(outcome.ending, Ending::Killed);
    world.end().await;
}

#[tokio::test]
async fn a_computer_that_is_not_there_is_offline_at_once() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let error = world.link(&house, &computer).await.take_over(1, None).await.unwrap_err();
    assert!(matches!(&error, Error::Offline { why, .. } if why.contains("not connected to gateway north")), "{error}");

    let route = |gateway: Option<&str>| Route {
        computer: computer.id,
        way: Way::Agent { gateway: gateway.map(str::to_owned) },
    };
    let mut gone = world.agents.connect(&route(Some("south"))).await.unwrap();
    let error = gone.take_over(1, None).await.unwrap_err();
    assert!(matches!(&error, Error::Offline { why, .. } if why.contains("gateway south")), "{error}");
    let error = world.agents.connect(&route(None)).await.err().expect("no link");
    assert!(matches!(error, Error::Offline { .. }), "{error}");
    world.end().await;
}

#[tokio::test]
async fn what_comes_too_late_or_is_not_stored_does_not_reach_the_computer() {
    let world = World::new().await;
    let (house, computer, other) = (world.gateway("north").await, world.computer().await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    let mut link = world.link(&house, &computer).await;

    let mut late = world.run(&computer, 1, "echo late").await;
    late.start_by -= 2.minutes();
    let error = link.start(&late.start()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { refusal: Refusal::TooLate, .. }), "{error}");
    let mut unknown = world.run(&computer, 1, "echo unknown").await;
    unknown.run_id = Uuid::new_v4();
    let error = link.start(&unknown.start()).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");
    let others = world.run(&other, 1, "echo other").await;
    let error = link.start(&others.start()).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error}");

    // The first that the computer hears of is the one that is in order.
    let good = world.run(&computer, 7, "echo good").await;
    let start = good.start();
    let (started, run) = tokio::join!(link.start(&start), wire.take_run());
    assert_eq!(started, Ok(RunState::InFlight { run_id: good.run_id }));
    assert_eq!((run.run_id, run.epoch, run.start_by, run.session), (good.run_id, 7, good.start_by, 1));
    let pitcrew_protocol::Work::Script(script) = &run.steps[0].work else { panic!("{:?}", run.steps) };
    assert_eq!(script.body, "echo good");

    // A refusal comes back as it was said.
    let refuse = async {
        let Some(FromGateway::Kill { request, epoch: 7, .. }) = wire.hear().await else { panic!("no kill") };
        wire.say(&FromAgent::Refused { request, epoch: 9, refusal: Refusal::StaleEpoch }).await;
    };
    let (killed, ()) = tokio::join!(link.kill(7, good.run_id), refuse);
    assert_eq!(killed, Err(Error::Refused { computer: computer.id, refusal: Refusal::StaleEpoch, epoch: 9 }));
    world.end().await;
}

#[tokio::test]
async fn agents_stay_connected_while_the_broker_is_away() {
    let world = World::new().await;
    let network = Proxy::to(&services().amqp_url).await;
    let amqp = network.url(&services().amqp_url);
    let house = world.gateway_at("north", FREE_PORT, &world.database.url, &amqp).await;
    let computer = world.computer().await;
    let mut wire = Wire::connect(&house, &computer).await;
    let mut link = world.link(&house, &computer).await;

    network.cut();
    let offline = || async {
        matches!(world.link(&house, &computer).await.take_over(1, None).await, Err(Error::Offline { .. })).then_some(())
    };
    tokio::select! {
        () = until(SOON, offline, "the gateway's queue to be gone") => {}
        frame = wire.hear() => panic!("{frame:?}"),
    }
    network.pass();
    tokio::select! {
        () = world.until_it_takes_commands(&house) => {}
        frame = wire.hear() => panic!("{frame:?}"),
    }
    let answer = async {
        let Some(FromGateway::TakeOver { request, .. }) = wire.hear().await else { panic!("no takeover") };
        wire.say(&FromAgent::State { request, epoch: 1, state: RunState::Idle }).await;
    };
    let (answered, ()) = tokio::join!(link.take_over(1, None), answer);
    assert_eq!(answered, Ok(RunState::Idle));
    world.end().await;
}
