//! The planning worker: findings and desired state become a plan. It decides by a pure function and never holds a key
//! to a computer.

use async_trait::async_trait;
use pitcrew::domain::findings::{Finding, Findings};
use pitcrew::domain::outcome::ActionResult;
use pitcrew::domain::plan::Plan;
use pitcrew::domain::session::{Kind, Stage as StageName, Status};
use pitcrew::planning;
use pitcrew::resolve::{self, Scope};
use pitcrew::stage::{Answer, Checkpoint, Report, Stage, Work};
use pitcrew::store::gate::{EndedAction, PlannedRow, StageResult};

/// The stage.
pub struct Planning;

#[async_trait]
impl Stage for Planning {
    fn stage(&self) -> StageName {
        StageName::Planning
    }

    async fn run(&self, work: Work, checkpoint: &Checkpoint) -> Report {
        let session = &work.inputs.session;
        let Some(computer) = &work.inputs.computer else {
            return Report::new(Answer::Stop, "The computer was removed.");
        };
        let findings: Findings = match work.inputs.findings.as_deref().map(serde_json::from_str) {
            Some(Ok(findings)) => findings,
            Some(Err(error)) => return Report::new(Answer::Stop, format!("The findings cannot be read: {error}")),
            None => return Report::new(Answer::Next(StageName::Detection), "There are no findings to plan from."),
        };
        let scope = Scope::of(session.kind, &session.order);
        let resolution = resolve::resolve(&work.policy, computer, &scope);
        let (plan, mut judgement) = planning::plan_and_judge(&resolution, &work.policy, &findings);
        let note = note(&plan);
        let body = match serde_json::to_string(&plan) {
            Ok(body) => body,
            Err(error) => return Report::new(Answer::Stop, format!("The plan cannot be stored: {error}")),
        };
        let answer = if session.kind == Kind::Detection {
            Answer::End(looked(&findings))
        } else if plan.actions.is_empty() {
            Answer::End(settled(&plan))
        } else {
            Answer::Next(StageName::Execution)
        };
        // A session that chose some deployments says nothing of the others.
        judgement.complete = scope == Scope::Full;
        if let Answer::End(_) = answer {
            judgement.verdicts.iter_mut().for_each(|verdict| verdict.pending = false);
        }
        let mut report = Report::new(answer, note);
        let name = judgement.fingerprint();
        report.judgement = (name.is_none() || name != work.inputs.fingerprint).then_some(judgement);
        report.result = Some(StageResult { stage: StageName::Planning, body, hash: Some(plan.hash().0.to_vec()) });
        report.planned = rows(&plan);
        report.ended = plan
            .settled
            .iter()
            .map(|settled| EndedAction {
                plan: session.dispatch,
                seq: seq(settled.seq),
                result: settled.result.to_string(),
                reason: settled.reason.to_string(),
                message: settled.message.clone(),
                attempts: 0,
                at: checkpoint.now(),
            })
            .collect();
        report
    }
}

/// What a session that only looks ends as: it is incomplete where something could not be looked at.
fn looked(findings: &Findings) -> Status {
    let failed = findings.items.values().filter(|finding| matches!(finding, Finding::Failed { .. })).count();
    match failed {
        0 => Status::Completed,
        all if all == findings.items.len() => Status::Failed,
        _ => Status::PartiallyCompleted,
    }
}

/// What a session ends as that has nothing to execute.
fn settled(plan: &Plan) -> Status {
    let failed = plan.settled.iter().filter(|settled| settled.result == ActionResult::Failed).count();
    match failed {
        0 => Status::Completed,
        all if all == plan.settled.len() && plan.compliant == 0 => Status::Failed,
        _ => Status::PartiallyCompleted,
    }
}

fn note(plan: &Plan) -> String {
    let actions = plan.actions.len();
    format!(
        "{actions} to do, {} as they should be, {} decided without touching the computer.",
        plan.compliant,
        plan.settled.len()
    )
}

fn rows(plan: &Plan) -> Vec<PlannedRow> {
    let planned = plan.actions.iter().map(|action| PlannedRow {
        seq: seq(action.seq),
        item: action.item.to_string(),
        deployment: action.deployment.clone(),
        kind: action.action.to_string(),
        reason: action.reason.to_string(),
        detected: action.detected.clone(),
        desired: action.version.clone(),
    });
    let settled = plan.settled.iter().map(|settled| PlannedRow {
        seq: seq(settled.seq),
        item: settled.item.to_string(),
        deployment: settled.deployment.clone(),
        kind: settled.action.to_string(),
        reason: settled.reason.to_string(),
        detected: settled.detected.clone(),
        desired: None,
    });
    planned.chain(settled).collect()
}

/// Plans are far shorter than this can count.
fn seq(seq: u32) -> i32 {
    i32::try_from(seq).unwrap_or(i32::MAX)
}
