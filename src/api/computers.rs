//! Computers: listing them, showing one, and minting an agent's token.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::json;

use super::caller::Caller;
use super::problem::Problem;
use super::query::{Named, Words};
use super::router::Api;
use crate::domain::report::{ComputerLine, Page};
use crate::domain::{ComputerId, Role};

/// `GET /v1/computers`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Page<ComputerLine>>, Problem> {
    words.only(&["tenant", "name", "after", "limit"])?;
    let tenant = match words.text("tenant") {
        Some(name) => Some(caller.tenant_named(name).await?),
        None => caller.tenant(),
    };
    let (after, limit) = words.page()?;
    Ok(Json(api.store.list_computers(tenant, words.text("name"), after, limit).await?))
}

/// `GET /v1/computers/{id}`: by id, or by name where only one computer has it.
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Named(word): Named<String>,
) -> Result<Json<ComputerLine>, Problem> {
    let id = caller.computer(&word).await?;
    let found = api.store.computers_named(&id.to_string(), caller.tenant()).await?;
    let line = found.into_iter().find(|line| line.id == id);
    let answers = api.store.computer(id).await?.map(|computer| computer.answers).unwrap_or_default();
    line.map(|line| Json(ComputerLine { answers, ..line }))
        .ok_or_else(|| Problem::not_found(format!("computer \"{word}\"")))
}

/// A token that is shown once.
#[derive(Debug, Serialize)]
pub(super) struct Minted {
    computer: ComputerId,
    token: String,
}

/// `POST /v1/computers/{id}/agent-token`: a new token for the computer's agent; an earlier one ends.
pub(super) async fn mint(
    State(api): State<Api>,
    caller: Caller,
    Named(word): Named<String>,
) -> Result<(StatusCode, Json<Minted>), Problem> {
    caller.must_be(Role::Admin)?;
    let computer = caller.computer(&word).await?;
    caller.audit("computer.agent-token", json!({ "computer": computer }), "").await?;
    let token = api.store.mint_agent_token(computer).await?;
    let token = token.ok_or_else(|| Problem::not_found(format!("computer \"{word}\"")))?;
    Ok((StatusCode::CREATED, Json(Minted { computer, token })))
}
