//! A consumer: deliveries of one queue, in groups, for as long as it is wanted.
//!
//! The subscription behind it lives in a task of its own, so a consumer may be polled, raced and dropped at any point.
//! Back-pressure is the prefetch: the broker stops when that many deliveries are unsettled.

use std::sync::Arc;

use tokio::sync::watch;

use super::{
    Delivery, Topology,
    inbox::Inbox,
    link::Link,
    subscription::{Source, Subscription},
};

/// Whether deliveries are coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Not yet or no longer subscribed; it is being tried.
    Waiting,
    /// Subscribed.
    Flowing,
    /// Unsubscribed until resumed.
    Paused,
    /// Unsubscribed for good.
    Drained,
}

/// What the owner of a consumer wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Flow,
    Pause,
    Drain,
}

/// A subscription to one queue. Made by [`super::Broker::consume`] and [`super::Broker::commands`].
///
/// Dropping it unsubscribes; what was taken from it can still be settled.
pub struct Consumer {
    inbox: Arc<Inbox>,
    wish: watch::Sender<Wish>,
    flow: watch::Receiver<Flow>,
}

impl Consumer {
    pub(super) fn start(link: Link, topology: Arc<Topology>, source: Source, prefetch: u16) -> Self {
        let inbox = Arc::new(Inbox::default());
        let (wish, wished) = watch::channel(Wish::Flow);
        let (flowing, flow) = watch::channel(Flow::Waiting);
        let subscription =
            Subscription { link, topology, source, prefetch, inbox: inbox.clone(), wish: wished, flow: flowing };
        tokio::spawn(subscription.run());
        Consumer { inbox, wish, flow }
    }

    /// Waits for a delivery and takes with it what has already arrived, up to `max`. There is no timer in this: a quiet
    /// queue gives one at once, a busy one gives groups. Empty only after [`drain`](Self::drain).
    pub async fn next_group(&self, max: usize) -> Vec<Delivery> {
        self.inbox.take(max).await
    }

    /// Takes no more and gives back what was not taken. Returns when the broker has stopped delivering. For as long as
    /// deliveries cannot be worked on; each one given back costs one of its deliveries.
    pub async fn pause(&self) {
        self.wish.send_if_modified(|wish| {
            let flowing = *wish == Wish::Flow;
            if flowing {
                *wish = Wish::Pause;
            }
            flowing
        });
        self.until(|flow| matches!(flow, Flow::Paused | Flow::Drained)).await;
    }

    /// Subscribes again after a pause.
    pub fn resume(&self) {
        self.wish.send_if_modified(|wish| {
            let paused = *wish == Wish::Pause;
            if paused {
                *wish = Wish::Flow;
            }
            paused
        });
    }

    /// Takes no more, for good, and gives back what was not taken. What was taken can still be settled.
    pub async fn drain(&self) {
        self.wish.send_replace(Wish::Drain);
        self.until(|flow| *flow == Flow::Drained).await;
    }

    /// Whether deliveries are coming, to be watched.
    pub fn flow(&self) -> watch::Receiver<Flow> {
        self.flow.clone()
    }

    async fn until(&self, reached: impl FnMut(&Flow) -> bool) {
        // An error means that the task has ended, which is as drained as it gets.
        let _ = self.flow.clone().wait_for(reached).await;
    }
}
