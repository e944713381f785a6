//! One item of a resolution: what a repair is of, and an action that is run again.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::domain::session::{Kind, Session};
use crate::domain::{Computer, Given, Item, Policy};

use super::choose::{Resolution, Wanted, resolve};
use super::closure;
use super::scope::Scope;

/// The one item that a session is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Only {
    /// The item.
    pub item: Item,
    /// It is brought about again even if it looks as it should be.
    pub repair: bool,
}

/// Chooses what is wanted of a computer in a session: the one answer that detection, planning, execution and previews
/// start from.
pub fn for_session(policy: &Policy, computer: &Computer, session: &Session) -> Resolution {
    let resolution = resolve(policy, computer, &Scope::of(session.kind, &session.order));
    let mut resolution = match (&session.order.item, session.kind) {
        (_, Kind::Inventory) => Resolution { wanted: Vec::new(), ..resolution },
        (Some(item), kind) => narrow(policy, resolution, Only { item: item.clone(), repair: kind == Kind::Repair }),
        (None, _) => resolution,
    };
    give(&mut resolution, &session.order.parameters);
    resolution
}

/// Notes with each wanted item what a session gives its parameters.
fn give(resolution: &mut Resolution, given: &Given) {
    if given.is_empty() {
        return;
    }
    for wanted in &mut resolution.wanted {
        if let Some(values) = given.get(&wanted.item) {
            wanted.given.clone_from(values);
        }
    }
}

/// Leaves of a resolution what has to do with one item: what it needs, what configures it or is configured by it, and
/// what needs it, for that decides how it should be. Only the item itself, and what must come with it, is planned.
pub fn narrow(policy: &Policy, resolution: Resolution, only: Only) -> Resolution {
    let all: BTreeMap<&Item, &Wanted> = resolution.wanted.iter().map(|wanted| (&wanted.item, wanted)).collect();
    let mut kept: BTreeSet<Item> = BTreeSet::new();
    let mut above = vec![only.item.clone()];
    while let Some(item) = above.pop() {
        let Some(wanted) = all.get(&item) else { continue };
        if kept.insert(item) {
            above.extend(wanted.demands.iter().map(|demand| demand.by.clone()));
        }
    }
    let mut below: Vec<Item> = kept.iter().flat_map(|item| belongs_to(policy, &all, item)).collect();
    while let Some(item) = below.pop() {
        if all.contains_key(&item) && kept.insert(item.clone()) {
            below.extend(belongs_to(policy, &all, &item));
        }
    }
    let wanted = resolution.wanted.iter().filter(|wanted| kept.contains(&wanted.item)).cloned().collect();
    Resolution { wanted, only: Some(only), ..resolution }
}

/// What an item needs or has to know of, what configures it, and what it configures.
fn belongs_to(policy: &Policy, all: &BTreeMap<&Item, &Wanted>, item: &Item) -> Vec<Item> {
    let configuration = |software: &Item| {
        policy.software_of(software).and_then(|software| software.configuration.as_ref()).map(Item::task)
    };
    let configured =
        all.keys().filter(|other| configuration(other).as_ref() == Some(item)).map(|other| (*other).clone());
    let needed = all.values().filter(|wanted| wanted.demands.iter().any(|demand| demand.by == *item));
    let needed = needed.map(|wanted| wanted.item.clone());
    needed.chain(configuration(item)).chain(configured).collect()
}

/// The items that may have a say in what [`narrow`] leaves of any resolution by this policy: those that lead to the item,
/// and what any of them leads to.
pub(super) fn around(policy: &Policy, item: &Item) -> BTreeSet<Item> {
    let leads: BTreeMap<Item, BTreeSet<Item>> =
        policy.items().map(|item| (item.clone(), closure::leads_to(policy, &item))).collect();
    let mut around = BTreeSet::new();
    let mut above = vec![item.clone()];
    while let Some(item) = above.pop() {
        if around.insert(item.clone()) {
            let leading = leads.iter().filter(|(_, to)| to.contains(&item));
            above.extend(leading.map(|(leading, _)| leading.clone()));
        }
    }
    let mut below: Vec<&Item> = around.iter().filter_map(|item| leads.get(item)).flatten().collect();
    while let Some(item) = below.pop() {
        if around.insert(item.clone()) {
            below.extend(leads.get(item).into_iter().flatten());
        }
    }
    around
}
