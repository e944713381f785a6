//! Whether the server lives, whether it can work, and the installation at a glance.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::report::Overview;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

/// `GET /readyz`: the database answers.
pub(super) async fn ready(State(api): State<Api>) -> Result<Json<Value>, Problem> {
    let at = api.store.ask_time().await?;
    Ok(Json(json!({ "status": "ok", "database_time": at })))
}

/// `GET /v1/status`
pub(super) async fn overview(State(api): State<Api>, caller: Caller) -> Result<Json<Overview>, Problem> {
    caller.must_see_all()?;
    Ok(Json(api.store.overview().await?))
}
