//! Publishes the outbox to the events exchange. Nobody has to listen: an event that no queue takes is gone.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::broker::{Broker, Message};
use crate::domain::event::Event;
use crate::store::outbox::Cursor;
use crate::store::{Error, Store};

/// The name under which the outbox remembers how far this reader has come.
const READER: &str = "events";
/// How many events are published together.
const GROUP: i64 = 512;
/// How long between two looks at an outbox that was empty.
const IDLE: Duration = Duration::from_millis(250);
/// How long to wait before what could not be published is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(1);

/// The publisher of events. One at a time runs in an installation; a second one would only repeat.
pub struct Events {
    /// The database.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
}

impl Events {
    /// Publishes until told to stop.
    pub async fn run(&self, stop: CancellationToken) {
        let mut cursor = None;
        while !stop.is_cancelled() && self.broker.up(TRY_AGAIN).await.is_err() {}
        while !stop.is_cancelled() {
            let pause = match self.group(&mut cursor).await {
                Ok(Told::All) => IDLE,
                Ok(Told::Some) => Duration::ZERO,
                Ok(Told::Unconfirmed) => TRY_AGAIN,
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "Events wait for the database");
                    TRY_AGAIN
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Publishes one group and notes it. What is not confirmed is published again, with all that came with it.
    async fn group(&self, cursor: &mut Option<Cursor>) -> Result<Told, Error> {
        let from = match cursor.take() {
            Some(cursor) => cursor,
            None => self.store.outbox_cursor(READER).await?,
        };
        let (events, end) = self.store.outbox_after(&from, GROUP).await?;
        if events.is_empty() {
            *cursor = Some(from);
            return Ok(Told::All);
        }
        let messages = events.iter().map(|event| self.message(event)).collect();
        let failed = self.broker.publisher().publish_all(messages).await.into_iter().find_map(Result::err);
        if let Some(error) = failed {
            debug!("Events wait for the broker: {error}");
            *cursor = Some(from);
            return Ok(Told::Unconfirmed);
        }
        self.store.outbox_told(READER, &end).await?;
        *cursor = Some(end);
        Ok(Told::Some)
    }

    fn message(&self, event: &Event) -> Message {
        // An event is made of numbers and texts; it always serialises.
        let body = serde_json::to_vec(event).unwrap_or_default();
        let exchange = self.broker.topology().events();
        let mut message = Message::new(exchange, &event.routing_key(), event.id.clone(), body);
        message.correlation_id = Some(event.session.to_string());
        message.kind = Some("pitcrew.event.v1".to_owned());
        message.mandatory = false;
        message
    }
}

/// How far a group came.
enum Told {
    /// There was nothing to tell.
    All,
    /// A group was told; there may be more.
    Some,
    /// The broker did not take it.
    Unconfirmed,
}
