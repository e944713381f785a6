//! What holds of every plan, by executing it on a computer that is only a table.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;

use super::*;
use crate::domain::{ActionResult, ActionType, Consequence, PlannedAction, Reason};

const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

/// A software in a fleet file. It needs only what comes after it by name, for circles are refused at the door.
fn software(place: usize) -> impl Strategy<Value = String> {
    let later: Vec<&str> = NAMES[place + 1..].to_vec();
    let some_later = {
        let most = later.len().min(2);
        subsequence(later.clone(), 0..=most)
    };
    let bounds = select(vec!["", ", at_least: 2", ", below: 3", ", at_least: 2, below: 3", ", otherwise: fail"]);
    let others: Vec<&str> = NAMES.iter().copied().filter(|name| *name != NAMES[place]).collect();
    let conflict =
        prop::option::weighted(0.25, (select(others.clone()), select(vec!["", ", below: 2", ", at_least: 3"])));
    let rule = prop::option::weighted(
        0.3,
        (
            select(vec!["if_any_installed", "if_all_installed", "if_any_absent", "if_all_absent"]),
            subsequence(others.clone(), 1..=2),
            select(others),
            select(later.into_iter().map(Some).chain([None]).collect::<Vec<_>>()),
        ),
    );
    let versions = (subsequence(vec![1, 2, 3], 1..=3), any::<bool>(), any::<bool>());
    let upgrade = select(vec!["over", "remove_first"]);
    (some_later, bounds, conflict, rule, versions, upgrade, any::<bool>()).prop_map(
        move |(needed, bounds, conflict, rule, (versions, steps, version_needs), upgrade, tested)| {
            let name = NAMES[place];
            let versions: Vec<String> = versions
                .iter()
                .enumerate()
                .map(|(at, version)| match at {
                    0 => version.to_string(),
                    _ if steps => format!("{{version: {version}, after: {}}}", versions[at - 1]),
                    _ if version_needs && !needed.is_empty() => {
                        format!("{{version: {version}, requires: [{{software: {}, at_least: {at}}}]}}", needed[0])
                    }
                    _ => version.to_string(),
                })
                .collect();
            let requires: Vec<String> = needed.iter().map(|needed| format!("{{software: {needed}{bounds}}}")).collect();
            let conflicts: Vec<String> =
                conflict.iter().map(|(other, bounds)| format!("{{software: {other}{bounds}}}")).collect();
            let rules: Vec<String> = rule
                .iter()
                .map(|(condition, of, gone, come)| match come {
                    Some(come) => format!("{{{condition}: [{}], install: {come}}}", of.join(", ")),
                    None => format!("{{{condition}: [{}], uninstall: {gone}}}", of.join(", ")),
                })
                .collect();
            let test = if tested { ", test: t" } else { "" };
            format!(
                "{{kind: software, name: {name}, detect: d, install: i, uninstall: u{test}, upgrade: {upgrade}, \
                 versions: [{}], requires: [{}], conflicts: [{}], rules: [{}], configuration: configure-{name}}}\n---\n\
                 {{kind: task, name: configure-{name}, test: t, set: s}}",
                versions.join(", "),
                requires.join(", "),
                conflicts.join(", "),
                rules.join(", "),
            )
        },
    )
}

fn deployment(name: &'static str) -> impl Strategy<Value = Option<String>> {
    let state = select(vec![
        "state: any",
        "state: latest",
        "state: latest",
        "version: 2",
        "state: newer_or_equal, version: 2",
        "state: older_or_equal, version: 2",
        "state: update_if_found",
        "state: absent",
        "state: ignored",
        "state: any, mode: audit",
    ]);
    prop::option::weighted(0.7, state).prop_map(move |state| {
        state.map(|state| {
            format!("{{kind: deployment, name: wants-{name}, software: {name}, target: everyone, {state}}}")
        })
    })
}

/// The documents of a fleet, in no particular order.
fn fleets() -> impl Strategy<Value = Vec<String>> {
    let software = (software(0), software(1), software(2), software(3), software(4), software(5));
    let deployments: Vec<_> = NAMES.into_iter().map(deployment).collect();
    let sequence = (subsequence(NAMES.to_vec(), 0..=2), any::<bool>()).prop_map(|(names, first)| {
        format!("{{kind: order, {}: [{}]}}", if first { "beginning" } else { "end" }, names.join(", "))
    });
    (software, deployments, sequence).prop_map(|((a, b, c, d, e, f), deployments, sequence)| {
        let head = ["{kind: tenant, name: t}".to_owned(), "{kind: computer, name: c, tenant: t, os: linux}".to_owned()];
        let deployments = deployments.into_iter().flatten();
        head.into_iter().chain([a, b, c, d, e, f]).chain(deployments).chain([sequence]).collect()
    })
}

