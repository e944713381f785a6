//! From a proof that there is no choice to sentences, and to those whom it concerns.

use std::collections::BTreeSet;
use std::sync::Arc;

use pubgrub::{DerivationTree, External};

use super::problem::{Problem, Slots};
use super::search::{Name, Proof};

/// What a proof comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reasons {
    /// What was not possible together, each a clause.
    pub clauses: Vec<String>,
    /// The wanted packages whose own needs, or the needs of what they need, have a part in it.
    pub concerned: BTreeSet<usize>,
}

/// Takes a proof apart.
pub(super) fn explain(problem: &Problem, proof: &Proof) -> Reasons {
    let mut facts = Facts::default();
    facts.collect(proof, &mut BTreeSet::new());
    let mut clauses = Vec::new();
    let mut mutual = BTreeSet::new();
    let mut say = |clause: &str| {
        if !clause.is_empty() && !clauses.iter().any(|said| said == clause) {
            clauses.push(clause.to_owned());
        }
    };
    let package = |place: &usize| problem.packages.get(*place);
    for root in facts.roots.iter().filter_map(package).filter_map(|package| package.root.as_ref()) {
        say(&root.words);
    }
    for (place, of, on) in &facts.needs {
        let needs = package(place).into_iter().flat_map(|package| &package.needs);
        for need in needs.filter(|need| need.package == *on && !need.of.is_disjoint(of)) {
            say(&need.words);
            if need.is_mutual {
                mutual.insert(*on);
            }
        }
    }
    for narrow in facts.narrow.iter().filter_map(package) {
        say(&narrow.narrow);
    }
    Reasons { clauses, concerned: concerned(&facts, &mutual) }
}

/// The wanted packages from which a way of needs leads to a contradiction; where none does, all that are wanted. Of two
/// that cannot be beside each other it concerns both, whichever of them says so.
fn concerned(facts: &Facts, mutual: &BTreeSet<usize>) -> BTreeSet<usize> {
    let have_needs: BTreeSet<usize> =
        facts.needs.iter().map(|(place, ..)| *place).chain(mutual.iter().copied()).collect();
    let with_needs: BTreeSet<usize> = facts.roots.intersection(&have_needs).copied().collect();
    if with_needs.is_empty() { facts.roots.clone() } else { with_needs }
}

/// What a proof rests on.
#[derive(Default)]
struct Facts {
    /// Packages of which something is wanted.
    roots: BTreeSet<usize>,
    /// Which package, in which versions, needs which.
    needs: Vec<(usize, Slots, usize)>,
    /// Packages that offer too little.
    narrow: BTreeSet<usize>,
}

impl Facts {
    /// Parts of a proof may be shared, and are seen once.
    fn collect(&mut self, proof: &Proof, seen: &mut BTreeSet<*const Proof>) {
        match proof {
            DerivationTree::External(External::FromDependencyOf(Name::Wish, _, Name::Package(place), _)) => {
                self.roots.insert(*place);
            }
            DerivationTree::External(External::FromDependencyOf(Name::Package(place), of, Name::Package(on), _)) => {
                self.needs.push((*place, of.clone(), *on));
            }
            DerivationTree::External(External::NoVersions(Name::Package(place), _)) => {
                self.narrow.insert(*place);
            }
            DerivationTree::External(
                External::FromDependencyOf(_, _, Name::Wish, _)
                | External::NoVersions(Name::Wish, _)
                | External::NotRoot(..)
                | External::Custom(..),
            ) => {}
            DerivationTree::Derived(derived) => {
                for cause in [&derived.cause1, &derived.cause2] {
                    if seen.insert(Arc::as_ptr(cause)) {
                        self.collect(cause, seen);
                    }
                }
            }
        }
    }
}
