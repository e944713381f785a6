//! PostgreSQL stops, dies, and cannot be reached for a while.

use pitcrew::domain::session::{Kind, Stage};

use super::installation::{Installation, SOON};
use crate::support::{Proxy, own_postgres, until};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_night_before_lets_nobody_read_whole_tables_the_morning_after() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(60).await;
    // The statistics say that nothing is there, and every statement that is prepared from now on is planned by them.
    installation.sql.batch_execute("VACUUM ANALYZE").await.expect("statistics");
    installation.start_all();
    let first = installation.submit(Kind::Full, &computers[..10]).await;
    installation.all_complete(&first).await;
    // Then a fleet's worth of sessions is accepted for later, and little is due.
    installation
        .sql
        .batch_execute(
            "ALTER TABLE session SET (autovacuum_enabled = off);
             INSERT INTO session (tenant_id, computer_id, kind, priority, \"order\", status, waiting_on, stage, dispatch,
                                  attempt, losses, run_after, revision, since, created_at)
             SELECT (SELECT id FROM tenant), -n, 'full', 2, '{\"reboot\":\"never\",\"by\":\"test\",\"origin\":\"test\"}',
                    'pending', 'turn', 'detection', 0, 0, 0, '2100-01-01 00:00Z', 0, clock_timestamp(), clock_timestamp()
             FROM generate_series(1, 20000) n",
        )
        .await
        .expect("sessions for later");
    let read = "SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'session'";
    let stats = async || installation.sql.batch_execute("SELECT pg_stat_clear_snapshot()").await;
    stats().await.expect("statistics");
    let before = installation.count(read).await;
    let rest = installation.submit(Kind::Full, &computers[10..]).await;
    installation.all_complete(&rest).await;
    // Each process tells what it has done within a second or so of doing it, and at the latest when it ends.
    for name in ["scheduler", "detection", "planning", "execution"] {
        installation.programs.stop(name).await;
    }
    let told =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pitcrew'
                AND pid <> pg_backend_pid()";
    let gone = async || (installation.sql.query_one(told, &[]).await.ok()?.get::<_, i64>(0) <= 1).then_some(());
    until(SOON, gone, "the programs' connections to end").await;
    stats().await.expect("statistics");
    let tables = installation.count(read).await - before;
    assert!(tables < 20_000 * 20, "{tables} rows of 20,000 were read by scans of the whole table");
}
