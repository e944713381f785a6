//! `kind: order`.

use crate::domain::{Item, Sequence};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

use super::software::item_text;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Sequence> {
    let beginning = items(reader, &fields, "beginning");
    let end = items(reader, &fields, "end");
    for (place, item) in &end {
        if beginning.iter().any(|(_, first)| first == item) {
            reader.fault(Fault::new(&place.place, format!("{item} is at the beginning already.")));
        }
    }
    fields.finish();
    let only_items = |items: Vec<(&Node, Item)>| items.into_iter().map(|(_, item)| item).collect();
    Some(Sequence { beginning: only_items(beginning), end: only_items(end) })
}

/// The items of one end of the order, each once.
fn items<'a>(reader: &Reader, fields: &Fields<'a>, key: &'static str) -> Vec<(&'a Node, Item)> {
    let nodes = fields.get(key).map(|node| reader.list(node)).unwrap_or_default();
    let mut items: Vec<(&Node, Item)> = Vec::new();
    for (place, node) in nodes.into_iter().enumerate() {
        fields.mark(&format!("{key}.{place}"), node);
        let Some(item) = item_text(reader, node) else { continue };
        if items.iter().any(|(_, earlier)| *earlier == item) {
            reader.fault(Fault::new(&node.place, format!("{item} stands here a second time.")));
        }
        items.push((node, item));
    }
    items
}
