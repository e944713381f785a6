//! What can be chosen of one item, and what is wanted of it, in the resolver's terms.

use std::collections::BTreeSet;

use crate::domain::{DesiredState, Finding, Mode, Otherwise, Software, Version, Want};
use crate::resolve::{Because, Need, Wanted};

use super::calls::{Calls, Known};
use super::resolver::{ABSENT, Root, Slot, Slots};
use super::versions::{Goal, applicable, goal, is_certain};
use super::words::wanted_of;

/// What can be chosen of an item.
pub(super) struct Offer {
    /// Its versions by slot, from slot 1. A version without a text is whatever its install script installs, or one that
    /// nobody knows.
    versions: Vec<Option<Version>>,
    /// True if there may be versions that nobody knows; the one without a text stands for them.
    pub is_open: bool,
    /// What can be chosen, the least first.
    pub choices: Vec<Slot>,
    /// What is there now.
    pub now: Option<Slot>,
    /// See [`super::resolver::Package::nearest`].
    pub nearest: bool,
    /// Why there is no other choice, as a clause.
    pub narrow: String,
    /// What is wanted of it.
    pub root: Option<Root>,
}

impl Offer {
    /// The version of a slot; none for its absence, and where it has no text.
    pub(super) fn version(&self, slot: Slot) -> Option<&str> {
        let place = usize::try_from(slot).ok()?.checked_sub(1)?;
        self.versions.get(place)?.as_ref().map(Version::as_str)
    }

    /// The slots of the versions of which something holds; what has no text is asked about as none.
    pub(super) fn slots(&self, holds: impl Fn(Option<&Version>) -> bool) -> Slots {
        (1u32..)
            .zip(&self.versions)
            .filter(|(_, version)| holds(version.as_ref()))
            .fold(Slots::empty(), |all, (slot, _)| all.union(&Slots::singleton(slot)))
    }
}

/// What can be chosen of an item; none if it has no part in the problem, because nobody knows what is there.
pub(super) fn offer(
    known: Known<'_, '_>,
    calls: &Calls<'_>,
    wanted: &Wanted,
    software: Option<&Software>,
) -> Option<Offer> {
    let Some(software) = software else { return task(calls, wanted) };
    let detected = match known.findings.items.get(&wanted.item)? {
        Finding::Absent => None,
        Finding::Present(version) | Finding::Broken(version) => Some(version),
        Finding::Satisfied(_) | Finding::Value(_) | Finding::Failed { .. } => return None,
    };
    let detected = match detected {
        None => None,
        Some(text) => Some(software.version(text)?),
    };
    let mut offer = all_versions(known, wanted, software, detected.as_ref());
    let fixed = |offer: &mut Offer, narrow: String| {
        offer.choices = offer.now.into_iter().collect();
        offer.narrow = narrow;
    };
    let (deployment, item) = (&wanted.deployment, &wanted.item);
    let is = match &detected {
        Some(version) => format!("version {version} of it is installed"),
        None => "it is not installed".to_owned(),
    };
    let state = match (&wanted.because, &deployment.state) {
        (Because::NeededBy(_) | Because::Configures(_), _) if may_come(calls, wanted) => return Some(offer),
        (Because::NeededBy(_) | Because::Configures(_), _) => {
            let now = offer.now;
            offer.choices.retain(|slot| *slot == ABSENT || Some(*slot) == now);
            offer.narrow = format!("nothing needs {item}, and {is}");
            return Some(offer);
        }
        (Because::Deployed, _) if deployment.mode != Mode::Enforce => {
            let how = format!("deployment {} only has mode {}", deployment.name, deployment.mode);
            fixed(&mut offer, format!("{how} for {item}, and {is}"));
            return Some(offer);
        }
        (Because::Deployed, DesiredState::Ignored) => {
            fixed(&mut offer, format!("deployment {} leaves {item} alone, and {is}", deployment.name));
            return Some(offer);
        }
        // Where another item brings it, it comes as its own deployment wants it.
        (Because::Deployed, state @ DesiredState::UpdateIfFound) if detected.is_none() => {
            if let Some((want, slots)) = acceptable(known, software, state, &offer) {
                offer.choices.retain(|slot| *slot == ABSENT || slots.contains(slot));
                offer.narrow = format!("deployment {} wants {item} {}", deployment.name, wanted_of(&want));
            }
            return Some(offer);
        }
        (Because::Deployed, state) => state,
    };
    // What cannot be had, by itself or with all the rest, is not wanted any more.
    if *state != DesiredState::Absent && !calls.is_active(item) {
        return Some(offer);
    }
    let (want, slots) = acceptable(known, software, state, &offer)?;
    offer.nearest = matches!(state, DesiredState::NewerOrEqual(_));
    let words = format!("deployment {} wants {item} {}", deployment.name, wanted_of(&want));
    offer.root = Some(Root { slots, words });
    Some(offer)
}

/// True if an item that nobody deploys may be brought by one that is to be there. What is only in the way of another is
/// removed or left as it is.
fn may_come(calls: &Calls<'_>, wanted: &Wanted) -> bool {
    let needed = wanted.demands.iter().any(|demand| {
        matches!(demand.need, Need::There { otherwise: Otherwise::Provide, .. }) && calls.is_active(&demand.by)
    });
    needed || calls.are_for(&wanted.item)
}

