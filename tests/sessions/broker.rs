//! The broker stops, forgets its queues, and loses everything.

use pitcrew::domain::session::Kind;

use super::installation::Installation;
use crate::support::own_rabbitmq;

#[tokio::test(flavor = "multi_thread")]
async fn the_broker_stops_and_starts_is_frozen_and_wiped_while_workers_die() {
    let mut broker = own_rabbitmq().await;
    let mut installation = Installation::new().await;
    installation.set("PITCREW_AMQP_URL", broker.url());
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(1000).await;
    installation.start_all();
    let done = "SELECT count(*) FROM session_history";
    let mut sessions = installation.submit(Kind::Full, &computers[..400]).await;
    installation.until_counts(50, done).await;

    broker.stop().await;
    // What is submitted meanwhile is accepted and waits.
    sessions.extend(installation.submit(Kind::Full, &computers[400..600]).await);
    broker.start_again().await.expect("it starts");
    installation.until_counts(200, done).await;

    broker.pause();
    sessions.extend(installation.submit(Kind::Full, &computers[600..700]).await);
    installation.programs.kill("planning").await;
    broker.resume();
    installation.start("planning");
    installation.until_counts(400, done).await;

    sessions.extend(installation.submit(Kind::Full, &computers[700..]).await);
    broker.kill();
    for worker in ["detection", "execution"] {
        installation.programs.kill(worker).await;
    }
    broker.wipe().expect("it is gone");
    for worker in ["detection", "execution"] {
        installation.start(worker);
    }
    broker.start_again().await.expect("it starts");
    installation.set("PITCREW_AMQP_URL", broker.url());
    installation.all_complete(&sessions).await;
    installation.at_rest().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queues_that_are_deleted_come_back_and_so_do_their_jobs() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(400).await;
    installation.start_all();
    let broker = installation.broker().await;
    let sessions = installation.submit(Kind::Full, &computers).await;
    for least in [20, 100, 200] {
        installation.until_counts(least, "SELECT count(*) FROM session_history").await;
        broker.delete().await.expect("the topology is deleted");
    }
    installation.all_complete(&sessions).await;
    broker.close().await;
    installation.at_rest().await;
}
