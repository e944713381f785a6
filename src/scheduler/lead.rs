//! Leads, and while leading runs the dispatcher and the rescuer.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::dispatch::{Dispatch, Turn};
use super::learn::learn;
use super::rescue::Rescue;
use crate::notify::Events;
use crate::store::terms::Term;
use crate::store::wakes::Wakes;
use crate::store::{Error, Store};

/// A scheduler that leads or stands by.
pub struct Lead {
    /// Its name.
    pub name: String,
    /// The database.
    pub store: Store,
    /// Admits.
    pub dispatch: Dispatch,
    /// Rescues.
    pub rescue: Rescue,
    /// Tells others what happened.
    pub events: Arc<Events>,
    /// How long a term is.
    pub term: Duration,
    /// The least and the most time between two turns.
    pub tick: (Duration, Duration),
    /// Says that something may be due.
    pub wakes: Wakes,
}

/// Between two looks at queues that are full.
const FULL: Duration = Duration::from_millis(20);
/// A wait that is shorter is not made shorter yet by asking when the next session becomes due.
const OFTEN: Duration = Duration::from_millis(50);
/// How often the rescuer looks.
const RESCUE_EVERY: Duration = Duration::from_secs(1);

impl Lead {
    /// Leads whenever it can, until told to stop; then gives the lead back.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            match self.store.lead(&self.name, None, self.term).await {
                Ok(Some(term)) => {
                    info!("{} leads for term {}", self.name, term.0);
                    self.tell_cap(term).await;
                    let leading = stop.child_token();
                    let (events, told) = (self.events.clone(), leading.clone());
                    tokio::spawn(async move { events.run(told).await });
                    tokio::spawn(learn(self.store.clone(), leading.clone()));
                    self.lead(term, &stop).await;
                    leading.cancel();
                }
                Ok(None) => {}
                Err(error) => warn!(error = &error as &dyn std::error::Error, "The lead could not be asked for"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(self.term / 5) => {}
            }
        }
    }

    /// Has whoever counts sessions know how many may run. Nothing rests on it.
    async fn tell_cap(&self, term: Term) {
        let cap = i32::try_from(self.dispatch.max_running).ok().filter(|cap| *cap > 0);
        if let Err(error) = self.store.tell_max_running(term, cap).await {
            warn!(error = &error as &dyn std::error::Error, "The fleet's cap could not be told");
        }
    }

    /// Does what a leader does until it is deposed or told to stop.
    async fn lead(&mut self, term: Term, stop: &CancellationToken) {
        let mut renewed = Instant::now();
        let mut rescued = Instant::now() - RESCUE_EVERY;
        let mut quiet: u32 = 0;
        loop {
            if stop.is_cancelled() {
                if let Err(error) = self.store.resign(&self.name, term).await {
                    warn!(error = &error as &dyn std::error::Error, "The lead could not be given back; it lapses");
                }
                return;
            }
            if renewed.elapsed() >= self.term / 3 {
                match self.store.lead(&self.name, Some(term), self.term).await {
                    Ok(Some(same)) if same == term => renewed = Instant::now(),
                    Ok(Some(newer)) => {
                        // The term had lapsed unnoticed; this is a new one, and everything starts from the database.
                        info!("{} leads for term {} after {}", self.name, newer.0, term.0);
                        self.tell_cap(newer).await;
                        return Box::pin(self.lead(newer, stop)).await;
                    }
                    Ok(None) => {
                        warn!("{} does not lead any more", self.name);
                        return;
                    }
                    Err(error) => warn!(error = &error as &dyn std::error::Error, "The term could not be renewed"),
                }
            }
            if rescued.elapsed() >= RESCUE_EVERY {
                rescued = Instant::now();
                if let Err(error) = self.rescue.round().await {
                    warn!(error = &error as &dyn std::error::Error, "What was lost could not be looked for");
                }
            }
            let pause = match self.dispatch.turn(term).await {
                Ok(Turn::Deposed) => {
                    warn!("{} does not lead any more", self.name);
                    return;
                }
                Ok(Turn::Admitted(0)) => {
                    quiet = quiet.saturating_add(1);
                    self.idle(quiet).await
                }
                Ok(Turn::Admitted(_)) => {
                    quiet = 0;
                    self.tick.0
                }
                Ok(Turn::Full) => FULL.max(self.tick.0),
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "What is due could not be admitted");
                    log_wait(&error)
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Waits until something may be due, at most one long tick; answers with how long to pause before the next turn. The
    /// wait doubles with every turn that found nothing: while sessions come often, wakes come too seldom to be waited for.
    async fn idle(&mut self, quiet: u32) -> Duration {
        let longest = self.tick.1.min(RESCUE_EVERY);
        let mut wait = self.tick.0.saturating_mul(2_u32.saturating_pow(quiet)).min(longest);
        if wait > OFTEN {
            wait = match self.store.next_due().await {
                Ok(Some(due)) => {
                    let until = due.duration_since(self.store.now());
                    Duration::try_from(until).unwrap_or(Duration::ZERO).clamp(self.tick.0, wait)
                }
                Ok(None) | Err(_) => wait,
            };
        }
        // Woken or not, the next turn is due.
        let _ = tokio::time::timeout(wait, self.wakes.next()).await;
        Duration::ZERO
    }
}

/// How long to wait before the database is asked again.
fn log_wait(error: &Error) -> Duration {
    if error.is_transient() { Duration::from_millis(300) } else { Duration::from_secs(2) }
}
