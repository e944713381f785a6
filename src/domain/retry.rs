//! How long to wait after a transient failure: data and a pure function.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Exponential back-off with full jitter and a ceiling.
///
/// Source: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// How many failures end the stage.
    pub attempts: i32,
    /// The ceiling of the first wait.
    pub first: Duration,
    /// The ceiling of every wait.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        RetryPolicy { attempts: 8, first: Duration::from_secs(1), longest: Duration::from_secs(300) }
    }
}

impl RetryPolicy {
    /// The wait after failure number `attempt` (the first is 1), or none when the attempts are spent.
    /// `random` is uniform in `0..1`.
    pub fn wait(&self, attempt: i32, random: f64) -> Option<Duration> {
        if attempt >= self.attempts {
            return None;
        }
        let doublings = attempt.saturating_sub(1).clamp(0, 30) as u32;
        let ceiling = self.first.saturating_mul(1 << doublings).min(self.longest);
        Some(ceiling.mul_f64(random.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_the_longest_and_the_attempts_end_it() {
        let policy = RetryPolicy::default();
        let ceilings: Vec<_> = (1..=8).map(|attempt| policy.wait(attempt, 1.0).map(|wait| wait.as_secs())).collect();
        assert_eq!(ceilings, [Some(1), Some(2), Some(4), Some(8), Some(16), Some(32), Some(64), None]);
        let patient = RetryPolicy { attempts: 100, ..policy };
        assert_eq!(patient.wait(50, 1.0), Some(Duration::from_secs(300)));
        assert_eq!(patient.wait(50, 0.0), Some(Duration::ZERO));
    }
}
