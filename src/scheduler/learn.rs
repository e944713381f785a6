//! The historian: learns from what was done how long it takes, so that plans can tell.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::store::Store;

/// How often it learns. It costs the database some tens of milliseconds.
const EVERY: Duration = Duration::from_secs(60);

/// Learns now and then until told to stop. The one that leads does it.
pub async fn learn(store: Store, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        match store.learn_durations().await {
            Ok(changed) => debug!("Learned {changed} durations"),
            Err(error) => warn!(error = &error as &dyn std::error::Error, "How long actions take was not learned"),
        }
    }
}
