//! What is chosen of each software, so that all that is wanted of a computer holds together.
//!
//! Puts deployments, needs, rules and conflicts to the resolver as a problem, and its answer back. Where no item needs
//! anything of another there is no problem, and each is chosen by itself.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Findings, Item, ItemKind, Policy, Software};
use crate::resolve::Wanted;

use super::calls::{Asked, Calls, Known};
use super::offers::{Offer, is_hopeless, offer};
use super::relations::needs;
use super::resolver::{ABSENT, Package, Problem, Root, Slot, Slots, settle};
use super::versions::Platform;

/// What is chosen.
#[derive(Debug, Default)]
pub(super) struct Choices<'a> {
    chosen: Chosen<'a>,
    refused: BTreeMap<&'a Item, String>,
    calls: Calls<'a>,
}

/// What is chosen, by item.
pub(super) type Chosen<'a> = BTreeMap<&'a Item, Choice>;

/// What is chosen of a software.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// Whether it will be there.
    pub is_there: bool,
    /// The version that it will have; none if it is not there, or whatever its install script installs.
    pub version: Option<String>,
    /// True if that is other than what is there.
    pub changes: bool,
    /// What else asks for it, as a clause; none if nothing else does.
    pub because: Option<String>,
}

impl<'a> Choices<'a> {
    /// Chooses.
    pub(super) fn of(
        policy: &'a Policy,
        platform: Platform<'_>,
        wanted: &BTreeMap<&'a Item, &'a Wanted>,
        findings: &Findings,
    ) -> Choices<'a> {
        let known = Known { policy, platform, wanted, findings };
        let mut out: BTreeSet<&Item> =
            wanted.values().filter(|wanted| is_hopeless(known, wanted)).map(|it| &it.item).collect();
        let calls = Calls::of(known, &Chosen::new(), &Calls::default(), &out, Asked::Nothing);
        let mut choices = Choices { calls, ..Choices::default() };
        if !are_related(policy, wanted) {
            return choices;
        }
        // What goes is known before the rules are asked that speak of what is there. What is chosen may make a rule hold,
        // or be a version with needs of its own, so it is chosen again until nothing changes; the rounds are bounded.
        let rounds = 2 + wanted.len();
        let phases = [Asked::Nothing, Asked::Removals, Asked::Everything].map(|asked| (asked, rounds));
        for (asked, rounds) in phases {
            choices.settle(known, &mut out, asked, rounds);
        }
        choices
    }

    fn settle(&mut self, known: Known<'a, '_>, out: &mut BTreeSet<&'a Item>, asked: Asked, rounds: usize) {
        for _ in 0..rounds {
            let (chosen, refused) = choose(known, &self.calls);
            out.extend(refused.keys());
            self.chosen = chosen;
            self.refused.extend(refused);
            let calls = Calls::of(known, &self.chosen, &self.calls, out, asked);
            if calls == self.calls {
                return;
            }
            self.calls = calls;
        }
    }

    /// What is chosen of an item; none if it is decided about by itself.
    pub(super) fn get(&self, item: &Item) -> Option<&Choice> {
        self.chosen.get(item)
    }

    /// Why an item cannot be had.
    pub(super) fn refused(&self, item: &Item) -> Option<&str> {
        self.refused.get(item).map(String::as_str)
    }

    /// Who calls for what.
    pub(super) fn calls(&self) -> &Calls<'a> {
        &self.calls
    }
}

/// True if any of the items needs something of another.
fn are_related(policy: &Policy, wanted: &BTreeMap<&Item, &Wanted>) -> bool {
    wanted.keys().any(|item| match item.kind {
        ItemKind::Software => policy.software(&item.name).is_some_and(|software| {
            !software.requires.is_empty()
                || !software.rules.is_empty()
                || software.versions.iter().any(|version| !version.requires.is_empty())
                || policy.conflicting(&software.name).next().is_some()
        }),
        ItemKind::Task => policy.task(&item.name).is_some_and(|task| !task.requires.is_empty()),
    })
}

/// A package of the problem: the item, and its versions by slot.
pub(super) struct Subject<'a> {
    pub item: &'a Item,
    pub software: Option<&'a Software>,
    pub offer: Offer,
}

fn choose<'a>(known: Known<'a, '_>, calls: &Calls<'a>) -> (Chosen<'a>, BTreeMap<&'a Item, String>) {
    let subjects: Vec<Subject<'a>> = known
        .wanted
        .iter()
        .filter_map(|(item, wanted)| {
            let software = known.policy.software_of(item);
            Some(Subject { item, software, offer: offer(known, calls, wanted, software)? })
        })
        .collect();
    let places: BTreeMap<&Item, usize> = (0..).zip(&subjects).map(|(place, subject)| (subject.item, place)).collect();
    let packages = subjects.iter().map(|subject| {
        let Offer { choices, now, nearest, narrow, root, .. } = &subject.offer;
        Package {
            choices: choices.clone(),
            now: *now,
            nearest: *nearest,
            narrow: narrow.clone(),
            root: root.clone(),
            needs: needs(known, calls, subject, &subjects, &places),
        }
    });
    let problem = Problem { packages: packages.collect() };
    let settlement = settle(&problem);
    let chosen = settlement.chosen.iter().filter_map(|(place, slot)| {
        let subject = subjects.get(*place).filter(|subject| subject.software.is_some())?;
        let choice = Choice {
            is_there: *slot != ABSENT,
            version: subject.offer.version(*slot).map(str::to_owned),
            changes: subject.offer.now != Some(*slot),
            because: because(&problem, &settlement.chosen, *place, subject.offer.now),
        };
        Some((subject.item, choice))
    });
    let chosen = chosen.collect();
    let refused = settlement.refused.into_iter();
    let refused = refused.filter_map(|(place, why)| Some((subjects.get(place)?.item, why))).collect();
    (chosen, refused)
}

/// The clause of who cannot do with what is there now or, where nobody says so, of what that needs and cannot have.
fn because(problem: &Problem, chosen: &BTreeMap<usize, Slot>, place: usize, now: Option<Slot>) -> Option<String> {
    let now = now?;
    let own = problem.packages.get(place)?.root.as_ref();
    if own.is_some_and(|Root { slots, .. }: &Root| !slots.contains(&now)) {
        return None;
    }
    let of_chosen = chosen.iter().filter_map(|(other, slot)| Some((problem.packages.get(*other)?, slot)));
    let mut needs = of_chosen.flat_map(|(other, slot)| other.needs.iter().filter(move |need| need.of.contains(slot)));
    let forbids = needs.find(|need| need.package == place && !Slots::contains(&need.slots, &now));
    let own_needs = || {
        let needs = problem.packages.get(place)?.needs.iter().filter(|need| need.of.contains(&now));
        let mut lacks = needs.filter(|need| chosen.get(&need.package).is_some_and(|slot| !need.slots.contains(slot)));
        lacks.next().map(|need| format!("{}, which it cannot have", need.words))
    };
    forbids.map(|need| need.words.clone()).or_else(own_needs)
}
