//! The plan of a session of each kind, from one place, so that what execution plans in thought is what was planned.

use crate::domain::session::Kind;
use crate::domain::{
    ActionResult, ActionType, DesiredState, Findings, ItemKind, Judgement, Mode, Plan, PlannedAction, Policy, Reason,
    RebootNeed, Recipe, Settled,
};
use crate::resolve::{Because, Resolution, Wanted};

use super::order::plan_and_judge;

/// Plans a session of this kind, and judges what was found; none where nothing was.
pub fn plan_for(
    kind: Kind,
    resolution: &Resolution,
    policy: &Policy,
    findings: &Findings,
) -> (Plan, Option<Judgement>) {
    let planned = || plan_and_judge(resolution, policy, findings);
    match kind {
        Kind::Full | Kind::Targeted | Kind::Onboarding | Kind::Detection | Kind::Repair => {
            let (plan, judgement) = planned();
            (plan, Some(judgement))
        }
        Kind::Download => {
            let (plan, mut judgement) = planned();
            // Nothing of it will be changed.
            judgement.verdicts.iter_mut().for_each(|verdict| verdict.pending = false);
            (only_downloads(plan), Some(judgement))
        }
        Kind::Inventory => (planned().0, None),
        Kind::Resolution => (outline(resolution), None),
    }
}

/// Leaves of each action the file that it would fetch first, and says so where there is none.
fn only_downloads(plan: Plan) -> Plan {
    let mut settled = plan.settled;
    let mut actions = Vec::new();
    // What a task's test has named has no files of its own.
    for action in plan.actions.into_iter().filter(|action| action.parent.is_none()) {
        match &action.recipe {
            Recipe::Software { download: Some(download), .. } => actions.push(PlannedAction {
                action: ActionType::Download,
                recipe: Recipe::Fetch { download: download.clone() },
                needs: Vec::new(),
                configures: None,
                lock: None,
                reboot: RebootNeed::IfAsked,
                ..action
            }),
            Recipe::Software { download: None, .. }
            | Recipe::Fetch { .. }
            | Recipe::Task { .. }
            | Recipe::Whole { .. } => {
                settled.push(Settled {
                    seq: action.seq,
                    item: action.item,
                    deployment: action.deployment,
                    action: ActionType::Nothing,
                    result: ActionResult::Skipped,
                    reason: Reason::NothingToFetch,
                    message: "This session only fetches files, and there is none to fetch for it.".into(),
                    detected: action.detected,
                });
            }
        }
    }
    settled.sort_by_key(|settled| settled.seq);
    Plan { actions, settled, ..plan }
}

/// What the computer should have, in a sentence an item. Nothing is known of what it has.
fn outline(resolution: &Resolution) -> Plan {
    let settled = resolution.wanted.iter().zip(1..).map(|(wanted, seq)| Settled {
        seq,
        item: wanted.item.clone(),
        deployment: wanted.deployment.name.clone(),
        action: ActionType::Nothing,
        result: ActionResult::Skipped,
        reason: Reason::OnlyResolved,
        message: wish(wanted),
        detected: None,
    });
    Plan { policy_version: resolution.policy_version, settled: settled.collect(), ..Plan::default() }
}

/// How an item should be, in a sentence.
fn wish(wanted: &Wanted) -> String {
    let Wanted { item, deployment, because, .. } = wanted;
    let name = &deployment.name;
    let state = match (&deployment.state, item.kind) {
        _ if deployment.mode == Mode::Ignore => "left alone".to_owned(),
        (DesiredState::Ignored, _) => "left alone".to_owned(),
        (DesiredState::Absent, ItemKind::Software) => "not installed".to_owned(),
        (_, ItemKind::Task) => match deployment.mode {
            Mode::Enforce | Mode::Audit | Mode::Ignore => "satisfied".to_owned(),
            Mode::Monitor => "monitored".to_owned(),
        },
        (DesiredState::Any, _) => "installed in any version".to_owned(),
        (DesiredState::ThisVersion(version), _) => format!("installed in version {version}"),
        (DesiredState::Latest, _) => "installed in the latest version".to_owned(),
        (DesiredState::NewerOrEqual(version), _) => format!("installed in version {version} or newer"),
        (DesiredState::OlderOrEqual(version), _) => format!("installed in version {version} or older"),
        (DesiredState::UpdateIfFound, _) => "in the latest version if it is installed".to_owned(),
    };
    match because {
        Because::Deployed => format!("Deployment {name} wants it {state}."),
        Because::Configures(software) => format!("It configures {software}, which deployment {name} wants."),
        Because::NeededBy(other) => format!("It is needed by {other}, which deployment {name} wants."),
    }
}
