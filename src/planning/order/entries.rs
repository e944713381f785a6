//! What is written into the plan: actions, and what is settled without one.

use std::collections::BTreeSet;

use super::Planner;
use crate::domain::{ActionType, Item, Origin, Plan, PlannedAction, RebootNeed, Recipe, Settled, Told, Undo};
use crate::planning::decide::Draft;
use crate::planning::ladder::ladder;
use crate::planning::needs::{Lack, Standing};
use crate::planning::versions::entry;
use crate::planning::words::some_of;
use crate::resolve::Wanted;

impl Planner<'_> {
    /// What would take an action back.
    fn undo(&self, item: &Item, draft: &Draft) -> Option<Undo> {
        let software = self.policy.software_of(item)?;
        match (&draft.action, &draft.detected) {
            (ActionType::Install, None) => software.uninstall.is_some().then_some(Undo::Uninstall),
            (ActionType::Update | ActionType::Downgrade | ActionType::Uninstall, Some(version)) => {
                let is_listed = entry(software, self.platform, version).is_some();
                (is_listed && software.is_installable()).then(|| Undo::Install(version.clone()))
            }
            _ => None,
        }
    }

    fn next_seq(&self) -> u32 {
        u32::try_from(self.plan.actions.len() + self.plan.settled.len() + 1).unwrap_or(u32::MAX)
    }

    pub(super) fn settle(
        &mut self,
        wanted: &Wanted,
        action: ActionType,
        lack: Lack,
        detected: Option<String>,
    ) -> Standing {
        let Lack { result, reason, message } = lack;
        let seq = self.next_seq();
        let (item, deployment) = (wanted.item.clone(), wanted.deployment.name.clone());
        self.plan.settled.push(Settled { seq, item, deployment, action, result, reason, message, detected });
        Standing::NotToBeHad
    }

    /// Adds an action, and before it those that its version takes.
    pub(super) fn climb(
        &mut self,
        wanted: &Wanted,
        draft: Draft,
        told: Told,
        needs: BTreeSet<u32>,
        configures: Option<u32>,
    ) -> Standing {
        let Some(software) = self.policy.software_of(&wanted.item) else {
            return self.family(wanted, draft, told, needs, configures);
        };
        let (action, detected) = (draft.action, draft.detected.clone());
        let drafts = match ladder(software, self.platform, draft) {
            Ok(drafts) => drafts,
            Err((reason, message)) => return self.settle(wanted, action, Lack::failed(reason, message), detected),
        };
        let mut standing = Standing::NotToBeHad;
        for draft in drafts {
            let mut needs = needs.clone();
            if let Standing::Planned(below, _) = standing {
                needs.insert(below);
            }
            standing = self.act(wanted, draft, told.clone(), needs, configures);
        }
        standing
    }

    /// Adds an action for each thing that a task's test has named, and after them the task's own, which looks at the
    /// whole; only that one if it has named nothing.
    fn family(
        &mut self,
        wanted: &Wanted,
        draft: Draft,
        told: Told,
        needs: BTreeSet<u32>,
        configures: Option<u32>,
    ) -> Standing {
        let named = self.findings.children.get(&wanted.item).filter(|named| !named.is_empty());
        let (Some(named), Recipe::Task { test, .. }) = (named, &draft.recipe) else {
            return self.act(wanted, draft, told, needs, configures);
        };
        let test = test.clone();
        let parent = self.next_seq() + u32::try_from(named.len()).unwrap_or(u32::MAX);
        for child in named {
            let message = child.title.clone().unwrap_or_else(|| "Its task's test names it.".to_owned());
            self.act(wanted, Draft { message, ..draft.clone() }, told.clone(), needs.clone(), configures);
            if let Some(action) = self.plan.actions.last_mut() {
                action.item = wanted.item.child(&child.key);
                (action.parent, action.child) = (Some(parent), Some(child.clone()));
            }
        }
        let message = format!("Its test names {}.", some_of(named).unwrap_or_default());
        let standing =
            self.act(wanted, Draft { message, recipe: Recipe::Whole { test }, ..draft }, told, needs, configures);
        if let Some(action) = self.plan.actions.last_mut() {
            // It only looks.
            (action.lock, action.reboot) = (None, RebootNeed::IfAsked);
        }
        standing
    }

    fn act(
        &mut self,
        wanted: &Wanted,
        draft: Draft,
        told: Told,
        needs: BTreeSet<u32>,
        configures: Option<u32>,
    ) -> Standing {
        let undo = self.undo(&wanted.item, &draft);
        let Draft { action, reason, message, detected, want, version, mut recipe } = draft;
        recipe.pin(self.platform.os);
        let seq = self.next_seq();
        let (software, task) = (self.policy.software_of(&wanted.item), self.policy.task_of(&wanted.item));
        let reboot = software.map(|software| software.reboot).or_else(|| task.map(|task| task.reboot));
        let source = software.and_then(|software| software.source.clone()).or_else(|| host(&recipe));
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
            env: told.env,
            secrets: told.secrets,
            files: told.files,
            needs: needs.into_iter().collect(),
            parent: None,
            child: None,
            configures,
            reboot: reboot.unwrap_or(RebootNeed::IfAsked),
            source,
            safe_point: true,
            undo,
            lock: task.and_then(|task| task.serial.clone()),
            retries: wanted.deployment.retries,
        });
        if action == ActionType::Uninstall { Standing::Going(seq) } else { Standing::Planned(seq, version) }
    }
}

/// Marks the actions that others complete: a version on the way to another, a removal for what comes in its place, and a
/// software before its configuration.
pub(super) fn mark_safe_points(plan: &mut Plan) {
    let completed: BTreeSet<u32> = plan
        .actions
        .iter()
        .flat_map(|later| later.needs.iter().map(move |need| (later, *need)))
        .filter(|(later, need)| {
            let before = plan.actions.iter().find(|action| action.seq == *need);
            before.is_some_and(|before| {
                let makes_room = before.action == ActionType::Uninstall;
                before.item == later.item || makes_room || later.configures == Some(before.seq)
            })
        })
        .map(|(_, need)| need)
        .collect();
    for action in &mut plan.actions {
        action.safe_point = !completed.contains(&action.seq);
    }
}

/// The name under which downloads of stored files are rate-limited.
const STORED: &str = "stored-files";

/// The host of what is downloaded.
fn host(recipe: &Recipe) -> Option<String> {
    let Recipe::Software { download: Some(download), .. } = recipe else { return None };
    if matches!(download.from, Origin::Stored(_)) {
        return Some(STORED.to_owned());
    }
    url::Url::parse(download.from.url()?).ok()?.host_str().map(str::to_owned)
}
