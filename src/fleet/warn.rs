//! What may be meant and is likely a mistake: two deployments of one item for the same computers.
//!
//! One of them always wins, so nothing is wrong with the files; but the other one does nothing anywhere.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use crate::domain::Deployment;

use super::check::Known;
use super::document::{Body, Document, FleetFile};
use super::faults::Fault;

/// A deployment, and where it is written if that is in these files.
type Written<'a> = (&'a Deployment, Option<&'a Document>);

/// Warns of deployments of one item with the same target, filter and enforcement, if one of them is in the files: of each that
/// loses, with the one that wins. In the order of their places.
pub fn warnings(fleet: &FleetFile, known: &Known) -> Vec<Fault> {
    let mut all: BTreeMap<&str, Written<'_>> =
        known.deployments.iter().map(|deployment| (deployment.name.as_str(), (deployment, None))).collect();
    for document in &fleet.documents {
        if let Body::Deployment(deployment) = &document.body {
            all.insert(&deployment.name, (deployment, Some(document)));
        }
    }
    let mut alike: BTreeMap<String, Vec<Written<'_>>> = BTreeMap::new();
    for (deployment, document) in all.into_values().filter(|(deployment, _)| !deployment.disabled) {
        // One's own comes before a recommended one, and is meant to.
        let Deployment { item, target, filter, exclude, enforcement, recommended, .. } = deployment;
        let same = format!("{item}|{target:?}|{filter:?}|{exclude:?}|{enforcement}|{recommended}");
        alike.entry(same).or_default().push((deployment, document));
    }
    let mut warnings = Vec::new();
    for mut group in alike.into_values() {
        // The one that wins comes first; of two that only their age tells apart, one that is stored already is the older.
        group.sort_by_key(|(one, at)| (Reverse(one.priority), one.precedence(), at.is_some()));
        let Some((winner, winner_at)) = group.first() else { continue };
        for (loser, loser_at) in &group[1..] {
            match (loser_at, winner_at) {
                (Some(document), _) => warnings.push(warning(document, loser, winner)),
                (None, Some(document)) => warnings.push(warning(document, winner, loser)),
                (None, None) => {}
            }
        }
    }
    warnings.sort();
    warnings
}

fn warning(document: &Document, one: &Deployment, other: &Deployment) -> Fault {
    let (name, item) = (&one.name, &one.item);
    let who = format!("The deployment \"{name}\" of {item} is for {}, as \"{}\" is.", one.target, other.name);
    let order = (one.priority, other.priority);
    let (which, help) = match (order.0.cmp(&order.1), one.precedence().cmp(&other.precedence())) {
        (Ordering::Greater, _) => (format!("It wins there by its priority, {}.", order.0), REPLACES),
        (Ordering::Less, _) => (format!("\"{}\" wins there by its priority, {}.", other.name, order.1), REPLACES),
        (_, Ordering::Less) => (format!("It wins there, for it wants it {}.", one.wants()), REPLACES),
        (_, Ordering::Greater) => {
            (format!("\"{}\" wins there, for it wants it {}.", other.name, other.wants()), REPLACES)
        }
        (_, Ordering::Equal) if one.wants() == other.wants() && one.parameters == other.parameters => {
            ("They say the same, and the older one wins.".to_owned(), REPLACES)
        }
        (_, Ordering::Equal) => (
            format!("They contradict each other ({} and {}), and only their age decides.", one.wants(), other.wants()),
            "Give one of them a higher priority, or write disabled: true in the other.",
        ),
    };
    Fault::new(document.place_of("target"), format!("{who} {which}")).help(help)
}

const REPLACES: &str = "If it replaces the other one, write disabled: true there.";
