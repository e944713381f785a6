//! Against brute force: a choice is found if and only if there is one, and it holds.

use proptest::prelude::*;

use super::search::search;
use super::*;

/// Small problems: up to four packages with up to three versions beside their absence.
fn problems() -> impl Strategy<Value = Problem> {
    let set = || prop::collection::btree_set(0..4u32, 0..4);
    let need = (set(), 0..4usize, set());
    let package = (0..=3u32, prop::option::of(set()), prop::collection::vec(need, 0..4), 0..5u32, any::<bool>());
    prop::collection::vec(package, 1..=4).prop_map(|packages| {
        let count = packages.len();
        let slots = |set: std::collections::BTreeSet<u32>| {
            set.into_iter().map(Slots::singleton).fold(Slots::empty(), |all, one| all.union(&one))
        };
        let packages = packages.into_iter().enumerate().map(|(place, (versions, root, needs, now, nearest))| Package {
            choices: (0..=versions).collect(),
            now: Some(now).filter(|now| *now <= versions),
            nearest,
            narrow: format!("p{place} has {versions} versions"),
            root: root.map(|set| Root { slots: slots(set), words: format!("p{place} is wanted") }),
            needs: needs
                .into_iter()
                .map(|(of, package, set)| Need {
                    // What is absent needs nothing.
                    of: slots(of).intersection(&Slots::higher_than(1u32)),
                    package: package % count,
                    slots: slots(set),
                    is_mutual: false,
                    words: format!("p{place} needs p{}", package % count),
                })
                .filter(|need| need.package != place)
                .collect(),
        });
        Problem { packages: packages.collect() }
    })
}

/// Whether a choice for every package is in order.
fn holds(problem: &Problem, choice: &[Slot]) -> bool {
    problem.packages.iter().zip(choice).all(|(package, chosen)| {
        package.root.as_ref().is_none_or(|root| root.slots.contains(chosen))
            && package
                .needs
                .iter()
                .filter(|need| need.of.contains(chosen))
                .all(|need| need.slots.contains(&choice[need.package]))
    })
}

/// Every choice for every package.
fn all(problem: &Problem) -> Vec<Vec<Slot>> {
    problem.packages.iter().fold(vec![vec![]], |choices, package| {
        let with = |slot: Slot| choices.iter().map(move |choice| [&choice[..], &[slot]].concat());
        package.choices.iter().copied().flat_map(with).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_choice_is_found_if_there_is_one(problem in problems()) {
        let possible = all(&problem).iter().any(|choice| holds(&problem, choice));
        match search(&problem) {
            Ok(chosen) => {
                // What is neither wanted nor needed may as well not be there.
                let choice: Vec<Slot> =
                    (0..problem.packages.len()).map(|place| chosen.get(&place).copied().unwrap_or(ABSENT)).collect();
                prop_assert!(holds(&problem, &choice), "{choice:?}");
                for (place, slot) in &chosen {
                    prop_assert!(problem.packages[*place].choices.contains(slot));
                }
            }
            Err(_) => prop_assert!(!possible, "there is a choice"),
        }
    }

    #[test]
    fn who_is_left_can_be_had_together(problem in problems()) {
        let settlement = settle(&problem);
        prop_assert_eq!(&settlement, &settle(&problem));
        let mut left = problem.clone();
        for place in settlement.refused.keys() {
            left.packages[*place].root = None;
            left.packages[*place].needs.clear();
        }
        prop_assert!(all(&left).iter().any(|choice| holds(&left, choice)));
        prop_assert_eq!(search(&left).is_ok_and(|chosen| chosen == settlement.chosen), true);
        // Nobody is left out without need.
        let possible = all(&problem).iter().any(|choice| holds(&problem, choice));
        prop_assert_eq!(settlement.refused.is_empty(), possible);
        for (place, why) in &settlement.refused {
            prop_assert!(problem.packages[*place].root.is_some(), "nobody wants it");
            prop_assert!(why.contains("is wanted"), "{}", why);
        }
    }

    /// What is there is kept wherever it will do on its own.
    #[test]
    fn what_is_there_is_kept(now in 1..4u32, low in 0..4u32, high in 0..4u32, nearest in any::<bool>()) {
        let slots = Slots::between(low.min(high), low.max(high) + 1);
        let package = Package {
            choices: (0..4).collect(), now: Some(now), nearest, narrow: String::new(),
            root: Some(Root { slots: slots.clone(), words: String::new() }), needs: vec![],
        };
        let chosen = settle(&Problem { packages: vec![package] }).chosen[&0];
        prop_assert!(slots.contains(&chosen));
        prop_assert_eq!(chosen == now, slots.contains(&now));
    }
}
