//! The execution worker: the plan, action by action. It makes no choice that the plan did not make.
//!
//! [`walk`] goes through the plan, [`act`] does one action, [`still_wanted`] asks whether its deployment still says so.

mod act;
mod still_wanted;
mod walk;

use async_trait::async_trait;
use pitcrew::domain::plan::Plan;
use pitcrew::domain::session;
use pitcrew::stage::{Answer, Checkpoint, Report, Stage, Work};
use pitcrew::transport::Transports;

/// The stage.
pub struct Execution {
    /// The ways to computers.
    pub transports: Transports,
}

#[async_trait]
impl Stage for Execution {
    fn stage(&self) -> session::Stage {
        session::Stage::Execution
    }

    async fn run(&self, work: Work, checkpoint: &Checkpoint) -> Report {
        let Some((dispatch, body)) = &work.inputs.plan else {
            return Report::new(Answer::Next(session::Stage::Detection), "There is no plan to execute.");
        };
        let plan: Plan = match serde_json::from_str(body) {
            Ok(plan) => plan,
            Err(error) => return Report::new(Answer::Stop, format!("The plan cannot be read: {error}")),
        };
        let Some(computer) = &work.inputs.computer else {
            return Report::new(Answer::Stop, "The computer was removed.");
        };
        walk::walk(&self.transports, &work, computer, &plan, *dispatch, checkpoint).await
    }
}
