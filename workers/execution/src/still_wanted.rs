//! Whether a deployment still says what the plan was made from.

use std::collections::BTreeMap;

use pitcrew::domain::Item;
use pitcrew::domain::computer::Computer;
use pitcrew::domain::findings::{Finding, Findings};
use pitcrew::domain::plan::{Plan, PlannedAction};
use pitcrew::domain::policy::Policy;
use pitcrew::domain::session::Session;
use pitcrew::planning;
use pitcrew::resolve;
use pitcrew_protocol::Child;

/// What the policy of today would plan from what the plan was made from. None while the policy is the same and none of it
/// was denied for the computer.
pub struct Today(Option<Vec<PlannedAction>>);

impl Today {
    /// Plans anew in thought, if the policy has changed since.
    pub fn of(policy: &Policy, computer: &Computer, session: &Session, plan: &Plan) -> Today {
        let denied = |action: &PlannedAction| {
            computer.approvals.get(&action.deployment).is_some_and(|approval| !approval.approved)
        };
        if policy.version() == plan.policy_version && !plan.actions.iter().any(denied) {
            return Today(None);
        }
        let resolution = resolve::for_session(policy, computer, session);
        // Of several actions for one item the first tells what was found.
        let deployed = plan.actions.iter().filter(|action| action.parent.is_none());
        let items = deployed.rev().map(|action| (action.item.clone(), found(action))).collect();
        let mut children: BTreeMap<Item, Vec<Child>> = BTreeMap::new();
        for action in &plan.actions {
            if let (Some(task), Some(child)) = (action.item.parent(), &action.child) {
                children.entry(task).or_default().push(child.clone());
            }
        }
        let findings = Findings { policy_version: plan.policy_version, items, children, inventory: None };
        let (again, _) = planning::plan_for(session.kind, &resolution, policy, &findings);
        Today(Some(again.actions))
    }

    /// Why an action is not to be done any more; none if its deployment still says the same.
    pub fn objects(&self, action: &PlannedAction) -> Option<String> {
        let today = self.0.as_ref()?;
        let mut of_item = today.iter().filter(|now| now.item == action.item).peekable();
        if of_item.peek().is_none() {
            return Some(format!("Deployment {} was withdrawn after this was planned.", action.deployment));
        }
        let same = of_item.any(|now| {
            now.deployment == action.deployment
                && now.action == action.action
                && now.want == action.want
                && now.version == action.version
                && now.recipe == action.recipe
                && now.env == action.env
                && now.secrets == action.secrets
                && now.lock == action.lock
        });
        (!same).then(|| format!("Deployment {} was changed after this was planned.", action.deployment))
    }
}

/// What detection must have found for this action to be planned.
fn found(action: &PlannedAction) -> Finding {
    use pitcrew::domain::outcome::Reason;
    use pitcrew::domain::plan::Recipe;
    match (&action.recipe, &action.detected) {
        (Recipe::Task { .. } | Recipe::Whole { .. }, _) => Finding::Satisfied(false),
        (Recipe::Software { .. } | Recipe::Fetch { .. }, Some(version)) if action.reason == Reason::TestFailed => {
            Finding::Broken(version.clone())
        }
        (Recipe::Software { .. } | Recipe::Fetch { .. }, Some(version)) => Finding::Present(version.clone()),
        (Recipe::Software { .. } | Recipe::Fetch { .. }, None) => Finding::Absent,
    }
}
