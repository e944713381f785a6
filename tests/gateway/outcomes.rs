//! Outcomes are stored before anything else is done with them.

use pitcrew_protocol::{FromAgent, RunState, StepKind, StepOutcome, StepStatus};

use super::wire::{Wire, outcome};
use super::world::{SOON, World};
use crate::support::{Proxy, services};

#[tokio::test]
async fn an_outcome_is_stored_when_it_is_acknowledged_and_the_first_one_stays() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    let run = world.run(&computer, 1, "true").await;
    let first = outcome(run.run_id, "first");
    for said in [&first, &first, &outcome(run.run_id, "second")] {
        wire.say(&FromAgent::Outcome(said.clone())).await;
        assert_eq!(wire.acknowledged().await, run.run_id);
        assert_eq!(world.outcome(run.run_id).await, Some(serde_json::to_value(&first).unwrap()));
    }
    world.end().await;
}

#[tokio::test]
async fn an_outcome_in_an_answer_is_stored_before_the_worker_has_it() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    let run = world.run(&computer, 1, "true").await;
    let mut link = world.link(&house, &computer).await;
    let ended = RunState::Ended(outcome(run.run_id, "boot"));
    let answer = async {
        let Some(pitcrew_protocol::FromGateway::TakeOver { request, .. }) = wire.hear().await else { panic!("none") };
        wire.say(&FromAgent::State { request, epoch: 2, state: ended.clone() }).await;
    };
    let (answered, ()) = tokio::join!(link.take_over(2, Some(run.run_id)), answer);
    assert_eq!(answered, Ok(ended.clone()));
    assert!(world.outcome(run.run_id).await.is_some());
    assert_eq!(wire.acknowledged().await, run.run_id);
    world.end().await;
}

#[tokio::test]
async fn what_the_database_or_the_broker_cannot_hold_stops_no_outcome() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    let mut link = world.link(&house, &computer).await;
    let run = world.run(&computer, 1, "true").await;
    let start = run.start();
    let (started, _) = tokio::join!(link.start(&start), wire.take_run());
    started.unwrap();

    let mut long = outcome(run.run_id, "boot");
    let printed = |kind, output| StepOutcome {
        kind,
        item: "software/x".into(),
        status: StepStatus::Succeeded,
        exit_code: Some(0),
        observed: Some("1\0".into()),
        warnings: Vec::new(),
        wants_reboot: false,
        said: Default::default(),
        output,
        output_omitted: 0,
        started_at: jiff::Timestamp::UNIX_EPOCH,
        duration_ms: 1,
    };
    long.steps = (0..20).map(|_| printed(StepKind::Detect, "x".repeat(64 * 1024))).collect();
    long.steps.push(printed(StepKind::Inventory, "[]".into()));
    wire.say(&FromAgent::Outcome(long.clone())).await;
    assert_eq!(wire.acknowledged().await, run.run_id);
    let told = link.wait(run.run_id, SOON).await.unwrap().expect("it is told");
    assert_eq!(told.steps[0].observed.as_deref(), Some("1\u{fffd}"));
    assert_eq!((told.steps[0].output.len(), told.steps[0].output_omitted), (0, 64 * 1024));
    assert_eq!(told.steps[20].output, "[]");
    long.replace_nul();
    assert_eq!(world.outcome(run.run_id).await, Some(serde_json::to_value(&long).unwrap()));
    world.end().await;
}

#[tokio::test]
async fn while_the_database_is_away_outcomes_stay_at_the_computer_and_agents_stay_connected() {
    let world = World::new().await;
    let network = Proxy::to(&services().database_url).await;
    let (house, computer) = (world.gateway_through("north", &network).await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    let run = world.run(&computer, 1, "true").await;
    let mut link = world.link(&house, &computer).await;
    let start = run.start();
    let (started, _) = tokio::join!(link.start(&start), wire.take_run());
    started.unwrap();

    network.cut();
    wire.say(&FromAgent::Outcome(outcome(run.run_id, "boot"))).await;
    // The connection is pinged on, and nothing is acknowledged.
    wire.pinged(2).await;
    assert_eq!(world.outcome(run.run_id).await, None);
    network.pass();
    assert_eq!(wire.acknowledged().await, run.run_id);
    assert_eq!(link.wait(run.run_id, SOON).await, Ok(Some(outcome(run.run_id, "boot"))));
    assert!(world.outcome(run.run_id).await.is_some());
    world.end().await;
}
