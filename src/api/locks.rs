//! The fleet-wide locks of serial tasks.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::report::LockLine;

/// The locks, whole: they are few.
#[derive(Debug, Serialize)]
pub(super) struct Locks {
    items: Vec<LockLine>,
}

/// `GET /v1/locks`: who holds them and who waits. Who may see one tenant only sees what that tenant's sessions do.
pub(super) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Locks>, Problem> {
    Ok(Json(Locks { items: api.store.locks(caller.tenant()).await? }))
}
