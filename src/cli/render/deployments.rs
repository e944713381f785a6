//! Deployments, in a list; and what came of a wish to have an item now.

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::report::{DeploymentLine, QuickDeploy};

/// Deployments in a list.
pub fn deployments(all: &[DeploymentLine], style: Style) -> String {
    if all.is_empty() {
        return "No deployments.".to_owned();
    }
    let mut table = style.table(&["ITEM", "DEPLOYMENT", "TARGET", "WANTS", "ENFORCEMENT", "PRIORITY", "STANDING"]);
    for one in all {
        table.add_row(vec![
            Cell::new(&one.item),
            Cell::new(&one.name),
            Cell::new(&one.target),
            Cell::new(&one.wants),
            Cell::new(one.enforcement),
            Cell::new(one.priority),
            Cell::new(standing(one)),
        ]);
    }
    lines(&table)
}

fn standing(one: &DeploymentLine) -> String {
    let decided = match (one.recommended, &one.decision) {
        (false, _) => "",
        (true, None) => "recommended",
        (true, Some(decision)) if decision.adopted => "recommended, adopted",
        (true, Some(_)) => "recommended, dismissed",
    };
    match (decided, one.disabled) {
        ("", true) => "disabled".to_owned(),
        (decided, true) => format!("{decided}, disabled"),
        (decided, false) => decided.to_owned(),
    }
}

/// What wins on each computer, and the session that brings it about.
pub fn quick_deploy(done: &QuickDeploy, style: Style) -> String {
    let made = done.created.iter().map(|name| format!("made {name}"));
    let changed = done.changed.iter().map(|name| format!("changed {name}"));
    let each = done.computers.iter().map(|it| {
        let already = if it.already { ", which was there already" } else { "" };
        let line = format!(
            "{}: {} (for {}) wins and wants {}: session {}{already}",
            it.computer, it.deployment, it.target, it.wants, it.session
        );
        style.wrap(&line)
    });
    made.chain(changed).chain(each).collect::<Vec<_>>().join("\n")
}
