//! What an agent may send: many frames at once after a long absence, few in the long run.

use std::time::{Duration, Instant};

/// Frames at once.
const BURST: f64 = 1_000.0;
/// Frames a second in the long run.
const PER_SECOND: f64 = 20.0;

/// How many frames an agent may still send.
#[derive(Debug)]
pub(super) struct Allowance {
    left: f64,
    at: Instant,
}

impl Allowance {
    pub(super) fn new(now: Instant) -> Self {
        Allowance { left: BURST, at: now }
    }

    /// Takes one frame; false if there is none left.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * PER_SECOND;
        self.left = (self.left + gained).min(BURST);
        self.at = now;
        let allowed = self.left >= 1.0;
        if allowed {
            self.left -= 1.0;
        }
        allowed
    }
}

/// A random time up to `longest`, so that many who are told to wait do not come back together.
pub(super) fn apart(longest: Duration) -> Duration {
    longest.mul_f64(rand::random::<f64>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_a_flood_is_not() {
        let now = Instant::now();
        let mut allowance = Allowance::new(now);
        assert_eq!((0..2_000).filter(|_| allowance.take(now)).count(), 1_000);
        let later = now + Duration::from_secs(5);
        assert_eq!((0..2_000).filter(|_| allowance.take(later)).count(), 100);
    }
}
