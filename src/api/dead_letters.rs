//! Dead letters: looking at them, having them worked on again, throwing them away.

use axum::Json;
use axum::extract::State;
use serde_json::json;

use super::body::{Body, WithReason};
use super::caller::Caller;
use super::problem::Problem;
use super::query::{Named, Words};
use super::router::Api;
use crate::domain::Role;
use crate::domain::report::{LetterLine, LetterState, Page};
use crate::domain::session::Intent;
use crate::store::reruns::Rerun;

/// `GET /v1/dead-letters`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Page<LetterLine>>, Problem> {
    caller.must_see_all()?;
    words.only(&["state", "after", "limit"])?;
    let (after, limit) = words.page()?;
    Ok(Json(api.store.list_dead_letters(words.one("state")?, after, limit).await?))
}

/// `GET /v1/dead-letters/{id}`
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<i64>,
) -> Result<Json<LetterLine>, Problem> {
    caller.must_see_all()?;
    letter(&api, id).await.map(Json)
}

/// `POST /v1/dead-letters/{id}/redrive`: a job's session runs again as a new one, at once; a submission is submitted
/// again by the scheduler.
pub(super) async fn redrive(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<i64>,
    Body(why): Body<WithReason>,
) -> Result<Json<LetterLine>, Problem> {
    let found = open(&api, &caller, id).await?;
    caller.audit("dead-letter.redrive", json!({ "dead_letter": id, "session": found.session }), &why.reason).await?;
    match found.session {
        Some(session) => {
            let session = caller.session(session).await?;
            match api.store.rerun(&session, None, &caller.submitter(), &why.reason).await? {
                Rerun::Made(new) | Rerun::Already(new) => {
                    let note = format!("Session {new} runs session {} again.", session.id);
                    api.store.settle_dead_letter(id, LetterState::Redriven, caller.name(), &note).await?;
                }
                Rerun::Refused(why) => return Err(Problem::conflict(why)),
            }
        }
        None => {
            let at = api.store.ask_time().await?;
            let wanted = Intent { by: caller.name().to_owned(), reason: why.reason, at };
            api.store.want_redrive(id, &wanted).await?;
        }
    }
    api.store.wake_scheduler();
    letter(&api, id).await.map(Json)
}

/// `POST /v1/dead-letters/{id}/drop`
pub(super) async fn discard(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<i64>,
    Body(why): Body<WithReason>,
) -> Result<Json<LetterLine>, Problem> {
    let found = open(&api, &caller, id).await?;
    caller.audit("dead-letter.drop", json!({ "dead_letter": id, "session": found.session }), &why.reason).await?;
    api.store.settle_dead_letter(id, LetterState::Dropped, caller.name(), &why.reason).await?;
    letter(&api, id).await.map(Json)
}

/// A dead letter that something can be done about.
async fn open(api: &Api, caller: &Caller, id: i64) -> Result<LetterLine, Problem> {
    caller.must_be(Role::Operator)?;
    caller.must_see_all()?;
    let found = letter(api, id).await?;
    match found.state {
        LetterState::Open => Ok(found),
        LetterState::Redriven | LetterState::Dropped => {
            Err(Problem::conflict(format!("Dead letter {id} is settled: {}.", found.state)))
        }
    }
}

async fn letter(api: &Api, id: i64) -> Result<LetterLine, Problem> {
    api.store.dead_letter(id).await?.ok_or_else(|| Problem::not_found(format!("dead letter {id}")))
}
