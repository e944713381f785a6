//! How long a step may go on: until its time is over, or until its run is told to end.

use std::time::{Duration, Instant};

use pitcrew_protocol::Step;
use tokio_util::sync::CancellationToken;

use super::Ended;

/// How long a step may go on. Its time begins when this is made.
#[derive(Debug)]
pub struct Limit<'a> {
    since: Instant,
    timeout_ms: u64,
    stop: &'a CancellationToken,
}

impl<'a> Limit<'a> {
    /// Of a step that begins now.
    pub fn of(step: &Step, stop: &'a CancellationToken) -> Limit<'a> {
        Limit { since: Instant::now(), timeout_ms: step.timeout_ms, stop }
    }

    /// What is left of its time, in milliseconds.
    pub fn left_ms(&self) -> u64 {
        self.timeout_ms.saturating_sub(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Does something that belongs to the step, and gives it up when the step may not go on.
    ///
    /// # Errors
    /// How the step has ended: what `doing` says, or that it was given up.
    pub async fn within<T>(&self, doing: impl Future<Output = Result<T, Ended>>) -> Result<T, Ended> {
        tokio::select! {
            () = self.stop.cancelled() => Err(Ended::failed("interrupted", "the download was cut short")),
            done = tokio::time::timeout(Duration::from_millis(self.left_ms()), doing) => {
                match done {
                    Ok(done) => done,
                    Err(_) => Err(Ended::timed_out(self.timeout_ms)),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use pitcrew_protocol::{StepKind, Then, Work};

    use super::*;

    #[tokio::test]
    async fn what_takes_too_long_or_is_told_to_end_is_given_up() {
        let (kind, work, then) = (StepKind::Download, Work::Reboot, Then::GoOn);
        let step = |timeout_ms| Step { kind, item: String::new(), work: work.clone(), timeout_ms, then: then.clone() };
        let stop = CancellationToken::new();
        let ended = Limit::of(&step(1), &stop).within::<()>(pending()).await.unwrap_err();
        assert_eq!(ended.status.code(), Some("timeout"));
        let limit = Limit::of(&step(u64::MAX), &stop);
        assert_eq!(limit.within(async { Ok(7) }).await.unwrap(), 7);
        stop.cancel();
        assert_eq!(limit.within::<()>(pending()).await.unwrap_err().status.code(), Some("interrupted"));
    }
}
