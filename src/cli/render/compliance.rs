//! Compliance: lists, counts, what recurs, and the history of one item on one computer.

use comfy_table::Cell;

use super::style::{Style, lines, took};
use crate::domain::report::{ComplianceCount, ComplianceLine, CompliancePage, CountedBy, ItemHistory, Recurring};

/// A page of verdicts.
pub fn compliance(page: &CompliancePage, style: Style) -> String {
    if page.items.is_empty() {
        return "No verdicts.".to_owned();
    }
    let heads = ["TENANT", "COMPUTER", "ITEM", "STATE", "DETECTED", "WANTED", "SINCE", "SESSION", "DEPLOYMENT"];
    let mut table = style.table(&heads);
    for line in &page.items {
        table.add_row(vec![
            Cell::new(&line.tenant),
            Cell::new(&line.computer),
            Cell::new(&line.item),
            style.compliance(line.state, &line.reason),
            Cell::new(line.detected.as_deref().unwrap_or("-")),
            Cell::new(line.desired.as_deref().unwrap_or("-")),
            Cell::new(format!("{:.0}", line.since)),
            Cell::new(line.session),
            Cell::new(&line.deployment),
        ]);
    }
    let mut text = lines(&table);
    if let Some(next) = page.next.clone() {
        text.push_str(&format!("\nThere are more: --after {}", String::from(next)));
    }
    text
}

/// How many verdicts of each state there are.
pub fn compliance_counts(counts: &[ComplianceCount], by: CountedBy, style: Style) -> String {
    if counts.is_empty() {
        return "No verdicts.".to_owned();
    }
    let mut table = style.table(&[
        by.as_str().to_uppercase().as_str(),
        "COMPUTERS",
        "COMPLIANT",
        "NOT COMPLIANT",
        "UNKNOWN",
        "NOT JUDGED",
    ]);
    for count in counts {
        table.add_row(vec![
            Cell::new(&count.name),
            Cell::new(count.computers),
            Cell::new(count.compliant),
            Cell::new(count.non_compliant),
            Cell::new(count.unknown),
            Cell::new(count.not_judged),
        ]);
    }
    lines(&table)
}

/// What has fallen out of order, or failed, in several sessions.
pub fn recurring(found: &[Recurring], style: Style) -> String {
    if found.is_empty() {
        return "Nothing recurs.".to_owned();
    }
    let mut table =
        style.table(&["TENANT", "COMPUTER", "ITEM", "SESSIONS", "FELL OUT", "FAILED", "LAST", "SESSION", "BECAUSE"]);
    for line in found {
        table.add_row(vec![
            Cell::new(&line.tenant),
            Cell::new(&line.computer),
            Cell::new(&line.item),
            Cell::new(line.sessions),
            Cell::new(line.falls),
            Cell::new(line.failures),
            Cell::new(format!("{:.0}", line.last)),
            Cell::new(line.session),
            Cell::new(line.reasons.join("; ")),
        ]);
    }
    lines(&table)
}

/// What became of one item on one computer.
pub fn item_history(history: &ItemHistory, style: Style) -> String {
    let mut text = match &history.now {
        Some(now) => present(now),
        None => "There is no verdict on it: nobody has looked, or nothing wants it any more.".to_owned(),
    };
    if let Some(looked) = &history.looked {
        text.push_str(&format!(" Session {} looked last, at {:.0}.", looked.session, looked.at));
    }
    let mut text = style.wrap(&text);
    if !history.past.is_empty() {
        let mut table = style.table(&["BEFORE", "DETECTED", "WANTED", "SINCE", "BY", "UNTIL", "BY"]);
        for past in &history.past {
            table.add_row(vec![
                style.compliance(past.state, &past.reason),
                Cell::new(past.detected.as_deref().unwrap_or("-")),
                Cell::new(past.desired.as_deref().unwrap_or("-")),
                Cell::new(format!("{:.0}", past.since)),
                Cell::new(past.session),
                Cell::new(format!("{:.0}", past.until)),
                Cell::new(past.ended_by),
            ]);
        }
        text.push_str(&format!("\n\n{}", lines(&table)));
    }
    if !history.actions.is_empty() {
        let mut table = style.table(&["SESSION", "ACTION", "FOUND", "WANTED", "RESULT", "TOOK", "WHAT HAPPENED"]);
        for action in &history.actions {
            table.add_row(vec![
                Cell::new(action.session),
                Cell::new(action.action.replace('_', " ")),
                Cell::new(action.detected.as_deref().unwrap_or("-")),
                Cell::new(action.desired.as_deref().unwrap_or("-")),
                style.result(action.result.as_deref().unwrap_or("under way")),
                Cell::new(action.took_ms.map(took).unwrap_or_default()),
                Cell::new(action.message.as_deref().unwrap_or_default()),
            ]);
        }
        text.push_str(&format!("\n\n{}", lines(&table)));
    }
    text
}

fn present(now: &ComplianceLine) -> String {
    let because = if now.reason.is_empty() { String::new() } else { format!(" ({})", now.reason.replace('_', " ")) };
    format!(
        "{} on {}/{} has been {}{because} since {:.0}, by session {}: {} detected, {} wanted by {}.",
        now.item,
        now.tenant,
        now.computer,
        now.state.as_str().replace('_', " "),
        now.since,
        now.session,
        now.detected.as_deref().unwrap_or("nothing"),
        now.desired.as_deref().unwrap_or("nothing"),
        now.deployment
    )
}
