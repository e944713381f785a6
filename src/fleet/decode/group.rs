//! `kind: group`.

use crate::domain::{ComputerName, Group, Listed, Members};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Group> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let description = fields.get("description").and_then(|node| reader.text(node));
    let members = Members::Listed(listed(reader, &fields));
    fields.finish();
    Some(Group { name: name?, description, members })
}

/// `computers:`, each TENANT/COMPUTER, and `groups:`, of which all members belong.
fn listed(reader: &Reader, fields: &Fields<'_>) -> Listed {
    let computers = fields.get("computers").map(|node| reader.list(node)).unwrap_or_default();
    let groups = fields.get("groups").map(|node| reader.list(node)).unwrap_or_default();
    Listed {
        computers: computers
            .into_iter()
            .filter_map(|node| {
                let computer = computer(reader, node)?;
                fields.mark(&format!("computers.{computer}"), node);
                Some(computer)
            })
            .collect(),
        groups: groups
            .into_iter()
            .filter_map(|node| {
                let group = reader.name(node)?;
                fields.mark(&format!("groups.{group}"), node);
                Some(group)
            })
            .collect(),
    }
}

fn computer(reader: &Reader, node: &Node) -> Option<ComputerName> {
    let text = reader.text(node)?;
    text.parse().map_err(|error| reader.fault(Fault::new(&node.place, format!("{error}.")))).ok()
}
