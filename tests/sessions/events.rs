//! Events: everything that happens to a session reaches whoever has bound a queue, in an order per session.

use std::collections::BTreeMap;

use pitcrew::broker::{Broker, Topology};
use pitcrew::domain::event::Event;
use pitcrew::domain::session::{Kind, Status};

use super::installation::{Installation, SOON};
use crate::support::services;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_binds_a_queue_learns_what_happens_to_sessions() {
    let mut installation = Installation::new().await;
    installation.software(&["one", "two", "three"]).await;
    let computers = installation.noop_computers(3).await;
    let topology = Topology::new(&installation.prefix());
    let broker = Broker::connect(&services().amqp_url, topology.clone(), "listener").expect("the broker's address");
    broker.up(SOON).await.expect("the broker is up");
    let listener = Listener::bind(&topology, &format!("session.{}.#", installation.tenant)).await;
    installation.start_all();
    let sessions = installation.submit(Kind::Full, &computers).await;
    installation.finals(&sessions).await;
    let mut told: BTreeMap<i64, Vec<(i32, String, Status)>> = BTreeMap::new();
    while told.values().filter(|events| events.iter().any(|(_, what, _)| what == "finished")).count() < 3 {
        let event: Event = listener.next().await;
        told.entry(event.session.0).or_default().push((event.seq, event.what, event.status));
    }
    for events in told.values() {
        let order: Vec<i32> = events.iter().map(|(seq, ..)| *seq).collect();
        assert!(order.is_sorted(), "{events:?}");
        let whats: Vec<&str> = events.iter().map(|(_, what, _)| what.as_str()).collect();
        assert_eq!(whats, ["submitted", "advanced", "advanced", "finished"]);
        assert_eq!(events.last().map(|(.., status)| *status), Some(Status::Completed));
    }
    installation.at_rest().await;
}

/// A queue of someone else's, bound to the events.
struct Listener {
    channel: lapin::Channel,
    queue: String,
    _connection: lapin::Connection,
}

impl Listener {
    async fn bind(topology: &Topology, key: &str) -> Listener {
        use lapin::options::{QueueBindOptions, QueueDeclareOptions};
        let connection = lapin::Connection::connect(&services().amqp_url, lapin::ConnectionProperties::default())
            .await
            .expect("the broker answers");
        let channel = connection.create_channel().await.expect("a channel");
        let options = QueueDeclareOptions { exclusive: true, ..QueueDeclareOptions::default() };
        let queue = channel.queue_declare("".into(), options, Default::default()).await.expect("a queue");
        let name = queue.name().to_string();
        channel
            .queue_bind(
                name.as_str().into(),
                topology.events().as_str().into(),
                key.into(),
                QueueBindOptions::default(),
                Default::default(),
            )
            .await
            .expect("bound");
        Listener { channel, queue: name, _connection: connection }
    }

    async fn next(&self) -> Event {
        use lapin::options::BasicGetOptions;
        crate::support::until(
            SOON,
            || async {
                let got = self.channel.basic_get(self.queue.as_str().into(), BasicGetOptions { no_ack: true }).await;
                let message = got.expect("the broker answers")?;
                Some(serde_json::from_slice(&message.delivery.data).expect("an event"))
            },
            "an event",
        )
        .await
    }
}
