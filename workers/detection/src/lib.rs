//! The detection worker: finds out what a computer has. It changes nothing.

use async_trait::async_trait;
use pitcrew::domain::findings::Findings;
use pitcrew::domain::run::{Purpose, RunSpec};
use pitcrew::domain::session::{self, Kind};
use pitcrew::domain::{ActionResult, Tally};
use pitcrew::planning;
use pitcrew::resolve;
use pitcrew::stage::errand::{Adopted, Errand, Errands, Halt};
use pitcrew::stage::{Answer, Checkpoint, Report, Stage, Work};
use pitcrew::store::gate::{EndedRun, StageResult};
use pitcrew::transport::Transports;
use pitcrew_protocol::said::line_of;
use pitcrew_protocol::{Ending, RunOutcome, StepKind};

/// The stage.
pub struct Detection {
    /// The ways to computers.
    pub transports: Transports,
}

#[async_trait]
impl Stage for Detection {
    fn stage(&self) -> session::Stage {
        session::Stage::Detection
    }

    async fn run(&self, work: Work, checkpoint: &Checkpoint) -> Report {
        self.detect(&work, checkpoint).await.unwrap_or_else(|halt| *halt)
    }
}

impl Detection {
    /// One round trip: every detection and test script of every item that is wanted, and the inventory if it is.
    async fn detect(&self, work: &Work, checkpoint: &Checkpoint) -> Result<Report, Halt> {
        let session = &work.inputs.session;
        let Some(computer) = &work.inputs.computer else {
            return Ok(Report::new(Answer::Stop, "The computer was removed."));
        };
        let inventory = session.order.inventory || session.kind == Kind::Inventory;
        let asked = planning::asked(&work.policy, computer, session, inventory);
        let resolution = planning::looked_for(&work.policy, computer, session, &asked);
        let mut spec = RunSpec { steps: planning::filter_steps(&asked) };
        spec.steps.extend(planning::detection(&resolution, &work.policy, inventory));
        if spec.steps.is_empty() && work.inputs.run.is_none() {
            let findings = Findings { policy_version: resolution.policy_version, ..Findings::default() };
            return Ok(report(&findings, None, "No deployment is for this computer."));
        }
        let gateway = work.inputs.gateway.clone();
        let mut errand = Errand::open(&self.transports, session, computer, gateway, checkpoint).await?;
        let left = self.unfinished(work, &spec, &mut errand).await?;
        if checkpoint.intents().cancel {
            return Ok(self.called_off(left, &mut errand, checkpoint).await);
        }
        let outcome = match left {
            Some(outcome) if outcome.ending == Ending::Completed => outcome,
            // What was cut off is read again: reading twice does no harm.
            Some(_) | None => {
                errand
                    .start(Errands {
                        spec: &spec,
                        purpose: Purpose::Detect,
                        action: None,
                        policy: &work.policy,
                        ended_run: None,
                        ended_actions: Vec::new(),
                    })
                    .await?
            }
        };
        if outcome.ending == Ending::Killed && checkpoint.intents().cancel {
            return Ok(self.called_off(Some(outcome), &mut errand, checkpoint).await);
        }
        if outcome.ending != Ending::Completed {
            return Ok(Report::new(Answer::Retry, "Detection was cut off at the computer."));
        }
        let mut findings = planning::findings(&resolution, &work.policy, &outcome);
        let answers = planning::answers(&asked, &outcome);
        if !asked.is_empty() {
            let now = resolve::for_session(&work.policy, &planning::knowing(computer, &answers), session);
            planning::keep_what_counts(&mut findings, &work.policy, &resolution, &now);
        }
        let note = format!("{} items were looked at.", findings.items.len());
        let mut report = report(&findings, Some(&outcome), &note);
        report.result.iter_mut().for_each(|result| result.answers.clone_from(&answers));
        if session.kind == Kind::Inventory {
            let tally = sources(&outcome);
            let packages = findings.inventory.as_ref().map_or(0, Vec::len);
            report.answer = Answer::End(tally.status());
            report.note = format!("{packages} packages were found; {} sources could not be asked.", tally.failed);
        }
        if let Some((item, message)) = stopped(&outcome) {
            report.answer = Answer::End(session::Status::Cancelled);
            report.note = format!("The script of {item} ended it: {message}");
        }
        for group in planning::told_to_stop(&asked, &outcome) {
            let warning = format!("The script of group {group} said \"stop\": it only answers, and ends no session.");
            tracing::warn!(session.id = %session.id, "{warning}");
            report.note = format!("{} {warning}", report.note);
        }
        if errand.must_acknowledge() {
            let ended = report.outcomes.pop();
            checkpoint.record(ended, Vec::new(), None).await.map_err(pitcrew::stage::errand::fenced)?;
            errand.acknowledge(outcome.run_id).await;
        }
        Ok(report)
    }

