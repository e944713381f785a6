//! The server's clock as this computer reckons it. It errs late, so that a command that was held up is refused.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock to judge start-by times by.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// This computer's own, for one who stands beside it.
    Local,
    /// The server's, heard once and counted on.
    Server(Heard),
}

/// What was heard of the server's clock, and when.
#[derive(Debug, Clone, Copy)]
pub struct Heard {
    server_time: Timestamp,
    round_trip: Duration,
    at: Instant,
    at_wall: Timestamp,
}

impl Clock {
    /// The server said that it is `server_time`, in an answer that took `round_trip`.
    pub fn heard(server_time: Timestamp, round_trip: Duration) -> Clock {
        Clock::Server(Heard { server_time, round_trip, at: Instant::now(), at_wall: Timestamp::now() })
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match self {
            Clock::Local => Timestamp::now(),
            Clock::Server(heard) => reckon(heard, heard.at.elapsed(), Timestamp::now().duration_since(heard.at_wall)),
        }
    }
}

/// The monotonic clock stands still while the computer sleeps, and the wall clock may be set back: the larger one counts.
fn reckon(heard: &Heard, elapsed: Duration, elapsed_wall: SignedDuration) -> Timestamp {
    let signed = |duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    let since = signed(elapsed).max(elapsed_wall).saturating_add(signed(heard.round_trip));
    heard.server_time.checked_add(since).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_clock_counts() {
        let server_time: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let heard = Heard {
            server_time,
            round_trip: Duration::from_millis(500),
            at: Instant::now(),
            at_wall: Timestamp::UNIX_EPOCH,
        };
        let after = |elapsed, wall| {
            reckon(&heard, Duration::from_secs(elapsed), SignedDuration::from_secs(wall))
                .duration_since(server_time)
                .as_millis()
        };
        assert_eq!(after(10, 10), 10_500);
        assert_eq!(after(10, 3600), 3_600_500, "the computer slept");
        assert_eq!(after(10, -3600), 10_500, "the wall clock was set back");
    }
}
