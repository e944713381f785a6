//! A database that is away: consumers stop taking, and go on when it is back, so that no deliveries are burnt.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::store::Store;

/// The time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Waits until the database answers. False if told to stop first.
pub(super) async fn until_over(store: &Store, who: &str, stop: &CancellationToken) -> bool {
    warn!("{who} takes nothing: the database cannot be reached");
    loop {
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        if store.ask_time().await.is_ok() {
            info!("{who} goes on: the database answers");
            return true;
        }
    }
}
