//! Commands and replies on their way to the broker: what is handed in while a group is being published forms the next
//! one, so that a message alone goes at once and many together cost little.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::broker::{Broker, Message, PublishError};

/// Messages that wait to be published before more are refused.
const WAITING_MAX: usize = 4_096;
/// The longest reply, in bytes; a broker that is sent more than it takes ends the channel, with all that is on it.
const DOCUMENT_MAX: usize = 12 * 1024 * 1024;
/// Messages in one group.
const GROUP_MAX: usize = 256;

/// Publishes to the commands exchange. Cheap to clone; what was handed in is published when the last clone is gone.
#[derive(Clone)]
pub struct Post {
    exchange: String,
    waiting: mpsc::Sender<Letter>,
}

struct Letter {
    message: Message,
    told: Option<oneshot::Sender<Result<(), PublishError>>>,
}

impl Post {
    /// Starts publishing.
    pub fn start(broker: &Broker) -> Self {
        let (waiting, mut letters) = mpsc::channel::<Letter>(WAITING_MAX);
        let publisher = broker.publisher().clone();
        tokio::spawn(async move {
            let mut group = Vec::with_capacity(GROUP_MAX);
            while letters.recv_many(&mut group, GROUP_MAX).await > 0 {
                let (messages, told): (Vec<_>, Vec<_>) =
                    group.drain(..).map(|letter| (letter.message, letter.told)).unzip();
                let results = publisher.publish_all(messages).await;
                for (told, result) in told.into_iter().zip(results) {
                    match (told, result) {
                        // Whoever asked may have stopped waiting.
                        (Some(told), result) => drop(told.send(result)),
                        (None, Ok(()) | Err(PublishError::Unroutable { .. })) => {}
                        (None, Err(error)) => tracing::warn!("A reply to a worker was not published: {error}"),
                    }
                }
            }
        });
        Post { exchange: broker.topology().commands(), waiting }
    }

    /// Publishes a document that is worth delivering for `worth`, and waits until the broker has confirmed it.
    ///
    /// # Errors
    /// See [`PublishError`]; unroutable if nobody listens to the key.
    pub async fn send(
        &self,
        key: &str,
        id: Uuid,
        document: &impl Serialize,
        worth: Duration,
    ) -> Result<(), PublishError> {
        let (told, result) = oneshot::channel();
        let letter = Letter { message: self.message(key, id, document, worth), told: Some(told) };
        self.waiting.try_send(letter).map_err(|_| PublishError::Busy)?;
        result.await.unwrap_or(Err(PublishError::NotRequested))
    }

    /// Publishes a document without waiting. If it is lost, the receiver's patience ends.
    pub fn offer(&self, key: &str, id: Uuid, document: &impl Serialize, worth: Duration) {
        let message = self.message(key, id, document, worth);
        let bytes = message.body.len();
        if bytes > DOCUMENT_MAX {
            tracing::warn!("A reply to {key} was dropped: it is {bytes} bytes long, {DOCUMENT_MAX} may be sent");
        } else if self.waiting.try_send(Letter { message, told: None }).is_err() {
            tracing::warn!("A reply to {key} was dropped: {WAITING_MAX} messages wait to be published");
        }
    }

    /// Nothing on the commands exchange outlives a restart of the broker: its queues do not either.
    fn message(&self, key: &str, id: Uuid, document: &impl Serialize, worth: Duration) -> Message {
        let body = serde_json::to_vec(document).unwrap_or_default();
        let mut message = Message::new(self.exchange.clone(), key, id.to_string(), body);
        message.persistent = false;
        message.expiration = Some(worth);
        message
    }
}
