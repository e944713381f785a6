//! The task behind a consumer: subscribed whenever that is wanted and possible.
//!
//! Nothing about a subscription is repaired. Whatever ends it (a lost connection, a deleted queue, a broker that cancels
//! consumers), the channel is closed and a new one subscribes; the broker delivers again what was unsettled.

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use lapin::{
    Channel,
    options::{BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, QueueBindOptions, QueueDeclareOptions},
    types::{AMQPValue, FieldTable},
};
use tokio::{sync::watch, time::Instant};
use tracing::{debug, warn};

use super::{
    Delivery, Error, Flow, Topology,
    call::{ask, short},
    consume::Wish,
    declare::declare,
    inbox::Inbox,
    link::Link,
    settle::Lane,
};
use crate::domain::retry::RetryPolicy;

/// The waits between attempts to subscribe: they never end.
const BACK_OFF: RetryPolicy =
    RetryPolicy { attempts: i32::MAX, first: Duration::from_millis(200), longest: Duration::from_secs(5) };
/// How often a channel is looked at although it reported nothing.
const LOOK: Duration = Duration::from_secs(1);
/// A subscription that brought nothing for so long, and holds nothing, is made anew. A queue that is deleted and declared
/// again within milliseconds leaves its consumers behind without a word, on a channel that looks well.
const QUIET: Duration = Duration::from_secs(10);
/// Commands that wait in a private queue before more are refused.
const PRIVATE_BOUND: i64 = 10_000;

/// What is subscribed to.
pub(super) enum Source {
    /// A queue of the topology, shared with others.
    Shared { queue: String },
    /// A queue of this connection alone, made for it.
    Private { queue: String, exchange: String, routing_key: String },
}

pub(super) struct Subscription {
    pub(super) link: Link,
    pub(super) topology: Arc<Topology>,
    pub(super) source: Source,
    pub(super) prefetch: u16,
    pub(super) inbox: Arc<Inbox>,
    pub(super) wish: watch::Receiver<Wish>,
    pub(super) flow: watch::Sender<Flow>,
}

/// One channel and the deliveries on it.
struct Stream {
    lane: Arc<Lane>,
    arrivals: lapin::Consumer,
}

impl Subscription {
    pub(super) async fn run(mut self) {
        let mut failures = 0;
        loop {
            match self.wish() {
                Wish::Flow => {}
                Wish::Pause => {
                    self.flow.send_replace(Flow::Paused);
                    self.wish_other_than(Wish::Pause).await;
                    continue;
                }
                Wish::Drain => break,
            }
            let mut wish = self.wish.clone();
            let opened = tokio::select! {
                opened = self.subscribe(failures > 0) => opened,
                _ = wish.wait_for(|wish| *wish != Wish::Flow) => continue,
            };
            let lost = match opened {
                Ok(stream) => {
                    debug!(queue = self.queue(), "Subscribed to {}", self.queue());
                    self.flow.send_replace(Flow::Flowing);
                    failures = 0;
                    self.receive(stream).await
                }
                Err(error) => Some(error),
            };
            if let Some(error) = lost {
                self.flow.send_replace(Flow::Waiting);
                failures += 1;
                let cause = std::error::Error::source(&error).map(|source| format!(": {source}")).unwrap_or_default();
                warn!(queue = self.queue(), "{error}{cause}");
                let wait = BACK_OFF.wait(failures, rand::random()).unwrap_or(BACK_OFF.longest);
                let _ = tokio::time::timeout(wait, self.wish_other_than(Wish::Flow)).await;
            }
        }
        self.inbox.end();
        self.flow.send_replace(Flow::Drained);
    }

    /// Subscribes once there is a connection. After a failure the queue may be missing, so it is declared first.
    async fn subscribe(&self, again: bool) -> Result<Stream, Error> {
        let live = self.link.connected().await?;
        let channel = ask("open a channel to consume on", live.wire.connection.create_channel()).await?;
        ask("limit the prefetch", channel.basic_qos(self.prefetch, BasicQosOptions::default())).await?;
        match &self.source {
            Source::Shared { .. } if again => declare(&live.wire.connection, &self.topology).await?,
            Source::Shared { .. } => {}
            Source::Private { queue, exchange, routing_key } => {
                make_private(&channel, queue, exchange, routing_key).await?
            }
        }
        let queue = short("the queue's name", self.queue())?;
        let call = channel.basic_consume(queue, "".into(), BasicConsumeOptions::default(), FieldTable::default());
        let arrivals = ask(format!("deliver from queue {}", self.queue()), call).await?;
        Ok(Stream { lane: Lane::new(channel), arrivals })
    }

