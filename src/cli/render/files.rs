//! Stored files.

use comfy_table::Cell;

use super::style::{Style, bytes, lines};
use crate::domain::report::FileLine;

/// The files that computers can fetch from the server.
pub fn files(files: &[FileLine], style: Style) -> String {
    if files.is_empty() {
        return "No files are stored.".to_owned();
    }
    let mut table = style.table(&["SHA-256", "SIZE", "STORED"]);
    for file in files {
        table.add_row(vec![
            Cell::new(file.sha256),
            Cell::new(bytes(file.size)),
            Cell::new(format!("{:.0}", file.stored_at)),
        ]);
    }
    lines(&table)
}
