//! `kind: group`.

use crate::domain::query::{Parsed, Query, QueryFault, parse};
use crate::domain::{ComputerName, Filter, Group, Listed, Members};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

use super::script;
use super::task::systems;

/// How long an answer is not asked for again if nothing is written.
const A_DAY_MS: u64 = 86_400_000;
/// For how many days an answer counts if nothing is written.
const VALID_DAYS: u64 = 30;
/// For how many at most.
const MOST_DAYS: u64 = 3_650;

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Group> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let description = fields.get("description").and_then(|node| reader.text(node));
    let is_listed = [fields.get("computers"), fields.get("groups")].iter().any(Option::is_some);
    let script = filter(reader, &fields);
    let members = match (fields.get("query"), is_listed, fields.get("script").is_some()) {
        (Some(node), false, false) => query(reader, &fields, node).map(Members::Query),
        (None, true, false) => Some(Members::Listed(listed(reader, &fields))),
        (None, false, true) => script.map(Members::Script),
        _ => {
            let message = "A group has either a query, or a script, or computers and groups.";
            let fault = Fault::new(&fields.node().place, message);
            reader.fault(fault.help("For both, make two groups and a third one with groups: [ONE, OTHER]."));
            None
        }
    };
    fields.finish();
    Some(Group { name: name?, description, members: members? })
}

/// `script:`, which says on each computer whether it is a member, and what belongs to that.
fn filter(reader: &Reader, fields: &Fields<'_>) -> Option<Filter> {
    let script = script::optional(reader, fields, "script");
    let os = systems(reader, fields);
    let ask_every = fields.get("ask_every").map(|node| reader.duration_ms(node));
    let valid = fields.get("valid_days").map(|node| reader.number(node, 1, MOST_DAYS));
    if fields.get("script").is_some() {
        script::cover(reader, &os);
    } else {
        for key in ["os", "ask_every", "valid_days"] {
            if let Some(node) = fields.get(key) {
                let fault = Fault::new(&node.place, format!("Only a group with a script has \"{key}\"."));
                reader.fault(fault.help("In a query, write os == \"linux\" and the like."));
            }
        }
    }
    Some(Filter {
        script: script?,
        os,
        ask_every_s: ask_every.unwrap_or(Some(A_DAY_MS))? / 1_000,
        valid_s: valid.unwrap_or(Some(VALID_DAYS))? * A_DAY_MS / 1_000,
    })
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
