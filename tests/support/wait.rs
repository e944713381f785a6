//! Waiting for something to become so.

use std::panic::Location;
use std::time::{Duration, Instant};

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Calls `look` until it finds something, and returns that. If it has not by `deadline` from now, the test fails, saying
/// `what` was waited for.
#[track_caller]
pub fn until<T, F>(deadline: Duration, mut look: impl FnMut() -> F, what: &str) -> impl Future<Output = T>
where
    F: Future<Output = Option<T>>,
{
    let caller = Location::caller();
    async move {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(begun.elapsed() < deadline, "{caller}: waited {} s in vain for {what}", deadline.as_secs());
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}
