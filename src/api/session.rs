//! One session, from every side.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::caller::Caller;
use super::problem::Problem;
use super::query::{Named, Whole, Words};
use super::router::Api;
use crate::domain::findings::Finding;
use crate::domain::plan::Plan;
use crate::domain::report::{
    self, ActionLine, Found, LogEntry, Report, RerunLine, SessionDetail, SessionLine, Timeline, Why,
};
use crate::domain::session::{Session, Status};
use crate::domain::{SessionId, Sha256Hash};

/// The plan of a session.
#[derive(Debug, Serialize)]
pub(super) struct ShownPlan {
    hash: String,
    plan: Plan,
}

/// `GET /v1/sessions/{id}`
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
) -> Result<Json<SessionDetail>, Problem> {
    let session = caller.session(id).await?;
    let line = line(&api, id).await?;
    let transitions = api.store.transitions(id).await?;
    let (reruns, standing) = again(&api, &session).await?;
    Ok(Json(SessionDetail { reruns, standing, ..SessionDetail::of(line, session, &transitions) }))
}

/// `GET /v1/sessions/{id}/actions`
pub(super) async fn actions(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
) -> Result<Json<Whole<ActionLine>>, Problem> {
    caller.session(id).await?;
    Ok(Json(Whole { items: api.store.actions(id).await? }))
}

/// `GET /v1/sessions/{id}/logs`
pub(super) async fn logs(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
    words: Words,
) -> Result<Json<Whole<LogEntry>>, Problem> {
    words.only(&["action"])?;
    caller.session(id).await?;
    Ok(Json(Whole { items: api.store.logs(id, words.one("action")?).await? }))
}

/// `GET /v1/sessions/{id}/timeline`
pub(super) async fn timeline(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
) -> Result<Json<Timeline>, Problem> {
    let session = caller.session(id).await?;
    Ok(Json(timeline_of(&api, &session).await?))
}

/// `GET /v1/sessions/{id}/plan`
pub(super) async fn plan(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
) -> Result<Json<ShownPlan>, Problem> {
    caller.session(id).await?;
    let stored = api.store.plan(id).await?;
    let stored = stored.ok_or_else(|| Problem::not_found(format!("plan of session {id} yet")))?;
    let hash = stored.plan.hash();
    Ok(Json(ShownPlan { hash: hash_text(stored.hash.as_deref(), &hash), plan: stored.plan }))
}

/// `GET /v1/sessions/{id}/why`
pub(super) async fn why(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
) -> Result<Json<Why>, Problem> {
    let session = caller.session(id).await?;
    Ok(Json(why_of(&api, &session).await?))
}

/// `GET /v1/sessions/{id}/report`
pub(super) async fn report(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
) -> Result<Json<Report>, Problem> {
    let session = caller.session(id).await?;
    let stored = api.store.plan(id).await?;
    let found = api.store.findings(id).await?.map(|findings| Found {
        items: findings.items.len(),
        compliant: stored.as_ref().map(|stored| stored.plan.compliant),
        unknown: findings.items.values().filter(|finding| matches!(finding, Finding::Failed { .. })).count(),
        inventory: findings.inventory,
    });
    let (reruns, standing) = again(&api, &session).await?;
    Ok(Json(Report {
        reruns,
        standing,
        session: line(&api, id).await?,
        found,
        actions: api.store.actions(id).await?,
        plan: stored.map(|stored| hash_text(stored.hash.as_deref(), &stored.plan.hash())),
        why: why_of(&api, &session).await?,
        took: timeline_of(&api, &session).await?.sums,
    }))
}

async fn line(api: &Api, id: SessionId) -> Result<SessionLine, Problem> {
    api.store.session_line(id).await?.ok_or_else(|| Problem::not_found(format!("session {id}")))
}

/// What ran a session again, and how it stands with that.
async fn again(api: &Api, session: &Session) -> Result<(Vec<RerunLine>, Option<Status>), Problem> {
    let reruns = api.store.reruns_of(session.id).await?;
    if reruns.iter().all(|rerun| rerun.result.is_none()) {
        return Ok((reruns, None));
    }
    let compliant = api.store.plan(session.id).await?.map_or(0, |stored| stored.plan.compliant);
    let standing = report::standing(session, &api.store.actions(session.id).await?, compliant, &reruns);
    Ok((reruns, standing))
}

async fn timeline_of(api: &Api, session: &Session) -> Result<Timeline, Problem> {
    let transitions = api.store.transitions(session.id).await?;
    Ok(report::timeline(session, transitions, api.store.ask_time().await?))
}

async fn why_of(api: &Api, session: &Session) -> Result<Why, Problem> {
    let facts = api.store.facts(session).await?;
    Ok(report::why(session, &facts, api.store.ask_time().await?))
}

/// The stored hash if there is one, or the one that is reckoned.
fn hash_text(stored: Option<&[u8]>, reckoned: &Sha256Hash) -> String {
    match stored {
        Some(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        None => reckoned.to_string(),
    }
}
