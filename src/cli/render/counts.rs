//! How many sessions there are, by status.

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::counted::counted;
use crate::domain::report::StatusCounts;

/// How many sessions there are, by status, and how many may run.
pub fn status_counts(counts: &StatusCounts, style: Style) -> String {
    let mut text = if counts.sessions.is_empty() {
        "No sessions.".to_owned()
    } else {
        let mut table = style.table(&["STATUS", "SESSIONS"]);
        for (status, count) in &counts.sessions {
            table.add_row(vec![style.status(*status), Cell::new(count)]);
        }
        lines(&table)
    };
    let running = counted(counts.running.unsigned_abs(), "computer");
    let most = match counts.max_running {
        Some(most) => format!("at most {most} may be at a time"),
        None => "nothing but the workers limits how many may be at a time".to_owned(),
    };
    let places: Vec<String> = counts.places.iter().map(|(stage, places)| format!("{places} in {stage}")).collect();
    let places = match places.as_slice() {
        [] => "There are no workers.".to_owned(),
        places => format!("The workers have places for {}.", places.join(", ")),
    };
    let sentences =
        format!("Those that ended are counted from {:.0}.\n{running} in work; {most}. {places}", counts.since);
    text.push_str(&format!("\n{}", style.wrap(&sentences)));
    text
}
