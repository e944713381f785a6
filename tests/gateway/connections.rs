//! Who may connect, and one connection for each computer.

use std::time::Duration;

use pitcrew::transport::Error;
use pitcrew_protocol::{FromAgent, FromGateway, Hello};
use tokio_tungstenite::tungstenite;

use super::wire::{Wire, hello};
use super::world::{SOON, World};
use crate::support::until;

#[tokio::test]
async fn only_a_token_opens_the_door() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    for token in ["", "wrong", &computer.token[1..], &"x".repeat(5_000)] {
        match Wire::dial(&house, token).await {
            Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 401, "{token}"),
            Err(error) => panic!("{token}: {error}"),
            Ok(_) => panic!("{token} opens the door"),
        }
    }
    assert!(Wire::dial(&house, &computer.token).await.is_ok());
    world.end().await;
}

#[tokio::test]
async fn another_protocol_and_what_is_no_hello_are_refused_with_a_reason() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let strange = FromAgent::Hello(Hello { protocol: 99, ..hello() });
    let strange = serde_json::to_string(&strange).unwrap();
    let cases =
        [(strange.as_str(), "protocol 99"), (r#"{"type":"pong"}"#, "must be a hello"), ("mumble", "cannot be read")];
    for (first, reason) in cases {
        let mut wire = Wire::dial(&house, &computer.token).await.unwrap();
        wire.say_text(first).await;
        let said = wire.goodbye().await;
        assert!(said.contains(reason), "{first}: {said}");
        assert_eq!(wire.hear().await, None);
    }
    assert_eq!(world.gateway_of(&computer).await, None);
    world.end().await;
}

#[tokio::test]
async fn a_second_connection_replaces_the_first_and_survives_its_end() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let mut first = Wire::connect(&house, &computer).await;
    let second = Wire::connect(&house, &computer).await;
    assert!(first.goodbye().await.contains("replaced"));
    assert_eq!(first.hear().await, None);
    drop(first);
    // A third computer's coming and going shows that what was said before it is written.
    let other = world.computer().await;
    drop(Wire::connect(&house, &other).await);
    let gone = || async { world.gateway_of(&other).await.is_none().then_some(()) };
    until(SOON, gone, "the other computer to be gone").await;
    assert_eq!(world.gateway_of(&computer).await.as_deref(), Some("north"));
    assert_eq!(house.gateway.connected(), 1);
    drop(second);
    let gone = || async { world.gateway_of(&computer).await.is_none().then_some(()) };
    until(SOON, gone, "the connection to be forgotten").await;
    world.end().await;
}

#[tokio::test]
async fn a_connection_to_another_gateway_replaces_the_first() {
    let world = World::new().await;
    let (north, south, computer) = (world.gateway("north").await, world.gateway("south").await, world.computer().await);
    let mut first = Wire::connect(&north, &computer).await;
    let _second = Wire::connect(&south, &computer).await;
    assert!(first.goodbye().await.contains("another gateway"));
    let gone = || async { (north.gateway.connected() == 0).then_some(()) };
    until(SOON, gone, "the first connection to end").await;
    assert_eq!(world.gateway_of(&computer).await.as_deref(), Some("south"));
    world.end().await;
}

#[tokio::test]
async fn a_connection_that_was_forgotten_although_it_stands_is_noted_again() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    world.database.connect().await.execute("DELETE FROM agent_presence", &[]).await.unwrap();
    tokio::select! {
        () = world.until_connected(&computer, &house) => {}
        frame = wire.hear() => panic!("{frame:?}"),
    }
    world.end().await;
}

#[tokio::test]
async fn a_silent_agent_is_taken_for_gone() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    // It is connected, and answers no ping, because nobody listens.
    let _wire = Wire::connect(&house, &computer).await;
    let gone = || async { (house.gateway.connected() == 0).then_some(()) };
    until(SOON, gone, "the silent agent to be gone").await;
    world.end().await;
}

#[tokio::test]
async fn a_gateway_that_drains_sends_everyone_elsewhere_and_leaves_nothing_behind() {
    let world = World::new().await;
    let (house, computer) = (world.gateway("north").await, world.computer().await);
    let mut wire = Wire::connect(&house, &computer).await;
    house.shutdown.drain();
    match wire.hear().await {
        Some(FromGateway::Goodbye { reason, retry_after_ms }) => {
            assert!(reason.contains("being stopped"), "{reason}");
            assert!(Duration::from_millis(retry_after_ms) <= Duration::from_secs(3));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(house.shutdown.drained().await, 0);
    assert_eq!(world.count("SELECT count(*) FROM agent_presence").await, 0);
    let error = world.link(&house, &computer).await.take_over(1, None).await.unwrap_err();
    assert!(matches!(&error, Error::Offline { why, .. } if why.contains("is gone")), "{error}");
    match Wire::dial(&house, &computer.token).await {
        Err(tungstenite::Error::Http(answer)) => assert_eq!(answer.status(), 503),
        other => panic!("{:?}", other.map(|_| "let in")),
    }
    world.end().await;
}
