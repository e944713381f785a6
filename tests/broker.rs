//! The broker's room against a real RabbitMQ, with a network in between that fails when told to.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use lapin::{Connection, ConnectionProperties, options::QueueDeleteOptions};
use pitcrew::broker::{Broker, Consumer, Delivery, Error, Flow, Message, PublishError, State, Topology, settle, trace};
use uuid::Uuid;

use crate::support::{Proxy, own_rabbitmq, prefix, services, until};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn declaring_is_repeatable_and_may_happen_everywhere_at_once() {
    let topology = topology();
    let crew: Vec<_> = (0..4).map(|_| connect(&services().amqp_url, &topology)).collect();
    for broker in &crew {
        broker.up(SOON).await.unwrap();
    }
    crew[0].declare().await.unwrap();
    assert_eq!(crew[1].depth(&topology.queue("submit")).await.unwrap(), 0);
    end(&crew[0]).await;
}

#[tokio::test]
async fn a_queue_that_differs_is_named_with_the_difference() {
    let topology = topology();
    let ours = up(&topology).await;
    let other = connect(&services().amqp_url, &topology.clone().with_submit_bound(7));
    let error = other.up(SOON).await.unwrap_err();
    let Error::Mismatch { name, difference } = &error else { panic!("{error:?}") };
    assert_eq!(*name, topology.queue("submit"));
    assert_eq!(difference, "x-max-length is 100000, this version declares 7");
    assert!(error.to_string().contains("delete it"), "{error}");
    // The others do not feel it, and once somebody has done what it says, neither does this one.
    publish(&ours, "detection", "1").await.unwrap();
    delete_queue(&topology.queue("submit")).await;
    until(SOON, || async { other.up(Duration::ZERO).await.ok() }, "the queue to be declared anew").await;
    end(&ours).await;
}

#[tokio::test]
async fn each_message_of_a_group_has_its_own_answer() {
    let topology = topology();
    let broker = up(&topology).await;
    let messages: Vec<_> = (0..200)
        .map(|n| Message::new(topology.jobs(), if n % 3 == 0 { "nowhere" } else { "planning" }, format!("{n}"), "{}"))
        .collect();
    let answers = broker.publisher().publish_all(messages).await;
    for (n, answer) in answers.iter().enumerate() {
        match answer {
            Err(PublishError::Unroutable { routing_key, .. }) => {
                assert_eq!((n % 3, routing_key.as_str()), (0, "nowhere"))
            }
            other => assert!(n % 3 != 0 && other.is_ok(), "{n}: {other:?}"),
        }
    }
    depth(&broker, "planning", 133).await;

    let mut event = Message::new(topology.events(), "session.1.completed", "1".into(), "{}");
    event.mandatory = false;
    broker.publisher().publish(event).await.unwrap();

    let too_long = Message::new(topology.jobs(), &"x".repeat(256), "1".into(), "{}");
    let fine = Message::new(topology.jobs(), "planning", "2".into(), "{}");
    let answers = broker.publisher().publish_all(vec![too_long, fine]).await;
    assert!(matches!(answers[..], [Err(PublishError::TooLong { bytes: 256, .. }), Ok(())]), "{answers:?}");
    end(&broker).await;
}

#[tokio::test]
async fn a_full_queue_refuses_and_the_sender_feels_it() {
    let topology = topology().with_submit_bound(3);
    let broker = up(&topology).await;
    let refused = || async {
        let message = Message::new(topology.submit(), "tenant.1", "1".into(), "{}");
        matches!(broker.publisher().publish(message).await, Err(PublishError::Nacked { .. })).then_some(())
    };
    until(SOON, refused, "the submit queue to refuse").await;
    end(&broker).await;
}

