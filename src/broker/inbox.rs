//! What has arrived and was not yet taken, between the subscription that fills it and the consumer that empties it.

use std::{
    collections::VecDeque,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use lapin::{
    message::Delivery as Arrival,
    types::{AMQPValue, FieldTable, ShortString},
};
use opentelemetry::trace::SpanContext;
use tokio::sync::Notify;

use super::{
    headers,
    settle::{Lane, Receipt},
    trace,
};

/// A message that was delivered to this process and must be settled through its receipt.
#[derive(Debug)]
pub struct Delivery {
    /// The document.
    pub body: Bytes,
    /// Where it was published.
    pub exchange: String,
    /// With which key.
    pub routing_key: String,
    /// What makes a repetition recognisable.
    pub message_id: Option<String>,
    /// What it belongs to.
    pub correlation_id: Option<String>,
    /// What document it is, with its version.
    pub kind: Option<String>,
    /// The queue for an answer. Not to be trusted: it is the sender's word.
    pub reply_to: Option<String>,
    /// The sender's login, checked by the broker.
    pub user_id: Option<String>,
    /// It may have been delivered before. A hint: the truth is in Postgres.
    pub redelivered: bool,
    /// The right to settle it.
    pub receipt: Receipt,
    headers: FieldTable,
}

impl Delivery {
    pub(super) fn new(arrival: Arrival, lane: &Arc<Lane>) -> Self {
        let text = |value: &Option<ShortString>| value.as_ref().map(ToString::to_string);
        let properties = &arrival.properties;
        Delivery {
            message_id: text(properties.message_id()),
            correlation_id: text(properties.correlation_id()),
            kind: text(properties.kind()),
            reply_to: text(properties.reply_to()),
            user_id: text(properties.user_id()),
            headers: properties.headers().clone().unwrap_or_default(),
            redelivered: arrival.redelivered,
            exchange: arrival.exchange.into(),
            routing_key: arrival.routing_key.into(),
            receipt: Receipt::new(lane.clone(), arrival.delivery_tag),
            body: arrival.data.into(),
        }
    }

    /// A header whose value is a text.
    pub fn header(&self, name: &str) -> Option<&str> {
        match self.headers.inner().get(name)? {
            AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok(),
            AMQPValue::ShortString(text) => Some(text.as_str()),
            _ => None,
        }
    }

    /// All headers as JSON, for people.
    pub fn headers(&self) -> serde_json::Value {
        headers::to_json(&self.headers)
    }

    /// The span that published it, if it carries a valid trace context.
    pub fn span_context(&self) -> Option<SpanContext> {
        trace::extract(|name| self.header(name))
    }
}

/// A bounded buffer: the prefetch bounds it.
#[derive(Default)]
pub(super) struct Inbox {
    state: Mutex<Inner>,
    changed: Notify,
}

#[derive(Default)]
struct Inner {
    waiting: VecDeque<Delivery>,
    ended: bool,
}

impl Inbox {
    pub(super) fn put(&self, arrived: impl IntoIterator<Item = Delivery>) {
        self.lock().waiting.extend(arrived);
        self.changed.notify_waiters();
    }

    /// Waits for at least one delivery and takes up to `max` of what is there. Empty when the inbox has ended.
    pub(super) async fn take(&self, max: usize) -> Vec<Delivery> {
        loop {
            let changed = self.changed.notified();
            {
                let mut inner = self.lock();
                let ready = inner.waiting.len().min(max.max(1));
                if ready > 0 || inner.ended {
                    return inner.waiting.drain(..ready).collect();
                }
            }
            changed.await;
        }
    }

    /// Gives back what was not taken.
    pub(super) fn clear(&self) {
        // Dropped outside the lock: each receipt writes to its channel.
        let given_back = mem::take(&mut self.lock().waiting);
        drop(given_back);
    }

    /// Nothing will arrive any more.
    pub(super) fn end(&self) {
        self.lock().ended = true;
        self.clear();
        self.changed.notify_waiters();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
