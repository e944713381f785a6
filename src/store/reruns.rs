//! Running a session again, or one of its actions: a new session with the order of a final one, linked to it.

use super::audit::Audit;
use super::error::Doing;
use super::sessions::Accepted;
use super::submissions::{Submitter, takes_excluded};
use super::{Error, Store, rows};
use crate::domain::report::RerunLine;
use crate::domain::session::{Kind, Order, Session, Stage};
use crate::domain::suggest::did_you_mean;
use crate::domain::{Item, SessionId, TenantId};
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
    /// Makes a new session with the order of a final one, linked to it; with `item`, only for the action of that item,
    /// what it needs and what configures it.
    pub async fn rerun(
        &self,
        session: &Session,
        item: Option<&Item>,
        from: &Submitter,
        reason: &str,
    ) -> Result<Rerun, Error> {
        // What a task's test has named is run again with its task: only that looks whether it is still missing.
        let task = item.and_then(Item::parent);
        let item = task.as_ref().or(item);
        let id = session.id;
        if !session.status.is_final() {
            return Ok(Rerun::Refused(format!("Session {id} is {}; only a final one is run again.", session.status)));
        }
        if let Some(item) = item
            && let Some(why) = self.no_such_action(session, item).await?
        {
            return Ok(Rerun::Refused(why));
        }
        // Another item of a repair is not what was to be repaired.
        let kind = match item {
            Some(item) if session.kind == Kind::Repair && session.order.item.as_ref() != Some(item) => Kind::Full,
            Some(_) | None => session.kind,
        };
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
        if row.get("excluded") && !takes_excluded(kind) {
            return Ok(Rerun::Refused(format!("The computer \"{name}\" is excluded from maintenance.")));
        }
        let submission = Submission {
            tenant: TenantId(row.get("tenant_id")),
            computer: session.computer,
            kind,
            priority: session.priority,
            not_before: None,
            order: Order {
                item: item.cloned().or_else(|| session.order.item.clone()),
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
            scope: serde_json::json!({ "session": id, "item": item, "computer": name, "reboot": session.order.reboot }),
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

    /// The sessions that ran a session again, the first first.
    pub async fn reruns_of(&self, session: SessionId) -> Result<Vec<RerunLine>, Error> {
        let client = self.client().await?;
        let found = client
            .query(
                "SELECT r.rerun_id, r.item, r.at, coalesce(h.status, s.status) AS status,
                        coalesce((SELECT a.result FROM action a
                                  WHERE a.session_id = r.rerun_id AND a.item = r.item AND a.result IS NOT NULL
                                  ORDER BY a.dispatch DESC, a.seq DESC LIMIT 1),
                                 CASE WHEN h.status = 'completed' AND r.item IS NOT NULL THEN 'success' END) AS result
                 FROM rerun r LEFT JOIN session s ON s.id = r.rerun_id
                 LEFT JOIN session_history h ON h.id = r.rerun_id
                 WHERE r.session_id = $1 AND coalesce(h.status, s.status) IS NOT NULL ORDER BY r.at, r.rerun_id",
                &[&session.0],
            )
            .await
            .doing("looking for what ran a session again")?;
        found
            .iter()
            .map(|row| {
                Ok(RerunLine {
                    session: SessionId(row.get("rerun_id")),
                    item: row.get("item"),
                    at: row.get("at"),
                    status: rows::word(row, "status")?,
                    result: rows::optional_word(row, "result")?,
                })
            })
            .collect()
    }

    /// Why the action of an item cannot be run again; none if it can.
    async fn no_such_action(&self, session: &Session, item: &Item) -> Result<Option<String>, Error> {
        let (id, kind) = (session.id, session.kind);
        if !kind.stages().contains(&Stage::Execution) {
            return Ok(Some(format!("Session {id} is of the kind {kind}, which has no actions; run all of it again.")));
        }
        let client = self.client().await?;
        let found = client
            .query("SELECT DISTINCT item FROM action WHERE session_id = $1 ORDER BY item", &[&id.0])
            .await
            .doing("looking for a session's actions")?;
        let items: Vec<String> = found.iter().map(|row| row.get("item")).collect();
        let wanted = item.to_string();
        if items.contains(&wanted) {
            return Ok(None);
        }
        let near = did_you_mean(&wanted, items.iter().map(String::as_str));
        let others = match items.len() {
            0 => "it has none.".to_owned(),
            1..=12 => format!("it has: {}.", items.join(", ")),
            more => format!("it has {more} others."),
        };
        Ok(Some(format!("Session {id} has no action for {wanted}; {others}{near}")))
    }
}
