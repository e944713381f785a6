//! Every refusal has one form: problem details (RFC 9457), with every violation and its JSON pointer.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use crate::domain::submission::Violation;
use crate::fleet::Fault;
use crate::store;

/// A refusal, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Names the kind of problem, for programs: `urn:pitcrew:problem:not_found` …
    #[serde(rename = "type")]
    pub kind: String,
    /// The same for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What was wrong here, and what to do.
    pub detail: String,
    /// Each thing that is wrong with the document.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub violations: Box<[Violation]>,
    /// Each thing that is wrong in fleet files.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    pub faults: Box<[FileFault]>,
}

/// Something that is wrong in a fleet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFault {
    /// The name of the file, as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What, in a sentence.
    pub message: String,
    /// What was likely meant, or what to do, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl Problem {
    /// A problem of `kind`, such as `not_found`.
    pub fn new(status: StatusCode, kind: &str, detail: impl Into<String>) -> Problem {
        Problem {
            kind: format!("urn:pitcrew:problem:{kind}"),
            title: status.canonical_reason().unwrap_or("Problem").to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            violations: Box::default(),
            faults: Box::default(),
        }
    }

    /// There is no such thing, or the caller may not know of it.
    pub fn not_found(what: impl std::fmt::Display) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what}."))
    }

    /// The same with what helps on: sentences with a leading blank.
    pub fn unknown(what: impl std::fmt::Display, help: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not_found", format!("There is no {what}.{help}"))
    }

    /// The request cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// What is asked for does not fit what is there.
    pub fn conflict(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::CONFLICT, "conflict", detail)
    }

    /// Fleet files are wrong.
    pub fn faulty(faults: Vec<Fault>) -> Problem {
        let detail =
            format!("{} {} in the fleet files.", faults.len(), if faults.len() == 1 { "fault" } else { "faults" });
        let faults = faults.into_iter().map(|fault| FileFault {
            file: fault.place.file.to_string(),
            line: fault.place.line,
            column: fault.place.column,
            message: fault.message,
            suggestion: fault.suggestion,
        });
        Problem { faults: faults.collect(), ..Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "faulty", detail) }
    }

    /// The document is wrong.
    pub fn invalid(violations: Vec<Violation>) -> Problem {
        let detail = match violations.as_slice() {
            [one] => one.message.clone(),
            several => format!("{} things are wrong with the document.", several.len()),
        };
        let conflict = violations.iter().any(|violation| violation.code == "key_conflict");
        let status = if conflict { StatusCode::CONFLICT } else { StatusCode::UNPROCESSABLE_ENTITY };
        Problem { violations: violations.into(), ..Problem::new(status, "invalid", detail) }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        match &error {
            store::Error::Refused(why) => Problem::conflict(why.clone()),
            transient if transient.is_transient() => {
                tracing::warn!("A request was not answered: {}", chain(&error));
                let detail = "The database cannot be reached at the moment; nothing is known to be changed. Try again.";
                Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            }
            _ => {
                tracing::error!("A request failed: {}", chain(&error));
                Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed; its log says how.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, axum::Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("2"));
        }
        response
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
