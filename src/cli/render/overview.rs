//! The installation at a glance.

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::report::Overview;
use crate::domain::session::Intent;

/// The installation at a glance.
pub fn overview(overview: &Overview, style: Style) -> String {
    let mut text = String::new();
    if overview.live.is_empty() {
        text.push_str("No live sessions.\n");
    } else {
        let mut table = style.table(&["LIVE", "STAGE", "WAITS FOR", "COUNT"]);
        for count in &overview.live {
            table.add_row(vec![
                style.status(count.status),
                Cell::new(count.stage.map_or("", |stage| stage.as_str())),
                Cell::new(count.waiting_on.map_or("", |waiting| waiting.as_str())),
                Cell::new(count.count),
            ]);
        }
        text.push_str(&format!("{}\n", lines(&table)));
    }
    if !overview.last_hour.is_empty() {
        let ended: Vec<String> = overview
            .last_hour
            .iter()
            .map(|count| format!("{} {}", count.count, count.status.as_str().replace('_', " ")))
            .collect();
        text.push_str(&format!("{}\n", style.wrap(&format!("Ended in the last hour: {}.", ended.join(", ")))));
    }
    if overview.workers.is_empty() {
        text.push_str("No workers.\n");
    } else {
        let mut table = style.table(&["WORKER", "STAGE", "IN WORK", "PLACES", "VERSION", "HEARD"]);
        for worker in &overview.workers {
            let heard = format!("{:.0}{}", worker.heartbeat_at, if worker.silent { " (silent)" } else { "" });
            table.add_row(vec![
                Cell::new(&worker.id),
                Cell::new(worker.stage),
                Cell::new(worker.in_flight),
                Cell::new(worker.capacity),
                Cell::new(&worker.version),
                Cell::new(heard),
            ]);
        }
        text.push_str(&format!("\n{}\n", lines(&table)));
    }
    let scheduler = match overview.scheduler.leads {
        true => format!("{} leads in term {}", overview.scheduler.holder, overview.scheduler.term),
        false => "none leads".to_owned(),
    };
    let mut sentences = format!(
        "Scheduler: {scheduler}.\nComputers in work: {}. Agents connected: {}. Open dead letters: {}.",
        overview.holds, overview.agents, overview.dead_letters
    );
    if let Some(stop) = &overview.fleet_stop {
        let Intent { by, reason, at } = stop;
        sentences.push_str(&format!("\nThe whole fleet has been stopped by {by} since {at:.0}: {reason}"));
    }
    if !overview.stopped.is_empty() {
        sentences.push_str(&format!("\nStopped tenants: {}.", overview.stopped.join(", ")));
    }
    text.push_str(&format!("\n{}", style.wrap(&sentences)));
    text
}
