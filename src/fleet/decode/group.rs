//! `kind: group`.

use crate::domain::query::{Parsed, Query, QueryFault, parse};
use crate::domain::{ComputerName, Group, Listed, Members};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Group> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let description = fields.get("description").and_then(|node| reader.text(node));
    let is_listed = [fields.get("computers"), fields.get("groups")].iter().any(Option::is_some);
    let members = match (fields.get("query"), is_listed) {
        (Some(node), false) => query(reader, &fields, node).map(Members::Query),
        (None, true) => Some(Members::Listed(listed(reader, &fields))),
        (Some(_), true) | (None, false) => {
            let fault = Fault::new(&fields.node().place, "A group has either a query, or computers and groups.");
            reader.fault(fault.help("For both, make two groups and a third one with groups: [ONE, OTHER]."));
            None
        }
    };
    fields.finish();
    Some(Group { name: name?, description, members: members? })
}

/// `query:`, in the language of [`crate::domain::query`].
fn query(reader: &Reader, fields: &Fields<'_>, node: &Node) -> Option<Query> {
    match parse(&reader.text(node)?) {
        Ok(Parsed { query, groups }) => {
            for group in groups {
                fields.mark_at(&format!("groups.{}", group.name), node.place_in(group.line, group.column));
            }
            Some(query)
        }
        Err(faults) => {
            for QueryFault { line, column, message, suggestion } in faults {
                let fault =
                    Fault::new(&node.place_in(line, column), format!("In this query, at {line}:{column}: {message}"));
                reader.fault(suggestion.into_iter().fold(fault, Fault::help));
            }
            None
        }
    }
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
