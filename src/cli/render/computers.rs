//! Computers, in a list and alone.

use comfy_table::Cell;

use super::style::{Style, lines, took};
use crate::domain::report::{ComputerLine, Page};
use crate::domain::{Connection, ScriptAnswer};

/// A page of computers.
pub fn computers(page: &Page<ComputerLine>, style: Style) -> String {
    if page.items.is_empty() {
        return "No computers.".to_owned();
    }
    let mut table = style.table(&["ID", "COMPUTER", "TENANT", "OS", "REACHED", "LIVE", "LAST"]);
    for line in &page.items {
        table.add_row(vec![
            Cell::new(line.id),
            Cell::new(&line.name),
            Cell::new(&line.tenant),
            Cell::new(format!("{} {}", line.os, line.arch)),
            Cell::new(reached(line)),
            Cell::new(line.live.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")),
            match &line.last {
                Some(last) => style.status(last.status),
                None => Cell::new("-"),
            },
        ]);
    }
    let mut text = lines(&table);
    if let Some(next) = page.next {
        text.push_str(&format!("\nThere are more: --after {next}"));
    }
    text
}

/// One computer.
pub fn computer(line: &ComputerLine, style: Style) -> String {
    let mut table = style.table(&["COMPUTER", &format!("{}/{}", line.tenant, line.name)]);
    let mut row = |name: &str, value: String| {
        table.add_row(vec![name.to_owned(), value]);
    };
    row("id", line.id.to_string());
    row("system", format!("{} {}", line.os, line.arch));
    row("tags", line.tags.join(", "));
    row("reached", reached(line));
    row("agent's token", if line.has_token { "minted".to_owned() } else { "none".to_owned() });
    if let Some(presence) = &line.presence {
        row("agent", format!("{}, connected at {:.0}", presence.agent_version, presence.connected_at));
        row("gateway", format!("{}, heard at {:.0}", presence.gateway, presence.seen_at));
    }
    for (group, ScriptAnswer { answered, age_s }) in &line.answers {
        let ago = took(i64::try_from(*age_s).unwrap_or(i64::MAX).saturating_mul(1_000));
        let said = match (answered.holds, answered.says.as_str()) {
            (None, why) => format!("{why} ({ago} ago)"),
            (Some(holds), why) => {
                let known = if holds { "a member" } else { "no member" };
                let since =
                    if why.is_empty() { String::new() } else { format!("; asked again, it did not say: {why}") };
                format!("{known} ({ago} ago){since}")
            }
        };
        row("group", format!("{group}: {said}"));
    }
    row("in work by", line.held_by.map_or_else(|| "nobody".to_owned(), |id| format!("session {id}")));
    row("live sessions", line.live.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "));
    row(
        "last session",
        line.last.as_ref().map_or_else(
            || "none".to_owned(),
            |last| format!("{} ({}) {} at {:.0}", last.id, last.kind, last.status.as_str(), last.finished_at),
        ),
    );
    lines(&table)
}

fn reached(line: &ComputerLine) -> String {
    let way = match &line.connection {
        Connection::Agent => "agent",
        Connection::Local { .. } => "local",
        Connection::Noop => "noop",
    };
    let state = match (line.excluded, line.online()) {
        (true, _) => ", excluded",
        (false, Some(true)) => ", online",
        (false, Some(false)) => ", offline",
        (false, None) => "",
    };
    format!("{way}{state}")
}
