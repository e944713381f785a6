//! The private PostgreSQL: its data outlives it, and it outlives nobody.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use pitcrew::boot::services::{Error, Postgres, postgres};
use tokio_postgres::{Client, NoTls};

use crate::support::{own_postgres, scratch};

/// Longer than any answer takes, and short enough to wait for none.
const A_MOMENT: Duration = Duration::from_millis(300);

#[tokio::test]
async fn what_is_committed_survives_a_restart_and_a_power_cut() {
    let mut server = own_postgres().await;
    server.ensure_database("crew").await.unwrap();
    server.ensure_database("crew").await.unwrap();
    let url = server.url("crew");
    connect(&url).await.batch_execute("CREATE TABLE note (id int); INSERT INTO note VALUES (1)").await.unwrap();

    server.restart().await.unwrap();
    assert_eq!(server.url("crew"), url, "the address stays the same");
    let client = connect(&url).await;
    client.batch_execute("INSERT INTO note VALUES (2)").await.unwrap();

    server.kill();
    assert!(client.batch_execute("SELECT 1").await.is_err(), "its connections are gone with it");
    server.start_again().await.unwrap();
    let count = connect(&url).await.query_one("SELECT count(*) FROM note", &[]).await.unwrap();
    assert_eq!(count.get::<_, i64>(0), 2);
}

#[tokio::test]
async fn frozen_it_answers_nobody_and_loses_nobody() {
    let server = own_postgres().await;
    let client = connect(&server.url("postgres")).await;
    server.pause();
    let mut answer = Box::pin(client.query_one("SELECT 7", &[]));
    assert!(tokio::time::timeout(A_MOMENT, &mut answer).await.is_err());
    server.resume();
    assert_eq!(answer.await.unwrap().get::<_, i32>(0), 7);
}

#[tokio::test]
async fn a_folder_has_one_owner_and_a_port_taken_meanwhile_is_left_to_its_taker() {
    let dir = scratch();
    let options = postgres::Options { ephemeral: true, ..Default::default() };
    let mut server = Postgres::start(&dir, options.clone()).await.unwrap();
    let second = Postgres::start(&dir, options).await;
    assert!(matches!(second, Err(Error::InUse { .. })), "{second:?}");

    server.stop().await;
    let port = server.port();
    let _taker = TcpListener::bind(("127.0.0.1", port)).unwrap();
    server.start_again().await.unwrap();
    assert_ne!(server.port(), port);
    connect(&server.url("postgres")).await;
}

#[tokio::test]
async fn a_new_handle_goes_on_with_the_folder_whatever_the_old_one_left() {
    let dir = scratch();
    let lasting = postgres::Options::default();
    let server = Postgres::start(&dir, lasting.clone()).await.unwrap();
    let url = server.url("postgres");
    connect(&url).await.batch_execute("CREATE TABLE note (id int)").await.unwrap();
    let pid = server.process_id().unwrap();
    drop(server);
    assert!(!Path::new(&format!("/proc/{pid}")).exists(), "dropped is stopped");

    // A pid file that names a process which lives but is no PostgreSQL: ourselves.
    let stale = dir.join("home/data/postmaster.pid");
    std::fs::write(&stale, format!("{}\n", std::process::id())).unwrap();
    let server = Postgres::start(&dir, postgres::Options { ephemeral: true, ..lasting }).await.unwrap();
    assert_eq!(server.url("postgres"), url);
    connect(&url).await.batch_execute("INSERT INTO note VALUES (1)").await.unwrap();
    drop(server);
    assert!(!dir.exists(), "an ephemeral folder goes with its server");
}

#[tokio::test]
async fn it_never_runs_as_root_even_where_only_root_can_look() {
    let closed = scratch();
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    let options = postgres::Options { ephemeral: true, ..Default::default() };
    let server = Postgres::start(&closed.join("inside"), options).await.unwrap();
    connect(&server.url("postgres")).await;
    let process = format!("/proc/{}", server.process_id().unwrap());
    assert_ne!(std::fs::metadata(process).unwrap().uid(), 0);
    drop(server);
    std::fs::remove_dir(&closed).unwrap();
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}
