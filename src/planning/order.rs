//! The plan: decisions put in order, with what each needs right before it and what configures it right after.
//!
//! Items are visited in the installation's order: those for onboarding, those at the beginning, the others by name, and
//! those at the end. A visit first visits what the item needs, so a chain comes out deepest first. An item is visited
//! once. What cannot be had is said at the item itself, and what needs it is skipped, naming it.

mod entries;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    ActionResult, ActionType, DesiredState, Enforcement, Finding, Findings, Item, ItemKind, Judgement, Mode, Plan,
    Policy, Reason, Scheme, Settled, TenantId, Told,
};
use crate::resolve::{Because, Resolution, Wanted};

use super::answered;
use super::before::{self, Before};
use super::choices::Choices;
use super::compliance::{self, Seen};
use super::decide::{self, Decision, Draft, Verdict};
use super::env::{Untold, env};
use super::licences;
use super::needs::{self, Lack, Standing};
use super::versions::Platform;
use super::words::some_of;
use entries::mark_safe_points;

/// Makes the plan that brings a computer where its resolution wants it, from what was found.
pub fn plan(resolution: &Resolution, policy: &Policy, findings: &Findings) -> Plan {
    plan_and_judge(resolution, policy, findings).0
}

/// The same, and what the findings say of each wanted item.
pub fn plan_and_judge(resolution: &Resolution, policy: &Policy, findings: &Findings) -> (Plan, Judgement) {
    let platform = Platform { os: resolution.os, arch: &resolution.arch };
    let policy = &*answered::with_versions(policy, platform, findings);
    let wanted = resolution.wanted.iter().map(|wanted| (&wanted.item, wanted)).collect();
    let mut planner = Planner {
        policy,
        platform,
        tenant: resolution.tenant,
        findings,
        repair: resolution.only.as_ref().filter(|only| only.repair).map(|only| &only.item),
        choices: Choices::of(policy, platform, &wanted, findings),
        wanted,
        plan: Plan { policy_version: resolution.policy_version, ..Plan::default() },
        standing: BTreeMap::new(),
        path: Vec::new(),
        cycles: BTreeMap::new(),
        seen: Seen::default(),
        put_off: Vec::new(),
    };
    match &resolution.only {
        None => {
            for item in in_sequence(resolution, policy) {
                planner.visit(item);
            }
        }
        Some(only) if planner.wanted.contains_key(&only.item) => {
            planner.visit(&only.item);
        }
        Some(only) => planner.plan.settled.push(Settled {
            seq: 1,
            item: only.item.clone(),
            deployment: String::new(),
            action: ActionType::Nothing,
            result: ActionResult::Failed,
            reason: Reason::NotAssigned,
            message: "No deployment wants it on this computer.".into(),
            detected: None,
        }),
    }
    while let Some(item) = planner.put_off.pop() {
        planner.visit(&item);
    }
    mark_safe_points(&mut planner.plan);
    let Planner { plan, seen, wanted, choices, platform, .. } = planner;
    let judgement = compliance::judge(&plan, &seen, &wanted, &choices, policy, platform, findings);
    (plan, judgement)
}

/// The deployed items in the order in which they are visited.
fn in_sequence<'a>(resolution: &'a Resolution, policy: &Policy) -> Vec<&'a Item> {
    let deployed = resolution.wanted.iter().filter(|wanted| wanted.because == Because::Deployed);
    let mut deployed: Vec<_> = deployed.collect();
    let sequence = policy.sequence();
    deployed.sort_by_key(|wanted| {
        let is_later = wanted.deployment.enforcement != Enforcement::Onboarding;
        (is_later, sequence.place(&wanted.item), &wanted.item)
    });
    deployed.into_iter().map(|wanted| &wanted.item).collect()
}

