//! The AsyncAPI document: what others may send to the broker and hear from it. Names come from the broker's topology.

use crate::broker::Topology;

/// The document, as YAML.
pub(super) fn document() -> String {
    let topology = Topology::default();
    TEMPLATE
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{submit}", &topology.submit())
        .replace("{submit_queue}", &topology.queue("submit"))
        .replace("{events}", &topology.events())
        .replace("{jobs}", &topology.jobs())
}

const TEMPLATE: &str = include_str!("asyncapi.yaml");
