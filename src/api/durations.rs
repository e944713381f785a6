//! How long actions take.

use axum::Json;
use axum::extract::State;

use super::caller::Caller;
use super::explain::item;
use super::problem::Problem;
use super::query::{Whole, Words};
use super::router::Api;
use crate::domain::report::Duration;

/// `GET /v1/durations`: they are the whole installation's, and say nothing of any computer.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Whole<Duration>>, Problem> {
    words.only(&["item", "limit"])?;
    let item = item(&caller, &words, &*api.policies.now().await?)?.map(|item| item.to_string());
    Ok(Json(Whole { items: api.store.durations(item.as_deref(), words.limit()?).await? }))
}
