//! Many timelines side by side: a line each, on one axis.

use super::style::Style;
use super::timeline::{column, look};
use super::took;
use crate::domain::report::{Doing, Part, Timeline};

/// Columns of the bars where the width is not known.
const BARS: usize = 70;
/// Columns after the bars: how long it was worked on and waited for.
const SUMS: usize = 34;

/// Many timelines, each with its name, from the first beginning to the last end.
pub fn timelines(timelines: &[(&str, &Timeline)], style: Style) -> String {
    let parts = || timelines.iter().flat_map(|(_, timeline)| &timeline.parts);
    let begun = parts().map(|part| part.from.as_millisecond()).min().unwrap_or(0);
    let total = parts().map(|part| part.to.as_millisecond() - begun).max().unwrap_or(0).max(1);
    let label = timelines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
    let columns = style.width.map_or(BARS, |width| usize::from(width).saturating_sub(label + SUMS).clamp(10, 120));
    let mut text = String::new();
    for (name, timeline) in timelines {
        let sums = &timeline.sums;
        let bar = bar(&timeline.parts, begun, total, columns);
        let bar: String = bar.iter().map(|doing| doing.map_or(" ".to_owned(), |doing| mark(doing, style))).collect();
        let (worked, waited) = (took(sums.worked_ms), took(sums.waited_ms + sums.queued_ms + sums.paused_ms));
        text.push_str(&format!("{name:<label$}{bar} {worked} of work, {waited} of waiting\n"));
    }
    let legend = [(Doing::Work, "work"), (Doing::Queue, "in a queue"), (Doing::Wait, "waiting")];
    let legend: Vec<_> = legend.into_iter().map(|(doing, word)| format!("{} {word}", mark(doing, style))).collect();
    text.push_str(&format!("{:label$}{}\n", "", legend.join("   ")));
    text
}

/// What is shown in each column. What is shorter than a column is shown where nothing longer is.
fn bar(parts: &[Part], begun: i64, total: i64, columns: usize) -> Vec<Option<Doing>> {
    let mut bar: Vec<Option<Doing>> = vec![None; columns];
    let mut by_length: Vec<&Part> = parts.iter().collect();
    by_length.sort_by_key(|part| std::cmp::Reverse(part.ms()));
    for part in by_length {
        let from = column(part.from.as_millisecond() - begun, total, columns).min(columns - 1);
        let to = column(part.to.as_millisecond() - begun, total, columns).clamp(from + 1, columns);
        for place in bar.iter_mut().take(to).skip(from) {
            place.get_or_insert(part.doing);
        }
    }
    bar
}

fn mark(doing: Doing, style: Style) -> String {
    let (mark, sgr) = look(doing);
    style.paint(sgr, mark)
}
