//! What people ask of sessions: cancel, pause, resume.

use super::gate::Entry;
use super::{Error, Store};
use crate::domain::SessionId;
use crate::domain::session::{Intent, Session};
use crate::lifecycle::cancel::cancel;
use crate::lifecycle::pause::pause;
use crate::lifecycle::resume::resume;

impl Store {
    /// Cancels live sessions, at once or through their workers. Returns those that were changed, as they are now.
    pub async fn cancel(&self, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        let now = self.ask_time().await?;
        let intent = Intent { by: by.to_owned(), reason: reason.to_owned(), at: now };
        let written = self.decide(ids, |session| cancel(session, intent.clone(), now).map(Entry::bare)).await?;
        Ok(written.into_iter().map(|entry| entry.change.after).collect())
    }

    /// Pauses live sessions, at once or at their next point between actions. Returns those that were changed.
    pub async fn pause(&self, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        let now = self.ask_time().await?;
        let intent = Intent { by: by.to_owned(), reason: reason.to_owned(), at: now };
        let written = self.decide(ids, |session| pause(session, intent.clone(), now).map(Entry::bare)).await?;
        Ok(written.into_iter().map(|entry| entry.change.after).collect())
    }

    /// Lets paused sessions go on. Returns those that were changed.
    pub async fn resume(&self, ids: &[SessionId], by: &str, reason: &str) -> Result<Vec<Session>, Error> {
        let now = self.ask_time().await?;
        let written = self.decide(ids, |session| resume(session, by, reason, now).map(Entry::bare)).await?;
        Ok(written.into_iter().map(|entry| entry.change.after).collect())
    }
}
