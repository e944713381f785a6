//! The plan: decisions put in order, with what each needs right before it and what configures it right after.
//!
//! Items are visited by name; a visit first visits what the item needs, so a chain comes out deepest first. An item is
//! visited once. What cannot be had is said at the item itself, and what needs it is skipped, naming it.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    ActionResult, ActionType, DesiredState, Finding, Findings, Item, ItemKind, Judgement, Mode, Plan, PlannedAction,
    Policy, Reason, RebootNeed, Recipe, Scheme, Settled,
};
use crate::resolve::{Because, Resolution, Wanted};

use super::compliance::{self, Seen};
use super::decide::{self, Decision, Draft, Verdict};
use super::env::env;
use super::needs::{self, Lack, Standing};
use super::versions::Platform;

/// Makes the plan that brings a computer where its resolution wants it, from what was found.
pub fn plan(resolution: &Resolution, policy: &Policy, findings: &Findings) -> Plan {
    plan_and_judge(resolution, policy, findings).0
}

/// The same, and what the findings say of each wanted item.
pub fn plan_and_judge(resolution: &Resolution, policy: &Policy, findings: &Findings) -> (Plan, Judgement) {
    let mut planner = Planner {
        policy,
        platform: Platform { os: resolution.os, arch: &resolution.arch },
        findings,
        repair: resolution.only.as_ref().filter(|only| only.repair).map(|only| &only.item),
        wanted: resolution.wanted.iter().map(|wanted| (&wanted.item, wanted)).collect(),
        plan: Plan { policy_version: resolution.policy_version, ..Plan::default() },
        standing: BTreeMap::new(),
        path: Vec::new(),
        cycles: BTreeMap::new(),
        seen: Seen::default(),
    };
    match &resolution.only {
        None => {
            for wanted in resolution.wanted.iter().filter(|wanted| wanted.because == Because::Deployed) {
                planner.visit(&wanted.item);
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
    let Planner { plan, seen, wanted, platform, .. } = planner;
    let judgement = compliance::judge(&plan, &seen, &wanted, policy, platform, findings);
    (plan, judgement)
}

struct Planner<'a> {
    policy: &'a Policy,
    platform: Platform<'a>,
    findings: &'a Findings,
    /// What is brought about again even if it looks as it should be.
    repair: Option<&'a Item>,
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
        let env = match env(self.policy, &wanted.item, &wanted.deployment) {
            Ok(env) => env,
            Err(parameter) => {
                let message = format!("Its parameter \"{parameter}\" has no default, and none is given.");
                return self.settle(wanted, ActionType::Nothing, Lack::failed(Reason::ParameterMissing, message), None);
            }
        };
        let mut needs = BTreeSet::new();
        let mut lack = None;
        // A task is done after the software that it configures, so whether that is changed must be known first.
        for software in needs::configured_by(&self.wanted, self.policy, &wanted.item) {
            match self.visit(&software) {
                Standing::Planned(seq, _) => {
                    needs.insert(seq);
                }
                Standing::NotToBeHad => lack = lack.or(Some(Lack::skipped(&software))),
                Standing::There(_) | Standing::Left(_) | Standing::Unwanted | Standing::NotWantedHere => {}
            }
        }
        let configures = needs.first().copied();
        let decision = self.decide(wanted, configures.is_some());
        if needs::wants_prerequisites(&decision) && !needs::wants_absent(wanted) {
            for prerequisite in needs::requires(self.policy, &wanted.item) {
                let standing = self.visit(&prerequisite.item);
                match needs::met(prerequisite, self.scheme(&prerequisite.item), &standing) {
                    Ok(seq) => needs.extend(seq),
                    Err(found) => lack = lack.or(Some(found)),
                }
            }
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
            (Decision::Settle(Verdict { action, result, reason, message, detected }), _) => {
                self.settle(wanted, action, Lack { result, reason, message }, detected.clone());
                detected.map_or(Standing::NotToBeHad, |version| Standing::Left(Some(version)))
            }
            (Decision::Act(draft), Some(lack)) => self.settle(wanted, draft.action, lack, draft.detected),
            (Decision::Act(draft), None) => self.act(wanted, *draft, env, needs, configures),
        }
    }

    /// The scheme of an item's versions; a task has none, and the loose one stands for that.
    fn scheme(&self, item: &Item) -> Scheme {
        let software = Some(item).filter(|item| item.kind == ItemKind::Software);
        software.and_then(|item| self.policy.software(&item.name)).map_or(Scheme::Loose, |software| software.scheme)
    }

    fn decide(&self, wanted: &Wanted, after_change: bool) -> Decision {
        let Wanted { item, .. } = wanted;
        let finding = self.findings.items.get(item);
        let (state, mode) = needs::effective(wanted, self.scheme(item), &self.wanted, self.findings);
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
            ItemKind::Software => self
                .policy
                .software(&item.name)
                .map_or(Decision::Idle, |software| decide::software(software, self.platform, state, mode, finding)),
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

    fn next_seq(&self) -> u32 {
        u32::try_from(self.plan.actions.len() + self.plan.settled.len() + 1).unwrap_or(u32::MAX)
    }

    fn settle(&mut self, wanted: &Wanted, action: ActionType, lack: Lack, detected: Option<String>) -> Standing {
        let Lack { result, reason, message } = lack;
        let seq = self.next_seq();
        let (item, deployment) = (wanted.item.clone(), wanted.deployment.name.clone());
        self.plan.settled.push(Settled { seq, item, deployment, action, result, reason, message, detected });
        Standing::NotToBeHad
    }

    fn act(
        &mut self,
        wanted: &Wanted,
        draft: Draft,
        env: BTreeMap<String, String>,
        needs: BTreeSet<u32>,
        configures: Option<u32>,
    ) -> Standing {
        let Draft { action, reason, message, detected, want, version, recipe } = draft;
        let seq = self.next_seq();
        let software = || self.policy.software(&wanted.item.name).filter(|_| wanted.item.kind == ItemKind::Software);
        let task = || self.policy.task(&wanted.item.name).filter(|_| wanted.item.kind == ItemKind::Task);
        let reboot = software().map(|software| software.reboot).or_else(|| task().map(|task| task.reboot));
        let source = software().and_then(|software| software.source.clone()).or_else(|| host(&recipe));
        self.plan.actions.push(PlannedAction {
            seq,
            item: wanted.item.clone(),
            deployment: wanted.deployment.name.clone(),
            action,
            reason,
            message,
            detected,
            want,
            scheme: self.scheme(&wanted.item),
            version: version.clone(),
            recipe,
            env,
            needs: needs.into_iter().collect(),
            configures,
            reboot: reboot.unwrap_or(RebootNeed::IfAsked),
            source,
            retries: wanted.deployment.retries,
        });
        if action == ActionType::Uninstall { Standing::Unwanted } else { Standing::Planned(seq, version) }
    }
}

/// The host of what is downloaded.
fn host(recipe: &Recipe) -> Option<String> {
    let Recipe::Software { download: Some(download), .. } = recipe else { return None };
    url::Url::parse(&download.url).ok()?.host_str().map(str::to_owned)
}
