//! What an item needs of others: prerequisites, rules and conflicts.

use crate::domain::{Bounds, Conflict, Consequence, Otherwise, Prerequisite, Presence, Quantifier, Rule};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::{Node, Value};

use super::software::{item, item_text};

/// `requires:`, each the name of a software, `task/NAME`, or a mapping with conditions.
pub(super) fn requires(reader: &Reader, fields: &Fields<'_>) -> Vec<Prerequisite> {
    entries(reader, fields, "requires", prerequisite)
}

/// `rules:`, each a condition and what follows from it.
pub(super) fn rules(reader: &Reader, fields: &Fields<'_>) -> Vec<Rule> {
    entries(reader, fields, "rules", rule)
}

/// `conflicts:`, each the name of a software or a mapping with its versions.
pub(super) fn conflicts(reader: &Reader, fields: &Fields<'_>) -> Vec<Conflict> {
    entries(reader, fields, "conflicts", conflict)
}

/// The members of a list, each with its place. A faulty one leaves a gap in the places, and then nobody looks at them.
fn entries<T>(
    reader: &Reader,
    fields: &Fields<'_>,
    key: &'static str,
    read: impl Fn(&Reader, &Node, String) -> Option<T>,
) -> Vec<T> {
    let nodes = fields.get(key).map(|node| reader.list(node)).unwrap_or_default();
    let entry = |(place, node): (usize, &Node)| {
        let key = format!("{key}.{place}");
        fields.mark(&key, node);
        read(reader, node, fields.path(&format!("{key}.")))
    };
    nodes.into_iter().enumerate().filter_map(entry).collect()
}

fn prerequisite(reader: &Reader, node: &Node, path: String) -> Option<Prerequisite> {
    if let Value::Scalar { .. } = &node.value {
        let item = item_text(reader, node)?;
        return Some(Prerequisite { item, bounds: Bounds::default(), otherwise: Otherwise::Provide });
    }
    let fields = reader.fields(node, "A prerequisite", &path)?;
    let item = item(reader, &fields, node);
    let bounds = bounds(reader, &fields);
    let otherwise = fields.get("otherwise").and_then(|node| reader.word(node)).unwrap_or(Otherwise::Provide);
    fields.finish();
    Some(Prerequisite { item: item?, bounds, otherwise })
}

fn bounds(reader: &Reader, fields: &Fields<'_>) -> Bounds {
    let version = |key| fields.get(key).and_then(|node| reader.version(node));
    Bounds { at_least: version("at_least"), below: version("below") }
}

fn conflict(reader: &Reader, node: &Node, path: String) -> Option<Conflict> {
    if let Value::Scalar { .. } = &node.value {
        return Some(Conflict { software: reader.name(node)?, bounds: Bounds::default() });
    }
    let fields = reader.fields(node, "A conflict", &path)?;
    let software = fields.need("software").and_then(|node| reader.name(node));
    let bounds = bounds(reader, &fields);
    fields.finish();
    Some(Conflict { software: software?, bounds })
}

/// `if_any_installed: …` and the like, with one of `install`, `uninstall` and `fail`.
fn rule(reader: &Reader, node: &Node, path: String) -> Option<Rule> {
    let fields = reader.fields(node, "A rule", &path)?;
    let names = |node: &Node| reader.list(node).into_iter().filter_map(|node| reader.name(node)).collect::<Vec<_>>();
    let conditions: Vec<_> = [
        ("if_any_installed", Quantifier::Any, Presence::Installed),
        ("if_all_installed", Quantifier::All, Presence::Installed),
        ("if_any_absent", Quantifier::Any, Presence::Absent),
        ("if_all_absent", Quantifier::All, Presence::Absent),
    ]
    .into_iter()
    .filter_map(|(key, of, are)| Some((fields.get(key)?, of, are)))
    .collect();
    let consequences: Vec<_> = [
        fields.get("install").map(|node| Some(Consequence::Install(names(node)))),
        fields.get("uninstall").map(|node| Some(Consequence::Uninstall(names(node)))),
        fields.get("fail").map(|node| reader.text(node).map(Consequence::Fail)),
    ]
    .into_iter()
    .flatten()
    .collect();
    fields.finish();
    let ([(subjects, of, are)], [then]) = (&conditions[..], &consequences[..]) else {
        let fault = Fault::new(&node.place, "A rule has one condition and one consequence.");
        reader.fault(fault.help(
            "The condition is if_any_installed, if_all_installed, if_any_absent or if_all_absent; the consequence is \
             install, uninstall or fail.",
        ));
        return None;
    };
    let software = names(subjects);
    if software.is_empty() {
        reader.fault(Fault::new(&subjects.place, "A rule is about one software at least."));
        return None;
    }
    Some(Rule { of: *of, software, are: *are, then: then.clone()? })
}
