//! A problem for the resolver.

use pubgrub::Ranges;

/// A version of a package by number, from 1 and rising; [`ABSENT`] if it is not there.
pub(crate) type Slot = u32;

/// The package is not there.
pub(crate) const ABSENT: Slot = 0;

/// A set of versions, which may contain [`ABSENT`].
pub(crate) type Slots = Ranges<Slot>;

/// What is to be chosen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Problem {
    /// The packages. What is said of one is said by its place here.
    pub packages: Vec<Package>,
}

/// Something that is there in one version or not at all.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    /// What can be chosen, the least first.
    pub choices: Vec<Slot>,
    /// What is there now; chosen wherever it will do.
    pub now: Option<Slot>,
    /// Where what is there now will not do, the nearest version that will is chosen instead of the newest.
    pub nearest: bool,
    /// Why there is no other choice, in words that follow "because".
    pub narrow: String,
    /// What is wanted of it, if somebody wants something.
    pub root: Option<Root>,
    /// What it needs of others.
    pub needs: Vec<Need>,
}

/// What is wanted of a package.
#[derive(Debug, Clone)]
pub(crate) struct Root {
    /// What will do.
    pub slots: Slots,
    /// Who wants what, as a clause.
    pub words: String,
}

/// What a package needs of another.
#[derive(Debug, Clone)]
pub(crate) struct Need {
    /// In which versions it needs it.
    pub of: Slots,
    /// The other's place.
    pub package: usize,
    /// What will do of the other.
    pub slots: Slots,
    /// True if the other may as well be said to need it of this one: they cannot be beside each other.
    pub is_mutual: bool,
    /// What it needs, as a clause.
    pub words: String,
}

impl Package {
    /// The best choice within a set.
    pub(super) fn choose(&self, range: &Slots) -> Option<Slot> {
        let fits = |slot: &&Slot| range.contains(slot);
        let there = || self.choices.iter().filter(|slot| **slot != ABSENT);
        let now = self.now.as_ref().filter(fits);
        let nearest = || {
            let from_below = self.nearest || there().next().is_some_and(|lowest| !range.contains(lowest));
            if from_below { there().find(fits) } else { there().rfind(fits) }
        };
        now.or_else(nearest).or_else(|| self.choices.first().filter(fits)).copied()
    }
}
