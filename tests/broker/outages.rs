//! Networks and brokers that fail: nothing is lost, and nothing waits for what is not there.

use super::*;

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
