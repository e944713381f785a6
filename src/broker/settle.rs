//! Settling deliveries: each arrives with a receipt, and each receipt is used once.
//!
//! A receipt that is dropped unused gives its delivery back, so that nothing stays locked in a process that forgot it. A
//! receipt of a channel that is gone settles nothing and is no error: the broker delivers that message again.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lapin::{
    Channel,
    options::{BasicAckOptions, BasicRejectOptions},
};
use tracing::debug;

use super::{
    call::{ANSWER, Started},
    outstanding::{Ack, Outstanding},
};

/// One channel that deliveries arrive on. It is closed when the subscription and every receipt of it are gone.
pub(super) struct Lane {
    channel: Channel,
    outstanding: Mutex<Outstanding>,
}

/// The right to settle one delivery.
#[must_use = "a receipt that is dropped gives its delivery back"]
pub struct Receipt {
    lane: Arc<Lane>,
    tag: u64,
}

/// Acknowledges deliveries together: with one acknowledgement where they are the oldest that are unsettled. Returns
/// when the acknowledgements are written; once it has begun, they are written even if nobody waits.
pub async fn ack_group(receipts: impl IntoIterator<Item = Receipt>) {
    let receipts: Vec<_> = receipts.into_iter().collect();
    let mut lanes: Vec<(&Arc<Lane>, Vec<u64>)> = Vec::new();
    for receipt in &receipts {
        match lanes.iter_mut().find(|(lane, _)| Arc::ptr_eq(lane, &receipt.lane)) {
            Some((_, tags)) => tags.push(receipt.tag),
            None => lanes.push((&receipt.lane, vec![receipt.tag])),
        }
    }
    let written: Vec<_> = lanes.into_iter().map(|(lane, tags)| lane.ack(tags)).collect();
    for acks in written {
        wait(acks).await;
    }
}

impl Receipt {
    pub(super) fn new(lane: Arc<Lane>, tag: u64) -> Self {
        lane.outstanding().delivered(tag);
        Receipt { lane, tag }
    }

    /// Acknowledges this delivery alone.
    pub async fn ack(self) {
        ack_group([self]).await;
    }

    /// Hands the delivery back to the queue, or with `requeue` false to its dead letters. Each time counts as one of its
    /// deliveries, so this is no way to wait.
    pub async fn reject(self, requeue: bool) {
        if let Some(rejection) = self.lane.reject(self.tag, requeue) {
            wait(rejection).await;
        }
    }

    /// Whether the delivery can still be settled. If not, the broker delivers it again.
    pub fn is_live(&self) -> bool {
        self.lane.is_live()
    }
}

/// Gives the delivery back, unless it was settled.
impl Drop for Receipt {
    fn drop(&mut self) {
        drop(self.lane.reject(self.tag, true));
    }
}

impl fmt::Debug for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Receipt({} on channel {})", self.tag, self.lane.channel.id())
    }
}

impl Lane {
    pub(super) fn new(channel: Channel) -> Arc<Self> {
        Arc::new(Lane { channel, outstanding: Mutex::default() })
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(super) fn is_live(&self) -> bool {
        self.channel.status().connected()
    }

    /// Whether every delivery of this lane is settled.
    pub(super) fn is_empty(&self) -> bool {
        self.outstanding().is_empty()
    }

    // Deciding what to send and putting it into the connection's buffer happen under one lock: an acknowledgement "up
    // to" that overtook a single one would settle that delivery twice, and the broker would end the channel.
    fn ack(&self, tags: Vec<u64>) -> Started<impl Future<Output = Result<(), lapin::Error>>> {
        let mut outstanding = self.outstanding();
        let calls = outstanding.settle(tags).into_iter().map(|ack| match ack {
            Ack::UpTo(tag) => self.channel.basic_ack(tag, BasicAckOptions { multiple: true }),
            Ack::One(tag) => self.channel.basic_ack(tag, BasicAckOptions { multiple: false }),
        });
        Started::in_order(calls)
    }

    fn reject(&self, tag: u64, requeue: bool) -> Option<Started<impl Future<Output = Result<(), lapin::Error>>>> {
        let mut outstanding = self.outstanding();
        let unsettled = outstanding.remove(tag) && self.is_live();
        unsettled.then(|| Started::in_order([self.channel.basic_reject(tag, BasicRejectOptions { requeue })]))
    }

    fn outstanding(&self) -> MutexGuard<'_, Outstanding> {
        self.outstanding.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until the calls are written, for back-pressure.
async fn wait(calls: Started<impl Future<Output = Result<(), lapin::Error>>>) {
    match tokio::time::timeout(ANSWER, calls.finish()).await {
        Ok(answers) => {
            if let Some(error) = answers.into_iter().find_map(Result::err) {
                debug!("Deliveries were settled on a channel that is gone, they come again: {error}");
            }
        }
        Err(_) => debug!("Deliveries were settled on a connection that does not write, they may come again"),
    }
}