    /// Passes deliveries on until there is a reason to subscribe anew or not at all (none), or the subscription ends by
    /// itself (why).
    async fn receive(&mut self, mut stream: Stream) -> Option<Error> {
        let mut look = tokio::time::interval(LOOK);
        let mut last = Instant::now();
        loop {
            tokio::select! {
                arrival = stream.arrivals.next() => {
                    let Some(Ok(first)) = arrival else { break };
                    self.pass_on(first, &mut stream);
                    last = Instant::now();
                }
                _ = look.tick() => {
                    // A channel that ended without a word.
                    if !stream.lane.is_live() {
                        break;
                    }
                    if last.elapsed() >= QUIET && stream.lane.is_empty() && matches!(self.source, Source::Shared { .. }) {
                        cancel(&mut stream).await;
                        if let Some(Some(Ok(last))) = stream.arrivals.next().now_or_never() {
                            self.pass_on(last, &mut stream);
                        }
                        return None;
                    }
                }
                changed = self.wish.changed() => if changed.is_err() || *self.wish.borrow() != Wish::Flow {
                    cancel(&mut stream).await;
                    while let Some(Some(Ok(unseen))) = stream.arrivals.next().now_or_never() {
                        drop(Delivery::new(unseen, &stream.lane));
                    }
                    self.inbox.clear();
                    return None;
                },
            }
        }
        self.inbox.clear();
        let _ = ask("close a channel", stream.lane.channel().close(200, "subscription ended".into())).await;
        Some(Error::Ended { queue: self.queue().to_owned() })
    }

    /// Passes on the first and everything that is already here with it, under one lock and with one wake-up.
    fn pass_on(&self, first: lapin::message::Delivery, stream: &mut Stream) {
        let mut arrived = vec![Delivery::new(first, &stream.lane)];
        while let Some(Some(Ok(next))) = stream.arrivals.next().now_or_never() {
            arrived.push(Delivery::new(next, &stream.lane));
        }
        self.inbox.put(arrived);
    }

    fn queue(&self) -> &str {
        match &self.source {
            Source::Shared { queue } | Source::Private { queue, .. } => queue,
        }
    }

    /// A consumer that was dropped wants no more.
    fn wish(&mut self) -> Wish {
        if self.wish.has_changed().is_err() { Wish::Drain } else { *self.wish.borrow_and_update() }
    }

    async fn wish_other_than(&mut self, this: Wish) {
        // An error means that the consumer was dropped, which the caller sees next.
        let _ = self.wish.wait_for(|wish| *wish != this).await;
    }
}

/// Stops the broker from delivering. The channel stays, for settling what was delivered.
async fn cancel(stream: &mut Stream) {
    let channel = stream.lane.channel();
    let cancelled = ask("stop delivering", channel.basic_cancel(stream.arrivals.tag(), BasicCancelOptions::default()));
    if let Err(error) = cancelled.await {
        warn!("{error}; its channel is closed instead");
        let _ = ask("close a channel", channel.close(200, "cancel failed".into())).await;
    }
}

/// Makes the queue of one gateway or worker. While an older connection of the same name still holds it, this fails and is
/// tried again.
async fn make_private(channel: &Channel, queue: &str, exchange: &str, routing_key: &str) -> Result<(), Error> {
    let mut arguments = FieldTable::default();
    // Named, because a virtual host may make quorum queues by default, and those cannot be exclusive.
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("classic".into()));
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(PRIVATE_BOUND));
    arguments.insert("x-overflow".into(), AMQPValue::LongString("reject-publish".into()));
    let options = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
    let name = short("the queue's name", queue)?;
    ask(format!("make queue {queue}"), channel.queue_declare(name.clone(), options, arguments)).await?;
    let call = channel.queue_bind(
        name,
        short("the exchange's name", exchange)?,
        short("the routing key", routing_key)?,
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    ask(format!("bind queue {queue}"), call).await
}
