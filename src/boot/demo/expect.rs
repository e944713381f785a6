//! Compares what came about with what was expected: in the reports, in the timelines, and in the folders themselves.

use std::path::Path;

use super::sample::Computer;
use crate::domain::report::{ActionLine, Report, Timeline};
use crate::domain::session::Status;

/// Everything that is not as it was expected, in sentences. `root` is the computer's folder, if it is one.
pub(super) fn differences(
    computer: &Computer,
    report: &Report,
    timeline: &Timeline,
    root: Option<&Path>,
) -> Vec<String> {
    let mut found = Vec::new();
    let status = report.session.status;
    match computer.status {
        Some(expected) if expected != status => found.push(format!("it is {status}, and {expected} was expected")),
        None if !matches!(status, Status::Completed | Status::PartiallyCompleted) => {
            found.push(format!("it is {status}, and was expected to come to an end"));
        }
        Some(_) | None => {}
    }
    if let Some(expected) = &computer.actions {
        let actions: Vec<String> = report.actions.iter().map(line).collect();
        found.extend(actions.iter().filter(|is| !expected.contains(is)).map(|is| format!("not expected: {is}")));
        found.extend(expected.iter().filter(|was| !actions.contains(was)).map(|was| format!("missing: {was}")));
        if found.is_empty() && actions != *expected {
            found.push(format!("the actions are in another order: {}", actions.join(", ")));
        }
    }
    for wait in &computer.waits {
        if !timeline.parts.iter().any(|part| part.waiting_on == Some(*wait)) {
            found.push(format!("it has never waited for {wait}"));
        }
    }
    if let Some(root) = root {
        found.extend(computer.present.iter().filter_map(|(name, text)| missing(&root.join(name), text)));
        let left = computer.absent.iter().filter(|name| root.join(name).exists());
        found.extend(left.map(|name| format!("{name} is still there")));
    }
    found
}

/// `software/notes: update success (done)`
fn line(action: &ActionLine) -> String {
    let result = action.result.as_deref().unwrap_or(&action.status);
    let reason = action.result_reason.as_deref().unwrap_or("no reason");
    format!("{}: {} {result} ({reason})", action.item, action.action)
}

fn missing(path: &Path, text: &str) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(is) if is.trim_end() == text => None,
        Ok(is) => Some(format!("{} holds \"{}\", and \"{text}\" was expected", path.display(), is.trim_end())),
        Err(error) => Some(format!("{}: {error}", path.display())),
    }
}
