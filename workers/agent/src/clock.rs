//! The server's clock as this computer reckons it. It errs late, so that a command that was held up is refused.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// A clock to judge start-by times by.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// This computer's own, for one who stands beside it.
    Local,
    /// The server's, heard and counted on.
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

/// Answers to pings that are remembered; a server that is so many behind is not believed to know them.
const PONGS_MAX: usize = 8;

/// Keeps the reckoning of one connection true, by its pings.
#[derive(Debug)]
pub struct Pings {
    clock: Clock,
    sent: u64,
    /// When the latest answers were sent.
    pongs: VecDeque<(Instant, Timestamp)>,
}

impl Pings {
    /// Starts from what the welcome said.
    pub fn new(clock: Clock) -> Pings {
        Pings { clock, sent: 0, pongs: VecDeque::new() }
    }

    /// The clock, as of the last ping.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// A ping has come that was sent at `server_time`, after `pongs` of ours had arrived. It was on its way for no longer
    /// than has passed since the last of those was sent. Without such a bound the clock is only ever set forward: a ping
    /// that was held up must not make a command look earlier than it is.
    pub fn heard(&mut self, server_time: Timestamp, pongs: u64) {
        let behind = self.sent.checked_sub(pongs).and_then(|behind| usize::try_from(behind).ok());
        let bound =
            behind.and_then(|behind| self.pongs.len().checked_sub(behind + 1)).and_then(|at| self.pongs.get(at));
        if let Some((at, at_wall)) = bound {
            let slept = Timestamp::now().duration_since(*at_wall).try_into().unwrap_or(Duration::ZERO);
            self.clock = Clock::heard(server_time, at.elapsed().max(slept));
        } else if server_time > self.clock.now() {
            self.clock = Clock::heard(server_time, Duration::ZERO);
        }
    }

    /// A ping is about to be answered.
    pub fn answered(&mut self) {
        self.sent += 1;
        self.pongs.push_back((Instant::now(), Timestamp::now()));
        if self.pongs.len() > PONGS_MAX {
            self.pongs.pop_front();
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

    /// In minutes: what the test itself takes does not count.
    fn off_by(clock: Clock) -> f64 {
        (clock.now().duration_since(Timestamp::now()).as_secs_f64() / 60.0).round().abs()
    }

    #[test]
    fn a_clock_that_is_off_is_set_right_by_the_second_ping_and_one_that_is_behind_by_the_first() {
        let now = Timestamp::now();
        let ahead = Clock::heard(now + Duration::from_secs(3600), Duration::ZERO);
        let mut pings = Pings::new(ahead);
        pings.heard(now, 0);
        assert_eq!(off_by(pings.clock()), 60.0, "the ping may have been on its way for an hour");
        pings.answered();
        pings.heard(now, 0);
        assert_eq!(off_by(pings.clock()), 60.0, "the server may not have had our answer yet");
        pings.heard(now, 1);
        assert_eq!(off_by(pings.clock()), 0.0);

        let behind = Clock::heard(now - Duration::from_secs(3600), Duration::ZERO);
        let mut pings = Pings::new(behind);
        pings.heard(now, 0);
        assert_eq!(off_by(pings.clock()), 0.0);
        pings.heard(now, 7);
        assert_eq!(off_by(pings.clock()), 0.0, "a server that counts wrong is not believed");
        (0..20).for_each(|_| pings.answered());
        pings.heard(now - Duration::from_secs(60), 12);
        assert_eq!(off_by(pings.clock()), 0.0, "that answer is long forgotten");
    }

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
