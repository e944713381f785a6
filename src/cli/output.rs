//! Where answers go: a table for people or JSON for programs, in colour only on a terminal that wants it.

use std::io::{IsTerminal, Write};

use clap::ValueEnum;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Failure;
use super::render::Style;

/// A list that is whole.
#[derive(Debug, Deserialize)]
pub(super) struct Whole<T> {
    pub(super) items: Vec<T>,
}

/// For whom answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: the API's answer.
    Json,
}

/// The standard output.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// For whom.
    pub format: Format,
    /// How it looks.
    pub style: Style,
    /// True if it is a terminal, which can be drawn on again.
    pub terminal: bool,
}

impl Output {
    /// The standard output of this process.
    pub fn new(format: Format) -> Output {
        let terminal = std::io::stdout().is_terminal();
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let width = terminal.then(|| comfy_table::Table::new().width()).flatten();
        Output { format, style: Style { width, colour }, terminal }
    }

    /// Prints an answer: as it came, or as `draw` draws it.
    pub fn show<T: DeserializeOwned>(&self, answer: &Value, draw: impl FnOnce(&T) -> String) -> Result<(), Failure> {
        match self.format {
            Format::Json => self.line(&serde_json::to_string_pretty(answer).unwrap_or_default()),
            Format::Table => self.line(&draw(&read(answer)?)),
        }
        Ok(())
    }

    /// Prints a text. A reader that has gone away is no error: it has read enough.
    pub fn line(&self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{}", text.trim_end());
    }

    /// Draws over the last `lines` lines of a terminal.
    pub fn redraw(&self, lines: usize, text: &str) -> usize {
        let mut out = std::io::stdout().lock();
        if lines > 0 {
            let _ = write!(out, "\x1b[{lines}A\x1b[J");
        }
        let _ = writeln!(out, "{}", text.trim_end());
        let _ = out.flush();
        text.trim_end().lines().count()
    }
}

/// Reads an answer as a value of ours.
pub(super) fn read<T: DeserializeOwned>(answer: &Value) -> Result<T, Failure> {
    T::deserialize(answer).map_err(|error| {
        Failure::Refused(format!(
            "the server's answer cannot be read ({error}); is it of another version than this program?"
        ))
    })
}
