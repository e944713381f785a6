//! The tests' own ground: databases apart from each other, and a network that fails on demand.

use std::time::Duration;

use lapin::{Connection, ConnectionProperties};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Database, Proxy, database, prefix, services, until};

const SOON: Duration = Duration::from_secs(30);

/// Long enough that what is not held back would have come.
const A_MOMENT: Duration = Duration::from_millis(200);

#[tokio::test]
async fn every_test_has_a_database_of_its_own() {
    let (one, other) = (database().await, database().await);
    one.connect().await.batch_execute("CREATE TABLE mine (id int)").await.unwrap();
    assert!(has_table(&one, "mine").await);
    assert!(!has_table(&other, "mine").await);
    assert!(has_table(&other, "session").await, "the migrations are applied");
}

async fn has_table(database: &Database, name: &str) -> bool {
    let found = database.connect().await.query_one("SELECT to_regclass($1::text) IS NOT NULL", &[&name]).await.unwrap();
    found.get(0)
}

#[tokio::test]
async fn the_shared_broker_answers_and_prefixes_differ() {
    let connection = Connection::connect(&services().amqp_url, ConnectionProperties::default()).await.unwrap();
    assert!(connection.status().connected());
    assert_ne!(prefix(), prefix());
}

#[tokio::test]
async fn the_proxy_passes_holds_back_delays_and_cuts() {
    let echo = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", echo.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = echo.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    let proxy = Proxy::to(&url).await;
    let address = proxy.url(&url).replace("tcp://", "");
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let mut byte = [0];

    stream.write_all(b"a").await.unwrap();
    stream.read_exact(&mut byte).await.unwrap();
    assert_eq!(byte, *b"a");

    proxy.pause();
    stream.write_all(b"b").await.unwrap();
    assert!(tokio::time::timeout(A_MOMENT, stream.read_exact(&mut byte)).await.is_err(), "nothing comes through");
    proxy.delay(A_MOMENT);
    stream.read_exact(&mut byte).await.unwrap();
    assert_eq!(byte, *b"b", "what was held back comes late, not never");

    proxy.cut();
    assert_eq!(stream.read(&mut byte).await.unwrap_or(0), 0, "the connection is closed");
    let mut refused = TcpStream::connect(&address).await.unwrap();
    assert_eq!(refused.read(&mut byte).await.unwrap_or(0), 0, "so is every new one");

    proxy.pass();
    let again = || async {
        let mut stream = TcpStream::connect(&address).await.ok()?;
        stream.write_all(b"c").await.ok()?;
        let mut byte = [0];
        stream.read_exact(&mut byte).await.ok()?;
        Some(byte)
    };
    assert_eq!(until(SOON, again, "the network to be back").await, *b"c");
}
