//! The few calls of the API that the demo makes, as anybody could make them.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Error;
use crate::domain::report::{ComputerLine, LogEntry, Page, Report, SessionLine, Timeline};
use crate::domain::submission::{Answer, MadeSession, ReplyV1, SubmissionV1};
use crate::domain::{ComputerId, SessionId};

/// How long a call may take.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// The answer with the logs.
#[derive(Deserialize)]
struct Logs {
    items: Vec<LogEntry>,
}

/// The API, for an administrator.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
    token: String,
}

impl Client {
    /// Prepares calls to the API at `url`.
    pub(super) fn new(url: &str, token: &str) -> Result<Client, Error> {
        // The HTTP client takes the process's TLS provider, and there has to be one. If there is, this changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy().build();
        let http = http.map_err(|source| Error::Unanswered { call: "the HTTP client".into(), source })?;
        Ok(Client { http, url: url.trim_end_matches('/').to_owned(), token: token.to_owned() })
    }

    /// Applies a fleet file.
    pub(super) async fn apply(&self, name: &str, text: &str) -> Result<(), Error> {
        let files = json!({ "files": [{ "name": name, "text": text }], "reason": "the demo" });
        self.post::<Value>("/v1/apply", &files).await.map(drop)
    }

    /// Makes a token for a computer's agent.
    pub(super) async fn agent_token(&self, computer: &str) -> Result<String, Error> {
        let minted: Value = self.post(&format!("/v1/computers/{computer}/agent-token"), &json!({})).await?;
        Ok(minted["token"].as_str().unwrap_or_default().to_owned())
    }

    /// All computers.
    pub(super) async fn computers(&self) -> Result<Vec<ComputerLine>, Error> {
        Ok(self.get::<Page<ComputerLine>>("/v1/computers?limit=100").await?.items)
    }

    /// Asks for sessions.
    pub(super) async fn submit(&self, submission: &SubmissionV1) -> Result<Vec<MadeSession>, Error> {
        let reply: ReplyV1 = self.post("/v1/sessions", submission).await?;
        match reply.answer {
            Answer::Accepted { sessions, .. } => Ok(sessions),
            Answer::Refused { violations } => {
                let why = violations.iter().map(|violation| format!("{violation:?}")).collect::<Vec<_>>().join("; ");
                Err(Error::Api { call: "POST /v1/sessions".into(), why })
            }
        }
    }

    /// These sessions, as they are now.
    pub(super) async fn sessions(&self, ids: &[SessionId]) -> Result<Vec<SessionLine>, Error> {
        let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        Ok(self.get::<Page<SessionLine>>(&format!("/v1/sessions?limit=100&ids={ids}")).await?.items)
    }

    /// The report of a session.
    pub(super) async fn report(&self, id: SessionId) -> Result<Report, Error> {
        self.get(&format!("/v1/sessions/{id}/report")).await
    }

    /// The timeline of a session.
    pub(super) async fn timeline(&self, id: SessionId) -> Result<Timeline, Error> {
        self.get(&format!("/v1/sessions/{id}/timeline")).await
    }

    /// What the steps of a session wrote.
    pub(super) async fn logs(&self, id: SessionId) -> Result<Vec<LogEntry>, Error> {
        Ok(self.get::<Logs>(&format!("/v1/sessions/{id}/logs")).await?.items)
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        self.call(format!("GET {path}"), self.http.get(format!("{}{path}", self.url))).await
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &(impl Serialize + Sync)) -> Result<T, Error> {
        self.call(format!("POST {path}"), self.http.post(format!("{}{path}", self.url)).json(body)).await
    }

    async fn call<T: DeserializeOwned>(&self, call: String, request: reqwest::RequestBuilder) -> Result<T, Error> {
        let unanswered = |source| Error::Unanswered { call: call.clone(), source };
        let answer = request.bearer_auth(&self.token).send().await.map_err(unanswered)?;
        let status = answer.status();
        let body = answer.bytes().await.map_err(unanswered)?;
        if !status.is_success() {
            return Err(Error::Api { call, why: format!("{status}: {}", String::from_utf8_lossy(&body)) });
        }
        serde_json::from_slice(&body).map_err(|error| Error::Api { call, why: error.to_string() })
    }
}

/// A computer that is connected, or needs no connection.
pub(super) fn is_reachable(computers: &[ComputerLine], id: ComputerId) -> bool {
    computers.iter().any(|line| line.id == id && line.online() != Some(false))
}
