//! How many messages wait in a queue. Asked by declaring the queue passively, which needs no management plugin.

use std::sync::Arc;

use lapin::{Channel, ErrorKind, options::QueueDeclareOptions, types::FieldTable};
use tokio::sync::Mutex;

use super::{
    Error,
    call::{ask, short},
    link::Link,
};

/// `NOT_FOUND`: no such queue.
const NOT_FOUND: u16 = 404;

/// Asks on a channel of its own, because the answer "no such queue" closes the channel.
#[derive(Clone)]
pub(super) struct Gauge {
    link: Link,
    channel: Arc<Mutex<Option<Channel>>>,
}

impl Gauge {
    pub(super) fn new(link: Link) -> Self {
        Gauge { link, channel: Arc::default() }
    }

    pub(super) async fn depth(&self, queue: &str) -> Result<u32, Error> {
        let name = short("the queue's name", queue)?;
        let mut kept = self.channel.lock().await;
        // Taken out, so that a question that is given up takes its channel with it.
        let channel = match kept.take().filter(|channel| channel.status().connected()) {
            Some(channel) => channel,
            None => {
                let live = self.link.now()?;
                ask("open a channel to look at queues", live.wire.connection.create_channel()).await?
            }
        };
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let call = channel.queue_declare(name, passive, FieldTable::default());
        let answer =
            ask(format!("tell the depth of queue {queue}"), call).await.map_err(|error| absent(error, queue))?;
        *kept = Some(channel);
        Ok(answer.message_count())
    }
}

fn absent(error: Error, queue: &str) -> Error {
    match &error {
        Error::Failed { source, .. } => match source.kind() {
            ErrorKind::ProtocolError(reply) if reply.get_id() == NOT_FOUND => {
                Error::NoQueue { queue: queue.to_owned() }
            }
            _ => error,
        },
        _ => error,
    }
}
