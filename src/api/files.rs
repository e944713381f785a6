//! Stored files: taken in from who applies fleet files, given out to computers.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::report::FileLine;
use crate::domain::ticket::Ticket;
use crate::domain::{Role, Sha256Hash};
use crate::store::files::{LARGEST, PIECE};

/// How long who sends a file may send nothing.
const SILENCE_MAX: Duration = Duration::from_secs(60);

/// The files, whole: they are few.
#[derive(Debug, Serialize)]
pub(super) struct Files {
    items: Vec<FileLine>,
}

/// `GET /v1/files`
pub(super) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Files>, Problem> {
    caller.must_see_all()?;
    Ok(Json(Files { items: api.store.stored_files().await? }))
}

/// `GET /v1/files/{sha256}`: whether it is there.
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<FileLine>, Problem> {
    caller.must_see_all()?;
    let file = api.store.stored_file(&hash(&name)?).await?;
    file.map(Json).ok_or_else(|| Problem::not_found(format!("stored file {name}")))
}

/// `PUT /v1/files/{sha256}`: the body is the file. Putting what is there already changes nothing.
pub(super) async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    body: Body,
) -> Result<Json<FileLine>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    let expected = hash(&name)?;
    caller.audit("file.store", json!({ "sha256": name }), "").await?;
    let id = api.store.begin_file().await?;
    match take_in(&api, id, &expected, body).await {
        Ok(size) => api.store.end_file(id, &expected, size).await?,
        Err(problem) => {
            api.store.abandon_file(id).await?;
            return Err(problem);
        }
    }
    let file = api.store.stored_file(&expected).await?;
    file.map(Json).ok_or_else(|| Problem::not_found(format!("stored file {name}")))
}

/// Stores a body as the pieces of a file. Answers with its size if its checksum is right.
async fn take_in(api: &Api, id: Uuid, expected: &Sha256Hash, body: Body) -> Result<u64, Problem> {
    let mut sent = body.into_data_stream();
    let mut sum = Sha256::new();
    let mut piece: Vec<u8> = Vec::with_capacity(PIECE);
    let (mut size, mut place) = (0u64, 0);
    loop {
        let next = tokio::time::timeout(SILENCE_MAX, sent.next()).await.map_err(|_| {
            Problem::bad_request(format!("Nothing came for {} seconds; the file is not stored.", SILENCE_MAX.as_secs()))
        })?;
        let Some(bytes) = next else { break };
        let bytes = bytes.map_err(|error| Problem::bad_request(format!("The file did not arrive whole: {error}.")))?;
        size += bytes.len() as u64;
        if size > LARGEST {
            let detail = format!("The file is larger than {LARGEST} bytes. Serve it from an address of your own.");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail));
        }
        sum.update(&bytes);
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rest.len().min(PIECE - piece.len()));
            piece.extend_from_slice(now);
            rest = later;
            if piece.len() == PIECE {
                api.store.add_to_file(id, place, &piece).await?;
                piece.clear();
                place += 1;
            }
        }
    }
    if !piece.is_empty() {
        api.store.add_to_file(id, place, &piece).await?;
    }
    let found = Sha256Hash(sum.finalize().into());
    match size {
        0 => Err(Problem::bad_request("There is nothing in the file.")),
        _ if found != *expected => {
            Err(Problem::bad_request(format!("What was sent has the SHA-256 {found}, not {expected}.")))
        }
        size => Ok(size),
    }
}

/// `DELETE /v1/files/{sha256}`
pub(super) async fn discard(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    let file = hash(&name)?;
    caller.audit("file.drop", json!({ "sha256": name }), "").await?;
    match api.store.drop_file(&file).await? {
        true => Ok(Json(json!({ "dropped": file }))),
        false => Err(Problem::not_found(format!("stored file {name}"))),
    }
}

/// What the address of a file carries.
#[derive(Debug, Deserialize)]
pub(super) struct Carried {
    until: i64,
    seal: String,
}

/// `GET /v1/files/{sha256}/content`, for who was told the address. So many are read at a time as leave the API room.
pub(super) async fn content(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(Carried { until, seal }): Query<Carried>,
) -> Result<Response, Problem> {
    let file = hash(&name)?;
    let is_good = match Ticket::read(until, &seal) {
        Some(ticket) => api.store.admits(&file, &ticket).await?,
        None => false,
    };
    if !is_good {
        let detail = "This address is not good, or not any more: a computer is told a new one with every run.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail));
    }
    let line = api.store.stored_file(&file).await?.ok_or_else(|| Problem::not_found(format!("stored file {name}")))?;
    let pieces = stream::try_unfold((api, 0), move |(api, place)| async move {
        if place as u64 * PIECE as u64 >= line.size {
            return Ok::<_, std::io::Error>(None);
        }
        let room = api.file_room.acquire().await.map_err(std::io::Error::other)?;
        let piece = api.store.piece_of_file(&line.sha256, place).await.map_err(std::io::Error::other)?;
        drop(room);
        // Cut short, it does not have the length that was announced, and is not taken for whole.
        let piece = piece.ok_or_else(|| std::io::Error::other("the file was removed while it was read"))?;
        Ok(Some((Bytes::from(piece), (api, place + 1))))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(line.size));
    Ok(response)
}

fn hash(name: &str) -> Result<Sha256Hash, Problem> {
    name.parse().map_err(|error| Problem::bad_request(format!("{error}.")))
}
