//! Many reports side by side: computers by what was found, done, verified, why, and how long it took.

use comfy_table::Cell;

use super::report::because;
use super::style::{Style, lines};
use super::took;
use crate::domain::report::{ActionLine, Report};

/// Many reports: a line for each computer, and below it one for each of its actions.
pub fn reports(reports: &[Report], style: Style) -> String {
    let mut table = style.table(&["COMPUTER", "FOUND", "DONE", "VERIFIED", "RESULT", "WHY", "TOOK"]);
    for report in reports {
        table.add_row(vec![
            style.strong(&report.session.computer),
            Cell::new(found(report)),
            Cell::new(""),
            Cell::new(""),
            style.status(report.session.status),
            Cell::new(ending(report)),
            Cell::new(took(report.took.total_ms)),
        ]);
        for action in &report.actions {
            table.add_row(vec![
                Cell::new(format!("  {}", action.item)),
                Cell::new(seen(action)),
                Cell::new(done(action)),
                Cell::new(action.verified.as_deref().unwrap_or("-")),
                style.result(action.result.as_deref().unwrap_or(&action.status)),
                Cell::new(because(action)),
                Cell::new(action.took_ms().map(took).unwrap_or_default()),
            ]);
        }
    }
    lines(&table)
}

/// What was found, in as few words as a column of many has room for.
fn found(report: &Report) -> String {
    let Some(found) = &report.found else { return "-".to_owned() };
    let mut text = match found.compliant {
        Some(compliant) => format!("{compliant} of {} as wanted", found.items),
        None => format!("{} items", found.items),
    };
    if let Some(inventory) = &found.inventory {
        text.push_str(&format!(", {} packages", inventory.len()));
    }
    text
}

/// Why the session stands where it does, where its actions do not say it.
fn ending(report: &Report) -> String {
    match report.actions.is_empty() || !report.session.status.is_final() {
        true => report.why.answer.clone(),
        false => report.session.last_error.clone().unwrap_or_default(),
    }
}

fn seen(action: &ActionLine) -> &str {
    let absent = if action.item.starts_with("software/") { "absent" } else { "-" };
    action.detected.as_deref().unwrap_or(absent)
}

fn done(action: &ActionLine) -> String {
    let version = action.desired.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    format!("{}{version}", action.action.replace('_', " "))
}
