//! Leases of the sessions in work: extended in groups, believed no longer than they are certain.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::SessionId;
use crate::store::leases::{Intents, Renewed};
use crate::store::runs::ClaimedNow;

/// The worker's own claim on a session, in its own monotonic time.
#[derive(Debug)]
pub struct Lease {
    /// The session.
    pub session: SessionId,
    /// The dispatch under which it is had.
    pub dispatch: i32,
    until: Mutex<Instant>,
    cancel: AtomicBool,
    pause: AtomicBool,
    stop: AtomicBool,
    policy_version: AtomicI64,
    run: Mutex<Option<Uuid>>,
    unwritten: Mutex<Option<ClaimedNow>>,
    lost: CancellationToken,
}

impl Lease {
    /// A lease that is certain until then. The time is reckoned from before the claim was asked for.
    pub fn new(session: SessionId, dispatch: i32, until: Instant) -> Lease {
        Lease {
            session,
            dispatch,
            until: Mutex::new(until),
            cancel: AtomicBool::new(false),
            pause: AtomicBool::new(false),
            stop: AtomicBool::new(false),
            policy_version: AtomicI64::new(0),
            run: Mutex::new(None),
            unwritten: Mutex::new(None),
            lost: CancellationToken::new(),
        }
    }

    /// What is wanted of the session, as of the last heartbeat or commit.
    pub fn intents(&self) -> Intents {
        Intents {
            cancel: self.cancel.load(Ordering::Relaxed),
            pause: self.pause.load(Ordering::Relaxed),
            stop: self.stop.load(Ordering::Relaxed),
            policy_version: self.policy_version.load(Ordering::Relaxed),
        }
    }

    /// Takes in what is wanted of the session.
    pub fn note(&self, intents: Intents) {
        self.cancel.store(intents.cancel, Ordering::Relaxed);
        self.pause.store(intents.pause, Ordering::Relaxed);
        self.stop.store(intents.stop, Ordering::Relaxed);
        self.policy_version.store(intents.policy_version, Ordering::Relaxed);
    }

    /// How much longer commands may be sent.
    pub fn remaining(&self) -> Duration {
        if self.lost.is_cancelled() {
            return Duration::ZERO;
        }
        lock(&self.until).saturating_duration_since(Instant::now())
    }

    /// Cancelled when the session is not this worker's any more.
    pub fn lost(&self) -> &CancellationToken {
        &self.lost
    }

    /// The run that is in flight at the computer, as far as it is recorded.
    pub fn run_in_flight(&self) -> Option<Uuid> {
        *lock(&self.run)
    }

    /// Notes which run is in flight.
    pub fn note_run(&self, run: Option<Uuid>) {
        *lock(&self.run) = run;
    }

    /// The claim, as long as it is not in the database.
    pub fn unwritten(&self) -> Option<ClaimedNow> {
        *lock(&self.unwritten)
    }

    /// Notes that the claim has to be written with whatever is written first, or that it is written.
    pub fn note_unwritten(&self, claim: Option<ClaimedNow>) {
        *lock(&self.unwritten) = claim;
    }

    fn extend(&self, until: Instant) {
        let mut current = lock(&self.until);
        *current = until.max(*current);
    }
}

/// Sessions that are held, each under its dispatch.
pub type Held = Vec<(SessionId, i32)>;

/// All leases of a worker.
#[derive(Debug, Default)]
pub struct Leases {
    held: Mutex<HashMap<SessionId, Arc<Lease>>>,
}

impl Leases {
    /// Adds a lease. An older one of the same session is lost: nobody renews it any more.
    pub fn add(&self, lease: Arc<Lease>) {
        if let Some(older) = lock(&self.held).insert(lease.session, lease) {
            older.lost.cancel();
        }
    }

    /// Lets go of a lease that was settled, unless a newer one of the same session has taken its place.
    pub fn remove(&self, lease: &Lease) {
        let mut held = lock(&self.held);
        if held.get(&lease.session).is_some_and(|other| std::ptr::eq(&raw const **other, lease)) {
            held.remove(&lease.session);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        lock(&self.held).len()
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, those first that are certain for less than `enough` and have to be extended, then the others.
    pub fn by_age(&self, enough: Duration) -> (Held, Held) {
        let held = lock(&self.held);
        let (ageing, fresh): (Vec<&Arc<Lease>>, Vec<_>) = held.values().partition(|lease| lease.remaining() < enough);
        let names = |leases: Vec<&Arc<Lease>>| leases.iter().map(|lease| (lease.session, lease.dispatch)).collect();
        (names(ageing), names(fresh))
    }

    /// Takes in what the database said of those that were asked for: those that did not come back are lost; the others
    /// are certain until `until` if they were extended.
    pub fn answered(&self, asked: &[(SessionId, i32)], renewed: &[Renewed], until: Option<Instant>) {
        let held = lock(&self.held);
        let back: HashMap<SessionId, &Renewed> = renewed.iter().map(|renewed| (renewed.session, renewed)).collect();
        for (session, dispatch) in asked {
            let Some(lease) = held.get(session).filter(|lease| lease.dispatch == *dispatch) else { continue };
            match back.get(session).filter(|renewed| renewed.dispatch == *dispatch) {
                Some(renewed) => {
                    if let Some(until) = until {
                        lease.extend(until);
                    }
                    lease.note(renewed.intents);
                }
                None => lease.lost.cancel(),
            }
        }
    }

    /// Gives up those whose end is near and that could not be renewed.
    pub fn give_up_lapsed(&self) {
        for lease in lock(&self.held).values() {
            if lease.remaining().is_zero() {
                lease.lost.cancel();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
