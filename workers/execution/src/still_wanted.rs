//! Whether a deployment still says what the plan was made from.

use std::collections::BTreeSet;

use pitcrew::domain::computer::Computer;
use pitcrew::domain::plan::{Plan, PlannedAction};
use pitcrew::domain::policy::Policy;
use pitcrew::domain::session::Session;
use pitcrew::planning;
use pitcrew::resolve::{self, WhyLeftOut};
use pitcrew::stage::Checkpoint;
use pitcrew::store::Error;

/// What the policy of today would plan from what the plan was made from.
pub struct Today {
    version: i64,
    /// None while the policy is the plan's own and none of it was denied for the computer.
    actions: Option<Vec<PlannedAction>>,
    /// The deployments of which it is not known any more whether they are for the computer.
    unknown: BTreeSet<String>,
}

impl Today {
    /// Plans anew in thought, if the policy has changed since.
    pub async fn of(
        checkpoint: &Checkpoint,
        policy: &Policy,
        computer: &Computer,
        session: &Session,
        plan: &Plan,
    ) -> Result<Today, Error> {
        let denied = |action: &PlannedAction| {
            computer.approvals.get(&action.deployment).is_some_and(|approval| !approval.approved)
        };
        let version = policy.version();
        if version == plan.policy_version && !plan.actions.iter().any(denied) {
            return Ok(Today { version, actions: None, unknown: BTreeSet::new() });
        }
        let (findings, ago_s) = checkpoint.planned_from().await?;
        // What has aged while the session waited was not withdrawn by anybody.
        let resolution = resolve::for_session(policy, &computer.as_of(ago_s), session);
        // All that was found counts, also what was in order and is no part of the plan: others may need it.
        let (again, _) = planning::plan_for(session.kind, &resolution, policy, &findings);
        let is_unknown = |why| matches!(why, WhyLeftOut::GroupUnknown | WhyLeftOut::PerhapsExcepted);
        let unknown = resolution.left_out.into_iter().filter(|out| is_unknown(out.why)).map(|out| out.deployment);
        Ok(Today { version, actions: Some(again.actions), unknown: unknown.collect() })
    }

    /// Whether this is by the policy of `version`, or by a newer one.
    pub fn is_of(&self, version: i64) -> bool {
        self.version >= version
    }

    /// Why an action is not to be done any more; none if its deployment still says the same.
    pub fn objects(&self, action: &PlannedAction) -> Option<String> {
        let today = self.actions.as_ref()?;
        let mut of_item = today.iter().filter(|now| now.item == action.item).peekable();
        if of_item.peek().is_none() && self.unknown.contains(&action.deployment) {
            let of = &action.deployment;
            return Some(format!(
                "By the policy of today it is not known whether deployment {of} is for the computer."
            ));
        }
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
                && now.files == action.files
                && now.lock == action.lock
        });
        (!same).then(|| format!("Deployment {} was changed after this was planned.", action.deployment))
    }
}
