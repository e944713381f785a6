//! The order in which items are worked on where nothing that they need of each other says otherwise.

use serde::{Deserialize, Serialize};

use super::item::Item;

/// The items that come first and those that come last. All others are in between, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sequence {
    /// These first, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beginning: Vec<Item>,
    /// These last, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub end: Vec<Item>,
}

/// Where an item stands in the sequence; the order of the variants is the order of the items.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At this place among the first.
    Beginning(usize),
    /// In between.
    Unordered,
    /// At this place among the last.
    End(usize),
}

impl Sequence {
    /// Where an item stands.
    pub fn place(&self, item: &Item) -> Place {
        let among = |items: &[Item]| items.iter().position(|listed| listed == item);
        among(&self.beginning)
            .map(Place::Beginning)
            .or_else(|| among(&self.end).map(Place::End))
            .unwrap_or(Place::Unordered)
    }
}
