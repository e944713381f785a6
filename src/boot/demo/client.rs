//! The few calls of the API that the demo makes, as anybody could make them.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Error;
use crate::cli;
use crate::domain::SessionId;
use crate::domain::report::{ComputerLine, LogEntry, Page, Report, SessionLine, Timeline};
use crate::domain::submission::{Answer, MadeSession, ReplyV1, SubmissionV1};

/// The API, for an administrator.
#[derive(Clone)]
pub(super) struct Client(cli::Client);

impl Client {
    /// Prepares calls to the API at `url`.
    pub(super) fn new(url: &str, token: &str) -> Result<Client, Error> {
        // The HTTP client takes the process's TLS provider, and there has to be one. If there is, this changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Client(cli::Client::new(url, token)?))
    }

    /// Applies a fleet file.
    pub(super) async fn apply(&self, name: &str, text: &str) -> Result<(), Error> {
        let files = json!({ "files": [{ "name": name, "text": text }], "reason": "the demo" });
        Ok(self.0.post(&["v1", "apply"], &files).await.map(drop)?)
    }

    /// Makes a token for a computer's agent.
    pub(super) async fn agent_token(&self, computer: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Minted {
            token: String,
        }
        let minted = self.0.post(&["v1", "computers", computer, "agent-token"], &json!({})).await?;
        Ok(read::<Minted>(minted)?.token)
    }

    /// All computers.
    pub(super) async fn computers(&self) -> Result<Vec<ComputerLine>, Error> {
        let page = self.0.get(&["v1", "computers"], &[("limit", "100".to_owned())]).await?;
        Ok(read::<Page<ComputerLine>>(page)?.items)
    }

    /// Asks for sessions.
    pub(super) async fn submit(&self, submission: &SubmissionV1) -> Result<Vec<MadeSession>, Error> {
        match read::<ReplyV1>(self.0.post(&["v1", "sessions"], submission).await?)?.answer {
            Answer::Accepted { sessions, .. } => Ok(sessions),
            Answer::Refused { violations } => {
                let why: Vec<_> = violations.into_iter().map(|violation| violation.message).collect();
                Err(cli::Failure::Refused(why.join(" ")).into())
            }
        }
    }

    /// These sessions, as they are now.
    pub(super) async fn sessions(&self, ids: &[SessionId]) -> Result<Vec<SessionLine>, Error> {
        let ids = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let page = self.0.get(&["v1", "sessions"], &[("limit", "100".to_owned()), ("ids", ids)]).await?;
        Ok(read::<Page<SessionLine>>(page)?.items)
    }

    /// The report of a session.
    pub(super) async fn report(&self, id: SessionId) -> Result<Report, Error> {
        read(self.of_session(id, "report").await?)
    }

    /// The timeline of a session.
    pub(super) async fn timeline(&self, id: SessionId) -> Result<Timeline, Error> {
        read(self.of_session(id, "timeline").await?)
    }

    /// What the steps of a session wrote.
    pub(super) async fn logs(&self, id: SessionId) -> Result<Vec<LogEntry>, Error> {
        #[derive(Deserialize)]
        struct Logs {
            items: Vec<LogEntry>,
        }
        Ok(read::<Logs>(self.of_session(id, "logs").await?)?.items)
    }

    async fn of_session(&self, id: SessionId, what: &str) -> Result<Value, Error> {
        Ok(self.0.get(&["v1", "sessions", &id.to_string(), what], &[]).await?)
    }
}

fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Error> {
    serde_json::from_value(answer).map_err(Error::Answer)
}
