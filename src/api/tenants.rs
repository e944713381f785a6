//! Tenants: stopping them, and letting them go on.

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
