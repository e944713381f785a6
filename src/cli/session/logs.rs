//! `pitcrew session logs`

use clap::Args;
use serde::Deserialize;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::SessionId;
use crate::domain::report::LogEntry;

/// What it takes.
#[derive(Debug, Args)]
pub struct Logs {
    /// The session.
    id: SessionId,
    /// Only of the action in this place of the plan.
    #[arg(long)]
    action: Option<i32>,
}

#[derive(Deserialize)]
struct Entries {
    items: Vec<LogEntry>,
}

impl Logs {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let query: Vec<_> = self.action.map(|action| ("action", action.to_string())).into_iter().collect();
        let answer = client.get(&["v1", "sessions", &self.id.to_string(), "logs"], &query).await?;
        output.show(&answer, |entries: &Entries| render::logs(&entries.items, output.style))
    }
}