/// A computer: what is installed, what of it is broken, and which tasks are satisfied.
#[derive(Debug, Clone, Default, PartialEq)]
struct Table {
    software: BTreeMap<String, String>,
    broken: BTreeSet<String>,
    tasks: BTreeSet<String>,
}

fn tables() -> impl Strategy<Value = Table> {
    let installed = select(vec![None, None, Some(1), Some(2), Some(3), Some(4)]);
    prop::collection::vec((installed, prop::bool::weighted(0.1), any::<bool>()), 6).prop_map(|rows| {
        let mut table = Table::default();
        for (name, (version, broken, satisfied)) in NAMES.iter().zip(rows) {
            if let Some(version) = version {
                table.software.insert((*name).to_owned(), version.to_string());
                if broken {
                    table.broken.insert((*name).to_owned());
                }
            }
            if satisfied {
                table.tasks.insert(format!("configure-{name}"));
            }
        }
        table
    })
}

impl Table {
    /// What detection finds. Only what has a test can be found broken.
    fn found(&self, policy: &Policy) -> Findings {
        let software = NAMES.iter().map(|name| {
            let finding = match self.software.get(*name) {
                None => Finding::Absent,
                Some(version)
                    if self.broken.contains(*name) && policy.software(name).is_some_and(|it| it.test.is_some()) =>
                {
                    Finding::Broken(version.clone())
                }
                Some(version) => Finding::Present(version.clone()),
            };
            (Item::software(*name), finding)
        });
        let tasks = NAMES.iter().map(|name| format!("configure-{name}")).map(|task| {
            let finding = Finding::Satisfied(self.tasks.contains(&task));
            (Item::task(task), finding)
        });
        Findings { policy_version: 1, items: software.chain(tasks).collect(), ..Findings::default() }
    }

    /// Does a plan. `fails` says which actions fail; the answer is how each ended.
    fn execute(&mut self, policy: &Policy, plan: &Plan, fails: impl Fn(u32) -> bool) -> BTreeMap<u32, ActionResult> {
        let mut results = BTreeMap::new();
        for action in &plan.actions {
            let may_begin = action.needs.iter().all(|need| results.get(need) == Some(&ActionResult::Success));
            let result = if !may_begin {
                ActionResult::Skipped
            } else if fails(action.seq) {
                ActionResult::Failed
            } else {
                self.act(policy, action);
                ActionResult::Success
            };
            results.insert(action.seq, result);
        }
        results
    }

    fn act(&mut self, policy: &Policy, action: &PlannedAction) {
        let name = &action.item.name;
        if action.item.kind == ItemKind::Task {
            self.tasks.insert(name.clone());
            return;
        }
        assert_eq!(self.software.get(name), action.detected.as_ref(), "{} finds what was planned for", action.item);
        self.broken.remove(name);
        if action.action == ActionType::Uninstall {
            self.software.remove(name);
            return;
        }
        let version = action.version.clone().expect("every version is listed");
        let entry =
            policy.software(name).and_then(|software| software.versions.iter().find(|one| one.version == version));
        let entry = entry.expect("only what is listed is installed");
        if let Some(after) = &entry.after {
            assert!(self.software.get(name) >= Some(after), "{} {version} goes over {after}", action.item);
        }
        self.holds(policy, action);
        self.software.insert(name.clone(), version);
        self.tasks.remove(&format!("configure-{name}"));
    }

    /// What an action needs is there when its turn comes, and what cannot be beside it is not.
    fn holds(&self, policy: &Policy, action: &PlannedAction) {
        let software = policy.software(&action.item.name).expect("it is defined");
        let listed = software.versions.iter().filter(|one| Some(&one.version) == action.version.as_ref());
        for needed in software.requires.iter().chain(listed.flat_map(|version| &version.requires)) {
            let found = self.software.get(&needed.item.name);
            assert!(found.is_some(), "{} needs {}", action.item, needed.item);
            // On the way to the wanted version those of the versions between may not hold.
            assert!(
                needed.bounds.contain(software.scheme, found.map(String::as_str)),
                "{} needs {needed:?}",
                action.item
            );
        }
        for other in policy.conflicting(&software.name) {
            // What needs this one cannot get out of its way before it.
            let steps = |name: &str| {
                policy.software(name).is_some_and(|it| it.versions.iter().any(|version| version.after.is_some()))
            };
            // Nor is a version on the way chosen for what it can be beside.
            if may_need(policy, other, &software.name) || steps(&software.name) || steps(other) {
                continue;
            }
            let found = self.software.get(other).map(String::as_str);
            let conflicts = software.conflicts.iter().filter(|conflict| conflict.software == *other);
            for conflict in conflicts {
                let is_beside = found.is_some() && conflict.bounds.contain(software.scheme, found);
                assert!(!is_beside, "{} cannot be beside {other}", action.item);
            }
        }
    }
}

