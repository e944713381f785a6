//! What people ask of several sessions at once: cancel, pause, resume, run again. Each is answered for; none hinders another.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::counted::counted;
use crate::domain::report::{Reruns, RunAgain, SessionLine, Several, Unchanged};
use crate::domain::session::{Kind, Status};
use crate::domain::{Item, Role, SessionId};
use crate::store::intents::Wish;
use crate::store::listings::Filter;
use crate::store::reruns::Rerun;

/// Sessions that one call is for at most.
const MOST: usize = 10_000;
/// Sessions that an audit entry names.
const AUDITED: usize = 20;

/// Which sessions are meant, and why. What is absent does not narrow; something must.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chosen {
    /// These.
    sessions: Option<Vec<SessionId>>,
    /// Those of this group.
    group: Option<SessionId>,
    /// Those of this tenant.
    tenant: Option<String>,
    /// Those of this computer.
    computer: Option<String>,
    /// Those of this kind.
    kind: Option<Kind>,
    /// Those in one of these.
    #[serde(default)]
    status: Vec<Status>,
    /// Those that this one asked for.
    by: Option<String>,
    /// Those that this made.
    origin: Option<String>,
    /// Those submitted since then.
    since: Option<Timestamp>,
    /// When they are run again: only the action of this item.
    item: Option<Item>,
    /// Only say which these are.
    #[serde(default)]
    dry_run: bool,
    /// In the caller's words.
    #[serde(default)]
    reason: String,
}

/// `POST /v1/sessions/cancel`
pub(super) async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Body(chosen): Body<Chosen>,
) -> Result<Json<Several>, Problem> {
    ask(&api, &caller, Wish::Cancel, &chosen).await
}

/// `POST /v1/sessions/pause`
pub(super) async fn pause(
    State(api): State<Api>,
    caller: Caller,
    Body(chosen): Body<Chosen>,
) -> Result<Json<Several>, Problem> {
    ask(&api, &caller, Wish::Pause, &chosen).await
}

/// `POST /v1/sessions/resume`
pub(super) async fn resume(
    State(api): State<Api>,
    caller: Caller,
    Body(chosen): Body<Chosen>,
) -> Result<Json<Several>, Problem> {
    ask(&api, &caller, Wish::Resume, &chosen).await
}

/// `POST /v1/sessions/rerun`: new sessions with the same orders, each linked to the one that it runs again.
pub(super) async fn rerun(
    State(api): State<Api>,
    caller: Caller,
    Body(chosen): Body<Chosen>,
) -> Result<(StatusCode, Json<Reruns>), Problem> {
    caller.must_be(Role::Operator)?;
    let (lines, mut unchanged) = chosen.lines(&api, &caller, Status::is_final).await?;
    let mut sessions = Vec::with_capacity(lines.len());
    for line in &lines {
        sessions.extend(api.store.session(line.id).await?);
    }
    let submitter = caller.submitter();
    let (item, reason) = (chosen.item.as_ref(), chosen.reason.as_str());
    let became: Vec<(SessionId, Option<Rerun>)> = if chosen.dry_run {
        api.store.would_rerun(&sessions, item, &submitter, reason).await?
    } else {
        let became = api.store.rerun_all(&sessions, item, &submitter, reason).await?;
        api.store.wake_scheduler();
        became.into_iter().map(|(session, became)| (session, Some(became))).collect()
    };
    let mut again = Vec::new();
    for (session, became) in became {
        match became {
            None => again.push(RunAgain { session, rerun: None, already: false }),
            Some(Rerun::Made(rerun)) => again.push(RunAgain { session, rerun: Some(rerun), already: false }),
            Some(Rerun::Already(rerun)) => again.push(RunAgain { session, rerun: Some(rerun), already: true }),
            Some(Rerun::Refused(why)) => unchanged.push(Unchanged { session, why }),
        }
    }
    unchanged.sort_by_key(|it| it.session);
    let new: Vec<SessionId> = again.iter().filter(|it| !it.already).filter_map(|it| it.rerun).collect();
    let group = new.first().copied().filter(|_| new.len() > 1);
    let status = if new.is_empty() { StatusCode::OK } else { StatusCode::CREATED };
    Ok((status, Json(Reruns { sessions: again, group, unchanged, dry_run: chosen.dry_run })))
}

