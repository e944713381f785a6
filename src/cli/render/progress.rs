//! How far sessions are, one line a computer.

use super::sessions::place;
use super::style::{Style, lines};
use crate::domain::report::SessionLine;
use comfy_table::Cell;

/// Lines that are drawn at most; those that are not final come first.
const MOST: usize = 20;

/// How far sessions are, for drawing again and again.
pub fn progress(sessions: &[SessionLine], style: Style) -> String {
    let mut sorted: Vec<&SessionLine> = sessions.iter().collect();
    sorted.sort_by_key(|line| line.status.is_final());
    let mut table = style.table(&["SESSION", "COMPUTER", "STATUS", "AT"]);
    for line in sorted.iter().take(MOST) {
        table.add_row(vec![
            Cell::new(line.id),
            Cell::new(&line.computer),
            style.status(line.status),
            Cell::new(place(line)),
        ]);
    }
    let ended = sessions.iter().filter(|line| line.status.is_final()).count();
    let mut text = lines(&table);
    if sessions.len() > MOST {
        text.push_str(&format!("\n… and {} more", sessions.len() - MOST));
    }
    text.push_str(&format!("\n{ended} of {} ended.", sessions.len()));
    text
}

/// How far one session is.
pub fn progress_line(line: &SessionLine, style: Style) -> String {
    let status = line.status.as_str().replace('_', " ");
    let text = format!("session {} for {}: {status}, {}", line.id, line.computer, place(line));
    style.fit(&text)
}