#[tokio::test]
async fn a_submission_under_anothers_name_is_refused() {
    let topology = topology();
    let broker = up(&topology).await;
    let signed = |user: &str| {
        let mut message = Message::new(topology.submit(), "tenant.1", "1".into(), "{}");
        message.user_id = Some(user.into());
        broker.publisher().publish(message)
    };
    assert!(matches!(signed("somebody-else").await, Err(PublishError::Lost(_))));
    let us = services().amqp_url.split("://").nth(1).and_then(|rest| rest.split(':').next()).unwrap();
    signed(us).await.unwrap();
    let consumer = broker.consume(&topology.queue("submit"), 10);
    let delivery = one(&consumer).await;
    assert_eq!(delivery.user_id.as_deref(), Some(us));
    delivery.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn everything_about_a_message_arrives() {
    let topology = topology();
    let broker = up(&topology).await;
    let mut sent = Message::new(topology.jobs(), "execution", "s/execution/3".into(), r#"{"session":1}"#);
    sent.correlation_id = Some("s".into());
    sent.kind = Some("job.v1".into());
    sent.reply_to = Some("reply.crew.1".into());
    broker.publisher().publish(sent).await.unwrap();
    let consumer = broker.consume(&topology.queue("execution"), 10);
    let delivery = one(&consumer).await;
    assert_eq!(&delivery.body[..], br#"{"session":1}"#);
    assert_eq!((delivery.exchange, delivery.routing_key), (topology.jobs(), "execution".to_owned()));
    assert_eq!(delivery.message_id.as_deref(), Some("s/execution/3"));
    assert_eq!(delivery.correlation_id.as_deref(), Some("s"));
    assert_eq!(delivery.kind.as_deref(), Some("job.v1"));
    assert_eq!(delivery.reply_to.as_deref(), Some("reply.crew.1"));
    assert!(!delivery.redelivered);
    delivery.receipt.ack().await;
    end(&broker).await;
}

#[tokio::test]
async fn headers_make_the_round_trip() {
    let topology = topology();
    let broker = up(&topology).await;
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let span = trace::extract(|name| (name == "traceparent").then_some(parent)).unwrap();
    let mut sent = Message::new(topology.jobs(), "execution", "1".into(), "{}");
    sent.headers.insert("tenant".into(), "ü".repeat(300));
    trace::inject(&span, &mut sent.headers);
    broker.publisher().publish(sent).await.unwrap();
    let delivery = one(&broker.consume(&topology.queue("execution"), 10)).await;
    assert_eq!(delivery.header("tenant"), Some("ü".repeat(300).as_str()));
    assert_eq!(delivery.header("nothing"), None);
    assert_eq!(delivery.span_context().map(|span| span.trace_id()), Some(span.trace_id()));
    delivery.receipt.ack().await;
    end(&broker).await;
}

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

#[tokio::test]
async fn a_lost_connection_loses_nothing() {
    let topology = topology();
    let admin = up(&topology).await;
    let proxy = Proxy::to(&services().amqp_url).await;
    let broker = connect(&proxy.url(&services().amqp_url), &topology);
    broker.up(SOON).await.unwrap();
    let consumer = broker.consume(&topology.queue("detection"), 50);
    let private = broker.commands("worker-1", 10);

    let done = tokio_util::sync::CancellationToken::new();
    let failing = async {
        let mut consuming = broker.consuming();
        for _ in 0..4 {
            let up = consuming.wait_for(|state| matches!(state, State::Up)).await.map(drop);
            assert!(up.is_ok());
            depth_moves(&admin, &topology, &done).await;
            proxy.cut();
            consuming.wait_for(|state| matches!(state, State::Down(_))).await.map(drop).unwrap();
            proxy.pass();
        }
    };
    let work = async {
        traffic(&broker, &consumer, 3000).await;
        done.cancel();
    };
    tokio::time::timeout(SOON, async { tokio::join!(work, failing) }).await.expect("all jobs through");
    broker.up(SOON).await.unwrap();
    at_rest(&admin, consumer).await;
    // The private queue is there again, under the same name.
    let command = || async {
        let message = Message::new(topology.commands(), "worker-1", "1".into(), "{}");
        broker.publisher().publish(message).await.ok()
    };
    until(SOON, command, "the private queue to be there again").await;
    one(&private).await.receipt.ack().await;
    end(&admin).await;
}

#[tokio::test]
async fn a_silent_network_is_noticed_and_left_behind() {
    let topology = topology();
    let admin = up(&topology).await;
    let proxy = Proxy::to(&services().amqp_url).await;
    let broker = connect(&proxy.url(&services().amqp_url), &topology);
    broker.up(SOON).await.unwrap();
    let consumer = broker.consume(&topology.queue("detection"), 10);
    flowing(&consumer).await;
    publish(&broker, "detection", "held").await.unwrap();
    let held = one(&consumer).await;

    proxy.pause();
    let lost = publish(&broker, "detection", "unheard").await;
    assert!(matches!(lost, Err(PublishError::Unconfirmed(_))), "{lost:?}");
    broker.consuming().wait_for(|state| matches!(state, State::Down(_))).await.map(drop).unwrap();
    let refused = publish(&broker, "detection", "unsent").await;
    assert!(refused.is_err_and(|error| matches!(error, PublishError::NotConnected(_)) && error.certainly_not_stored()));
    assert!(!held.receipt.is_live());
    held.receipt.ack().await;
    proxy.pass();

    broker.up(SOON).await.unwrap();
    let mut seen = BTreeSet::new();
    publish(&broker, "detection", "after").await.unwrap();
    while !(seen.contains("held") && seen.contains("after")) {
        for delivery in consumer.next_group(10).await {
            seen.extend(delivery.message_id.clone());
            delivery.receipt.ack().await;
        }
    }
    at_rest(&admin, consumer).await;
    end(&admin).await;
}

#[tokio::test]
async fn a_broker_that_is_killed_restarted_and_frozen_loses_nothing() {
    let mut server = own_rabbitmq().await;
    let topology = topology();
    let broker = connect(&server.url(), &topology);
    broker.up(SOON).await.unwrap();
    let consumer = broker.consume(&topology.queue("detection"), 50);
    let over = AtomicBool::new(false);
    let failing = async {
        server.kill();
        server.start_again().await.unwrap();
        broker.up(SOON).await.unwrap();
        server.restart().await.unwrap();
        broker.up(SOON).await.unwrap();
        server.pause();
        broker.consuming().wait_for(|state| matches!(state, State::Down(_))).await.map(drop).unwrap();
        server.resume();
        broker.up(SOON).await.unwrap();
        over.store(true, Ordering::Relaxed);
    };
    let work = async {
        while !over.load(Ordering::Relaxed) {
            traffic(&broker, &consumer, 500).await;
        }
    };
    let all = async { tokio::join!(work, failing) };
    tokio::time::timeout(2 * SOON, all).await.expect("all jobs through");

    // With all its queues gone, everything is declared anew and goes on.
    server.stop().await;
    server.wipe().unwrap();
    server.start_again().await.unwrap();
    tokio::time::timeout(2 * SOON, traffic(&broker, &consumer, 10)).await.expect("all jobs through");
    at_rest(&broker, consumer).await;
    end(&broker).await;
}

#[tokio::test]
async fn a_broker_out_of_memory_takes_acknowledgements_and_no_messages() {
    let server = own_rabbitmq().await;
    let topology = topology();
    let broker = connect(&server.url(), &topology);
    broker.up(SOON).await.unwrap();
    publish_many(&broker, "planning", 0..3).await;
    let consumer = broker.consume(&topology.queue("planning"), 10);
    server.control(&["set_vm_memory_high_watermark", "0"]).await.unwrap();
    // The broker tells a connection that it is blocked when it publishes.
    let told = || async {
        let sent = publish(&broker, "detection", "1").await;
        matches!(sent, Err(PublishError::Blocked(_))).then_some(sent)
    };
    let refused = until(SOON, told, "the broker to refuse").await;
    assert!(refused.is_err_and(|error| error.certainly_not_stored()));
    assert!(matches!(&*broker.publishing().borrow(), State::Blocked(_)));
    let mut settled = 0;
    while settled < 3 {
        let group = consumer.next_group(10).await;
        settled += group.len();
        settle::ack_group(group.into_iter().map(|delivery| delivery.receipt)).await;
    }
    consumer.drain().await;
    depth(&broker, "planning", 0).await;
    server.control(&["set_vm_memory_high_watermark", "0.6"]).await.unwrap();
    until(SOON, || async { publish(&broker, "detection", "2").await.ok() }, "the broker to take messages").await;
    end(&broker).await;
}

#[tokio::test]
async fn nothing_waits_for_a_broker_that_is_not_there() {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let broker = connect(&format!("amqp://guest:guest@{unused}/%2f"), &topology());
    assert!(broker.up(Duration::from_millis(300)).await.is_err());
    assert!(broker.depth("any").await.is_err());
    let consumer = broker.consume("any", 1);
    consumer.pause().await;
    consumer.drain().await;
    assert!(consumer.next_group(1).await.is_empty());
    broker.close().await;
}

#[tokio::test]
async fn hosts_are_tried_in_turn() {
    let unused = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let real = &services().amqp_url;
    let listed = real.replacen('@', &format!("@{unused},{unused},"), 1);
    let topology = topology();
    let broker = connect(&listed, &topology);
    broker.up(SOON).await.unwrap();
    end(&broker).await;
}

#[tokio::test]
async fn what_is_closed_in_order_gives_back_what_it_held() {
    let topology = topology();
    let admin = up(&topology).await;
    publish_many(&admin, "planning", 0..5).await;
    let broker = up(&topology).await;
    let consumer = broker.consume(&topology.queue("planning"), 10);
    let held = consumer.next_group(2).await;
    depth(&admin, "planning", 0).await;
    broker.close().await;
    depth(&admin, "planning", 5).await;
    drop((held, consumer));
    end(&admin).await;
}

fn topology() -> Topology {
    Topology::new(prefix().trim_end_matches('.'))
}

fn connect(url: &str, topology: &Topology) -> Broker {
    Broker::connect(url, topology.clone(), "test").unwrap()
}

async fn up(topology: &Topology) -> Broker {
    let broker = connect(&services().amqp_url, topology);
    broker.up(SOON).await.unwrap();
    broker
}

async fn end(broker: &Broker) {
    broker.delete().await.unwrap();
    broker.close().await;
}

async fn publish(broker: &Broker, stage: &str, id: &str) -> Result<(), PublishError> {
    broker.publisher().publish(Message::new(broker.topology().jobs(), stage, id.into(), "{}")).await
}

async fn publish_many(broker: &Broker, stage: &str, ids: std::ops::Range<u32>) {
    let message = |id: u32| Message::new(broker.topology().jobs(), stage, id.to_string(), "{}");
    for answer in broker.publisher().publish_all(ids.map(message).collect()).await {
        answer.unwrap();
    }
}

async fn one(consumer: &Consumer) -> Delivery {
    consumer.next_group(1).await.pop().expect("a delivery")
}

async fn flowing(consumer: &Consumer) {
    let mut flow = consumer.flow();
    let flowing = flow.wait_for(|flow| *flow == Flow::Flowing);
    tokio::time::timeout(SOON, flowing).await.expect("a subscription").unwrap();
}

async fn depth(broker: &Broker, queue: &str, expected: u32) {
    let queue = broker.topology().queue(queue);
    let reached = || async { (broker.depth(&queue).await.unwrap() == expected).then_some(()) };
    until(SOON, reached, &format!("{expected} messages in {queue}")).await;
}

/// Publishes so many jobs and takes them, each at least once, whatever happens meanwhile.
async fn traffic(broker: &Broker, consumer: &Consumer, jobs: usize) {
    let expected: BTreeSet<String> = (0..jobs).map(|_| Uuid::new_v4().to_string()).collect();
    let publishing = async {
        let mut left = expected.clone();
        while !left.is_empty() {
            let group: Vec<_> = left.iter().take(40).cloned().collect();
            let message = |id: &String| Message::new(broker.topology().jobs(), "detection", id.clone(), "{}");
            let answers = broker.publisher().publish_all(group.iter().map(message).collect()).await;
            for (id, _) in group.iter().zip(&answers).filter(|(_, answer)| answer.is_ok()) {
                left.remove(id);
            }
        }
    };
    let taking = async {
        let mut left = expected.clone();
        while !left.is_empty() {
            let group = consumer.next_group(30).await;
            left.retain(|id| !group.iter().any(|delivery| delivery.message_id.as_ref() == Some(id)));
            settle::ack_group(group.into_iter().map(|delivery| delivery.receipt)).await;
        }
    };
    tokio::join!(publishing, taking);
}

/// Nothing waits and nothing is unsettled: without its consumer, nothing comes back.
async fn at_rest(broker: &Broker, consumer: Consumer) {
    consumer.drain().await;
    drop(consumer);
    for stage in ["detection", "planning", "execution"] {
        depth(broker, stage, 0).await;
    }
}

/// Waits until a few more messages have gone through, or all.
async fn depth_moves(broker: &Broker, topology: &Topology, done: &tokio_util::sync::CancellationToken) {
    let queue = topology.queue("detection");
    let moves = || async { (broker.depth(&queue).await.unwrap() > 0 || done.is_cancelled()).then_some(()) };
    until(SOON, moves, "messages to go through").await;
}

async fn delete_queue(name: &str) {
    let outsider = Connection::connect(&services().amqp_url, ConnectionProperties::default()).await.unwrap();
    let channel = outsider.create_channel().await.unwrap();
    channel.queue_delete(name.into(), QueueDeleteOptions::default()).await.unwrap();
}
