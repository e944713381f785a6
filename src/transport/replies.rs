//! One task of a worker reads its private queue and hands each reply to whoever expects it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

use super::message::{Reply, Tidings, VERSION};
use crate::broker::{Broker, Consumer, settle};

/// Replies that are taken from the broker at a time.
const GROUP_MAX: usize = 256;
/// Replies that are delivered and not settled.
const PREFETCH: u16 = 512;
/// Replies to one command that wait to be read: its answer, and an outcome.
const EXPECTED_MAX: usize = 4;

/// The replies to one process. Cheap to clone; it stops listening when the last clone is gone.
#[derive(Clone)]
pub(super) struct Replies {
    name: Arc<str>,
    expected: Arc<Waiting>,
    _listening: Arc<DropGuard>,
}

/// What one command will be told. Whatever still comes when it is dropped is ignored.
pub(super) struct Expected {
    request: Uuid,
    tidings: mpsc::Receiver<Tidings>,
    among: Arc<Waiting>,
}

#[derive(Default)]
struct Waiting(Mutex<HashMap<Uuid, mpsc::Sender<Tidings>>>);

impl Replies {
    pub(super) fn start(broker: &Broker, name: &str) -> Self {
        let expected = Arc::new(Waiting::default());
        let stop = CancellationToken::new();
        let listen = listen(broker.commands(name, PREFETCH), expected.clone());
        tokio::spawn(stop.clone().run_until_cancelled_owned(listen));
        Replies { name: name.into(), expected, _listening: Arc::new(stop.drop_guard()) }
    }

    /// The routing key to reply to.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// To be called before the command is sent.
    pub(super) fn expect(&self, request: Uuid) -> Expected {
        let (sender, tidings) = mpsc::channel(EXPECTED_MAX);
        self.expected.lock().insert(request, sender);
        Expected { request, tidings, among: self.expected.clone() }
    }
}

impl Expected {
    /// The next reply.
    pub(super) async fn next(&mut self) -> Option<Tidings> {
        self.tidings.recv().await
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        self.among.lock().remove(&self.request);
    }
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, mpsc::Sender<Tidings>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, reply: Reply) {
        if let Some(sender) = self.lock().get(&reply.request) {
            // Full means that a gateway repeats itself; whoever waits has what it needs.
            let _ = sender.try_send(reply.tidings);
        }
    }
}

async fn listen(queue: Consumer, expected: Arc<Waiting>) {
    loop {
        let group = queue.next_group(GROUP_MAX).await;
        if group.is_empty() {
            return;
        }
        let mut receipts = Vec::with_capacity(group.len());
        for delivery in group {
            match serde_json::from_slice::<Reply>(&delivery.body) {
                Ok(reply) if reply.v == VERSION => expected.tell(reply),
                Ok(reply) => tracing::warn!("A reply of version {} was ignored: {VERSION} is read here", reply.v),
                Err(error) => tracing::warn!("A reply that cannot be read was ignored: {error}"),
            }
            receipts.push(delivery.receipt);
        }
        settle::ack_group(receipts).await;
    }
}
