//! What an item needs of others, in the resolver's terms: prerequisites, rules that hold, and conflicts.

use std::collections::BTreeMap;

use crate::domain::{Bounds, Consequence, Item, Otherwise, Prerequisite, Scheme, Software};

use super::calls::{Calls, Known};
use super::choices::Subject;
use super::resolver::{ABSENT, Need, Slots};

/// What an item needs of others. What is not to be there needs nothing, and neither does what nobody manages, as long as
/// it is left as it is.
pub(super) fn needs(
    known: Known<'_, '_>,
    calls: &Calls<'_>,
    subject: &Subject<'_>,
    subjects: &[Subject<'_>],
    places: &BTreeMap<&Item, usize>,
) -> Vec<Need> {
    let relations = Relations { subject, subjects, places };
    let is_left = Some(subject.offer.now).filter(|_| !calls.is_active(subject.item)).flatten().map(Slots::singleton);
    let all = relations.all(known, calls);
    let Some(is_left) = is_left else { return all };
    all.into_iter().map(|need| Need { of: need.of.intersection(&is_left.complement()), ..need }).collect()
}

struct Relations<'a, 's> {
    subject: &'a Subject<'s>,
    subjects: &'a [Subject<'s>],
    places: &'a BTreeMap<&'s Item, usize>,
}

impl Relations<'_, '_> {
    /// Everything that the subject needs where it is to be there.
    fn all(&self, known: Known<'_, '_>, calls: &Calls<'_>) -> Vec<Need> {
        let subject = self.subject;
        let anyhow = Slots::higher_than(1u32);
        let Some(software) = subject.software else {
            let task = known.policy.task(&subject.item.name);
            let requires = task.into_iter().flat_map(|task| &task.requires);
            return requires.filter_map(|needed| self.prerequisite(anyhow.clone(), "", needed)).collect();
        };
        let mut needs = Vec::new();
        needs.extend(software.requires.iter().filter_map(|needed| self.prerequisite(anyhow.clone(), "", needed)));
        for version in &software.versions {
            let this = software.version(&version.version);
            let of = subject.offer.slots(|version| version.is_some() && version == this.as_ref());
            let qualified = format!("version {} of ", version.version);
            let prerequisites = version.requires.iter();
            needs.extend(prerequisites.filter_map(|needed| self.prerequisite(of.clone(), &qualified, needed)));
        }
        for rule in calls.rules(known.policy, subject.item) {
            let (names, slots, what) = match &rule.then {
                Consequence::Install(names) => (names, anyhow.clone(), "installed"),
                Consequence::Uninstall(names) => (names, Slots::singleton(ABSENT), "removed"),
                Consequence::Fail(_) => continue,
            };
            needs.extend(names.iter().filter_map(|name| self.rule(name, &slots, what)));
        }
        let conflicting = known.policy.conflicting(&software.name);
        needs.extend(
            conflicting
                .filter_map(|name| known.policy.software(name))
                .flat_map(|other| self.conflicts(software, other)),
        );
        needs
    }

    /// The place and the subject of another item that has a part in the problem.
    fn other(&self, item: &Item) -> Option<(usize, &Subject<'_>)> {
        let place = *self.places.get(item).filter(|_| item != self.subject.item)?;
        Some((place, self.subjects.get(place)?))
    }

    fn prerequisite(&self, of: Slots, qualified: &str, needed: &Prerequisite) -> Option<Need> {
        let (package, other) = self.other(&needed.item)?;
        if needed.otherwise == Otherwise::Fail {
            return None;
        }
        let slots = match other.software {
            Some(software) => {
                let will_do = needed.bounds.range(software.scheme);
                // One that nobody knows may do: whether it does is found out another time.
                other.offer.slots(|version| (other.offer.is_open && version.is_none()) || will_do(version))
            }
            None => Slots::higher_than(1u32),
        };
        let words = format!("{qualified}{} needs {}{}", self.subject.item, needed.item, needed.bounds.in_words());
        Some(Need { of, package, slots, is_mutual: false, words })
    }

    fn rule(&self, name: &str, slots: &Slots, what: &str) -> Option<Need> {
        let (package, other) = self.other(&Item::software(name))?;
        let words = format!("a rule of {} wants {} {what}", self.subject.item, other.item);
        Some(Need { of: Slots::higher_than(1u32), package, slots: slots.clone(), is_mutual: false, words })
    }

    /// Conflicts with another software, whichever of the two says so.
    fn conflicts(&self, software: &Software, other: &Software) -> Vec<Need> {
        let Some((package, subject)) = self.other(&Item::software(&other.name)) else { return Vec::new() };
        let theirs = software.conflicts.iter().filter(|conflict| conflict.software == other.name).map(|conflict| {
            let slots = within(subject, other.scheme, &conflict.bounds).complement();
            let words =
                format!("{} cannot be beside {}{}", self.subject.item, subject.item, conflict.bounds.in_words());
            Need { of: Slots::higher_than(1u32), package, slots, is_mutual: true, words }
        });
        let ours = other.conflicts.iter().filter(|conflict| conflict.software == software.name).map(|conflict| {
            let of = within(self.subject, software.scheme, &conflict.bounds);
            let words =
                format!("{} cannot be beside {}{}", subject.item, self.subject.item, conflict.bounds.in_words());
            Need { of, package, slots: Slots::singleton(ABSENT), is_mutual: true, words }
        });
        theirs.chain(ours).collect()
    }
}

/// The versions of a subject that are in a range.
fn within(subject: &Subject<'_>, scheme: Scheme, bounds: &Bounds) -> Slots {
    subject.offer.slots(bounds.range(scheme))
}