    /// The end of a session that was called off; `left` is what came of the run that was in flight.
    async fn called_off(&self, left: Option<RunOutcome>, errand: &mut Errand<'_>, checkpoint: &Checkpoint) -> Report {
        let mut report = Report::new(Answer::End(session::Status::Cancelled), "It was called off during detection.");
        let Some(outcome) = left else { return report };
        match ended(&outcome) {
            Some(ended) if errand.must_acknowledge() => {
                // Fenced, the report is not written either, and the next owner finds the outcome at the computer.
                if checkpoint.record(Some(ended), Vec::new(), None).await.is_ok() {
                    errand.acknowledge(outcome.run_id).await;
                }
            }
            ended => report.outcomes.extend(ended),
        }
        report
    }

    /// The outcome of the run that an earlier claim has left in flight, if it looked for what is to be looked for now.
    async fn unfinished(
        &self,
        work: &Work,
        spec: &RunSpec,
        errand: &mut Errand<'_>,
    ) -> Result<Option<RunOutcome>, Halt> {
        let Some(run) = &work.inputs.run else { return Ok(None) };
        let asked: Option<RunSpec> = serde_json::from_str(&run.body).ok();
        Ok(match errand.adopt(run).await? {
            Adopted::Ended(outcome) if asked.as_ref() == Some(spec) || outcome.ending == Ending::Killed => {
                Some(outcome)
            }
            Adopted::Ended(_) | Adopted::NeverStarted | Adopted::GivenUp => None,
        })
    }
}

fn report(findings: &Findings, outcome: Option<&RunOutcome>, note: &str) -> Report {
    let mut report = Report::new(Answer::Next(session::Stage::Planning), note);
    match serde_json::to_string(findings) {
        Ok(body) => {
            let seen = outcome.and_then(planning::seen);
            report.result = Some(StageResult {
                stage: session::Stage::Detection,
                body,
                hash: None,
                seen,
                answers: Default::default(),
            });
        }
        Err(error) => return Report::new(Answer::Stop, format!("The findings cannot be stored: {error}")),
    }
    report.outcomes.extend(outcome.and_then(ended));
    report
}

/// What a script has ended the session with, and of which item it is. One that decides about a group is of none.
fn stopped(outcome: &RunOutcome) -> Option<(&str, String)> {
    let of_items = outcome.steps.iter().filter(|step| !step.item.is_empty());
    of_items.into_iter().find_map(|step| Some((step.item.as_str(), line_of(step.said.stop.as_deref()?))))
}

/// How many sources of the inventory could be asked, and how many not.
fn sources(outcome: &RunOutcome) -> Tally {
    let asked = outcome.steps.iter().filter(|step| step.kind == StepKind::Inventory);
    let result = |success| if success { ActionResult::Success } else { ActionResult::Failed };
    Tally::of(0, asked.map(|step| result(step.status.is_success())))
}

fn ended(outcome: &RunOutcome) -> Option<EndedRun> {
    let text = serde_json::to_string(outcome).ok()?;
    Some(EndedRun { run_id: outcome.run_id, outcome: text, at: outcome.ended_at })
}
