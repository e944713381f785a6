//! The private RabbitMQ, and that nothing of either server outlives a process that dies without a word.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use lapin::options::{BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use pitcrew::boot::services::rabbitmq::Permissions;
use pitcrew::boot::services::{Error, Postgres, RabbitMq, postgres, rabbitmq};
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
    assert!(pids.iter().all(|pid| !runs(*pid)), "dropped is stopped");
    assert!(!dir.exists(), "an ephemeral folder goes with its server");
}

/// This test runs itself a second time: there it starts both servers, says which processes they are, and aborts.
#[tokio::test]
async fn nothing_is_left_of_servers_whose_owner_died() {
    const CHILD: &str = "PITCREW_TEST_ABORT_IN";
    if let Some(dir) = std::env::var_os(CHILD) {
        let dir = Path::new(&dir);
        let options = postgres::Options { ephemeral: true, ..Default::default() };
        let database = Postgres::start(&dir.join("postgres"), options).await.unwrap();
        let options = rabbitmq::Options { ephemeral: true, ..Default::default() };
        let broker = RabbitMq::start(&dir.join("rabbitmq"), options).await.unwrap();
        let pids = broker.process_ids().into_iter().chain(database.process_id());
        let pids: Vec<_> = pids.map(|pid| pid.to_string()).collect();
        std::fs::write(dir.join("pids"), pids.join(" ")).unwrap();
        // A frozen server, too, has to go.
        broker.pause();
        std::process::abort();
    }
    let dir = scratch();
    std::fs::create_dir(&dir).unwrap();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["--exact", "rabbitmq::nothing_is_left_of_servers_whose_owner_died"]).env(CHILD, &dir);
    let output = tokio::task::spawn_blocking(move || again.output()).await.unwrap().unwrap();
    let pids = std::fs::read_to_string(dir.join("pids")).unwrap_or_else(|_| panic!("{output:?}"));
    let pids: Vec<u32> = pids.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 3);
    let ended = || async { pids.iter().all(|pid| !runs(*pid)).then_some(()) };
    until(SOON, ended, "the servers to end").await;
    let deleted = || async { (!dir.join("postgres").exists() && !dir.join("rabbitmq").exists()).then_some(()) };
    until(SOON, deleted, "their folders to be deleted").await;
    std::fs::remove_dir_all(&dir).unwrap();
}

fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, fields)| !fields.starts_with('Z'))
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
