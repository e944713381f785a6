//! What people ask of one session: cancel, pause, resume, run again.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use super::body::{Body, WithReason};
use super::caller::Caller;
use super::problem::Problem;
use super::query::Named;
use super::router::Api;
use crate::domain::report::SessionLine;
use crate::domain::session::Session;
use crate::domain::{Item, Role, SessionId};
use crate::store::reruns::Rerun;

/// `POST /v1/sessions/{id}/cancel`. Asking twice is not an error.
pub(super) async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
    Body(why): Body<WithReason>,
) -> Result<Json<SessionLine>, Problem> {
    let session = live(&caller, id).await?;
    audit(&caller, "session.cancel", &session, &why.reason).await?;
    api.store.cancel(&[id], caller.name(), &why.reason).await?;
    changed(&api, id).await
}

/// `POST /v1/sessions/{id}/pause`. Asking twice is not an error.
pub(super) async fn pause(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
    Body(why): Body<WithReason>,
) -> Result<Json<SessionLine>, Problem> {
    let session = live(&caller, id).await?;
    audit(&caller, "session.pause", &session, &why.reason).await?;
    api.store.pause(&[id], caller.name(), &why.reason).await?;
    changed(&api, id).await
}

/// `POST /v1/sessions/{id}/resume`. Asking twice is not an error.
pub(super) async fn resume(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
    Body(why): Body<WithReason>,
) -> Result<Json<SessionLine>, Problem> {
    let session = live(&caller, id).await?;
    audit(&caller, "session.resume", &session, &why.reason).await?;
    api.store.resume(&[id], caller.name(), &why.reason).await?;
    changed(&api, id).await
}

/// What is to be run again, and why.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Again {
    /// Only the action of this item, such as `software/7zip`; absent: all.
    #[serde(default)]
    item: Option<Item>,
    /// In the caller's words.
    #[serde(default)]
    reason: String,
}

/// `POST /v1/sessions/{id}/rerun`: a new session with the same order, for all of it or for one action.
pub(super) async fn rerun(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<SessionId>,
    Body(again): Body<Again>,
) -> Result<(StatusCode, Json<SessionLine>), Problem> {
    caller.must_be(Role::Operator)?;
    let session = caller.session(id).await?;
    match api.store.rerun(&session, again.item.as_ref(), &caller.submitter(), &again.reason).await? {
        Rerun::Made(new) => Ok((StatusCode::CREATED, changed(&api, new).await?)),
        Rerun::Already(other) => Err(Problem::conflict(format!("Session {other} runs it again already."))),
        Rerun::Refused(why) => Err(Problem::conflict(why)),
    }
}

/// A session that can still change.
async fn live(caller: &Caller, id: SessionId) -> Result<Session, Problem> {
    caller.must_be(Role::Operator)?;
    let session = caller.session(id).await?;
    if session.status.is_final() {
        return Err(Problem::conflict(format!("Session {id} is {} and never changes again.", session.status)));
    }
    Ok(session)
}

async fn audit(caller: &Caller, action: &'static str, session: &Session, reason: &str) -> Result<(), Problem> {
    caller.audit(action, json!({ "session": session.id, "computer": session.computer }), reason).await
}

async fn changed(api: &Api, id: SessionId) -> Result<Json<SessionLine>, Problem> {
    api.store.wake_scheduler();
    let line = api.store.session_line(id).await?;
    line.map(Json).ok_or_else(|| Problem::not_found(format!("session {id}")))
}
