//! What came of the demo, as a person reads it: a table of what was found, done, verified and why, and how each session
//! spent its time, all on one axis.

use comfy_table::presets::UTF8_BORDERS_ONLY;
use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table};
use jiff::Timestamp;

use super::sample::Computer;
use crate::domain::report::{ActionLine, Doing, LogEntry, Report, Timeline};
use crate::domain::session::Status;

/// The width where there is no terminal to ask, in characters.
const WIDTH: u16 = 150;
/// The width of the bars, in characters.
const BAR: usize = 70;
/// The width of the computers' names.
const NAME: usize = 14;

/// All that is told of one computer's session.
#[derive(Debug)]
pub(super) struct Told<'a> {
    /// The computer.
    pub computer: &'a Computer,
    /// Its session's report.
    pub report: Report,
    /// Its session's timeline.
    pub timeline: Timeline,
    /// What the steps of its session wrote.
    pub logs: Vec<LogEntry>,
}

/// The table: a line for each computer, and below it one for each action.
pub(super) fn table(all: &[Told<'_>], colours: bool) -> String {
    let mut table = Table::new();
    table.load_style(UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH);
    }
    if colours {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(["computer", "found", "done", "verified", "why", "took"]);
    for told in all {
        let Report { session, found, actions, took, .. } = &told.report;
        let name = Cell::new(&told.computer.name).add_attribute(Attribute::Bold);
        let status = Cell::new(words(session.status.as_str())).fg(colour(session.status));
        let looked = found.as_ref().map(|found| {
            let packages = found.inventory.as_ref().map(|all| format!("{} packages, ", all.len())).unwrap_or_default();
            format!("{packages}{} of {} items in order", found.compliant.unwrap_or_default(), found.items)
        });
        let (looked, story) = (looked.unwrap_or_default(), &told.computer.story);
        let took = seconds(took.total_ms);
        table.add_row([name, looked.into(), status, "".into(), story.into(), took.into()]);
        for action in actions {
            table.add_row(row(action, &told.logs));
        }
    }
    table.to_string()
}

/// The line of one action.
fn row(action: &ActionLine, logs: &[LogEntry]) -> [String; 6] {
    let is_task = action.item.starts_with("task/");
    let found = action.detected.clone().unwrap_or_else(|| if is_task { "" } else { "nothing" }.to_owned());
    let version = action.desired.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let result = words(action.result.as_deref().unwrap_or(&action.status));
    let said = last_words(action, logs).map(|line| format!(". Its last words: {line}")).unwrap_or_default();
    // Of what went as planned, the plan says why; of all else, the end does.
    let message = match action.result_reason.as_deref() {
        Some("done") if !action.why_text.is_empty() => action.why_text.clone(),
        _ => action.message.clone().unwrap_or_default(),
    };
    [
        format!("  {}", action.item),
        found,
        format!("{}{version}: {result}", words(&action.action)),
        action.verified.clone().unwrap_or_default(),
        format!("{message}{said}"),
        action.took_ms().map(seconds).unwrap_or_default(),
    ]
}

/// What the script wrote last that made an action fail.
fn last_words(action: &ActionLine, logs: &[LogEntry]) -> Option<String> {
    let failed = logs.iter().rfind(|entry| {
        entry.action == Some(action.seq) && entry.exit_code.is_some_and(|code| code != 0) && !entry.status.is_success()
    })?;
    let line = failed.output.lines().map(str::trim).rfind(|line| !line.is_empty())?;
    (action.result.as_deref() == Some("failed")).then(|| line.to_owned())
}

/// How each session spent its time: a bar each, all on one axis.
pub(super) fn bars(all: &[Told<'_>], colours: bool) -> String {
    let parts = || all.iter().flat_map(|told| &told.timeline.parts);
    let Some(begin) = parts().map(|part| part.from).min() else { return String::new() };
    let end = parts().map(|part| part.to).max().unwrap_or(begin);
    let span = ms(begin, end).max(1);
    let place = |at: Timestamp| usize::try_from(ms(begin, at) * BAR as i64 / span).unwrap_or(0).min(BAR);
    let mut text = format!("  {:NAME$} {}\n", "", legend(colours));
    for told in all {
        let mut bar = vec![None; BAR];
        for part in &told.timeline.parts {
            let (from, to) = (place(part.from), place(part.to));
            // What is shorter than a character is shown where there is room for it.
            for slot in bar.iter_mut().take(to.max(from + 1).min(BAR)).skip(from) {
                if slot.is_none() || part.doing == Doing::Work {
                    *slot = Some(part.doing);
                }
            }
        }
        let bar: String =
            bar.into_iter().map(|slot| slot.map_or(" ".to_owned(), |doing| mark(doing, colours))).collect();
        let sums = &told.timeline.sums;
        text.push_str(&format!(
            "  {:NAME$} {bar} worked {}, waited {}\n",
            told.computer.name,
            seconds(sums.worked_ms),
            seconds(sums.waited_ms + sums.queued_ms)
        ));
    }
    text
}

fn legend(colours: bool) -> String {
    format!(
        "{} in work at a worker   {} in a queue   {} waiting",
        mark(Doing::Work, colours),
        mark(Doing::Queue, colours),
        mark(Doing::Wait, colours)
    )
}

fn mark(doing: Doing, colours: bool) -> String {
    let (letter, colour) = match doing {
        Doing::Work => ('█', 32),
        Doing::Queue => ('▓', 36),
        Doing::Wait => ('░', 33),
        Doing::Paused => ('-', 35),
    };
    if colours { format!("\x1b[{colour}m{letter}\x1b[0m") } else { letter.to_string() }
}

fn colour(status: Status) -> Color {
    match status {
        Status::Completed => Color::Green,
        Status::PartiallyCompleted | Status::Missed => Color::Yellow,
        Status::Failed => Color::Red,
        Status::Cancelled | Status::Pending | Status::Running | Status::Paused => Color::Reset,
    }
}

fn words(word: &str) -> String {
    word.replace('_', " ")
}

fn ms(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

fn seconds(ms: i64) -> String {
    format!("{}.{} s", ms / 1000, ms % 1000 / 100)
}
