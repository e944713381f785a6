//! Shows how the sessions get on: drawn anew on a terminal, or a line for each change.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Error;
use super::client::Client;
use crate::boot::Terminal;
use crate::cli::render;
use crate::domain::SessionId;
use crate::domain::report::SessionLine;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Watches the sessions to their ends, for at most `patience`. `look` is told of every look. Returns the sessions as they
/// are in the end, final or not.
pub(super) async fn watch(
    client: &Client,
    ids: &[SessionId],
    terminal: &Terminal,
    patience: Duration,
    mut look: impl FnMut(&[SessionLine]),
) -> Result<Vec<SessionLine>, Error> {
    let until = Instant::now() + patience;
    let mut told: BTreeMap<SessionId, String> = BTreeMap::new();
    loop {
        let mut lines = client.sessions(ids).await?;
        lines.sort_by_key(|line| line.id);
        look(&lines);
        if terminal.is_terminal() {
            let progress = render::progress(&lines, terminal.style());
            terminal.draw(progress.lines().map(|line| format!("  {line}")).collect());
        } else {
            for line in &lines {
                let now = render::progress_line(line, terminal.style());
                if told.get(&line.id) != Some(&now) {
                    terminal.print(&format!("  {now}"));
                    told.insert(line.id, now);
                }
            }
        }
        if lines.iter().all(|line| line.status.is_final()) || Instant::now() > until {
            terminal.draw(Vec::new());
            return Ok(lines);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
