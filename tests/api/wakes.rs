//! The scheduler is woken by what is submitted, also after its connection was lost.

use std::time::Duration;

use pitcrew::store::Store;
use pitcrew::store::wakes::Wakes;

use crate::support::{Proxy, database, until};

const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn wakes_are_heard_and_a_lost_connection_counts_as_one() {
    let database = database().await;
    let proxy = Proxy::to(&database.url).await;
    let store = Store::new(&database.url, 2).unwrap();
    let listener = Wakes::listen(&Store::new(&proxy.url(&database.url), 2).unwrap());
    let woken = async |listener: &Wakes| {
        tokio::time::timeout(SOON, listener.next()).await.expect("a wake");
    };
    woken(&listener).await;
    for _ in 0..100 {
        store.wake_scheduler();
    }
    woken(&listener).await;
    proxy.cut();
    let listening = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let client = database.connect().await;
    let gone = async || {
        let count: i64 = client.query_one(listening, &[]).await.unwrap().get(0);
        (count == 0).then_some(())
    };
    until(SOON, &gone, "the listener's connection to end").await;
    proxy.pass();
    woken(&listener).await;
    store.wake_scheduler();
    woken(&listener).await;
}
