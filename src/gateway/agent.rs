//! What a gateway knows of one connected agent.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use pitcrew_protocol::FromGateway;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::domain::ComputerId;
use crate::store::presence::Presence;

/// Frames to one agent that wait to be written before it is taken for stuck.
const FRAMES_MAX: usize = 32;
/// Commands to one agent without an answer; past it the oldest is forgotten, whose sender has long stopped waiting.
const ASKED_MAX: usize = 32;

/// One connected agent.
pub(super) struct Agent {
    /// What the database is told of it.
    pub(super) presence: Presence,
    frames: mpsc::Sender<FromGateway>,
    known: AtomicBool,
    pongs: AtomicU64,
    farewell: OnceLock<Farewell>,
    over: CancellationToken,
    talk: Mutex<Talk>,
}

/// The last word to an agent.
#[derive(Debug, Clone)]
pub(super) struct Farewell {
    pub(super) reason: String,
    pub(super) retry_after: Duration,
}

/// Who asked for what.
#[derive(Default)]
struct Talk {
    epoch: i64,
    asked: VecDeque<Asker>,
    /// The run in flight, and who wants to be told its outcome.
    watched: Option<(Uuid, Asker)>,
}

/// Who sent a command, and which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asker {
    pub(super) request: Uuid,
    pub(super) reply_to: String,
}

impl Agent {
    /// Also returns the frames to write to it.
    pub(super) fn new(presence: Presence) -> (Self, mpsc::Receiver<FromGateway>) {
        let (frames, to_write) = mpsc::channel(FRAMES_MAX);
        let talk = Mutex::new(Talk { epoch: presence.epoch, ..Talk::default() });
        let (known, farewell, over) = (AtomicBool::new(false), OnceLock::new(), CancellationToken::new());
        (Agent { presence, frames, known, pongs: AtomicU64::new(0), farewell, over, talk }, to_write)
    }

    pub(super) fn computer(&self) -> ComputerId {
        self.presence.computer
    }

    /// The database knows of it now.
    pub(super) fn is_known_now(&self) {
        self.known.store(true, Ordering::Release);
    }

    /// True once the database knows of it.
    pub(super) fn is_known(&self) -> bool {
        self.known.load(Ordering::Acquire)
    }

    /// It has answered a ping.
    pub(super) fn has_answered_a_ping(&self) {
        self.pongs.fetch_add(1, Ordering::Relaxed);
    }

    /// How many pings it has answered.
    pub(super) fn pongs(&self) -> u64 {
        self.pongs.load(Ordering::Relaxed)
    }

    /// Hands a frame to the writer; false if the connection is over or too many frames wait.
    pub(super) fn send(&self, frame: FromGateway) -> bool {
        !self.over.is_cancelled() && self.frames.try_send(frame).is_ok()
    }

    /// Ends the connection, with a last word to the agent. The first word stays.
    pub(super) fn close(&self, reason: impl Into<String>, retry_after: Duration) {
        let _ = self.farewell.set(Farewell { reason: reason.into(), retry_after });
        self.over.cancel();
    }

    /// Ends the connection without a word: it is gone already.
    pub(super) fn end(&self) {
        self.over.cancel();
    }

    /// Cancelled when the connection is to end.
    pub(super) fn over(&self) -> &CancellationToken {
        &self.over
    }

    pub(super) fn farewell(&self) -> Option<&Farewell> {
        self.farewell.get()
    }

    /// Notes who asked, before the request is sent.
    pub(super) fn asked(&self, asker: Asker) {
        let mut talk = self.talk();
        if talk.asked.len() == ASKED_MAX {
            talk.asked.pop_front();
        }
        talk.asked.push_back(asker);
    }

    /// The agent has answered a request, having seen `epoch`. Whoever asked wants the outcome of what is in flight.
    /// None if nobody asked, or not lately.
    pub(super) fn answered(&self, request: Uuid, epoch: i64, in_flight: Option<Uuid>) -> Option<Asker> {
        let mut talk = self.talk();
        talk.epoch = talk.epoch.max(epoch);
        let at = talk.asked.iter().position(|asker| asker.request == request)?;
        let asker = talk.asked.remove(at)?;
        if let Some(run_id) = in_flight {
            talk.watched = Some((run_id, asker.clone()));
        }
        Some(asker)
    }

    /// Whoever wants to be told the outcome of a run, once.
    pub(super) fn watcher_of(&self, run_id: Uuid) -> Option<Asker> {
        self.talk().watched.take_if(|(watched, _)| *watched == run_id).map(|(_, asker)| asker)
    }

    /// The highest epoch it is known to have seen.
    pub(super) fn epoch(&self) -> i64 {
        self.talk().epoch
    }

    fn talk(&self) -> MutexGuard<'_, Talk> {
        self.talk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agent() -> Agent {
        let presence = Presence {
            computer: ComputerId(1),
            connection: Uuid::from_u128(1),
            agent_version: String::new(),
            boot_id: String::new(),
            epoch: 3,
        };
        Agent::new(presence).0
    }

    fn asker(request: u128) -> Asker {
        Asker { request: Uuid::from_u128(request), reply_to: "worker".into() }
    }

    #[test]
    fn an_answer_goes_to_whoever_asked_and_the_outcome_to_whoever_asked_last() {
        let (agent, run) = (agent(), Uuid::from_u128(9));
        agent.asked(asker(1));
        agent.asked(asker(2));
        assert_eq!(agent.answered(Uuid::from_u128(1), 4, Some(run)), Some(asker(1)));
        assert_eq!(agent.answered(Uuid::from_u128(1), 4, Some(run)), None);
        assert_eq!(agent.answered(Uuid::from_u128(2), 2, Some(run)), Some(asker(2)));
        assert_eq!(agent.epoch(), 4);
        assert_eq!(agent.watcher_of(Uuid::from_u128(8)), None);
        assert_eq!(agent.watcher_of(run), Some(asker(2)));
        assert_eq!(agent.watcher_of(run), None);
    }

    #[test]
    fn what_is_never_answered_is_forgotten() {
        let agent = agent();
        (0..100).for_each(|request| agent.asked(asker(request)));
        assert_eq!(agent.talk().asked.len(), ASKED_MAX);
        assert_eq!(agent.answered(Uuid::from_u128(0), 1, None), None);
        assert_eq!(agent.answered(Uuid::from_u128(99), 1, None), Some(asker(99)));
    }
}
