//! PostgreSQL stops, dies, and cannot be reached for a while.

use pitcrew::domain::session::{Kind, Stage};

use super::installation::Installation;
use crate::support::{Proxy, own_postgres};

#[tokio::test(flavor = "multi_thread")]
async fn the_database_is_restarted_and_killed_under_load() {
    let mut postgres = own_postgres().await;
    postgres.ensure_database("pitcrew").await.expect("a database");
    let mut installation = Installation::on_own(&postgres.url("pitcrew")).await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(400).await;
    installation.start_all();
    let sessions = installation.submit(Kind::Full, &computers).await;
    let done = "SELECT count(*) FROM session_history";
    installation.until_counts(50, done).await;
    postgres.restart().await.expect("it starts");
    installation.reconnect().await;
    installation.until_counts(150, done).await;
    postgres.kill();
    postgres.start_again().await.expect("it starts");
    installation.reconnect().await;
    installation.all_complete(&sessions).await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_database_costs_time_and_nothing_else() {
    let mut installation = Installation::new().await;
    let url = installation.env["PITCREW_DATABASE_URL"].clone();
    let proxy = Proxy::to(&url).await;
    installation.set("PITCREW_DATABASE_URL", proxy.url(&url));
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(400).await;
    let computer = installation.local_computer().await;
    computer.hold_up("busy");
    installation.start_all();
    let long = installation.session_for(computer.id).await;
    installation.until_running(long, Stage::Execution).await;
    computer.until_it_is("acting").await;
    let sessions = installation.submit(Kind::Full, &computers).await;
    let done = "SELECT count(*) FROM session_history";
    installation.until_counts(50, done).await;
    // For longer than a lease, first with connections that break, then with connections that say nothing.
    proxy.cut();
    let lapsed = "SELECT count(*) FROM session WHERE deadline < clock_timestamp()";
    installation.until_counts(1, lapsed).await;
    proxy.pass();
    installation.until_counts(150, done).await;
    proxy.pause();
    installation.until_counts(1, lapsed).await;
    proxy.pass();
    computer.release("busy");
    installation.all_complete(&sessions).await;
    installation.all_complete(&[long]).await;
    let mut acts = computer.acts();
    acts.sort();
    assert_eq!(acts, ["software/one", "software/three", "software/two"]);
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_start_before_the_database_wait_for_it() {
    let mut installation = Installation::new().await;
    let url = installation.env["PITCREW_DATABASE_URL"].clone();
    let proxy = Proxy::to(&url).await;
    proxy.cut();
    installation.set("PITCREW_DATABASE_URL", proxy.url(&url));
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(3).await;
    installation.start_all();
    let sessions = installation.submit(Kind::Full, &computers).await;
    proxy.pass();
    installation.all_complete(&sessions).await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_falls_silent_with_a_lock_is_cut_off() {
    let mut installation = Installation::new().await;
    installation.software(&["one"]).await;
    let computers = installation.noop_computers(20).await;
    installation.start_all();
    // A scheduler that froze in the middle of an admission, and a worker that froze in the middle of a settlement.
    let frozen = installation.store.client().await.expect("a connection");
    let sessions = installation.submit(Kind::Full, &computers).await;
    frozen
        .batch_execute(
            "BEGIN; SELECT FROM scheduler_term FOR UPDATE; SELECT FROM session ORDER BY id FOR NO KEY UPDATE",
        )
        .await
        .expect("the locks");
    installation.all_complete(&sessions).await;
    assert!(frozen.batch_execute("COMMIT").await.is_err());
    installation.at_rest().await;
}
