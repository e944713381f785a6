//! The private RabbitMQ: its messages outlive it, and it outlives nobody.

use std::path::Path;
use std::time::Duration;

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use pitcrew::boot::services::rabbitmq::Permissions;
use pitcrew::boot::services::{Error, RabbitMq, rabbitmq};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{own_rabbitmq, scratch, until};

const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn confirmed_messages_survive_everything_but_a_wipe() {
    let mut server = own_rabbitmq().await;
    let url = server.url();
    publish(&url).await;

    server.restart().await.unwrap();
    assert_eq!(server.url(), url, "the address stays the same");
    holds_one(&url).await;

    server.kill();
    server.start_again().await.unwrap();
    holds_one(&url).await;

    assert!(matches!(server.wipe(), Err(Error::Running { .. })));
    server.stop().await;
    server.wipe().unwrap();
    server.start_again().await.unwrap();
    assert_eq!(count(&url).await, None, "the queue itself is gone");
}

#[tokio::test]
async fn a_user_may_do_what_it_was_given_and_no_more() {
    let dir = scratch();
    let options = rabbitmq::Options { ephemeral: true, management: true, ..Default::default() };
    let server = RabbitMq::start(&dir, options).await.unwrap();
    server.create_user("crew", "secret").await.unwrap();
    let permissions = Permissions { configure: "^mine$", ..Default::default() };
    server.set_permissions("crew", permissions).await.unwrap();
    server.set_topic_permissions("crew", "amq.topic", "^tenant$", "^$").await.unwrap();
    let url = server.url_for("crew", "secret");
    assert!(declare(&channel(&url).await, "mine").await.is_ok());
    assert!(declare(&channel(&url).await, "another").await.is_err());
    let refused = server.control(&["set_user_tags", "nobody"]).await;
    assert!(matches!(refused, Err(Error::Failed { .. })), "{refused:?}");

    let page = server.management_url().unwrap();
    let address = page.rsplit('@').next().unwrap().to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /api/overview HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401") || answer.starts_with("HTTP/1.0 401"), "{answer}");

    let pids = server.process_ids();
    drop(server);
    assert!(pids.iter().all(|pid| !Path::new(&format!("/proc/{pid}")).exists()), "dropped is stopped");
    assert!(!dir.exists(), "an ephemeral folder goes with its server");
}

async fn channel(url: &str) -> Channel {
    let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
    connection.create_channel().await.unwrap()
}

async fn declare(channel: &Channel, queue: &str) -> lapin::Result<lapin::Queue> {
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue.into(), options, arguments).await
}

async fn publish(url: &str) {
    let channel = channel(url).await;
    declare(&channel, "notes").await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let properties = BasicProperties::default().with_delivery_mode(2);
    let sent = channel.basic_publish("".into(), "notes".into(), BasicPublishOptions::default(), b"one", properties);
    assert!(sent.await.unwrap().await.unwrap().is_ack());
}

/// Waits for the message: it may still be out with a consumer that died with the broker.
async fn holds_one(url: &str) {
    until(SOON, || async { (count(url).await == Some(1)).then_some(()) }, "the message to be there").await;
}

/// How many messages the queue holds, if there is such a queue: one is taken without being acknowledged and goes back.
async fn count(url: &str) -> Option<u32> {
    let channel = channel(url).await;
    let message = channel.basic_get("notes".into(), BasicGetOptions::default()).await.ok()?;
    Some(message.map_or(0, |message| message.message_count + 1))
}
