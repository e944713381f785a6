//! The broker's room against a real RabbitMQ, with a network in between that fails when told to.

mod consuming;
mod messages;
mod outages;

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
