//! An agent that lies changes nothing.

use pitcrew_protocol::{FromAgent, RunState};
use uuid::Uuid;

use super::wire::{Wire, hello, outcome};
use super::world::World;

#[tokio::test]
async fn outcomes_of_others_and_of_nobody_are_refused_and_recorded_once() {
    let world = World::new().await;
    let (house, liar, honest) = (world.gateway("north").await, world.computer().await, world.computer().await);
    let mut wire = Wire::connect(&house, &liar).await;
    let (others, own) = (world.run(&honest, 1, "true").await, world.run(&liar, 1, "true").await);
    wire.say(&FromAgent::Outcome(outcome(others.run_id, "boot"))).await;
    wire.say(&FromAgent::Outcome(outcome(Uuid::new_v4(), "boot"))).await;
    wire.say(&FromAgent::State {
        request: Uuid::new_v4(),
        epoch: 1,
        state: RunState::Ended(outcome(others.run_id, "boot")),
    })
    .await;
    // Only its own is acknowledged.
    wire.say(&FromAgent::Outcome(outcome(own.run_id, "boot"))).await;
    assert_eq!(wire.acknowledged().await, own.run_id);
    assert_eq!(world.outcome(others.run_id).await, None);
    let refused = "SELECT count(*) FROM audit WHERE action = 'outcome_refused'";
    assert_eq!(world.count(refused).await, 1);

    for _ in 0..8 {
        wire.say(&FromAgent::Outcome(outcome(others.run_id, "boot"))).await;
    }
    assert!(wire.goodbye().await.contains("not its own"));
    assert_eq!(world.outcome(others.run_id).await, None);
    world.end().await;
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection_with_a_reason() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let second_hello = serde_json::to_string(&FromAgent::Hello(hello())).unwrap();
    let cases = [
        ("{", "cannot be read"),
        (r#"{"type":"drop_tables"}"#, "cannot be read"),
        (second_hello.as_str(), "second hello"),
    ];
    for (said, reason) in cases {
        let mut wire = Wire::connect(&house, &computer).await;
        wire.say_text(said).await;
        let goodbye = wire.goodbye().await;
        assert!(goodbye.contains(reason), "{said}: {goodbye}");
    }
    world.end().await;
}

#[tokio::test]
async fn a_flood_is_cut_off_and_nobody_else_feels_it() {
    let world = World::new().await;
    let (house, flooding, other) = (world.gateway("north").await, world.computer().await, world.computer().await);
    let mut flood = Wire::connect(&house, &flooding).await;
    let mut calm = Wire::connect(&house, &other).await;
    let run = world.run(&other, 1, "true").await;
    for _ in 0..3_000 {
        flood.say(&FromAgent::Pong).await;
    }
    calm.say(&FromAgent::Outcome(outcome(run.run_id, "boot"))).await;
    assert_eq!(calm.acknowledged().await, run.run_id);
    // Its goodbye may be lost with the connection, if it is still sending.
    while flood.hear().await.is_some() {}
    world.end().await;
}
