//! Who wins and why, and which computers something has.

use std::collections::BTreeMap;

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::counted::counted;
use crate::domain::report::{Contender, Explanation, Page, PreviewCount, PreviewLine, Survey};

/// Who wins each item of a computer: the winner first, the losers in their order, and those that take no part.
pub fn explanation(told: &Explanation, style: Style) -> String {
    let computer = format!("{}/{}", told.tenant, told.name);
    if told.items.is_empty() {
        return format!("No deployment has to do with {computer}.");
    }
    let mut text = String::new();
    for item in &told.items {
        let mut table = style.table(&["", "DEPLOYMENT", "TARGET", "WANTS", "WHY"]);
        let mut row = |place: &str, contender: &Contender| {
            table.add_row(vec![
                Cell::new(place),
                Cell::new(&contender.deployment),
                Cell::new(&contender.target),
                Cell::new(&contender.wants),
                Cell::new(&contender.says),
            ]);
        };
        if let Some(winner) = &item.winner {
            row("wins", winner);
        }
        for (place, loser) in item.losers.iter().enumerate() {
            row(&format!("{}.", place + 2), loser);
        }
        item.left_out.iter().for_each(|out| row("-", out));
        let head = match &item.winner {
            Some(_) => format!("{} on {computer}", item.item),
            None => format!("{} on {computer}: no deployment takes part", item.item),
        };
        text.push_str(&format!("{head}\n{}\n\n", lines(&table)));
    }
    warnings(&mut text, &told.warnings, style);
    text
}

/// How deployments fare over many computers.
pub fn survey(survey: &Survey, style: Style) -> String {
    let mut text = if survey.deployments.is_empty() {
        String::new()
    } else {
        let mut table = style.table(&["ITEM", "DEPLOYMENT", "TARGET", "WANTS", "WINS", "LOSES", "TAKES NO PART"]);
        for line in &survey.deployments {
            table.add_row(vec![
                Cell::new(&line.item),
                Cell::new(&line.deployment),
                Cell::new(&line.target),
                Cell::new(&line.wants),
                Cell::new(line.wins),
                Cell::new(counts(&line.loses, "by ")),
                Cell::new(counts(&line.left_out, "")),
            ]);
        }
        format!("{}\n", lines(&table))
    };
    let computers = counted(survey.computers, "computer");
    text.push_str(&format!("{computers}; on {} of them no deployment wins.\n", survey.without));
    warnings(&mut text, &survey.warnings, style);
    text
}

/// A page of computers that something has.
pub fn preview(page: &Page<PreviewLine>, style: Style) -> String {
    if page.items.is_empty() {
        return "No computers.".to_owned();
    }
    let mut table = style.table(&["ID", "COMPUTER", "TENANT", "OS", "WINNER", "WHY NOT"]);
    for line in &page.items {
        table.add_row(vec![
            Cell::new(line.id),
            Cell::new(&line.name),
            Cell::new(&line.tenant),
            Cell::new(line.os),
            Cell::new(line.winner.as_deref().unwrap_or("-")),
            Cell::new(line.why.as_deref().unwrap_or("").replace('_', " ")),
        ]);
    }
    let mut text = lines(&table);
    if let Some(next) = page.next {
        text.push_str(&format!("\nThere are more: --after {next}"));
    }
    text
}

/// How many computers something has.
pub fn preview_count(count: &PreviewCount, style: Style) -> String {
    let mut text = format!("{}, of {} that were looked at.\n", counted(count.members, "computer"), count.computers);
    if count.wins.is_some() || !count.otherwise.is_empty() {
        let mut parts = vec![format!("it wins on {}", count.wins.unwrap_or_default())];
        parts.extend(count.otherwise.iter().map(|(why, count)| format!("{} on {count}", why.replace('_', " "))));
        text.push_str(&format!("Of these: {}.\n", parts.join(", ")));
    }
    warnings(&mut text, &count.warnings, style);
    text
}

fn counts(by: &BTreeMap<String, u64>, before: &str) -> String {
    if by.is_empty() {
        return "0".to_owned();
    }
    let parts = by.iter().map(|(why, count)| format!("{count} {before}{}", why.replace('_', " ")));
    parts.collect::<Vec<_>>().join(", ")
}

fn warnings(text: &mut String, warnings: &[String], style: Style) {
    for warning in warnings {
        text.push_str(&style.wrap(&format!("Warning: {warning}")));
        text.push('\n');
    }
}
