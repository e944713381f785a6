//! Secrets without their values, and what came of sealing them anew.

use comfy_table::Cell;

use super::style::{Style, lines};
use crate::domain::report::{Rotated, SecretLine};

/// Secrets by what gives them.
pub fn secrets(secrets: &[SecretLine], style: Style) -> String {
    if secrets.is_empty() {
        return "No secret is stored.".to_owned();
    }
    let mut table = style.table(&["GIVEN BY", "NAME", "ID", "KEY", "SINCE"]);
    for secret in secrets {
        table.add_row(vec![
            Cell::new(&secret.owner),
            Cell::new(&secret.name),
            Cell::new(secret.id.0),
            Cell::new(secret.key.as_deref().unwrap_or("not sealed")),
            Cell::new(format!("{:.0}", secret.created_at)),
        ]);
    }
    lines(&table)
}

/// What came of sealing secrets anew.
pub fn rotated(rotated: &Rotated) -> String {
    let Rotated { key, resealed, unreadable } = rotated;
    let mut text = match resealed {
        0 => format!("Nothing was to be sealed anew under the key {key}."),
        1 => format!("1 secret is sealed anew under the key {key}."),
        more => format!("{more} secrets are sealed anew under the key {key}."),
    };
    if !unreadable.is_empty() {
        let ids: Vec<String> = unreadable.iter().map(|id| id.0.to_string()).collect();
        text.push_str(&format!(
            "\nNo key opens these: {}. Tell the server the key that they are sealed under, or apply what gives them again.",
            ids.join(", ")
        ));
    }
    text
}
