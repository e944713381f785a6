//! Who calls for what: the items that are to be there, and what they need of others, all things considered.
//!
//! Goes from what deployments want to what that needs in turn. Rules are asked about the computer as it will be, not as
//! it was found, so that a second session finds nothing more to do. A rule that has held once holds on: what it brings
//! about may be what its condition speaks of.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{Consequence, DesiredState, Findings, Item, Mode, Otherwise, Policy, Prerequisite, Rule};
use crate::resolve::{Because, Wanted};

use super::choices::Chosen;
use super::versions::{Platform, entry};

/// What the items call for.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Calls<'a> {
    /// The items that are to be there, whether or not they are.
    active: BTreeSet<&'a Item>,
    /// The items that others need there, each with the least versions that will do.
    there: BTreeMap<Item, BTreeSet<&'a str>>,
    /// The rules that hold, by the software that has them and their place with it.
    held: BTreeSet<(&'a Item, usize)>,
}

/// Which rules are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    /// None yet.
    Nothing,
    /// Those that remove something.
    Removals,
    /// Every one.
    Everything,
}

impl Asked {
    fn about(self, rule: &Rule) -> bool {
        match self {
            Asked::Nothing => false,
            Asked::Removals => matches!(rule.then, Consequence::Uninstall(_)),
            Asked::Everything => true,
        }
    }
}

/// What is known when the calls are made.
#[derive(Clone, Copy)]
pub(super) struct Known<'a, 'k> {
    pub policy: &'a Policy,
    pub platform: Platform<'k>,
    pub wanted: &'k BTreeMap<&'a Item, &'a Wanted>,
    pub findings: &'k Findings,
}

