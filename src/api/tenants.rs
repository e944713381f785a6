//! Stopping a tenant or the whole fleet, and letting it go on.

use axum::Json;
use axum::extract::State;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use super::body::{Body, WithReason};
use super::caller::Caller;
use super::problem::Problem;
use super::query::Named;
use super::router::Api;
use crate::domain::Role;
use crate::domain::session::Intent;
use crate::domain::submission::Violation;

/// A tenant and since when it is stopped.
#[derive(Debug, Serialize)]
pub(super) struct Stopped {
    tenant: String,
    stopped_at: Option<Timestamp>,
}

/// `POST /v1/tenants/{name}/stop`: nothing of it is admitted any more; what a worker has goes on.
pub(super) async fn stop(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
    Body(why): Body<WithReason>,
) -> Result<Json<Stopped>, Problem> {
    set(api, caller, name, true, &why.reason).await
}

/// `POST /v1/tenants/{name}/start`: it goes on.
pub(super) async fn start(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
    Body(why): Body<WithReason>,
) -> Result<Json<Stopped>, Problem> {
    set(api, caller, name, false, &why.reason).await
}

async fn set(api: Api, caller: Caller, name: String, stop: bool, reason: &str) -> Result<Json<Stopped>, Problem> {
    caller.must_be(Role::Operator)?;
    let tenant = caller.tenant_named(&name).await?;
    let action = if stop { "tenant.stop" } else { "tenant.start" };
    caller.audit(action, json!({ "tenant": name }), reason).await?;
    let stopped_at = api.store.set_stopped(tenant, stop).await?;
    api.store.wake_scheduler();
    Ok(Json(Stopped { tenant: name, stopped_at }))
}

/// Whether the whole fleet is stopped.
#[derive(Debug, Serialize)]
pub(super) struct Fleet {
    stop: Option<Intent>,
}

/// `POST /v1/fleet/stop`: nothing new is begun at any computer any more; a step that goes on there ends.
pub(super) async fn stop_fleet(
    State(api): State<Api>,
    caller: Caller,
    Body(why): Body<WithReason>,
) -> Result<Json<Fleet>, Problem> {
    if why.reason.trim().is_empty() {
        let message = "Everyone will ask why the whole fleet was stopped: give a reason.";
        return Err(Problem::invalid(vec![Violation::new("/reason".to_owned(), "missing", message.to_owned())]));
    }
    may_stop_all(&caller, "fleet.stop", &why.reason).await?;
    let stop = api.store.stop_fleet(caller.name(), &why.reason).await?;
    Ok(Json(Fleet { stop: Some(stop) }))
}

/// `POST /v1/fleet/resume`: it goes on where it was.
pub(super) async fn resume_fleet(
    State(api): State<Api>,
    caller: Caller,
    Body(why): Body<WithReason>,
) -> Result<Json<Fleet>, Problem> {
    may_stop_all(&caller, "fleet.resume", &why.reason).await?;
    api.store.resume_fleet().await?;
    api.store.wake_scheduler();
    Ok(Json(Fleet { stop: None }))
}

/// Refuses who may not, and writes down who does.
async fn may_stop_all(caller: &Caller, action: &'static str, reason: &str) -> Result<(), Problem> {
    caller.must_be(Role::Operator)?;
    caller.must_see_all()?;
    caller.audit(action, json!({}), reason).await
}
