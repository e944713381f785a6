//! What sessions of the whole fleet would do.

use std::collections::BTreeMap;

use comfy_table::Cell;

use super::style::{Style, lines, took};
use crate::domain::report::{Forecast, Radius, SampleComputer};

/// Tenants or deployments that are shown at most; the JSON has all.
const MOST: usize = 50;

/// What sessions of the whole fleet would do.
pub fn forecast(forecast: &Forecast, style: Style) -> String {
    let mut text = String::new();
    for (word, names) in [("created", &forecast.created), ("changed", &forecast.changed)] {
        for name in names {
            text.push_str(&format!("would be {word} {name}\n"));
        }
    }
    text.push_str(&style.wrap(&reckoned(forecast)));
    text.push_str(&format!("\n{}", style.wrap(&format!("Full sessions would do: {}.", radius(&forecast.plan)))));
    if let Some(difference) = &forecast.difference {
        let sentence = match difference.computers {
            0 => "That is no different from now.".to_owned(),
            computers => format!(
                "That differs from now on {computers} computers. New: {}. No longer: {}.",
                radius(&difference.more),
                radius(&difference.less)
            ),
        };
        text.push_str(&format!("\n{}", style.wrap(&sentence)));
    }
    text.push_str(&table("TENANT", &forecast.tenants, style));
    text.push_str(&table("DEPLOYMENT", &forecast.deployments, style));
    for computer in &forecast.sample {
        text.push_str(&format!("\n{}", sample(computer, style)));
    }
    text
}

fn reckoned(forecast: &Forecast) -> String {
    let (computers, ages) = (&forecast.computers, &forecast.findings);
    let mut text = format!("{} computers", computers.total);
    if computers.excluded > 0 {
        text.push_str(&format!(", {} excluded", computers.excluded));
    }
    if computers.without_findings > 0 {
        let some = computers.some_without_findings.join(", ");
        let dots = if computers.without_findings > computers.some_without_findings.len() as u64 { ", …" } else { "" };
        text.push_str(&format!(", {} never looked at ({some}{dots})", computers.without_findings));
    }
    let Some((oldest, newest)) = ages.oldest.zip(ages.newest) else { return text + "." };
    text.push_str(&format!(
        ". Findings are from {oldest:.0} to {newest:.0}: {} within a day, {} within a week, {} within thirty days, {} older.",
        ages.day, ages.week, ages.month, ages.older
    ));
    text
}

fn radius(radius: &Radius) -> String {
    let mut parts: Vec<String> =
        radius.actions.iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    } else {
        parts.push(format!("on {} computers", radius.computers));
    }
    match (radius.expected_ms, radius.of_unknown_duration) {
        (0, _) => {}
        (ms, unknown) => {
            let ms = i64::try_from(ms).unwrap_or(i64::MAX);
            let but = if unknown > 0 { format!(" and {unknown} that were never done before") } else { String::new() };
            parts.push(format!("about {} of work{but}", took(ms)));
        }
    }
    if radius.downloads > 0 {
        parts.push(format!("{} downloads", radius.downloads));
    }
    if radius.reboots > 0 {
        parts.push(format!("reboots of {} computers", radius.reboots));
    }
    let problems: u64 = radius.problems.values().sum();
    if problems > 0 {
        let reasons: Vec<String> =
            radius.problems.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        parts.push(format!("{problems} without a remedy ({})", reasons.join(", ")));
    }
    if radius.not_looked_at > 0 {
        parts.push(format!("{} items that nobody has looked for yet", radius.not_looked_at));
    }
    parts.join(", ")
}

fn table(head: &str, parts: &BTreeMap<String, Radius>, style: Style) -> String {
    let mut parts: Vec<_> = parts
        .iter()
        .filter(|(_, radius)| radius.computers + radius.not_looked_at > 0 || !radius.problems.is_empty())
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    parts.sort_by_key(|(_, radius)| std::cmp::Reverse((radius.computers, radius.all_actions())));
    let mut table = style.table(&[head, "COMPUTERS", "ACTIONS", "REBOOTS", "DOWNLOADS", "NO REMEDY", "NOT LOOKED FOR"]);
    for (name, radius) in parts.iter().take(MOST) {
        table.add_row(vec![
            Cell::new(name),
            Cell::new(radius.computers),
            Cell::new(radius.all_actions()),
            Cell::new(radius.reboots),
            Cell::new(radius.downloads),
            Cell::new(radius.problems.values().sum::<u64>()),
            Cell::new(radius.not_looked_at),
        ]);
    }
    let more = parts.len().saturating_sub(MOST);
    let more = if more > 0 { format!("\nand {more} more, all of which --output json has") } else { String::new() };
    format!("\n\n{}{more}", lines(&table))
}

fn sample(computer: &SampleComputer, style: Style) -> String {
    let mut text = format!("\n{}/{}, found at {:.0}:", computer.tenant, computer.computer, computer.found_at);
    for action in &computer.actions {
        let version = action.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let line = format!(
            "  {} {}{version}: {} ({})",
            action.action.replace('_', " "),
            action.item,
            action.message,
            action.deployment
        );
        text.push_str(&format!("\n{}", style.wrap(&line)));
    }
    text
}
