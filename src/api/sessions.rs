//! Sessions: submitting them, and listing them.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use jiff::SignedDuration;

use super::body::RawBody;
use super::caller::Caller;
use super::problem::Problem;
use super::query::Words;
use super::router::Api;
use crate::domain::Role;
use crate::domain::report::{Page, SessionLine, StatusCounts};
use crate::domain::submission::{Answer, ReplyV1, read_bytes};
use crate::store::listings::Filter;

/// Sessions that a list may name.
const MOST_IDS: usize = 10_000;
/// Since when final sessions are counted if the caller does not say.
const A_DAY: SignedDuration = SignedDuration::from_hours(24);

/// `POST /v1/sessions`: the same document as over AMQP.
pub(super) async fn submit(
    State(api): State<Api>,
    caller: Caller,
    RawBody(body): RawBody,
) -> Result<Response, Problem> {
    caller.must_be(Role::Operator)?;
    let submission = read_bytes(&body).map_err(Problem::invalid)?;
    let answer = api.store.accept(&submission, &caller.submitter()).await?;
    match answer {
        Answer::Refused { violations } => Err(Problem::invalid(violations)),
        Answer::Accepted { ref sessions, before, .. } => {
            let status = if before || sessions.is_empty() {
                StatusCode::OK
            } else {
                api.store.wake_scheduler();
                StatusCode::CREATED
            };
            Ok((status, Json(ReplyV1::new(submission.key, answer))).into_response())
        }
    }
}

/// `GET /v1/sessions/counts`: by status; final ones of the last day, or since a time.
pub(super) async fn counts(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<StatusCounts>, Problem> {
    words.only(&["tenant", "since"])?;
    let tenant = match words.text("tenant") {
        Some(name) => Some(caller.tenant_named(name).await?),
        None => caller.tenant(),
    };
    let since = match words.one("since")? {
        Some(since) => since,
        None => api.store.ask_time().await? - A_DAY,
    };
    Ok(Json(api.store.count_sessions(tenant, since).await?))
}

/// `GET /v1/sessions`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Page<SessionLine>>, Problem> {
    words.only(&["status", "kind", "tenant", "computer", "by", "origin", "group", "since", "ids", "after", "limit"])?;
    let mut filter = Filter {
        status: words.several("status")?.unwrap_or_default(),
        kind: words.one("kind")?,
        tenant: caller.tenant(),
        computer: None,
        by: words.text("by").map(str::to_owned),
        origin: words.text("origin").map(str::to_owned),
        group: words.one("group")?,
        since: words.one("since")?,
        ids: words.several("ids")?,
    };
    if filter.ids.as_ref().is_some_and(|ids| ids.len() > MOST_IDS) {
        return Err(Problem::bad_request(format!("At most {MOST_IDS} sessions may be named in \"ids\".")));
    }
    if let Some(tenant) = words.text("tenant") {
        filter.tenant = Some(caller.tenant_named(tenant).await?);
    }
    if let Some(computer) = words.text("computer") {
        filter.computer = Some(caller.computer(computer).await?);
    }
    let (after, limit) = words.page()?;
    Ok(Json(api.store.list_sessions(&filter, after, limit).await?))
}
