//! Reports: of one session, and of many side by side.

use comfy_table::Cell;

use super::style::{Style, lines};
use super::{took, why};
use crate::domain::report::{ActionLine, Report};

/// The report of one session.
pub fn report(report: &Report, style: Style) -> String {
    let session = &report.session;
    let mut text = format!(
        "Session {} on {}/{}: {}\n",
        session.id,
        session.tenant,
        session.computer,
        session.status.as_str().replace('_', " ")
    );
    text.push_str(&format!("{}\n", style.fit(&found(report))));
    if !report.actions.is_empty() {
        let mut table = style.table(&["#", "ITEM", "FOUND", "WANTED", "DONE", "VERIFIED", "RESULT", "WHY", "TOOK"]);
        for action in &report.actions {
            table.add_row(vec![
                Cell::new(action.seq),
                Cell::new(&action.item),
                Cell::new(action.detected.as_deref().unwrap_or("-")),
                Cell::new(action.desired.as_deref().unwrap_or("-")),
                Cell::new(action.action.replace('_', " ")),
                Cell::new(action.verified.as_deref().unwrap_or("-")),
                style.result(action.result.as_deref().unwrap_or(&action.status)),
                Cell::new(because(action)),
                Cell::new(action.took_ms().map(took).unwrap_or_default()),
            ]);
        }
        text.push_str(&format!("\n{}\n", lines(&table)));
    }
    let sums = &report.took;
    let sentence = format!(
        "Took {}: {} of work, {} of waiting, {} in queues{}.",
        took(sums.total_ms),
        took(sums.worked_ms),
        took(sums.waited_ms),
        took(sums.queued_ms),
        if sums.paused_ms > 0 { format!(", {} paused", took(sums.paused_ms)) } else { String::new() }
    );
    text.push_str(&format!("\n{}\n", style.wrap(&sentence)));
    text.push_str(&why(&report.why, style));
    text
}

/// Many reports side by side: computers by what was found, done, verified, why, and how long it took.
pub fn reports(reports: &[Report], style: Style) -> String {
    let mut table = style.table(&["COMPUTER", "STATUS", "FOUND", "DONE", "VERIFIED", "WHY", "TOOK"]);
    for report in reports {
        table.add_row(vec![
            Cell::new(&report.session.computer),
            style.status(report.session.status),
            Cell::new(found(report)),
            Cell::new(done(&report.actions)),
            Cell::new(each(&report.actions, |action| {
                action.verified.as_ref().map(|seen| format!("{} {seen}", name(action)))
            })),
            Cell::new(match each(&report.actions, |action| Some(format!("{}: {}", name(action), because(action)))) {
                text if text.is_empty() => report.why.answer.clone(),
                text => text,
            }),
            Cell::new(took(report.took.total_ms)),
        ]);
    }
    lines(&table)
}

fn found(report: &Report) -> String {
    match &report.found {
        None => "Nothing was found out yet.".to_owned(),
        Some(found) => {
            let mut text = format!("{} items looked at", found.items);
            if let Some(compliant) = found.compliant {
                text.push_str(&format!(", {compliant} as they should be"));
            }
            if found.unknown > 0 {
                text.push_str(&format!(", {} could not be found out", found.unknown));
            }
            if let Some(inventory) = &found.inventory {
                text.push_str(&format!(", {} packages", inventory.len()));
            }
            text
        }
    }
}

fn done(actions: &[ActionLine]) -> String {
    if actions.is_empty() {
        return "nothing to do".to_owned();
    }
    each(actions, |action| {
        let result = action.result.as_deref().unwrap_or(&action.status);
        Some(format!("{} {}: {result}", action.action.replace('_', " "), name(action)))
    })
}

fn each(actions: &[ActionLine], told: impl Fn(&ActionLine) -> Option<String>) -> String {
    actions.iter().filter_map(told).collect::<Vec<_>>().join("\n")
}

fn name(action: &ActionLine) -> &str {
    action.item.split_once('/').map_or(&action.item, |(_, name)| name)
}

fn because(action: &ActionLine) -> String {
    let why = action.why.replace('_', " ");
    match (&action.result_reason, &action.message) {
        (Some(reason), _) if reason == "done" => why,
        (Some(_), Some(message)) if !message.is_empty() => message.clone(),
        (Some(reason), _) => reason.replace('_', " "),
        (None, _) if !action.why_text.is_empty() => action.why_text.clone(),
        (None, _) => why,
    }
}
