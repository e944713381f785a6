//! What items say of each other: prerequisites, rules, conflicts, versions, and the order of all.

use std::collections::BTreeSet;

use crate::domain::{
    Bounds, Consequence, Item, ItemKind, Licence, LicenceNeed, Prerequisite, Sequence, Software, SoftwareVersion,
};
use crate::fleet::decode::not_of_scheme;

use super::Checker;

impl Checker<'_> {
    pub(super) fn sequence(&mut self, sequence: &Sequence) {
        for (key, items) in [("beginning", &sequence.beginning), ("end", &sequence.end)] {
            for (place, item) in items.iter().enumerate() {
                self.refers_to(&format!("{key}.{place}"), item);
            }
        }
    }

    pub(super) fn licence(&mut self, licence: &Licence) {
        let software = Item::software(&licence.software);
        if self.refers_to("software", &software)
            && self.all.software.get(&licence.software).is_some_and(|software| software.licence == LicenceNeed::None)
        {
            let fault = self.fault("software", format!("{software} takes no licence."));
            self.faults.push(fault.help("Write licence: required or licence: optional at the software."));
        }
        if let Some(tenant) = &licence.tenant {
            self.refers_to_tenant("tenant", tenant);
        }
    }

    /// What a software says of others and of its own versions.
    pub(super) fn relations(&mut self, software: &Software) {
        let item = Item::software(&software.name);
        self.requires(&item, "", &software.requires);
        for (place, version) in software.versions.iter().enumerate() {
            self.requires(&item, &format!("versions.{place}."), &version.requires);
            if let Some(after) = &version.after {
                self.is_after(software, version, after, &format!("versions.{place}.after"));
            }
        }
        self.rules(software);
        self.conflicts(software);
    }

    /// `at` is the path of what has the prerequisites.
    pub(super) fn requires(&mut self, item: &Item, at: &str, requires: &[Prerequisite]) {
        for (place, prerequisite) in requires.iter().enumerate() {
            let path = format!("{at}requires.{place}");
            if !self.refers_to(&path, &prerequisite.item) {
                continue;
            }
            self.bounds(&path, &prerequisite.item, &prerequisite.bounds);
            self.circle(&path, item, &prerequisite.item);
        }
    }

    /// Notes that an item needs itself by way of another.
    fn circle(&mut self, path: &str, item: &Item, needed: &Item) {
        let Some(around) = self.way_back(needed, item) else { return };
        let around: Vec<_> = std::iter::once(item).chain(&around).map(Item::to_string).collect();
        let message = format!("Prerequisites go round in a circle: {}.", around.join(" needs "));
        let fault = self.fault(path, message);
        self.faults.push(fault);
    }

    /// Notes a version that is none by the scheme of its software.
    pub(super) fn is_version_of(&mut self, path: &str, item: &Item, version: &str) -> bool {
        let software = Some(item).filter(|item| item.kind == ItemKind::Software);
        let Some(software) = software.and_then(|item| self.all.software.get(&item.name)) else { return true };
        let is_version = software.version(version).is_some();
        if !is_version {
            let message = format!("Of {item}, {}", not_of_scheme(software.scheme, version));
            let fault = self.fault(path, message);
            self.faults.push(fault);
        }
        is_version
    }

    /// Notes bounds that are no versions, or between which there is none.
    fn bounds(&mut self, path: &str, item: &Item, bounds: &Bounds) {
        let Bounds { at_least, below } = bounds;
        let mut are_versions = true;
        for version in [at_least, below].into_iter().flatten() {
            are_versions &= self.is_version_of(path, item, version);
        }
        let software = self.all.software.get(&item.name).filter(|_| are_versions);
        if let (Some(software), Some(least), Some(below)) = (software, at_least, below)
            && software.version(least) >= software.version(below)
        {
            let message = format!("No version of {item} is both {least} or newer and below {below}.");
            let fault = self.fault(path, message);
            self.faults.push(fault);
        }
    }

    /// Notes a version that could only be installed over itself or a newer one, or over one that nobody can install.
    fn is_after(&mut self, software: &Software, version: &SoftwareVersion, after: &str, path: &str) {
        let (name, text) = (&software.name, &version.version);
        if !self.is_version_of(path, &Item::software(name), after) {
            return;
        }
        let message = if software.version(after) >= software.version(text) {
            format!("Version {text} of software/{name} is to be installed over {after}, which is not older.")
        } else if software.versions.iter().all(|other| !is_between(software, other, after, text)) {
            format!("The software \"{name}\" lists no version from {after} to below {text}.")
        } else {
            return;
        };
        let fault = self.fault(path, message);
        self.faults.push(fault);
    }

    fn rules(&mut self, software: &Software) {
        let item = Item::software(&software.name);
        for (place, rule) in software.rules.iter().enumerate() {
            let path = format!("rules.{place}");
            let names: BTreeSet<&str> = rule.names().collect();
            let known: Vec<bool> = names.into_iter().map(|name| self.refers_to(&path, &Item::software(name))).collect();
            match &rule.then {
                Consequence::Install(names) if known.iter().all(|known| *known) => {
                    for name in names {
                        self.circle(&path, &item, &Item::software(name));
                    }
                }
                Consequence::Uninstall(names) if names.contains(&software.name) => {
                    let fault = self.fault(&path, format!("{item} would be removed before itself."));
                    self.faults.push(fault);
                }
                Consequence::Install(_) | Consequence::Uninstall(_) | Consequence::Fail(_) => {}
            }
        }
    }

    fn conflicts(&mut self, software: &Software) {
        for (place, conflict) in software.conflicts.iter().enumerate() {
            let path = format!("conflicts.{place}");
            let other = Item::software(&conflict.software);
            if conflict.software == software.name {
                let fault = self.fault(&path, format!("{other} cannot conflict with itself."));
                self.faults.push(fault);
            } else if self.refers_to(&path, &other) {
                self.bounds(&path, &other, &conflict.bounds);
            }
        }
    }

    /// The way from one item to another along what they need, and from a task to the software that it configures.
    fn way_back(&self, from: &Item, to: &Item) -> Option<Vec<Item>> {
        let mut ways = vec![vec![from.clone()]];
        let mut seen = BTreeSet::new();
        while let Some(way) = ways.pop() {
            let last = way.last()?;
            if last == to {
                return Some(way);
            }
            if !seen.insert(last.clone()) {
                continue;
            }
            let next = self.needs(last);
            ways.extend(next.into_iter().map(|item| way.iter().cloned().chain([item]).collect()));
        }
        None
    }

    fn needs(&self, item: &Item) -> Vec<Item> {
        match item.kind {
            ItemKind::Software => {
                let Some(software) = self.all.software.get(&item.name) else { return Vec::new() };
                let installed = software.rules.iter().flat_map(|rule| match &rule.then {
                    Consequence::Install(names) => names.as_slice(),
                    Consequence::Uninstall(_) | Consequence::Fail(_) => &[],
                });
                (software.requires.iter())
                    .chain(software.versions.iter().flat_map(|version| &version.requires))
                    .map(|prerequisite| prerequisite.item.clone())
                    .chain(installed.map(Item::software))
                    .collect()
            }
            ItemKind::Task => {
                let requires = self.all.tasks.get(&item.name).into_iter().flat_map(|task| &task.requires);
                let configured =
                    self.all.software.values().filter(|software| software.configuration.as_ref() == Some(&item.name));
                requires
                    .map(|prerequisite| prerequisite.item.clone())
                    .chain(configured.map(|software| Item::software(&software.name)))
                    .collect()
            }
        }
    }
}

/// True if a listed version is at least one and older than another.
fn is_between(software: &Software, listed: &SoftwareVersion, least: &str, below: &str) -> bool {
    let version = software.version(&listed.version);
    version >= software.version(least) && version < software.version(below)
}
