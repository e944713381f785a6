//! The database's clock, as each process reckons it: due times and leases are all in database time.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use jiff::Timestamp;

/// Reckons the database's time from the last time it was asked and the process's own monotonic clock.
#[derive(Debug, Default)]
pub struct Clock {
    last: Mutex<Option<Sample>>,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    database: Timestamp,
    here: Instant,
    uncertainty: Duration,
}

/// How fast two clocks may drift apart; a newer but less certain sample replaces an older one accordingly.
const DRIFT: f64 = 0.0005;

impl Clock {
    /// Takes in that the database said `database` in answer to a question asked at `asked`.
    pub fn sample(&self, database: Timestamp, asked: Instant) {
        let here = Instant::now();
        let fresh = Sample { database, here, uncertainty: here - asked };
        let mut last = self.lock();
        let better = last.is_none_or(|old| {
            fresh.uncertainty <= old.uncertainty + (here.saturating_duration_since(old.here)).mul_f64(DRIFT)
        });
        if better {
            *last = Some(fresh);
        }
    }

    /// The database's time now, or this machine's if the database was never asked.
    pub fn now(&self) -> Timestamp {
        match *self.lock() {
            Some(sample) => sample.database + sample.here.elapsed(),
            None => Timestamp::now(),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Sample>> {
        self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
