//! Dead letters, in a list and alone.

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::report::{LetterLine, Page};

/// A page of dead letters.
pub fn letters(page: &Page<LetterLine>, style: Style) -> String {
    if page.items.is_empty() {
        return "No dead letters.".to_owned();
    }
    let mut table = style.table(&["ID", "QUEUE", "AT", "REASON", "SESSION", "STATE", "NOTE"]);
    for letter in &page.items {
        table.add_row(vec![
            Cell::new(letter.id),
            Cell::new(&letter.queue),
            Cell::new(format!("{:.0}", letter.at)),
            Cell::new(&letter.reason),
            Cell::new(letter.session.map_or_else(|| "-".to_owned(), |session| session.to_string())),
            Cell::new(letter.state),
            Cell::new(note(letter)),
        ]);
    }
    let mut text = lines(&table);
    if let Some(next) = page.next {
        text.push_str(&format!("\nThere are more: --after {next}"));
    }
    text
}

/// One dead letter.
pub fn letter(letter: &LetterLine) -> String {
    let mut text = format!("Dead letter {} from {}, {}: {}\n", letter.id, letter.queue, letter.reason, letter.state);
    let note = note(letter);
    if !note.is_empty() {
        text.push_str(&format!("{note}\n"));
    }
    if let Some(headers) = &letter.headers {
        text.push_str(&format!("headers: {headers}\n"));
    }
    if let Some(body) = &letter.body {
        text.extend(body.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')));
    }
    text
}

fn note(letter: &LetterLine) -> String {
    match (&letter.redrive_wanted_by, &letter.note) {
        (Some(by), _) => format!("{by} wants it worked on again; the scheduler does that."),
        (None, note) => note.clone().unwrap_or_default(),
    }
}
