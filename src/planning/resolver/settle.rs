//! A choice for all that can be had together. Who is concerned by a contradiction is left out, with the sentences.

use std::collections::BTreeMap;

use super::explain::{Reasons, explain};
use super::problem::{Problem, Slot};
use super::search::search;

/// What comes of a problem.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Settlement {
    /// What is chosen of each package that is wanted or needed; what is not here is left as it is.
    pub chosen: BTreeMap<usize, Slot>,
    /// The wanted packages that cannot be had, each with the sentences that say why.
    pub refused: BTreeMap<usize, String>,
}

/// Chooses for all that can be had together. A contradiction fails those whose own needs lead to it, and the rest is
/// chosen without them: what a deployment says of its own item stands, and what others need of that has to give way.
pub(crate) fn settle(problem: &Problem) -> Settlement {
    let mut left = problem.clone();
    let mut settlement = Settlement::default();
    // Each round takes at least one of the wanted out.
    for _ in 0..=problem.packages.len() {
        let reasons = match search(&left) {
            Ok(chosen) => {
                settlement.chosen = chosen;
                break;
            }
            Err(Some(proof)) => explain(&left, &proof),
            Err(None) => Reasons { clauses: Vec::new(), concerned: Default::default() },
        };
        let wanted = (0..).zip(&left.packages).filter(|(_, package)| package.root.is_some()).map(|(place, _)| place);
        let concerned = if reasons.concerned.is_empty() { wanted.collect() } else { reasons.concerned };
        let sentence = sentence(&reasons.clauses);
        for place in concerned {
            if let Some(package) = left.packages.get_mut(place) {
                package.root = None;
                package.needs.clear();
            }
            settlement.refused.entry(place).or_insert_with(|| sentence.clone());
        }
    }
    settlement
}

/// The clauses as one sentence.
fn sentence(clauses: &[String]) -> String {
    let text = clauses.join("; ");
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase).into_iter().flatten();
    let text: String = first.chain(letters).collect();
    if text.is_empty() {
        return "What is wanted cannot hold together.".to_owned();
    }
    format!("{text}. These cannot hold together: change one of them.")
}
