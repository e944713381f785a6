//! What came of the demo, as a person reads it.

use std::collections::BTreeSet;

use super::sample::Computer;
use crate::cli::render::{self, Style};
use crate::domain::report::{LogEntry, Report, Timeline};

/// The width where there is no terminal to ask, in characters.
const WIDTH: u16 = 140;

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

/// The table of all computers, what failed scripts wrote last, how the sessions spent their time, and the timelines of
/// those that had to wait for something.
pub(super) fn report(all: &[Told<'_>], style: Style) -> String {
    let style = Style { width: style.width.or(Some(WIDTH)), ..style };
    let reports: Vec<_> = all.iter().map(|told| told.report.clone()).collect();
    let mut text = format!("{}\n", render::reports(&reports, style));
    for (computer, item, line) in last_words(all) {
        text.push_str(&format!("\nOn {computer}, a script of {item} ended with the words: {line}"));
    }
    let timelines: Vec<_> = all.iter().map(|told| (told.computer.name.as_str(), &told.timeline)).collect();
    text.push_str(&format!("\n\nHow the sessions spent their time:\n\n{}", render::timelines(&timelines, style)));
    for told in all.iter().filter(|told| !told.computer.waits.is_empty()) {
        let timeline = render::timeline(&told.timeline, style);
        text.push_str(&format!("\nHow {} spent it, in full:\n\n{timeline}\n", told.computer.name));
    }
    text
}

/// What scripts that failed wrote last, once each however often they were tried.
fn last_words<'a>(all: &'a [Told<'_>]) -> BTreeSet<(&'a str, &'a str, &'a str)> {
    let mut found = BTreeSet::new();
    for told in all {
        for entry in told.logs.iter().filter(|entry| !entry.status.is_success() && entry.exit_code.is_some()) {
            let line = entry.output.lines().map(str::trim).rfind(|line| !line.is_empty());
            found.extend(line.map(|line| (told.computer.name.as_str(), entry.item.as_str(), line)));
        }
    }
    found
}
