//! A timeline as bars: every part of a session's life in its place and its length.

use super::style::Style;
use super::took;
use crate::domain::report::{Doing, Part, Timeline};

/// The columns before the bars.
const LABEL: usize = 34;
/// Columns of the bars where the width is not known.
const BARS: usize = 60;

/// A timeline as bars.
pub fn timeline(timeline: &Timeline, style: Style) -> String {
    let Some(first) = timeline.parts.first() else { return "Nothing has happened yet.".to_owned() };
    let begun = first.from.as_millisecond();
    let total = timeline.sums.total_ms.max(1);
    let columns = style.width.map_or(BARS, |width| usize::from(width).saturating_sub(LABEL + 14).max(10));
    let mut text = String::new();
    for part in &timeline.parts {
        let from = column(part.from.as_millisecond() - begun, total, columns).min(columns - 1);
        let to = column(part.to.as_millisecond() - begun, total, columns).clamp(from + 1, columns);
        let (mark, sgr) = look(part.doing);
        let bar = style.paint(sgr, &mark.repeat(to - from));
        let open = if part.open { " …" } else { "" };
        let (before, after) = (" ".repeat(from), " ".repeat(columns - to));
        let label: String = label(part).chars().take(LABEL - 1).collect();
        text.push_str(&format!("{label:<LABEL$}{before}{bar}{after} {}{open}\n", took(part.ms())));
    }
    let sums = &timeline.sums;
    text.push_str(&style.wrap(&format!(
        "{} = {} of work + {} of waiting + {} in queues + {} paused",
        took(sums.total_ms),
        took(sums.worked_ms),
        took(sums.waited_ms),
        took(sums.queued_ms),
        took(sums.paused_ms)
    )));
    text
}

/// The column of a time, in milliseconds from the beginning, where `total` takes all `columns`.
pub(super) fn column(ms: i64, total: i64, columns: usize) -> usize {
    let columns = i64::try_from(columns).unwrap_or(i64::MAX);
    usize::try_from(ms.saturating_mul(columns) / total).unwrap_or(0)
}

/// Work is solid, waiting is light.
pub(super) fn look(doing: Doing) -> (&'static str, u8) {
    match doing {
        Doing::Work => ("█", 32),
        Doing::Queue => ("▒", 33),
        Doing::Wait => ("░", 34),
        Doing::Paused => ("·", 35),
    }
}

fn label(part: &Part) -> String {
    match (part.doing, part.waiting_on) {
        (Doing::Wait, Some(waiting)) => format!("{} waits for {waiting}", part.stage),
        (Doing::Wait, None) => format!("{} waits", part.stage),
        (Doing::Queue, _) => format!("{} in the queue", part.stage),
        (Doing::Work, _) => format!("{} works", part.stage),
        (Doing::Paused, _) => format!("{} is paused", part.stage),
    }
}