/// Whether a software needs another, or one that needs it, in some version.
fn may_need(policy: &Policy, software: &str, other: &str) -> bool {
    let Some(software) = policy.software(software) else { return false };
    let versions = software.versions.iter().flat_map(|version| &version.requires);
    let required = software.requires.iter().chain(versions).map(|needed| needed.item.name.as_str());
    let mut needed = required.chain(software.rules.iter().flat_map(|rule| match &rule.then {
        Consequence::Install(names) => names.iter().map(String::as_str).collect(),
        Consequence::Uninstall(_) | Consequence::Fail(_) => Vec::new(),
    }));
    needed.any(|needed| needed == other || may_need(policy, needed, other))
}

/// The entries of a plan that are failures, each with its reason.
fn failures(plan: &Plan) -> BTreeMap<Item, Reason> {
    let failed =
        plan.settled.iter().filter(|settled| matches!(settled.result, ActionResult::Failed | ActionResult::Skipped));
    failed.map(|settled| (settled.item.clone(), settled.reason)).collect()
}

/// The same fleets every time, so that a failure is there for everyone.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 400, failure_persistence: None, rng_seed: RngSeed::Fixed(1), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_plan_brings_about_what_it_promises_and_once_is_enough(documents in fleets(), before in tables()) {
        let (policy, computer) = compile(&documents.join("\n---\n"));
        let resolution = resolve(&policy, &computer, &Scope::Full);
        let make = |table: &Table| plan(&resolution, &policy, &table.found(&policy));
        let mut table = before.clone();
        let first = make(&table);
        prop_assert_eq!(first.hash(), make(&table).hash());
        table.execute(&policy, &first, |_| false);
        for action in &first.actions {
            let last = first.actions.iter().rfind(|other| other.item == action.item).expect("it is there");
            let now = table.software.get(&action.item.name).map(String::as_str);
            if action.item.kind == ItemKind::Software {
                prop_assert!(last.want.is_met_by(last.scheme, now), "{} is as promised", action.item);
            } else {
                prop_assert!(table.tasks.contains(&action.item.name));
            }
        }
        let second = make(&table);
        prop_assert!(second.actions.is_empty(), "again: {}\nat first: {}", told(&second), told(&first));
        // What was brought by another item and has a deployment of its own may turn out to contradict a third.
        let known = failures(&first);
        for (item, reason) in failures(&second) {
            let is_new = !known.contains_key(&item) && reason != Reason::Contradiction;
            prop_assert!(!is_new, "{} fails anew: {}\nat first: {}", item, told(&second), told(&first));
        }
    }

    #[test]
    fn what_fails_is_named_and_the_rest_can_be_done_later(
        documents in fleets(), before in tables(), failing in prop::collection::btree_set(1..12u32, 1..4),
    ) {
        let (policy, computer) = compile(&documents.join("\n---\n"));
        let resolution = resolve(&policy, &computer, &Scope::Full);
        let make = |table: &Table| plan(&resolution, &policy, &table.found(&policy));
        let mut table = before.clone();
        let first = make(&table);
        let results = table.execute(&policy, &first, |seq| failing.contains(&seq));
        for action in first.actions.iter().filter(|action| results[&action.seq] == ActionResult::Skipped) {
            let blamed = action.needs.iter().any(|need| results[need] != ActionResult::Success);
            prop_assert!(blamed, "{} was skipped for something", action.item);
        }
        let second = make(&table);
        table.execute(&policy, &second, |_| false);
        let third = make(&table);
        prop_assert!(third.actions.is_empty(), "third: {}\nsecond: {}", told(&third), told(&second));
    }

    #[test]
    fn nothing_comes_before_what_it_needs_in_whatever_order_it_is_written(
        documents in fleets(), before in tables(), turn in 0..20usize,
    ) {
        let (policy, computer) = compile(&documents.join("\n---\n"));
        let made = plan(&resolve(&policy, &computer, &Scope::Full), &policy, &before.found(&policy));
        for action in &made.actions {
            prop_assert!(action.needs.iter().all(|need| *need < action.seq));
            prop_assert!(action.configures.is_none_or(|software| action.needs.contains(&software)));
        }
        let mut turned = documents.clone();
        turned[2..].reverse();
        let places = turned.len() - 2;
        turned[2..].rotate_left(turn % places);
        let (policy, computer) = compile(&turned.join("\n---\n"));
        let again = plan(&resolve(&policy, &computer, &Scope::Full), &policy, &before.found(&policy));
        prop_assert_eq!(made.hash(), again.hash());
    }
}