/// What a deployment wants of a software, and which versions of it will do; none if no version does.
fn acceptable(known: Known<'_, '_>, software: &Software, state: &DesiredState, offer: &Offer) -> Option<(Want, Slots)> {
    let Goal { want, .. } = goal(software, known.platform, state).ok()?;
    let slots = match &want {
        Want::Absent => Slots::singleton(ABSENT),
        // A version that nobody knows is not the one that is named.
        Want::Exactly(_) if is_unanswered(known, software) => {
            let will_do = want.versions(software.scheme);
            offer.slots(|version| version.is_some_and(&will_do))
        }
        Want::Any | Want::Exactly(_) | Want::AtLeast(_) | Want::AtMost(_) | Want::Satisfied => {
            let will_do = want.versions(software.scheme);
            offer.slots(|version| version.is_none_or(&will_do))
        }
    };
    (!slots.is_empty()).then_some((want, slots))
}

/// True if a deployed software cannot be had, whatever becomes of all the rest: nobody knows what is there, or no version
/// is as it is wanted.
pub(super) fn is_hopeless(known: Known<'_, '_>, wanted: &Wanted) -> bool {
    let Some(software) = known.policy.software_of(&wanted.item) else { return false };
    if wanted.because != Because::Deployed {
        return false;
    }
    let detected = match known.findings.items.get(&wanted.item) {
        Some(Finding::Absent) => None,
        Some(Finding::Present(version) | Finding::Broken(version)) => match software.version(version) {
            Some(version) => Some(version),
            None => return true,
        },
        None | Some(Finding::Satisfied(_) | Finding::Value(_) | Finding::Failed { .. }) => return true,
    };
    let state = &wanted.deployment.state;
    if is_unanswered(known, software) {
        let text = detected.as_ref().map(Version::as_str);
        let is_certain = |goal: Goal| is_certain(software, known.platform, &goal.want, text);
        let is_known = match state {
            DesiredState::Latest => false,
            DesiredState::UpdateIfFound => detected.is_none(),
            _ => goal(software, known.platform, state).is_ok_and(is_certain),
        };
        if !is_known {
            return true;
        }
    }
    let offer = all_versions(known, wanted, software, detected.as_ref());
    acceptable(known, software, state, &offer).is_none()
}

/// True if there may be versions of it that nobody knows: the script that says which there are has failed.
fn is_unanswered(known: Known<'_, '_>, software: &Software) -> bool {
    known.findings.unanswered.contains_key(&software.name)
}

/// A task is there or not; one that is to be there has needs.
fn task(calls: &Calls<'_>, wanted: &Wanted) -> Option<Offer> {
    let is_root = calls.is_active(&wanted.item) && !matches!(wanted.because, Because::NeededBy(_));
    let words = format!("deployment {} wants {}", wanted.deployment.name, wanted.item);
    Some(Offer {
        versions: vec![None],
        is_open: false,
        choices: vec![ABSENT, 1],
        now: None,
        nearest: false,
        narrow: String::new(),
        root: is_root.then(|| Root { slots: Slots::singleton(1u32), words }),
    })
}

/// Every version that is listed, installed or, of a software without a list, named; rising.
fn all_versions(known: Known<'_, '_>, wanted: &Wanted, software: &Software, detected: Option<&Version>) -> Offer {
    let listed = applicable(software, known.platform).map(|(version, _)| version.clone());
    let mut versions: BTreeSet<Version> = listed.collect();
    if !software.is_choosy() {
        versions.extend(named(wanted).filter_map(|text| software.version(text)));
    }
    let narrow = format!("of {} there are only {}", wanted.item, list(versions.iter().chain(detected)));
    // What is there keeps its own spelling.
    versions.extend(detected.cloned().filter(|detected| !versions.contains(detected)));
    let now = match detected {
        Some(detected) => versions.iter().position(|version| version == detected).map(|place| place + 1),
        None => Some(0),
    };
    let mut versions: Vec<_> = versions.into_iter().map(Some).collect();
    let is_open = is_unanswered(known, software);
    if versions.is_empty() || is_open {
        versions.push(None);
    }
    Offer {
        choices: (0..).take(versions.len() + 1).collect(),
        versions,
        is_open,
        now: now.and_then(|now| Slot::try_from(now).ok()),
        nearest: false,
        narrow,
        root: None,
    }
}

/// The versions that a deployment or another item names.
fn named(wanted: &Wanted) -> impl Iterator<Item = &str> {
    let deployed = match &wanted.deployment.state {
        DesiredState::ThisVersion(version)
        | DesiredState::NewerOrEqual(version)
        | DesiredState::OlderOrEqual(version)
            if wanted.because == Because::Deployed =>
        {
            Some(version.as_str())
        }
        _ => None,
    };
    let demanded = wanted.demands.iter().filter_map(|demand| match &demand.need {
        Need::There { bounds, .. } => bounds.at_least.as_deref(),
        Need::Known => None,
    });
    deployed.into_iter().chain(demanded)
}

fn list<'v>(versions: impl Iterator<Item = &'v Version>) -> String {
    let versions: BTreeSet<&Version> = versions.collect();
    let versions: Vec<String> = versions.into_iter().map(Version::to_string).collect();
    if versions.is_empty() { "versions that nobody knows".to_owned() } else { versions.join(", ") }
}
