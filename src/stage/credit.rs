//! Whether the next stage's workers can take more: so many jobs are in its queue already, so many are wanted there.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::broker::Broker;
use crate::domain::session::Stage;
use crate::store::Store;
use crate::store::workers::Capacity;

/// How often the queue's depth is asked for.
const DEPTH_EVERY: Duration = Duration::from_millis(50);
/// How often the workers' capacity is asked for.
const CAPACITY_EVERY: Duration = Duration::from_secs(1);
/// A worker that was not heard for so long counts for nothing.
pub const SILENCE: Duration = Duration::from_secs(10);

/// The room in the queue of one stage.
#[derive(Clone)]
pub struct Credit {
    stage: Stage,
    room: Arc<AtomicI64>,
    last_error: Arc<Mutex<String>>,
}

impl Credit {
    /// Watches the queue of `stage` until `stop`; its window is `factor` times what its workers take at once.
    pub fn watch(stage: Stage, store: Store, broker: Broker, factor: u32, stop: CancellationToken) -> Credit {
        let credit = Credit { stage, room: Arc::default(), last_error: Arc::default() };
        let watched = credit.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = watched.keep(&store, &broker, factor) => {}
            }
        });
        credit
    }

    /// Takes room for one job; false if there is none.
    pub fn take(&self) -> bool {
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| (room > 0).then_some(room - 1)).is_ok()
    }

    async fn keep(&self, store: &Store, broker: &Broker, factor: u32) {
        let queue = broker.topology().queue(self.stage.as_str());
        let mut window = 0;
        let mut capacity_age = CAPACITY_EVERY;
        loop {
            if capacity_age >= CAPACITY_EVERY
                && let Ok(capacities) = store.capacities(SILENCE).await
            {
                window = self::window(&capacities, self.stage, factor);
                capacity_age = Duration::ZERO;
            }
            match broker.depth(&queue).await {
                Ok(depth) => self.room.store(window - i64::from(depth), Ordering::Relaxed),
                Err(error) => {
                    self.room.store(0, Ordering::Relaxed);
                    self.note(&error.to_string());
                }
            }
            tokio::time::sleep(DEPTH_EVERY).await;
            capacity_age += DEPTH_EVERY;
        }
    }

    /// Logs an error once, not twenty times a second.
    fn note(&self, error: &str) {
        let mut last = self.last_error.lock().unwrap_or_else(PoisonError::into_inner);
        if *last != error {
            debug!("The depth of the {} queue is unknown: {error}", self.stage);
            error.clone_into(&mut last);
        }
    }
}

/// How many jobs are wanted in a stage's queue.
pub fn window(capacities: &[Capacity], stage: Stage, factor: u32) -> i64 {
    let capacity: i64 = capacities.iter().filter(|c| c.stage == stage).map(|c| c.capacity).sum();
    capacity.saturating_mul(i64::from(factor))
}
