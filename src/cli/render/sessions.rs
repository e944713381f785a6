//! Sessions, in a list and alone.

use comfy_table::Cell;

use super::style::{Style, lines};
use super::took;
use crate::domain::report::{Page, RerunLine, SessionDetail, SessionLine};
use crate::domain::{Given, ParameterValue};

/// A page of sessions.
pub fn sessions(page: &Page<SessionLine>, style: Style) -> String {
    if page.items.is_empty() {
        return "No sessions.".to_owned();
    }
    let mut table = style.table(&["SESSION", "COMPUTER", "TENANT", "KIND", "STATUS", "AT", "SUBMITTED", "BY"]);
    for line in &page.items {
        table.add_row(vec![
            Cell::new(line.id),
            Cell::new(&line.computer),
            Cell::new(&line.tenant),
            Cell::new(what(line)),
            style.status(line.status),
            Cell::new(place(line)),
            Cell::new(format!("{:.0}", line.created_at)),
            Cell::new(asker(line)),
        ]);
    }
    let mut text = lines(&table);
    if let Some(next) = page.next {
        text.push_str(&format!("\nThere are more: --after {next}"));
    }
    text
}

/// What a session is for: its kind, and the item if there is but one.
fn what(line: &SessionLine) -> String {
    match &line.item {
        Some(item) => format!("{} {item}", line.kind),
        None => line.kind.to_string(),
    }
}

/// Who asked, and by what way if that is not the common one.
fn asker(line: &SessionLine) -> String {
    match line.origin.as_str() {
        "" | "api" => line.by.clone(),
        other => format!("{} ({other})", line.by),
    }
}

/// Where a session is, in a few words.
pub(super) fn place(line: &SessionLine) -> String {
    if line.status.is_final() {
        let end = line.finished_at.unwrap_or(line.created_at);
        return format!("after {}", took(end.as_millisecond() - line.created_at.as_millisecond()));
    }
    let mut text = line.stage.to_string();
    if let Some(waiting) = line.waiting_on {
        text.push_str(&format!(", waits for {}", waiting.as_str()));
    }
    if line.actions > 0 {
        text.push_str(&format!(" {}/{}", line.actions_done, line.actions));
    }
    if let Some(doing) = &line.doing {
        text.push_str(&format!(" {doing}"));
    }
    text
}

/// The sessions that ran one again, in a line.
pub(super) fn again(reruns: &[RerunLine]) -> String {
    let told = reruns.iter().map(|rerun| {
        let item = rerun.item.as_ref().map(|item| format!(" for {item}")).unwrap_or_default();
        let word = rerun.result.map_or(rerun.status.as_str(), |result| result.as_str()).replace('_', " ");
        format!("{}{item}: {word}", rerun.session)
    });
    told.collect::<Vec<_>>().join(", ")
}

/// What a session gives parameters, a line each.
fn given(given: &Given) -> String {
    let told = given.iter().flat_map(|(item, values)| {
        values.iter().map(move |(name, value)| match value {
            ParameterValue::Plain(value) => format!("{item}.{name}={value}"),
            ParameterValue::Secret { secret } => format!("{item}.{name}: the secret {}", secret.0),
        })
    });
    told.collect::<Vec<_>>().join("\n")
}

/// One session.
pub fn session(detail: &SessionDetail, style: Style) -> String {
    let line = &detail.line;
    let mut table = style.table(&["SESSION", &line.id.to_string()]);
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            table.add_row(vec![name.to_owned(), value]);
        }
    };
    row("computer", format!("{}/{} ({})", line.tenant, line.computer, line.computer_id));
    row("status", line.status.as_str().replace('_', " "));
    row("at", place(line));
    row("kind", format!("{}, {} priority", line.kind, line.priority));
    row("deployments", detail.order.deployments.join(", "));
    row("item", line.item.clone().unwrap_or_default());
    row("parameters", given(&detail.order.parameters));
    row("reboot", detail.order.reboot.as_str().replace('_', " "));
    row("by", asker(line));
    row("group", line.group.map(|group| group.to_string()).unwrap_or_default());
    row("reason", line.reason.clone());
    row("rerun of", detail.order.rerun_of.map(|id| id.to_string()).unwrap_or_default());
    row("run again by", again(&detail.reruns));
    row("stands as", detail.standing.map(|status| status.as_str().replace('_', " ")).unwrap_or_default());
    row("submitted", format!("{:.0}", line.created_at));
    row("started", line.started_at.map(|at| format!("{at:.0}")).unwrap_or_default());
    row("finished", line.finished_at.map(|at| format!("{at:.0}")).unwrap_or_default());
    row("worker", detail.owner.clone().unwrap_or_default());
    for stage in &detail.stages {
        let at = stage.at.map(|at| format!(" at {at:.0}")).unwrap_or_default();
        row(stage.stage.as_str(), format!("{}{at}", stage.state));
    }
    row("last error", line.last_error.clone().unwrap_or_default());
    lines(&table)
}
