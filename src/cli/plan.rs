//! `pitcrew plan`: a detection session, waited for, and its plan.

use clap::Args;

use super::session::wait;
use super::{Client, Failure, Output, output, render};
use crate::domain::report::Report;
use crate::domain::session::Kind;
use crate::domain::submission::{ComputerRef, ReplyV1, SubmissionTarget, SubmissionV1};

/// What it takes.
#[derive(Debug, Args)]
pub struct Plan {
    /// The computer: a name, tenant/name, or an id.
    computer: String,
}

impl Plan {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let computer = ComputerRef::Name(self.computer.clone());
        let mut order = SubmissionV1::new(SubmissionTarget::Computers(vec![computer]));
        if let Ok(id) = self.computer.parse() {
            order.target = SubmissionTarget::Computers(vec![ComputerRef::Id(id)]);
        }
        order.kind = Kind::Detection;
        order.reason = "pitcrew plan".to_owned();
        // One that is under way may have looked before what is asked about was changed.
        order.again = true;
        let reply: ReplyV1 = output::read(&client.post(&["v1", "sessions"], &order).await?)?;
        let ids = wait::made(&reply);
        let ended = wait::until_final(client, &ids, |_| {}).await?;
        for id in ids {
            let path = ["v1", "sessions", &id.to_string()];
            let report = client.get(&[&path[..], &["report"]].concat(), &[]).await?;
            output.show(&report, |report: &Report| render::report(report, output.style))?;
        }
        wait::verdict(&ended)
    }
}
