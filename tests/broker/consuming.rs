//! What is consumed: groups, pauses, dead letters, commands.

use super::*;

#[tokio::test]
async fn a_group_is_what_has_arrived_and_the_prefetch_bounds_it() {
    let topology = topology();
    let broker = up(&topology).await;
    publish_many(&broker, "detection", 0..50).await;
    let consumer = broker.consume(&topology.queue("detection"), 20);
    let mut held = Vec::new();
    while held.len() < 20 {
        let group = consumer.next_group(7).await;
        assert!(!group.is_empty() && group.len() <= 7);
        held.extend(group);
    }
    depth(&broker, "detection", 30).await;
    // Settled out of order, and one by dropping it: that one comes again.
    let dropped = held.remove(3).message_id.unwrap();
    settle::ack_group(held.drain(10..).map(|delivery| delivery.receipt)).await;
    settle::ack_group(held.drain(..).map(|delivery| delivery.receipt)).await;
    let mut seen = BTreeSet::new();
    while seen.len() < 31 {
        let group = consumer.next_group(100).await;
        seen.extend(group.iter().filter_map(|delivery| delivery.message_id.clone()));
        settle::ack_group(group.into_iter().map(|delivery| delivery.receipt)).await;
    }
    assert!(seen.contains(&dropped));
    at_rest(&broker, consumer).await;
    end(&broker).await;
}

#[tokio::test]
async fn a_paused_consumer_takes_nothing_and_gives_back_what_was_not_taken() {
    let topology = topology();
    let broker = up(&topology).await;
    publish_many(&broker, "planning", 0..10).await;
    let consumer = broker.consume(&topology.queue("planning"), 10);
    let taken = consumer.next_group(1).await;
    depth(&broker, "planning", 0).await;
    consumer.pause().await;
    assert_eq!(*consumer.flow().borrow(), Flow::Paused);
    depth(&broker, "planning", 9).await;
    settle::ack_group(taken.into_iter().map(|delivery| delivery.receipt)).await;
    consumer.resume();
    let back = one(&consumer).await;
    assert!(back.redelivered);
    consumer.drain().await;
    assert!(consumer.next_group(1).await.is_empty(), "drained is the end");
    depth(&broker, "planning", 8).await;
    back.receipt.ack().await;
    depth(&broker, "planning", 8).await;
    end(&broker).await;
}

#[tokio::test]
async fn a_deleted_queue_is_declared_again_and_consumed_again() {
    let topology = topology();
    let broker = up(&topology).await;
    let consumer = broker.consume(&topology.queue("detection"), 10);
    flowing(&consumer).await;
    delete_queue(&topology.queue("detection")).await;
    let published = || async { publish(&broker, "detection", "after").await.ok() };
    until(SOON, published, "the queue to be there again").await;
    let delivery = one(&consumer).await;
    assert_eq!(delivery.message_id.as_deref(), Some("after"));
    delivery.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn a_publisher_alone_notices_a_deleted_queue_too() {
    let topology = topology();
    let broker = up(&topology).await;
    delete_queue(&topology.queue("execution")).await;
    assert!(matches!(publish(&broker, "execution", "1").await, Err(PublishError::Unroutable { .. })));
    until(SOON, || async { publish(&broker, "execution", "2").await.ok() }, "the queue to be declared again").await;
    end(&broker).await;
}

#[tokio::test]
async fn a_message_that_is_always_given_back_ends_among_the_dead_letters() {
    let topology = topology();
    let broker = up(&topology).await;
    publish(&broker, "planning", "poison").await.unwrap();
    let consumer = broker.consume(&topology.queue("planning"), 10);
    let dead = broker.consume(&topology.dead_letters("planning"), 10);
    let mut deliveries = 0;
    let letter = loop {
        tokio::select! {
            group = consumer.next_group(1) => for delivery in group {
                deliveries += 1;
                delivery.receipt.reject(true).await;
            },
            letter = one(&dead) => break letter,
        }
    };
    assert_eq!(deliveries, 21, "the limit is 20 redeliveries");
    assert_eq!(letter.message_id.as_deref(), Some("poison"));
    assert_eq!(letter.header("x-first-death-queue"), Some(topology.queue("planning").as_str()));
    letter.receipt.ack().await;

    // Refusing it for good takes one delivery.
    publish(&broker, "planning", "nonsense").await.unwrap();
    one(&consumer).await.receipt.reject(false).await;
    let letter = one(&dead).await;
    assert_eq!(letter.message_id.as_deref(), Some("nonsense"));
    letter.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn a_message_that_kills_every_channel_ends_among_the_dead_letters() {
    let topology = topology();
    let broker = up(&topology).await;
    publish(&broker, "planning", "poison").await.unwrap();
    let dead = broker.consume(&topology.dead_letters("planning"), 10);
    let outsider = Connection::connect(&services().amqp_url, ConnectionProperties::default()).await.unwrap();
    let letter = loop {
        let channel = outsider.create_channel().await.unwrap();
        let queue = topology.queue("planning");
        let _held = channel.basic_get(queue.as_str().into(), Default::default()).await.unwrap();
        channel.close(200, "died".into()).await.unwrap();
        if let Ok(letter) = tokio::time::timeout(Duration::from_millis(50), one(&dead)).await {
            break letter;
        }
    };
    assert_eq!(letter.message_id.as_deref(), Some("poison"));
    letter.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn commands_reach_the_one_they_name_and_nobody_else() {
    let topology = topology();
    let broker = up(&topology).await;
    let command = |to: &str| broker.publisher().publish(Message::new(topology.commands(), to, "1".into(), "{}"));
    let offline = command("gateway-1").await;
    assert!(matches!(offline, Err(PublishError::Unroutable { .. })), "{offline:?}");
    let consumer = broker.commands("gateway-1", 10);
    flowing(&consumer).await;
    command("gateway-1").await.unwrap();
    one(&consumer).await.receipt.ack().await;
    assert!(matches!(command("gateway-2").await, Err(PublishError::Unroutable { .. })));
    consumer.drain().await;
    assert!(matches!(command("gateway-1").await, Err(PublishError::Unroutable { .. })), "it went with its consumer");
    end(&broker).await;
}

#[tokio::test]
async fn the_depth_of_a_queue_that_is_not_there_is_an_error_that_says_so() {
    let topology = topology();
    let broker = up(&topology).await;
    assert!(matches!(broker.depth("no such queue").await, Err(Error::NoQueue { queue }) if queue == "no such queue"));
    publish(&broker, "detection", "1").await.unwrap();
    depth(&broker, "detection", 1).await;
    end(&broker).await;
}
