//! Logs as they were written, each step under a head of its own.

use pitcrew_protocol::StepStatus;

use super::style::Style;
use super::took;
use crate::domain::report::LogEntry;

/// What steps wrote.
pub fn logs(entries: &[LogEntry], style: Style) -> String {
    if entries.is_empty() {
        return "Nothing was written.".to_owned();
    }
    let mut text = String::new();
    for entry in entries {
        let step = format!("{:?}", entry.step).to_lowercase();
        let ms = i64::try_from(entry.duration_ms).unwrap_or(i64::MAX);
        let head = format!("── {} {step} of {}, {}", entry.stage, entry.item, took(ms));
        text.push_str(&style.paint(1, &style.fit(&head)));
        text.push('\n');
        for line in entry.output.lines() {
            // What a script wrote must not steer the terminal it is read on.
            text.extend(line.chars().filter(|letter| !letter.is_control() || *letter == '\t'));
            text.push('\n');
        }
        for warning in &entry.warnings {
            text.push_str(&format!("{}\n", style.paint(33, &format!("warning: {warning}"))));
        }
        if entry.output_omitted > 0 {
            text.push_str(&format!("… {} bytes were left out\n", entry.output_omitted));
        }
        if let StepStatus::Failed { code, message } = &entry.status {
            text.push_str(&format!("{}\n", style.paint(31, &format!("failed ({code}): {message}"))));
        }
    }
    text
}
