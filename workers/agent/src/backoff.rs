//! How long to wait before dialling again.

use std::time::Duration;

/// The first ceiling.
const FIRST: Duration = Duration::from_millis(200);
/// The last ceiling.
const MAX: Duration = Duration::from_secs(30);

/// Exponential back-off with full jitter: somewhere between nothing and a ceiling that doubles with every failure, so
/// that a fleet that lost its gateway does not come back as one. `chance` lies in 0..1.
pub fn wait(failures: u32, chance: f64) -> Duration {
    FIRST.saturating_mul(1 << failures.min(16)).min(MAX).mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ceiling_doubles_up_to_half_a_minute() {
        assert_eq!(wait(0, 1.0), Duration::from_millis(200));
        assert_eq!(wait(3, 0.5), Duration::from_millis(800));
        assert_eq!(wait(u32::MAX, 1.0), Duration::from_secs(30));
        assert_eq!(wait(u32::MAX, 0.0), Duration::ZERO);
    }
}
