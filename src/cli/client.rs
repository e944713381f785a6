//! How the server is asked: one request, one answer, and every refusal as a sentence.

use std::time::Duration;

use futures_util::stream;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde_json::Value;
use tokio::io::AsyncReadExt;
use url::Url;

use super::Failure;
use crate::api::Problem;

/// How long a request may take: a fleet of tens of thousands of computers is accepted in a few seconds.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a file may take to be sent.
const UPLOAD_PATIENCE: Duration = Duration::from_secs(3600);
/// How much of a file is read at a time.
const PIECE: usize = 256 * 1024;

/// What is sent along.
struct Sent {
    kind: &'static str,
    size: Option<u64>,
    body: reqwest::Body,
}

/// A connection to the API.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token: String,
}

impl Client {
    /// Prepares to ask the API at `url` with `token`. The TLS provider must have been chosen.
    ///
    /// # Errors
    /// The address cannot be one.
    pub fn new(url: &str, token: &str) -> Result<Client, Failure> {
        let parsed: Url = url.parse().map_err(|error| {
            Failure::BadInput(format!("\"{url}\" is not the address of an API, such as http://127.0.0.1:7420: {error}"))
        })?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("pitcrew/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::BadInput(format!("no client can be made: {}", chain(&error))))?;
        Ok(Client { http, url: parsed, token: token.to_owned() })
    }

    /// Reads.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, Failure> {
        self.ask(Method::GET, path, query, None, PATIENCE).await
    }

    /// Does something.
    pub async fn post(&self, path: &[&str], body: &(impl Serialize + Sync)) -> Result<Value, Failure> {
        self.post_within(path, body, PATIENCE).await
    }

    /// Does something that may take long.
    pub async fn post_within(
        &self,
        path: &[&str],
        body: &(impl Serialize + Sync),
        patience: Duration,
    ) -> Result<Value, Failure> {
        let body = serde_json::to_vec(body).map_err(|error| Failure::BadInput(error.to_string()))?;
        let body = Sent { kind: "application/json", size: None, body: body.into() };
        self.ask(Method::POST, path, &[], Some(body), patience).await
    }

    /// Removes.
    pub async fn delete(&self, path: &[&str]) -> Result<Value, Failure> {
        self.ask(Method::DELETE, path, &[], None, PATIENCE).await
    }

    /// Sends a file of `size` bytes, piece by piece.
    pub async fn put_file(&self, path: &[&str], file: tokio::fs::File, size: u64) -> Result<Value, Failure> {
        let pieces = stream::try_unfold(file, |mut file| async move {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).await?;
            piece.truncate(read);
            Ok::<_, std::io::Error>((read > 0).then_some((piece, file)))
        });
        let body =
            Sent { kind: "application/octet-stream", size: Some(size), body: reqwest::Body::wrap_stream(pieces) };
        self.ask(Method::PUT, path, &[], Some(body), UPLOAD_PATIENCE).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, String)],
        body: Option<Sent>,
        patience: Duration,
    ) -> Result<Value, Failure> {
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| Failure::BadInput(format!("\"{}\" cannot have paths", self.url)))?
            .pop_if_empty()
            .extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url).timeout(patience);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(Sent { kind, size, body }) = body {
            request = request.header("content-type", kind).body(body);
            if let Some(size) = size {
                request = request.header("content-length", size);
            }
        }
        let lost = |error: reqwest::Error| {
            let url = &self.url;
            Failure::Unreachable(format!(
                "the server at {url} cannot be reached: {}. Is it running, and is PITCREW_API_URL right?",
                chain(&error.without_url())
            ))
        };
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let bytes = response.bytes().await.map_err(lost)?;
        if !status.is_success() {
            return Err(refusal(status, &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::Refused(format!("the answer of {} is not JSON: {error}. Is it a Pitcrew server?", self.url))
        })
    }
}

/// A refusal in sentences: each fault of a file and each violation has its own line.
fn refusal(status: StatusCode, bytes: &[u8]) -> Failure {
    let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
        let text: String = String::from_utf8_lossy(bytes).chars().take(200).collect();
        return Failure::Refused(format!("the server answered {status}: {text}"));
    };
    let mut lines: Vec<String> = Vec::new();
    for fault in &problem.faults {
        let suggestion = fault.suggestion.as_ref().map(|text| format!(" {text}")).unwrap_or_default();
        lines.push(format!("{}:{}:{}: {}{suggestion}", fault.file, fault.line, fault.column, fault.message));
    }
    if problem.violations.len() > 1 || problem.faults.len() > 1 || lines.is_empty() {
        lines.push(problem.detail.clone());
    }
    if problem.violations.len() > 1 {
        lines.extend(problem.violations.iter().map(|violation| format!("  {}", violation.message)));
    }
    let text = lines.join("\n");
    match status {
        StatusCode::NOT_FOUND => Failure::NotFound(text),
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY | StatusCode::PAYLOAD_TOO_LARGE => {
            Failure::BadInput(text)
        }
        StatusCode::UNAUTHORIZED => Failure::Refused(format!("{text} PITCREW_TOKEN or --token takes it.")),
        _ => Failure::Refused(text),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
