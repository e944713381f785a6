//! Shows how the sessions get on: one line a computer, drawn anew on a terminal, or printed when it changes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::Error;
use super::client::Client;
use crate::boot::Terminal;
use crate::domain::SessionId;
use crate::domain::report::SessionLine;
use crate::domain::session::{Status, WaitingOn};

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The width of the computers' names.
const WIDTH: usize = 14;

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
            terminal.draw(lines.iter().map(|line| format!("  {:<WIDTH$} {}", line.computer, state(line))).collect());
        } else {
            for line in &lines {
                let now = state(line);
                if told.get(&line.id) != Some(&now) {
                    terminal.print(&format!("  {:<WIDTH$} {now}", line.computer));
                    told.insert(line.id, now);
                }
            }
        }
        let left: BTreeSet<_> = lines.iter().filter(|line| !line.status.is_final()).map(|line| line.id).collect();
        if left.is_empty() || Instant::now() > until {
            terminal.draw(Vec::new());
            return Ok(lines);
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Where a session is, in a few words.
fn state(line: &SessionLine) -> String {
    let count = if line.actions > 0 { format!(" ({} of {})", line.actions_done, line.actions) } else { String::new() };
    match (line.status, line.waiting_on) {
        (Status::Pending, Some(wait)) => format!("{}: {}", line.stage, waits(wait)),
        (Status::Pending, None) => format!("{}: waits", line.stage),
        (Status::Running, _) => match &line.doing {
            Some(item) => format!("{}: {item}{count}", line.stage),
            None => line.stage.to_string(),
        },
        (Status::Paused, _) => "paused".to_owned(),
        (status, _) => format!("{}{count}", status.to_string().replace('_', " ")),
    }
}

fn waits(wait: WaitingOn) -> &'static str {
    match wait {
        WaitingOn::Turn => "waits for its turn",
        WaitingOn::Window => "waits for its maintenance window",
        WaitingOn::Schedule => "waits for its time",
        WaitingOn::Approval => "waits for approval",
        WaitingOn::Connectivity => "waits for the computer to come online",
        WaitingOn::Postponed => "was postponed",
        WaitingOn::Reboot => "waits for the computer to restart",
        WaitingOn::Retry => "waits before it tries again",
        WaitingOn::Computer => "parked: a long step goes on at the computer",
    }
}
