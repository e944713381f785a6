//! `pitcrew session watch`: drawn again and again on a terminal, a line for each change elsewhere.

use std::collections::HashMap;

use clap::Args;

use super::wait;
use crate::cli::{Client, Failure, Format, Output, render};
use crate::domain::SessionId;
use crate::domain::report::SessionLine;

/// What it takes.
#[derive(Debug, Args)]
pub struct Watch {
    /// The sessions.
    #[arg(required = true)]
    ids: Vec<SessionId>,
}

impl Watch {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        follow(&ids, client, output).await
    }
}

/// Follows sessions until all are final; fails if any ended other than completed.
pub(crate) async fn follow(ids: &[SessionId], client: &Client, output: &Output) -> Result<(), Failure> {
    let mut drawn = 0;
    let mut known: HashMap<SessionId, String> = HashMap::new();
    let ended = wait::until_final(client, ids, |lines: &[SessionLine]| match (output.format, output.terminal) {
        (Format::Json, _) => {}
        (Format::Table, true) => drawn = output.redraw(drawn, &render::progress(lines, output.style)),
        (Format::Table, false) => {
            for line in lines {
                let text = render::progress_line(line, output.style);
                if known.get(&line.id) != Some(&text) {
                    output.line(&text);
                    known.insert(line.id, text);
                }
            }
        }
    })
    .await?;
    if output.format == Format::Json {
        let items = serde_json::json!({ "items": ended });
        output.line(&serde_json::to_string_pretty(&items).unwrap_or_default());
    }
    wait::verdict(&ended)
}
