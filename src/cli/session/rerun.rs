//! `pitcrew session rerun`

use clap::Args;
use serde_json::json;

use super::chosen::{Chosen, unchanged};
use crate::cli::{Client, Failure, Output, render};
use crate::domain::Item;
use crate::domain::report::{Reruns, RunAgain, SessionLine};

/// Sessions that are told of one by one at most.
const MOST: usize = 20;

/// What it takes.
#[derive(Debug, Args)]
pub struct Rerun {
    #[command(flatten)]
    chosen: Chosen,
    /// Only the action of this item, such as software/7zip, with what it needs and what configures it.
    #[arg(long)]
    item: Option<Item>,
}

pub(super) async fn run(again: &Rerun, client: &Client, output: &Output) -> Result<(), Failure> {
    if let Some(id) = again.chosen.one() {
        let path = ["v1", "sessions", &id.to_string(), "rerun"];
        let answer = client.post(&path, &json!({ "item": again.item, "reason": again.chosen.reason })).await?;
        return output.show(&answer, |line: &SessionLine| render::progress_line(line, output.style));
    }
    let answer = again.chosen.ask("rerun", json!({ "item": again.item }), client).await?;
    output.show(&answer, told)
}

fn told(reruns: &Reruns) -> String {
    let line = |it: &RunAgain| {
        let by = it.rerun.map_or_else(|| "-".to_owned(), |id| id.to_string());
        let already = if it.already { " already" } else { "" };
        format!("session {} is run again by {by}{already}", it.session)
    };
    let mut lines: Vec<String> = reruns.sessions.iter().take(MOST).map(line).collect();
    if reruns.sessions.len() > MOST {
        lines.push(format!("… and {} more", reruns.sessions.len() - MOST));
    }
    if let Some(group) = reruns.group {
        lines.push(format!("The new ones are group {group}: pitcrew session list --group {group}"));
    }
    unchanged(&mut lines, &reruns.unchanged);
    lines.join("\n")
}
