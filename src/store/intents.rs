//! What people ask of sessions: cancel, pause, resume.

use jiff::Timestamp;

use super::gate::Entry;
use super::{Error, Store};
use crate::domain::SessionId;
use crate::domain::session::{Intent, Session};
use crate::lifecycle::Change;
use crate::lifecycle::cancel::cancel;
use crate::lifecycle::pause::pause;
use crate::lifecycle::resume::resume;

/// What is asked of sessions that are not final.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// That they are called off.
    Cancel,
    /// That they halt.
    Pause,
    /// That they go on.
    Resume,
}

impl Wish {
    /// What it changes about a session; none if nothing.
    fn change(self, session: &Session, intent: &Intent, now: Timestamp) -> Option<Change> {
        match self {
            Wish::Cancel => cancel(session, intent.clone(), now),
            Wish::Pause => pause(session, intent.clone(), now),
            Wish::Resume => resume(session, &intent.by, &intent.reason, now),
        }
    }
}

impl Store {
    /// Cancels live sessions, at once or through their workers. Returns those that were changed, as they are now.
    pub async fn cancel(&self, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        self.ask(Wish::Cancel, ids, by, reason).await
    }

    /// Pauses live sessions, at once or at their next point between actions. Returns those that were changed.
    pub async fn pause(&self, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        self.ask(Wish::Pause, ids, by, reason).await
    }

    /// Lets paused sessions go on. Returns those that were changed.
    pub async fn resume(&self, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        self.ask(Wish::Resume, ids, by, reason).await
    }

    /// Asks it of live sessions. Returns those that were changed, as they are now.
    pub async fn ask(&self, wish: Wish, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        let now = self.ask_time().await?;
        let intent = Intent { by: by.to_owned(), reason: reason.to_owned(), at: now };
        let written = self.decide(ids, |session| wish.change(session, &intent, now).map(Entry::bare)).await?;
        Ok(written.into_iter().map(|entry| entry.change.after).collect())
    }

    /// Those of these sessions that [`Store::ask`] would change now. Changes nothing.
    pub async fn would_ask(&self, wish: Wish, ids: &[SessionId]) -> Result<Vec<SessionId>, Error> {
        let now = self.ask_time().await?;
        let intent = Intent { by: String::new(), reason: String::new(), at: now };
        let live = self.live_sessions(ids).await?;
        Ok(live.iter().filter(|it| wish.change(it, &intent, now).is_some()).map(|it| it.id).collect())
    }
}
