//! Running a session again: a new session with the order of a final one, linked to it.

use super::audit::Audit;
use super::error::Doing;
use super::sessions::Accepted;
use super::submissions::Submitter;
use super::{Error, Store};
use crate::domain::session::{Order, Session};
use crate::domain::{SessionId, TenantId};
use crate::lifecycle::submit::Submission;

/// What became of a wish to run a session again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rerun {
    /// This session does.
    Made(SessionId),
    /// It cannot be; a sentence says why.
    Refused(String),
}

impl Store {
    /// Makes a new session with the order of a final one, linked to it.
    pub async fn rerun(&self, session: &Session, from: &Submitter, reason: &str) -> Result<Rerun, Error> {
        let id = session.id;
        if !session.status.is_final() {
            return Ok(Rerun::Refused(format!("Session {id} is {}; only a final one is run again.", session.status)));
        }
        let client = self.client().await?;
        let row = client
            .query_opt("SELECT tenant_id, name, excluded FROM computer WHERE id = $1", &[&session.computer.0])
            .await
            .doing("looking for a session's computer")?;
        drop(client);
        let Some(row) = row else {
            return Ok(Rerun::Refused(format!("The computer of session {id} is not in the fleet any more.")));
        };
        let name: String = row.get("name");
        if row.get("excluded") {
            return Ok(Rerun::Refused(format!("The computer \"{name}\" is excluded from maintenance.")));
        }
        let submission = Submission {
            tenant: TenantId(row.get("tenant_id")),
            computer: session.computer,
            kind: session.kind,
            priority: session.priority,
            not_before: None,
            order: Order {
                by: from.name.clone(),
                reason: reason.to_owned(),
                origin: "rerun".to_owned(),
                rerun_of: Some(id),
                traceparent: from.traceparent.clone(),
                ..session.order.clone()
            },
        };
        let audit = Audit {
            actor: from.name.clone(),
            action: "session.rerun",
            scope: serde_json::json!({ "session": id, "computer": name, "reboot": session.order.reboot }),
            reason: reason.to_owned(),
        };
        match self.submit_audited(vec![submission], None, Some(&audit)).await? {
            Accepted::New(made) | Accepted::Before(made) => match made.first() {
                Some(new) => Ok(Rerun::Made(*new)),
                None => Ok(Rerun::Refused("No session was made.".to_owned())),
            },
            Accepted::KeyConflict => Ok(Rerun::Refused("No session was made.".to_owned())),
        }
    }
}
