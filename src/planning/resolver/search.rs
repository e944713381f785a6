//! The search, by PubGrub.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::convert::Infallible;

use pubgrub::{
    Dependencies, DependencyConstraints, DependencyProvider, DerivationTree, PackageResolutionStatistics, PubGrubError,
};

use super::problem::{Problem, Slot, Slots};

/// A package of the search: what is wanted altogether comes first, then the packages by their places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Name {
    /// What is wanted altogether.
    Wish,
    /// The package at this place.
    Package(usize),
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Name::Wish => f.write_str("what is wanted"),
            Name::Package(place) => write!(f, "package {place}"),
        }
    }
}

/// Why there is no choice.
pub(super) type Proof = DerivationTree<Name, Slots, String>;

/// Chooses a version for every package that is wanted or needed; the proof that this is impossible if it is.
pub(super) fn search(problem: &Problem) -> Result<BTreeMap<usize, Slot>, Option<Box<Proof>>> {
    match pubgrub::resolve(&Provider(problem), Name::Wish, 1u32) {
        Ok(solution) => Ok(solution
            .into_iter()
            .filter_map(|(name, slot)| match name {
                Name::Wish => None,
                Name::Package(place) => Some((place, slot)),
            })
            .collect()),
        Err(PubGrubError::NoSolution(proof)) => Err(Some(Box::new(proof))),
        Err(
            PubGrubError::ErrorRetrievingDependencies { .. }
            | PubGrubError::ErrorChoosingVersion { .. }
            | PubGrubError::ErrorInShouldCancel(_),
        ) => Err(None),
    }
}

struct Provider<'a>(&'a Problem);

impl DependencyProvider for Provider<'_> {
    type P = Name;
    type V = Slot;
    type VS = Slots;
    type M = String;
    type Err = Infallible;
    /// What has been in conflict most often first, then what has fewest choices, then by place, so that the search goes
    /// the same way every time.
    type Priority = (u32, Reverse<usize>, Reverse<Name>);

    fn prioritize(&self, name: &Name, range: &Slots, statistics: &PackageResolutionStatistics) -> Self::Priority {
        let choices = match name {
            Name::Wish => 0,
            Name::Package(place) => {
                let choices = self.0.packages.get(*place).map_or(&[][..], |package| &package.choices);
                choices.iter().filter(|slot| range.contains(slot)).count()
            }
        };
        (statistics.conflict_count(), Reverse(choices), Reverse(*name))
    }

    fn choose_version(&self, name: &Name, range: &Slots) -> Result<Option<Slot>, Infallible> {
        Ok(match name {
            Name::Wish => Some(1),
            Name::Package(place) => self.0.packages.get(*place).and_then(|package| package.choose(range)),
        })
    }

    fn get_dependencies(&self, name: &Name, slot: &Slot) -> Result<Dependencies<Name, Slots, String>, Infallible> {
        let mut wanted: BTreeMap<usize, Slots> = BTreeMap::new();
        let mut add = |place: usize, slots: &Slots| {
            wanted.entry(place).and_modify(|known| *known = known.intersection(slots)).or_insert_with(|| slots.clone());
        };
        match name {
            Name::Wish => {
                for (place, package) in self.0.packages.iter().enumerate() {
                    if let Some(root) = &package.root {
                        add(place, &root.slots);
                    }
                }
            }
            Name::Package(place) => {
                let needs = self.0.packages.get(*place).map_or(&[][..], |package| &package.needs);
                for need in needs.iter().filter(|need| need.of.contains(slot)) {
                    add(need.package, &need.slots);
                }
            }
        }
        let wanted = wanted.into_iter().map(|(place, slots)| (Name::Package(place), slots));
        Ok(Dependencies::Available(wanted.collect::<DependencyConstraints<_, _>>()))
    }
}
