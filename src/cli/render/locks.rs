//! Locks with their holders and who waits for them.

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::report::{LockLine, LockSession};

/// The locks that are held or waited for.
pub fn locks(locks: &[LockLine], style: Style) -> String {
    if locks.is_empty() {
        return "No lock is held or waited for.".to_owned();
    }
    let mut table = style.table(&["LOCK", "", "SESSION", "COMPUTER", "STATUS", "ITEM", "SINCE"]);
    for lock in locks {
        let mut row = |name: &str, role: &str, session: &LockSession| {
            table.add_row(vec![
                Cell::new(name),
                Cell::new(role),
                Cell::new(session.session),
                Cell::new(format!("{}/{}", session.tenant, session.computer)),
                style.status(session.status),
                Cell::new(session.item.as_deref().unwrap_or("-")),
                Cell::new(format!("{:.0}", session.since)),
            ]);
        };
        if let Some(holder) = &lock.holder {
            row(&lock.name, "holds", holder);
        }
        for (place, waiter) in lock.waiters.iter().enumerate() {
            let name = if place == 0 && lock.holder.is_none() { lock.name.as_str() } else { "" };
            row(name, "waits", waiter);
        }
    }
    lines(&table)
}
