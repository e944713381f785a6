//! What all tables have in common: their width, their colours, their words for time.

use comfy_table::{Attribute, Cell, Color, ContentArrangement, Table, presets};

use crate::domain::compliance::State;
use crate::domain::session::Status;

/// How answers look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Style {
    /// Nothing is wider than this; none: as wide as it needs.
    pub width: Option<u16>,
    /// In colour.
    pub colour: bool,
}

impl Style {
    /// An empty table with these heads.
    pub(super) fn table(self, heads: &[&str]) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        // Whether it is a terminal was decided elsewhere.
        table.force_no_tty();
        match self.width {
            Some(width) => table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width),
            None => table.set_content_arrangement(ContentArrangement::Disabled),
        };
        if self.colour {
            table.enforce_styling();
        }
        table.set_header(heads.iter().map(|head| self.strong(head)));
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        table
    }

    /// A head.
    pub(super) fn strong(self, text: &str) -> Cell {
        let cell = Cell::new(text);
        if self.colour { cell.add_attribute(Attribute::Bold) } else { cell }
    }

    /// A status in its colour.
    pub(super) fn status(self, status: Status) -> Cell {
        let cell = Cell::new(status.as_str().replace('_', " "));
        if !self.colour {
            return cell;
        }
        cell.fg(match status {
            Status::Completed => Color::Green,
            Status::PartiallyCompleted | Status::Missed | Status::Paused => Color::Yellow,
            Status::Failed => Color::Red,
            Status::Cancelled => Color::DarkGrey,
            Status::Running => Color::Cyan,
            Status::Pending => Color::Reset,
        })
    }

    /// How an action ended, in its colour.
    pub(super) fn result(self, word: &str) -> Cell {
        let cell = Cell::new(word);
        match word {
            "success" if self.colour => cell.fg(Color::Green),
            "failed" | "indeterminate" if self.colour => cell.fg(Color::Red),
            "skipped" | "cancelled" if self.colour => cell.fg(Color::Yellow),
            _ => cell,
        }
    }

    /// A verdict and its reason, in its colour.
    pub(super) fn compliance(self, state: State, reason: &str) -> Cell {
        let state_text = state.as_str().replace('_', " ");
        let cell = match reason {
            "" => Cell::new(state_text),
            reason => Cell::new(format!("{state_text}: {}", reason.replace('_', " "))),
        };
        match state {
            State::Compliant if self.colour => cell.fg(Color::Green),
            State::NonCompliant if self.colour => cell.fg(Color::Red),
            State::Unknown if self.colour => cell.fg(Color::Yellow),
            State::Compliant | State::NonCompliant | State::Unknown | State::NotJudged => cell,
        }
    }

    /// Text in a terminal's colour, by its SGR number.
    pub(super) fn paint(self, sgr: u8, text: &str) -> String {
        if self.colour { format!("\x1b[{sgr}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A text whose lines fit the width, broken between words.
    pub(super) fn wrap(self, text: &str) -> String {
        let Some(width) = self.width.map(usize::from) else { return text.to_owned() };
        let mut wrapped = String::with_capacity(text.len());
        for (place, line) in text.lines().enumerate() {
            if place > 0 {
                wrapped.push('\n');
            }
            let text = line.trim_start_matches(' ');
            wrapped.push_str(&line[..line.len() - text.len()]);
            let mut column = line.len() - text.len();
            let mut first = true;
            for word in text.split(' ') {
                let length = word.chars().count();
                if !first && column + 1 + length > width {
                    wrapped.push('\n');
                    column = 0;
                } else if !first {
                    wrapped.push(' ');
                    column += 1;
                }
                wrapped.push_str(word);
                column += length;
                first = false;
            }
        }
        wrapped
    }

    /// A text that fits the width.
    pub(super) fn fit(self, text: &str) -> String {
        match self.width.map(usize::from) {
            Some(width) if text.chars().count() > width => {
                text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
            }
            _ => text.to_owned(),
        }
    }
}

/// A table's lines without blanks at their ends.
pub(super) fn lines(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// A length of time in milliseconds, as people say it.
pub fn took(ms: i64) -> String {
    let seconds = ms / 1000;
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..60_000 => format!("{}.{} s", seconds, ms % 1000 / 100),
        60_000..3_600_000 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600_000..86_400_000 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A number of bytes, as people say it.
pub(super) fn bytes(bytes: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("bytes", 1)];
    match UNITS.into_iter().find(|(_, size)| bytes >= *size) {
        None | Some((_, 1)) => format!("{bytes} bytes"),
        Some((unit, size)) => format!("{}.{} {unit}", bytes / size, bytes % size * 10 / size),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let style = Style { width: Some(12), colour: false };
        assert_eq!(style.wrap("one two three four\n  - five six"), "one two\nthree four\n  - five six");
        assert_eq!(style.fit("one two three four"), "one two thr…");
        assert_eq!(Style::default().wrap("one two three four"), "one two three four");
    }

    #[test]
    fn sizes_are_said_as_people_say_them() {
        let told: Vec<String> = [0, 999, 1_050, 48_211_200, 2_990_000_000].into_iter().map(bytes).collect();
        assert_eq!(told, ["0 bytes", "999 bytes", "1.0 kB", "48.2 MB", "2.9 GB"]);
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        let told: Vec<String> = [7, 1_250, 61_000, 3_720_000, 90_000_000].into_iter().map(took).collect();
        assert_eq!(told, ["7 ms", "1.2 s", "1 min 1 s", "1 h 2 min", "1 d 1 h"]);
    }
}
