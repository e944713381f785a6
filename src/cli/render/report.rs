//! The report of one session.

use comfy_table::Cell;

use super::sessions::again;
use super::style::{Style, bytes, lines};
use super::{took, why};
use crate::domain::report::{ActionLine, Report, Takes};

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
                Cell::new(item(action)),
                Cell::new(action.detected.as_deref().unwrap_or("-")),
                Cell::new(action.desired.as_deref().unwrap_or("-")),
                Cell::new(action.action.replace('_', " ")),
                Cell::new(action.verified.as_deref().unwrap_or("-")),
                style.result(action.result.as_deref().unwrap_or(&action.status)),
                Cell::new(because(action)),
                Cell::new(took_or_will(action)),
            ]);
        }
        text.push_str(&format!("\n{}\n", lines(&table)));
        text.push_str(&takes(&report.actions, style));
        text.push_str(&expected(&report.actions, style));
    }
    if !report.reruns.is_empty() {
        let mut sentence = format!("Run again by {}.", again(&report.reruns));
        if let Some(standing) = report.standing {
            sentence.push_str(&format!(" With that it stands as {}.", standing.as_str().replace('_', " ")));
        }
        text.push_str(&format!("\n{}\n", style.wrap(&sentence)));
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

/// The item; of what is below another action only what tells it apart, set in.
fn item(action: &ActionLine) -> String {
    match (action.parent, action.item.split_once('#')) {
        (Some(_), Some((_, key))) => format!("  {key}"),
        (None, _) | (_, None) => action.item.clone(),
    }
}

/// How long an action took or, of one that is to be done, how long it is expected to take.
fn took_or_will(action: &ActionLine) -> String {
    match (action.took_ms(), action.expected_ms) {
        (Some(ms), _) => took(ms),
        (None, Some(ms)) if action.result.is_none() => format!("about {}", took(ms)),
        (None, _) => String::new(),
    }
}

/// What each action that is to be done takes, for who has to agree to it.
fn takes(actions: &[ActionLine], style: Style) -> String {
    let ahead = actions.iter().filter(|action| action.result.is_none());
    let ahead: Vec<_> = ahead.filter_map(|action| Some((action, action.takes.as_ref()?))).collect();
    if ahead.is_empty() {
        return String::new();
    }
    let mut table = style.table(&["#", "ITEM", "DOWNLOAD", "REBOOT", "MAY STOP AFTER IT", "TAKEN BACK BY"]);
    for (action, takes) in ahead {
        table.add_row(vec![
            Cell::new(action.seq),
            Cell::new(item(action)),
            Cell::new(match takes {
                Takes { downloads: false, .. } => "-".to_owned(),
                Takes { download_bytes: None, .. } => "of unknown size".to_owned(),
                Takes { download_bytes: Some(size), .. } => bytes(*size),
            }),
            Cell::new(if takes.reboot { "always" } else { "if asked for" }),
            Cell::new(if takes.safe_point { "yes" } else { "no" }),
            Cell::new(takes.undo.as_deref().unwrap_or("nothing")),
        ]);
    }
    format!("\n{}\n", lines(&table))
}

/// How long what is to be done is expected to take.
fn expected(actions: &[ActionLine], style: Style) -> String {
    let ahead: Vec<_> = actions.iter().filter(|action| action.result.is_none()).collect();
    let known: i64 = ahead.iter().filter_map(|action| action.expected_ms).sum();
    let unknown = ahead.iter().filter(|action| action.expected_ms.is_none()).count();
    let sentence = match (ahead.len(), unknown) {
        (0, _) => return String::new(),
        (all, unknown) if all == unknown => {
            "How long what is to be done takes is not known: it has never been done.".to_owned()
        }
        (_, 0) => format!("What is to be done takes about {}, by what it took before.", took(known)),
        (_, unknown) => format!(
            "What is to be done takes about {}, by what it took before, and {unknown} that were never done before.",
            took(known)
        ),
    };
    format!("{}\n", style.wrap(&sentence))
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

/// Why an action was done, or why it ended otherwise.
pub(super) fn because(action: &ActionLine) -> String {
    let why = action.why.replace('_', " ");
    match (&action.result_reason, &action.message) {
        (Some(reason), _) if reason == "done" && action.why_text.is_empty() => why,
        (Some(reason), _) if reason == "done" => action.why_text.clone(),
        (Some(_), Some(message)) if !message.is_empty() => message.clone(),
        (Some(reason), _) => reason.replace('_', " "),
        (None, _) if !action.why_text.is_empty() => action.why_text.clone(),
        (None, _) => why,
    }
}