struct Planner<'a> {
    policy: &'a Policy,
    platform: Platform<'a>,
    tenant: TenantId,
    findings: &'a Findings,
    /// What is brought about again even if it looks as it should be.
    repair: Option<&'a Item>,
    choices: Choices<'a>,
    wanted: BTreeMap<&'a Item, &'a Wanted>,
    plan: Plan,
    /// Items that have been visited.
    standing: BTreeMap<Item, Standing>,
    /// Items that are being visited, the outermost first.
    path: Vec<Item>,
    /// Items found to need themselves, each with the way round.
    cycles: BTreeMap<Item, String>,
    /// What needs no entry in the plan.
    seen: Seen,
    /// Items that have to get out of the way of one that they need: they come when that is done.
    put_off: Vec<Item>,
}

impl Planner<'_> {
    fn visit(&mut self, item: &Item) -> Standing {
        if let Some(standing) = self.standing.get(item) {
            return standing.clone();
        }
        if let Some(start) = self.path.iter().position(|visited| visited == item) {
            self.note_cycle(start);
            return Standing::NotToBeHad;
        }
        let Some(&wanted) = self.wanted.get(item) else { return Standing::NotWantedHere };
        self.path.push(item.clone());
        let standing = self.stand(wanted);
        self.path.pop();
        self.standing.insert(item.clone(), standing.clone());
        self.configure(item, &standing);
        standing
    }

    fn note_cycle(&mut self, start: usize) {
        let members = &self.path[start..];
        let around: Vec<_> = members.iter().chain(members.first()).map(Item::to_string).collect();
        let around = around.join(" needs ");
        for member in members {
            self.cycles.entry(member.clone()).or_insert_with(|| around.clone());
        }
    }

    /// Decides about an item, after what it needs, and writes it down.
    fn stand(&mut self, wanted: &Wanted) -> Standing {
        let mut told = match env(self.policy, wanted) {
            Ok(told) => told,
            Err(Untold { result, message }) => {
                let lack = Lack { result, reason: Reason::ParameterMissing, message };
                return self.settle(wanted, ActionType::Nothing, lack, None);
            }
        };
        if let Some(why) = self.choices.refused(&wanted.item) {
            let lack = Lack::failed(Reason::Contradiction, why.to_owned());
            return self.settle(wanted, ActionType::Nothing, lack, None);
        }
        let mut needs = BTreeSet::new();
        let mut lack = None;
        // A task is done after the software that it configures, so whether that is changed must be known first.
        for software in needs::configured_by(&self.wanted, self.policy, &wanted.item) {
            match self.visit(&software) {
                Standing::Planned(seq, _) => {
                    needs.insert(seq);
                }
                Standing::NotToBeHad => lack = lack.or(Some(Lack::skipped(&software))),
                Standing::There(_)
                | Standing::Left(_)
                | Standing::Stuck(_)
                | Standing::Going(_)
                | Standing::Unwanted
                | Standing::NotWantedHere => {}
            }
        }
        let configures = needs.first().copied();
        let decision = match self.decide(wanted, configures.is_some()) {
            Decision::Act(draft) => match self.license(wanted, &draft, &mut told) {
                Ok(()) => Decision::Act(draft),
                Err(message) => {
                    let lack = Lack::failed(Reason::NoLicenceAvailable, message);
                    return self.settle(wanted, draft.action, lack, draft.detected);
                }
            },
            decision @ (Decision::Idle | Decision::Compliant { .. } | Decision::Settle(_)) => decision,
        };
        if needs::wants_prerequisites(&decision) && !needs::wants_absent(wanted) {
            for before in self.before(wanted, &decision) {
                match self.arrange(&before) {
                    Ok(seq) => needs.extend(seq),
                    Err(found) => lack = lack.or(Some(found)),
                }
                // Nothing is done for what will not be done itself.
                if lack.is_some() && matches!(decision, Decision::Act(_)) {
                    break;
                }
            }
        }
        if matches!(&decision, Decision::Act(draft) if draft.action == ActionType::Uninstall) {
            self.visit_what_goes_with(&wanted.item);
        }
        if let Some(around) = self.cycles.get(&wanted.item) {
            let message = format!("Prerequisites go round in a circle: {around}.");
            return self.settle(wanted, ActionType::Nothing, Lack::failed(Reason::PrerequisiteCycle, message), None);
        }
        match (decision, lack) {
            (Decision::Idle, _) => {
                self.seen.idle.insert(wanted.item.clone());
                Standing::of_idle(self.findings.items.get(&wanted.item))
            }
            (Decision::Compliant { detected, want }, _) => {
                self.plan.compliant += 1;
                self.seen.compliant.insert(wanted.item.clone(), (detected.clone(), want));
                if needs::wants_absent(wanted) { Standing::Unwanted } else { Standing::There(detected) }
            }
            (Decision::Settle(Verdict { action, result, reason, mut message, detected }), _) => {
                if let Some(them) = self.findings.children.get(&wanted.item).and_then(|named| some_of(named)) {
                    message.push_str(&format!(" It names {them}."));
                }
                self.settle(wanted, action, Lack { result, reason, message }, detected.clone());
                if reason == Reason::DetectionFailed && self.findings.unanswered.contains_key(&wanted.item.name) {
                    return detected.map_or(Standing::NotToBeHad, Standing::Stuck);
                }
                detected.map_or(Standing::NotToBeHad, |version| Standing::Left(Some(version)))
            }
            (Decision::Act(draft), Some(lack)) => self.settle(wanted, draft.action, lack, draft.detected),
            (Decision::Act(draft), None) => self.climb(wanted, *draft, told, needs, configures),
        }
    }

    fn license(&self, wanted: &Wanted, draft: &Draft, told: &mut Told) -> Result<(), String> {
        let Some(software) = self.policy.software_of(&wanted.item) else { return Ok(()) };
        licences::license(self.policy, self.tenant, software, draft, told)
    }

    /// What has to be done before an item that is decided about.
    fn before(&self, wanted: &Wanted, decision: &Decision) -> Vec<Before> {
        let version = match decision {
            Decision::Act(draft) => draft.version.as_deref().or(draft.detected.as_deref()),
            Decision::Compliant { detected, .. } => detected.as_deref(),
            Decision::Idle | Decision::Settle(_) => None,
        };
        before::before(self.policy, self.platform, self.findings, &self.choices, &wanted.item, version)
    }

    /// Sees to what has to be done before an item: the action to wait for, if any, or why it cannot be had.
    fn arrange(&mut self, before: &Before) -> Result<Option<u32>, Lack> {
        match before {
            Before::There(prerequisite) => {
                let standing = self.visit(&prerequisite.item);
                needs::met(prerequisite, self.scheme(&prerequisite.item), &standing)
            }
            // Two that get out of each other's way are in no circle of needs.
            Before::Gone(item) if self.path.contains(item) => Ok(None),
            Before::Gone(item) if self.needs_what_is_visited(item) => {
                self.put_off.push(item.clone());
                Ok(None)
            }
            Before::Gone(item) => match self.visit(item) {
                // Another version of it, which may stay.
                Standing::Planned(seq, _) if self.choices.get(item).is_some_and(|choice| choice.is_there) => {
                    Ok(Some(seq))
                }
                standing => needs::gone(item, &standing),
            },
            Before::Unknown(item) => {
                let message = format!("It cannot be beside {item}, and whether that is there could not be found out.");
                Err(Lack { result: ActionResult::Skipped, reason: Reason::PrerequisiteFailed, message })
            }
            Before::Refused(why) => Err(Lack::failed(Reason::PrerequisiteFailed, why.clone())),
        }
    }

    /// True if an item stays, and needs one that is being visited.
    fn needs_what_is_visited(&self, item: &Item) -> bool {
        let mut left = vec![item.clone()];
        let mut seen = BTreeSet::new();
        while let Some(item) = left.pop() {
            let choice = self.choices.get(&item);
            if choice.is_some_and(|choice| !choice.is_there) || !seen.insert(item.clone()) {
                continue;
            }
            if self.path.contains(&item) {
                return true;
            }
            let version = choice.and_then(|choice| choice.version.as_deref());
            let before = before::before(self.policy, self.platform, self.findings, &self.choices, &item, version);
            left.extend(before.into_iter().filter_map(|before| match before {
                Before::There(needed) => Some(needed.item),
                Before::Gone(_) | Before::Unknown(_) | Before::Refused(_) => None,
            }));
        }
        false
    }

    /// What needs an item and goes too goes before it.
    fn visit_what_goes_with(&mut self, item: &Item) {
        let needs = |other: &Item| {
            self.policy
                .software_of(other)
                .is_some_and(|software| software.requires.iter().any(|needed| needed.item == *item))
        };
        let absent = self.wanted.values().filter(|wanted| needs::wants_absent(wanted));
        let going: Vec<Item> = absent.map(|wanted| wanted.item.clone()).filter(needs).collect();
        for other in going {
            if !self.path.contains(&other) {
                self.visit(&other);
            }
        }
    }

    /// The scheme of an item's versions; a task has none, and the loose one stands for that.
    fn scheme(&self, item: &Item) -> Scheme {
        self.policy.software_of(item).map_or(Scheme::Loose, |software| software.scheme)
    }

    fn decide(&self, wanted: &Wanted, after_change: bool) -> Decision {
        let Wanted { item, .. } = wanted;
        let finding = self.findings.items.get(item);
        let (state, mode) = needs::effective(wanted, self.scheme(item), &self.choices);
        if self.repair == Some(item) {
            return self.decide_repair(wanted, &state, mode, finding, after_change);
        }
        self.decide_as(item, &state, mode, finding, after_change)
    }

    /// What has to be repaired is decided about as if it failed its test, whatever that says.
    fn decide_repair(
        &self,
        wanted: &Wanted,
        state: &DesiredState,
        mode: Mode,
        finding: Option<&Finding>,
        after_change: bool,
    ) -> Decision {
        let Wanted { item, deployment, .. } = wanted;
        if mode != Mode::Enforce || *state == DesiredState::Ignored {
            let message = format!("Deployment {} does not enforce it, so it is not repaired.", deployment.name);
            let (action, result, reason) = (ActionType::Nothing, ActionResult::Failed, Reason::NotEnforced);
            return Decision::Settle(Verdict { action, result, reason, message, detected: None });
        }
        let broken = match finding {
            Some(Finding::Present(version)) => Some(Finding::Broken(version.clone())),
            Some(Finding::Satisfied(true)) => Some(Finding::Satisfied(false)),
            other => other.cloned(),
        };
        let mut decision = self.decide_as(item, state, mode, broken.as_ref(), after_change);
        if let Decision::Act(draft) = &mut decision
            && matches!(draft.reason, Reason::TestFailed | Reason::NotSatisfied | Reason::Configures)
        {
            draft.reason = Reason::RepairTriggered;
            draft.message = "Its repair was asked for.".into();
        }
        decision
    }

    fn decide_as(
        &self,
        item: &Item,
        state: &DesiredState,
        mode: Mode,
        finding: Option<&Finding>,
        after_change: bool,
    ) -> Decision {
        match item.kind {
            ItemKind::Software => self.policy.software(&item.name).map_or(Decision::Idle, |software| {
                // Nobody has asked which versions there are: that became necessary after detection had looked.
                let unanswered = self.findings.unanswered.get(&item.name).map(String::as_str);
                let unasked = software.versions_from.is_some()
                    && unanswered.is_none()
                    && !self.findings.versions.contains_key(&item.name);
                let fails = matches!(finding, Some(Finding::Failed { .. }));
                let finding =
                    finding.filter(|_| fails || !unasked || *state == DesiredState::Absent || mode == Mode::Monitor);
                let chosen = self.choices.get(item);
                decide::software(software, self.platform, state, mode, finding, unanswered, chosen)
            }),
            ItemKind::Task => self
                .policy
                .task(&item.name)
                .map_or(Decision::Idle, |task| decide::task(task, state, mode, finding, after_change)),
        }
    }

    /// Visits the task that configures a software, if that is or will be as it should be.
    fn configure(&mut self, item: &Item, standing: &Standing) {
        if !matches!(standing, Standing::There(_) | Standing::Planned(..)) || item.kind != ItemKind::Software {
            return;
        }
        let task =
            self.policy.software(&item.name).and_then(|software| software.configuration.as_ref()).map(Item::task);
        // A task on the path has come here itself, and goes on once this software is done.
        if let Some(task) = task.filter(|task| !self.path.contains(task)) {
            self.visit(&task);
        }
    }
}
