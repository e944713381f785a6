//! How long actions take.

use comfy_table::Cell;

use super::style::{Style, lines, took};
use crate::domain::report::Duration;

/// How long actions take, by what they took before.
pub fn durations(found: &[Duration], style: Style) -> String {
    if found.is_empty() {
        return "Nothing has been learned yet.".to_owned();
    }
    let mut table = style.table(&["ITEM", "ACTION", "VERSION", "MEDIAN", "OF", "LEARNED"]);
    for line in found {
        table.add_row(vec![
            Cell::new(&line.item),
            Cell::new(line.action.replace('_', " ")),
            Cell::new(line.version.as_deref().unwrap_or("-")),
            Cell::new(took(line.median_ms)),
            Cell::new(line.samples),
            Cell::new(format!("{:.0}", line.learned_at)),
        ]);
    }
    lines(&table)
}
