//! The planning worker: findings and desired state become a plan. It decides by a pure function and never holds a key
//! to a computer.

use async_trait::async_trait;
use pitcrew::domain::Tally;
use pitcrew::domain::findings::{Finding, Findings};
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
            None if session.kind == Kind::Resolution => Findings::default(),
            None => return Report::new(Answer::Next(StageName::Detection), "There are no findings to plan from."),
        };
        let resolution = resolve::for_session(&work.policy, computer, session);
        let (plan, judgement) = planning::plan_for(session.kind, &resolution, &work.policy, &findings);
        let note = note(&plan);
        let (body, hash) = match plan.sealed() {
            Ok(sealed) => sealed,
            Err(error) => return Report::new(Answer::Stop, format!("The plan cannot be stored: {error}")),
        };
        let answer = match session.kind {
            Kind::Detection => Answer::End(looked(&findings)),
            _ if plan.actions.is_empty() => Answer::End(settled(&plan)),
            Kind::Full
            | Kind::Targeted
            | Kind::Onboarding
            | Kind::Repair
            | Kind::Inventory
            | Kind::Resolution
            | Kind::Download => Answer::Next(StageName::Execution),
        };
        // A session that chose some deployments or an item says nothing of the others.
        let judgement = judgement.map(|mut judgement| {
            judgement.complete = Scope::of(session.kind, &session.order) == Scope::Full && session.order.item.is_none();
            if let Answer::End(_) = answer {
                judgement.verdicts.iter_mut().for_each(|verdict| verdict.pending = false);
            }
            judgement
        });
        let mut report = Report::new(answer, note);
        report.judgement = judgement.filter(|judgement| {
            let name = judgement.fingerprint();
            name.is_none() || name != work.inputs.fingerprint
        });
        report.result = Some(StageResult {
            stage: StageName::Planning,
            body,
            hash: Some(hash.0.to_vec()),
            seen: None,
            answers: Default::default(),
        });
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
                runs: None,
                at: checkpoint.now(),
            })
            .collect();
        report
    }
}

/// What a session that only looks ends as: it is incomplete where something could not be looked at.
fn looked(findings: &Findings) -> Status {
    let failed = findings.items.values().filter(|finding| matches!(finding, Finding::Failed { .. })).count();
    Tally { compliant: findings.items.len() - failed, failed, ..Tally::default() }.status()
}

/// What a session ends as that has nothing to execute.
fn settled(plan: &Plan) -> Status {
    Tally::of(plan.compliant as usize, plan.settled.iter().map(|settled| settled.result)).status()
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
        parent: action.parent.map(seq),
    });
    let settled = plan.settled.iter().map(|settled| PlannedRow {
        seq: seq(settled.seq),
        item: settled.item.to_string(),
        deployment: settled.deployment.clone(),
        kind: settled.action.to_string(),
        reason: settled.reason.to_string(),
        detected: settled.detected.clone(),
        desired: None,
        parent: None,
    });
    planned.chain(settled).collect()
}

/// Plans are far shorter than this can count.
fn seq(seq: u32) -> i32 {
    i32::try_from(seq).unwrap_or(i32::MAX)
}
