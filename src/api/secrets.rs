//! Secrets: storing one, listing them without their values, and sealing all of them anew. A value goes in and never out.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::query::Words;
use super::router::Api;
use crate::domain::report::{Rotated, SecretLine};
use crate::domain::submission::Violation;
use crate::domain::{Parameter, Role, SecretId};

/// Secrets that are listed at most.
const MOST: usize = 10_000;
/// The longest name and value, in bytes.
const LONGEST_NAME: usize = 200;
const LONGEST_VALUE: usize = 64 * 1024;

/// A secret as it is sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    name: String,
    /// Read as it is written, so that no refusal quotes it.
    value: Value,
}

/// A secret as it is named from now on.
#[derive(Debug, Serialize)]
pub(super) struct Kept {
    id: SecretId,
    name: String,
}

/// All secrets.
#[derive(Debug, Serialize)]
pub(super) struct Secrets {
    items: Vec<SecretLine>,
}

/// `POST /v1/secrets`
pub(super) async fn store(
    State(api): State<Api>,
    caller: Caller,
    Body(sent): Body<Sent>,
) -> Result<Json<Kept>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    let Sent { name, value } = sent;
    let mut violations = Vec::new();
    if name.trim().is_empty() || name.len() > LONGEST_NAME || name.contains(char::is_control) {
        let message = format!("A name has 1 to {LONGEST_NAME} characters.");
        violations.push(Violation::new("/name", "out_of_range", message));
    }
    let secret = Parameter { secret: true, ..Parameter::default() };
    let fit = value.as_str().filter(|value| value.len() <= LONGEST_VALUE && !value.contains('\0'));
    let Some(value) = fit.filter(|value| secret.admits(value).is_ok()) else {
        let message = format!("A secret is a text of 4 characters to {LONGEST_VALUE} bytes.");
        violations.push(Violation::new("/value", "out_of_range", message));
        return Err(Problem::invalid(violations));
    };
    if !violations.is_empty() {
        return Err(Problem::invalid(violations));
    }
    let id = api.store.store_secret(&name, value, caller.name()).await?;
    Ok(Json(Kept { id, name }))
}

/// `GET /v1/secrets`
pub(super) async fn list(State(api): State<Api>, caller: Caller, words: Words) -> Result<Json<Secrets>, Problem> {
    caller.must_see_all()?;
    words.only(&[])?;
    Ok(Json(Secrets { items: api.store.list_secrets(MOST).await? }))
}

/// `POST /v1/secrets/rotate`
pub(super) async fn rotate(State(api): State<Api>, caller: Caller) -> Result<Json<Rotated>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    Ok(Json(api.store.rotate_secrets(caller.name()).await?))
}
