//! Who may come in: an agent whose token belongs to a computer.

use axum::Router;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::http::header::{AUTHORIZATION, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::{Gateway, connection};
use crate::domain::ComputerId;

/// The longest frame of an agent, in bytes: the outcome of a detection with the output of all its steps.
const FRAME_MAX: usize = 64 * 1024 * 1024;
/// Buffers of each connection, in bytes. Thousands of agents are connected, and most are silent.
const BUFFER: usize = 4 * 1024;
/// The longest token that is looked at, in bytes.
const TOKEN_MAX: usize = 1_024;

/// `GET /v1/agent`, the agents' WebSocket.
pub fn router(gateway: Gateway) -> Router {
    Router::new().route("/v1/agent", get(come_in)).with_state(gateway)
}

async fn come_in(State(gateway): State<Gateway>, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let house = &gateway.0;
    if house.shutdown.is_draining() {
        return later(connection::STOPPING);
    }
    if house.registry.len() >= house.settings.agents_max {
        return later("this gateway has as many connections as it may have");
    }
    match computer_of(&gateway, &headers).await {
        Ok(Some(computer)) => upgrade
            .max_message_size(FRAME_MAX)
            .max_frame_size(FRAME_MAX)
            .read_buffer_size(BUFFER)
            .write_buffer_size(BUFFER)
            .on_upgrade(async move |socket| {
                let house = gateway.0;
                let living = house.shutdown.clone().spawn(connection::live(house, computer, socket));
                let _ = living.await;
            }),
        Ok(None) => {
            let message = "the bearer token belongs to no computer; enrol the computer and give its token to the agent";
            (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Bearer")], message).into_response()
        }
        Err(error) => {
            tracing::warn!("An agent was sent away, its token could not be looked up: {error}");
            later("the database cannot be reached at the moment")
        }
    }
}

fn later(why: &'static str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "5")], why).into_response()
}

/// The computer whose token this is. The database finds the token's hash, and is not trusted to have compared all of it.
async fn computer_of(gateway: &Gateway, headers: &HeaderMap) -> Result<Option<ComputerId>, crate::store::Error> {
    let token = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "))
        .filter(|token| !token.is_empty() && token.len() <= TOKEN_MAX);
    let Some(token) = token else { return Ok(None) };
    let hash = Sha256::digest(token);
    let Ok(_permit) = gateway.0.door_work.acquire().await else { return Ok(None) };
    let found = gateway.0.store.computer_of_token(&hash).await?;
    Ok(found.filter(|(_, stored)| bool::from(stored.as_slice().ct_eq(&hash))).map(|(computer, _)| computer))
}
