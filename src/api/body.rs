//! A JSON body; one that cannot be read is answered as a problem that says where.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::domain::submission::Violation;

/// A JSON body as a value of ours.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Body<T>, Problem> {
        let RawBody(bytes) = RawBody::from_request(request, state).await?;
        let mut reader = serde_json::Deserializer::from_slice(if bytes.is_empty() { b"{}" } else { &bytes });
        let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let pointer: String = error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    serde_path_to_error::Segment::Seq { index } => Some(format!("/{index}")),
                    serde_path_to_error::Segment::Map { key } => Some(format!("/{key}")),
                    _ => None,
                })
                .collect();
            Problem::invalid(vec![Violation::new(pointer, "unreadable", format!("{}.", error.inner()))])
        })?;
        reader.end().map_err(|error| Problem::bad_request(format!("Something follows the document: {error}.")))?;
        Ok(Body(value))
    }
}

/// A body as it came.
pub(super) struct RawBody(pub(super) Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<RawBody, Problem> {
        Bytes::from_request(request, state).await.map(RawBody).map_err(|rejection| match rejection {
            BytesRejection::FailedToBufferBody(error) if error.status() == StatusCode::PAYLOAD_TOO_LARGE => {
                Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is longer than this route takes.")
            }
            other => Problem::bad_request(format!("The body could not be read: {other}.")),
        })
    }
}

/// Why something is done.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WithReason {
    /// In the caller's words.
    #[serde(default)]
    pub(super) reason: String,
}
