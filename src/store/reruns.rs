//! Running a session again, or one of its actions: a new session with the order of a final one, linked to it.

mod latest;

use tokio_postgres::types::Json;

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

/// Sessions that an audit entry names.
const AUDITED: usize = 20;

/// A live session of `computer c`, as `already`, that is not to be called off and runs session `$2` again, all of it or
/// item `$3`, or does what a new one of the kind `$4`, the priority `$5` and the order `$6` would: by what a submission
/// asks.
const SUCH_A_SESSION: &str = "(
    SELECT min(s.id) FROM session s
    WHERE s.computer_id = c.id AND s.cancel IS NULL AND (
        EXISTS (SELECT FROM rerun r WHERE r.session_id = $2 AND r.rerun_id = s.id AND r.item IS NOT DISTINCT FROM $3)
        OR s.kind = $4 AND s.priority <= $5
           AND s.status = 'pending' AND s.pause IS NULL AND s.run_in_flight IS NULL
           AND (s.stage = 'detection' OR s.started_at IS NULL) AND s.waiting_on NOT IN ('schedule', 'postponed')
           AND s.\"order\" - $7::text[] = $6::jsonb - $7::text[]
           AND coalesce(s.\"order\" -> 'deployments', '[]') @> coalesce($6::jsonb -> 'deployments', '[]')
           AND coalesce(s.\"order\" -> 'deployments', '[]') <@ coalesce($6::jsonb -> 'deployments', '[]')
           AND (NOT ($6::jsonb -> 'inventory')::boolean OR (s.\"order\" -> 'inventory')::boolean))) AS already";

/// What an order says of who asked, why and how, and not of what is to be done; and what is compared in another way.
const NOT_COMPARED: [&str; 8] =
    ["by", "reason", "origin", "group", "rerun_of", "traceparent", "deployments", "inventory"];

/// What became of a wish to run a session again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rerun {
    /// This session does.
    Made(SessionId),
    /// This session, which is not final yet, does already.
    Already(SessionId),
    /// It cannot be; a sentence says why.
    Refused(String),
}

/// A session, and what is to be submitted to run it again or what comes of it otherwise.
type Weighed = (SessionId, Result<Again, Rerun>);

/// A session that can be run again: what is to be submitted, and the name of its computer.
struct Again {
    submission: Submission,
    computer: String,
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
        let became = self.rerun_all(std::slice::from_ref(session), item, from, reason).await?;
        let none = || Rerun::Refused("No session was made.".to_owned());
        Ok(became.into_iter().next().map_or_else(none, |(_, became)| became))
    }

    /// The same for several, which become one group; what became of each, in their order.
    pub async fn rerun_all(
        &self,
        sessions: &[Session],
        item: Option<&Item>,
        from: &Submitter,
        reason: &str,
    ) -> Result<Vec<(SessionId, Rerun)>, Error> {
        let item = item.map(whole);
        let weighed = self.weigh(sessions, item.as_ref(), from, reason).await?;
        let again: Vec<(SessionId, &Again)> =
            weighed.iter().filter_map(|(id, one)| Some((*id, one.as_ref().ok()?))).collect();
        let made = match again.as_slice() {
            [] => Vec::new(),
            several => {
                let scope = match several {
                    [(session, one)] => serde_json::json!({
                        "session": session, "item": item, "computer": one.computer,
                        "reboot": one.submission.order.reboot,
                    }),
                    several => serde_json::json!({
                        "sessions": several.iter().take(AUDITED).map(|(session, _)| session).collect::<Vec<_>>(),
                        "and": several.len().saturating_sub(AUDITED), "item": item,
                    }),
                };
                let (actor, reason) = (from.name.clone(), reason.to_owned());
                let audit = Audit { actor, action: "session.rerun", scope, reason };
                let submissions = several.iter().map(|(_, one)| one.submission.clone()).collect();
                match self.submit_audited(submissions, None, Some(&audit)).await? {
                    Accepted::New(made) | Accepted::Before(made) => made,
                    Accepted::KeyConflict => Vec::new(),
                }
            }
        };
        let mut made = made.into_iter();
        let mut became = |one| match one {
            Ok(Again { .. }) => {
                made.next().map_or_else(|| Rerun::Refused("No session was made.".to_owned()), Rerun::Made)
            }
            Err(other) => other,
        };
        Ok(weighed.into_iter().map(|(id, one)| (id, became(one))).collect())
    }

    /// What [`Store::rerun_all`] would come to now; none for those for which it would make a session. Makes nothing.
    pub async fn would_rerun(
        &self,
        sessions: &[Session],
        item: Option<&Item>,
        from: &Submitter,
        reason: &str,
    ) -> Result<Vec<(SessionId, Option<Rerun>)>, Error> {
        let item = item.map(whole);
        let weighed = self.weigh(sessions, item.as_ref(), from, reason).await?;
        Ok(weighed.into_iter().map(|(id, one)| (id, one.err())).collect())
    }

    /// What is to be submitted for each session, or what comes of it otherwise.
    async fn weigh(
        &self,
        sessions: &[Session],
        item: Option<&Item>,
        from: &Submitter,
        reason: &str,
    ) -> Result<Vec<Weighed>, Error> {
        let mut weighed = Vec::with_capacity(sessions.len());
        for session in sessions {
            weighed.push((session.id, self.prepare(session, item, from, reason).await?));
        }
        latest::keep(&mut weighed);
        Ok(weighed)
    }

    /// What is to be submitted to run a session again, or why it is not.
    async fn prepare(
        &self,
        session: &Session,
        item: Option<&Item>,
        from: &Submitter,
        reason: &str,
    ) -> Result<Result<Again, Rerun>, Error> {
        let id = session.id;
        let refused = |why: String| Ok(Err(Rerun::Refused(why)));
        if !session.status.is_final() {
            return refused(format!("Session {id} is {}; only a final one is run again.", session.status));
        }
        if let Some(item) = item
            && let Some(why) = self.no_such_action(session, item).await?
        {
            return refused(why);
        }
        // Another item of a repair is not what was to be repaired.
        let kind = match item {
            Some(item) if session.kind == Kind::Repair && session.order.item.as_ref() != Some(item) => Kind::Full,
            Some(_) | None => session.kind,
        };
        let order = Order {
            item: item.cloned().or_else(|| session.order.item.clone()),
            by: from.name.clone(),
            reason: reason.to_owned(),
            origin: "rerun".to_owned(),
            group: None,
            rerun_of: Some(id),
            traceparent: from.traceparent.clone(),
            ..session.order.clone()
        };
        let client = self.client().await?;
        let row = client
            .query_opt(
                &format!("SELECT c.tenant_id, c.name, c.excluded, {SUCH_A_SESSION} FROM computer c WHERE c.id = $1"),
                &[
                    &session.computer.0,
                    &id.0,
                    &item.map(ToString::to_string),
                    &kind.as_str(),
                    &session.priority.rank(),
                    &Json(&order),
                    &NOT_COMPARED.as_slice(),
                ],
            )
            .await
            .doing("looking for a session's computer")?;
        drop(client);
        let Some(row) = row else {
            return refused(format!("The computer of session {id} is not in the fleet any more."));
        };
        if let Some(already) = row.get("already") {
            return Ok(Err(Rerun::Already(SessionId(already))));
        }
        let computer: String = row.get("name");
        if row.get("excluded") && !takes_excluded(kind) {
            return refused(format!("The computer \"{computer}\" is excluded from maintenance."));
        }
        let submission = Submission {
            tenant: TenantId(row.get("tenant_id")),
            computer: session.computer,
            kind,
            priority: session.priority,
            not_before: None,
            order,
        };
        Ok(Ok(Again { submission, computer }))
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

/// What a task's test has named is run again with its task: only that looks whether it is still missing.
fn whole(item: &Item) -> Item {
    item.parent().unwrap_or_else(|| item.clone())
}
