//! What sessions of the whole fleet would do.

use std::collections::BTreeMap;

use comfy_table::Cell;

use super::style::{Style, bytes, lines, took};
use crate::domain::counted::counted;
use crate::domain::report::{Computers, Forecast, Radius, SampleComputer};

/// Tenants or deployments that are shown at most; the JSON has all.
const MOST: usize = 50;
/// So many computers are named in a command one by one; of more, their tenants are.
const FEW: u64 = 5;
/// So many tenants have a command written out.
const TENANTS: usize = 5;

/// What sessions of the whole fleet would do.
pub fn forecast(forecast: &Forecast, style: Style) -> String {
    let mut text = String::new();
    for (word, names) in [("created", &forecast.created), ("changed", &forecast.changed)] {
        for name in names {
            text.push_str(&format!("would be {word} {name}\n"));
        }
    }
    text.push_str(&style.wrap(&reckoned(forecast)));
    let told = match forecast.computers.told_of() {
        0 => unknown(forecast),
        _ => format!("Full sessions would do: {}.", radius(&forecast.plan)),
    };
    text.push_str(&format!("\n{}", style.wrap(&told)));
    text.push_str(&look_first(&forecast.computers));
    if forecast.computers.told_of() == 0 {
        return text;
    }
    if let Some(difference) = &forecast.difference {
        let sentence = match difference.computers {
            0 => "That is no different from now.".to_owned(),
            computers => format!(
                "That differs from now on {}. New: {}. No longer: {}.",
                counted(computers, "computer"),
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

/// Why nothing is told of any computer.
fn unknown(forecast: &Forecast) -> String {
    match (forecast.computers.without_findings, forecast.computers.total) {
        (_, 0) => "There are no computers, so there is nothing that sessions would do.".to_owned(),
        (0, _) => "All of them are excluded from maintenance, so sessions would do nothing.".to_owned(),
        (some, _) => format!("What full sessions would do cannot be told yet of {}.", counted(some, "computer")),
    }
}

/// The commands that look at what was never looked at, each on a line of its own.
fn look_first(computers: &Computers) -> String {
    let by_tenant = &computers.without_findings_by_tenant;
    if by_tenant.is_empty() {
        return String::new();
    }
    let named = &computers.some_without_findings;
    let commands: Vec<String> = if computers.without_findings <= FEW && named.len() as u64 == computers.without_findings
    {
        vec![format!("--computer {}", named.join(","))]
    } else {
        by_tenant.keys().take(TENANTS).map(|tenant| format!("--tenant {tenant}")).collect()
    };
    let mut text = "\nSessions of the kind detection look, and change nothing:".to_owned();
    for whom in &commands {
        text.push_str(&format!("\n  pitcrew session start {whom} --kind detection --wait"));
    }
    if by_tenant.len() > TENANTS && commands.len() == TENANTS {
        let more = by_tenant.len() - TENANTS;
        text.push_str(&format!("\n  and so for {}, which --output json has", counted(more as u64, "more tenant")));
    }
    text
}

fn reckoned(forecast: &Forecast) -> String {
    let (computers, ages) = (&forecast.computers, &forecast.findings);
    let mut text = counted(computers.total, "computer");
    if computers.excluded > 0 {
        text.push_str(&format!(", {} excluded", computers.excluded));
    }
    if computers.without_findings > 0 {
        let some = computers.some_without_findings.join(", ");
        let dots = if computers.without_findings > computers.some_without_findings.len() as u64 { ", …" } else { "" };
        text.push_str(&format!(", {} never looked at ({some}{dots})", computers.without_findings));
    }
    let Some((oldest, newest)) = ages.oldest.zip(ages.newest) else { return text + "." };
    let (oldest, newest) = (format!("{oldest:.0}"), format!("{newest:.0}"));
    let when = if oldest == newest { oldest } else { format!("{oldest} to {newest}") };
    let ages = [
        (ages.day, "within a day"),
        (ages.week, "within a week"),
        (ages.month, "within thirty days"),
        (ages.older, "older"),
    ];
    let ages: Vec<String> =
        ages.iter().filter(|(count, _)| *count > 0).map(|(count, age)| format!("{count} {age}")).collect();
    text.push_str(&format!(". Findings are from {when}: {}.", ages.join(", ")));
    text
}

fn radius(radius: &Radius) -> String {
    let mut parts: Vec<String> =
        radius.actions.iter().map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    } else {
        parts.push(format!("on {}", counted(radius.computers, "computer")));
    }
    match (radius.expected_ms, radius.of_unknown_duration) {
        (0, _) => {}
        (ms, unknown) => {
            let ms = i64::try_from(ms).unwrap_or(i64::MAX);
            let but = if unknown > 0 {
                format!(" and {} never done before", counted(unknown, "action"))
            } else {
                String::new()
            };
            parts.push(format!("about {} of work{but}", took(ms)));
        }
    }
    if radius.downloads > 0 {
        parts.push(downloads(radius));
    }
    if radius.reboots > 0 {
        parts.push(format!("reboots of {}", counted(radius.reboots, "computer")));
    }
    let problems: u64 = radius.problems.values().sum();
    if problems > 0 {
        let reasons: Vec<String> =
            radius.problems.iter().map(|(reason, count)| format!("{count} {}", reason.replace('_', " "))).collect();
        parts.push(format!("{problems} without a remedy ({})", reasons.join(", ")));
    }
    if radius.not_looked_at > 0 {
        parts.push(format!("{} that nobody has looked for yet", counted(radius.not_looked_at, "item")));
    }
    parts.join(", ")
}

/// How much is fetched at most: some of it may be in the caches of computers.
fn downloads(radius: &Radius) -> String {
    let count = counted(radius.downloads, "download");
    match (radius.download_bytes, radius.downloads_of_unknown_size) {
        (0, _) => count,
        (size, 0) => format!("{count} of at most {}", bytes(size)),
        (size, unknown) => format!("{count} of at most {} and {unknown} of unknown size", bytes(size)),
    }
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
    let mut table =
        style.table(&[head, "COMPUTERS", "ACTIONS", "REBOOTS", "DOWNLOADS", "SIZE", "NO REMEDY", "NOT LOOKED FOR"]);
    for (name, radius) in parts.iter().take(MOST) {
        table.add_row(vec![
            Cell::new(name),
            Cell::new(radius.computers),
            Cell::new(radius.all_actions()),
            Cell::new(radius.reboots),
            Cell::new(radius.downloads),
            Cell::new(if radius.download_bytes > 0 { bytes(radius.download_bytes) } else { "-".to_owned() }),
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