impl<'a> Calls<'a> {
    /// The calls, if software comes out as is chosen so far. Rules that have held in `earlier` calls hold, and items that
    /// are `out`, because they cannot be had, call for nothing. Of the rules only the `asked` ones are.
    pub(super) fn of(
        known: Known<'a, '_>,
        chosen: &Chosen<'_>,
        earlier: &Calls<'a>,
        out: &BTreeSet<&Item>,
        asked: Asked,
    ) -> Calls<'a> {
        let mut calls = Calls { held: earlier.held.clone(), ..Calls::default() };
        loop {
            calls.spread(known, chosen, out);
            let held: Vec<_> = calls
                .active
                .iter()
                .filter_map(|item| Some((*item, known.policy.software_of(item)?)))
                .flat_map(|(item, software)| (0..).zip(&software.rules).map(move |(place, rule)| (item, place, rule)))
                .filter(|(.., rule)| asked.about(rule))
                .filter(|(item, place, _)| !calls.held.contains(&(*item, *place)))
                .filter(|(.., rule)| rule.holds(|name| calls.will_be_there(known, chosen, &Item::software(name))))
                .map(|(item, place, _)| (item, place))
                .collect();
            if held.is_empty() {
                return calls;
            }
            calls.held.extend(held);
        }
    }

    /// True if an item is to be there.
    pub(super) fn is_active(&self, item: &Item) -> bool {
        self.active.contains(item)
    }

    /// True if another item that is to be there needs this one.
    pub(super) fn are_for(&self, item: &Item) -> bool {
        self.there.contains_key(item)
    }

    /// The least versions that will do for those that need an item there, as far as they name one.
    pub(super) fn least_of(&self, item: &Item) -> impl Iterator<Item = &'a str> {
        self.there.get(item).into_iter().flatten().copied()
    }

    /// The rules of an item that hold.
    pub(super) fn rules(&self, policy: &'a Policy, item: &Item) -> Vec<&'a Rule> {
        let rules = policy.software_of(item).map_or(&[][..], |software| &software.rules);
        let holds = |place: usize| self.held.iter().any(|(holder, held)| *holder == item && *held == place);
        (0..).zip(rules).filter(|(place, _)| holds(*place)).map(|(_, rule)| rule).collect()
    }

    /// Goes on from what is to be there to what that needs, by the rules that are known to hold.
    fn spread(&mut self, known: Known<'a, '_>, chosen: &Chosen<'_>, out: &BTreeSet<&Item>) {
        loop {
            let before = (self.active.len(), self.there.len());
            for (item, wanted) in known.wanted.iter().filter(|(item, _)| !out.contains(*item)) {
                let is_there = match wanted.because {
                    Because::Deployed => {
                        is_to_be_there(wanted, known.findings) || (may_be_there(wanted) && self.are_for(item))
                    }
                    Because::Configures(_) => wanted.deployment.mode == Mode::Enforce,
                    Because::NeededBy(_) => {
                        let changes = chosen.get(*item).is_some_and(|choice| choice.is_there && choice.changes);
                        changes || self.are_for(item)
                    }
                };
                if is_there {
                    self.active.insert(item);
                }
            }
            for item in self.active.clone() {
                for (needed, least) in self.needs(known, chosen, item) {
                    self.there.entry(needed).or_default().extend(least);
                }
            }
            if before == (self.active.len(), self.there.len()) {
                return;
            }
        }
    }

    /// What an item that is to be there needs there, each with the least version that will do.
    fn needs(&self, known: Known<'a, '_>, chosen: &Chosen<'_>, item: &'a Item) -> Vec<(Item, Option<&'a str>)> {
        let provided = |prerequisites: &'a [Prerequisite]| {
            let provided = prerequisites.iter().filter(|needed| needed.otherwise == Otherwise::Provide);
            provided.map(|needed| (needed.item.clone(), needed.bounds.at_least.as_deref()))
        };
        let Some(software) = known.policy.software_of(item) else {
            let task = known.policy.task(&item.name).map_or(&[][..], |task| &task.requires);
            return provided(task).collect();
        };
        let version = chosen.get(item).and_then(|choice| entry(software, known.platform, choice.version.as_deref()?));
        let installed = self.rules(known.policy, item).into_iter().flat_map(|rule| match &rule.then {
            Consequence::Install(names) => names.as_slice(),
            Consequence::Uninstall(_) | Consequence::Fail(_) => &[],
        });
        provided(&software.requires)
            .chain(version.into_iter().flat_map(|version| provided(&version.requires)))
            .chain(installed.map(|name| (Item::software(name), None)))
            .collect()
    }

    fn will_be_there(&self, known: Known<'a, '_>, chosen: &Chosen<'_>, item: &Item) -> bool {
        if let Some(choice) = chosen.get(item) {
            return choice.is_there;
        }
        let found = known.findings.items.get(item).is_some_and(|finding| finding.version().is_some());
        let absent = known.wanted.get(item).is_some_and(|wanted| {
            let Wanted { because, deployment, .. } = wanted;
            *because == Because::Deployed
                && deployment.mode == Mode::Enforce
                && deployment.state == DesiredState::Absent
        });
        self.active.contains(item) || (found && !absent)
    }
}

/// True if a deployment is to bring its item about, called for or not.
fn is_to_be_there(wanted: &Wanted, findings: &Findings) -> bool {
    let found = || findings.items.get(&wanted.item).is_some_and(|finding| finding.version().is_some());
    match &wanted.deployment.state {
        _ if wanted.deployment.mode != Mode::Enforce => false,
        DesiredState::Absent | DesiredState::Ignored => false,
        DesiredState::UpdateIfFound => found(),
        DesiredState::Any
        | DesiredState::ThisVersion(_)
        | DesiredState::Latest
        | DesiredState::NewerOrEqual(_)
        | DesiredState::OlderOrEqual(_) => true,
    }
}

/// True if a deployment lets its item come where another needs it.
fn may_be_there(wanted: &Wanted) -> bool {
    wanted.deployment.mode == Mode::Enforce && wanted.deployment.state == DesiredState::UpdateIfFound
}