async fn ask(api: &Api, caller: &Caller, wish: Wish, chosen: &Chosen) -> Result<Json<Several>, Problem> {
    caller.must_be(Role::Operator)?;
    if chosen.item.is_some() {
        return Err(Problem::bad_request("\"item\" is for running sessions again."));
    }
    let (lines, mut unchanged) = chosen.lines(api, caller, |status| !status.is_final()).await?;
    let ids: Vec<SessionId> = lines.iter().map(|line| line.id).collect();
    if ids.is_empty() {
        return Ok(Json(Several { sessions: ids, unchanged, dry_run: chosen.dry_run }));
    }
    let (action, already) = match wish {
        Wish::Cancel => ("session.cancel", "It is to be called off already, or has just ended."),
        Wish::Pause => ("session.pause", "It is paused already, or has just ended."),
        Wish::Resume => ("session.resume", "It is not paused."),
    };
    let mut sessions = if chosen.dry_run {
        api.store.would_ask(wish, &ids).await?
    } else {
        caller.audit(action, audited(&ids), &chosen.reason).await?;
        let changed = api.store.ask(wish, &ids, caller.name(), &chosen.reason).await?;
        api.store.wake_scheduler();
        changed.iter().map(|session| session.id).collect()
    };
    sessions.sort_unstable();
    let left = ids.into_iter().filter(|id| sessions.binary_search(id).is_err());
    unchanged.extend(left.map(|session| Unchanged { session, why: already.to_owned() }));
    unchanged.sort_by_key(|it| it.session);
    Ok(Json(Several { sessions, unchanged, dry_run: chosen.dry_run }))
}

/// Thousands of ids would make the audit unreadable; the sessions themselves say what was done to them.
fn audited(ids: &[SessionId]) -> Value {
    json!({ "sessions": ids.iter().take(AUDITED).collect::<Vec<_>>(), "and": ids.len().saturating_sub(AUDITED) })
}

impl Chosen {
    /// The sessions that are meant and `may` be asked, the oldest first, and those that are named and may not.
    async fn lines(
        &self,
        api: &Api,
        caller: &Caller,
        may: impl Fn(Status) -> bool,
    ) -> Result<(Vec<SessionLine>, Vec<Unchanged>), Problem> {
        let mut filter = self.filter(caller).await?;
        if filter.ids.is_none() {
            let asked = filter.status.is_empty();
            filter.status = Status::ALL
                .iter()
                .copied()
                .filter(|status| may(*status) && (asked || self.status.contains(status)))
                .collect();
            // Nothing that is asked for can be in any of these.
            if filter.status.is_empty() {
                return Ok((Vec::new(), Vec::new()));
            }
        }
        let mut page = api.store.list_sessions(&filter, None, MOST).await?;
        if page.next.is_some() {
            let detail = format!("These are more than {MOST} sessions. Narrow it, or do it in parts.");
            return Err(Problem::bad_request(detail));
        }
        page.items.reverse();
        let mut unchanged = Vec::new();
        for id in self.sessions.iter().flatten() {
            if page.items.iter().all(|line| line.id != *id) {
                unchanged.push(Unchanged { session: *id, why: "There is no such session.".to_owned() });
            }
        }
        let (lines, others): (Vec<_>, Vec<_>) = page.items.into_iter().partition(|line| may(line.status));
        unchanged.extend(others.into_iter().map(|line| Unchanged {
            session: line.id,
            why: match line.status.is_final() {
                true => format!("It is {} and never changes again.", line.status),
                false => format!("It is {}; only a final one is run again.", line.status),
            },
        }));
        unchanged.sort_by_key(|it| it.session);
        Ok((lines, unchanged))
    }

    async fn filter(&self, caller: &Caller) -> Result<Filter, Problem> {
        let common = [
            ("group", self.group.is_some()),
            ("tenant", self.tenant.is_some()),
            ("computer", self.computer.is_some()),
            ("kind", self.kind.is_some()),
            ("by", self.by.is_some()),
            ("origin", self.origin.is_some()),
            ("since", self.since.is_some()),
        ];
        let mut said = common.into_iter().filter_map(|(word, is_said)| is_said.then_some(word));
        let first = said.next();
        if self.sessions.is_none() && first.is_none() {
            let detail = "Say which sessions: by sessions, group, tenant, computer, kind, by, origin or since.";
            return Err(Problem::bad_request(detail));
        }
        // One that is named and not among the others would be answered for as if it were not there.
        let others = first.into_iter().chain(said).chain((!self.status.is_empty()).then_some("status"));
        let others: Vec<&str> = others.filter(|_| self.sessions.is_some()).collect();
        if !others.is_empty() {
            let detail = format!(
                "\"sessions\" names each session, so nothing else narrows them. Leave out \"sessions\", or: {}.",
                others.join(", ")
            );
            return Err(Problem::bad_request(detail));
        }
        if let Some(ids) = self.sessions.as_ref().filter(|ids| ids.len() > MOST) {
            let detail = format!("{} are named; at most {MOST} may be.", counted(ids.len() as u64, "session"));
            return Err(Problem::bad_request(detail));
        }
        Ok(Filter {
            status: self.status.clone(),
            kind: self.kind,
            tenant: match &self.tenant {
                Some(name) => Some(caller.tenant_named(name).await?),
                None => caller.tenant(),
            },
            computer: match &self.computer {
                Some(word) => Some(caller.computer(word).await?),
                None => None,
            },
            by: self.by.clone(),
            origin: self.origin.clone(),
            group: self.group,
            since: self.since,
            ids: self.sessions.clone(),
        })
    }
}
