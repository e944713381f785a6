//! `pitcrew session rerun`

use clap::Args;
use serde_json::json;

use crate::cli::{Client, Failure, Output, render};
use crate::domain::report::SessionLine;
use crate::domain::{Item, SessionId};

/// What it takes.
#[derive(Debug, Args)]
pub struct Rerun {
    /// The session.
    id: SessionId,
    /// Only the action of this item, such as software/7zip, with what it needs and what configures it.
    #[arg(long)]
    item: Option<Item>,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
}

pub(super) async fn run(again: &Rerun, client: &Client, output: &Output) -> Result<(), Failure> {
    let path = ["v1", "sessions", &again.id.to_string(), "rerun"];
    let answer = client.post(&path, &json!({ "item": again.item, "reason": again.reason })).await?;
    output.show(&answer, |line: &SessionLine| render::progress_line(line, output.style))
}
