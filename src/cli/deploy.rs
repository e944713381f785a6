//! `pitcrew deploy`

use clap::Args;
use serde_json::json;

use super::session::watch;
use super::{Client, Failure, Format, Output, input, output::read, render};
use crate::domain::SessionId;
use crate::domain::report::QuickDeploy;
use crate::domain::session::{Priority, RebootPolicy};

/// What it takes.
#[derive(Debug, Args)]
pub struct Deploy {
    /// The item, such as software/editor or task/clock.
    item: String,
    /// The computers: names, tenant/name, or ids.
    #[arg(long = "to", required = true, value_name = "COMPUTER", value_delimiter = ',')]
    to: Vec<String>,
    /// How a software should be: latest, any, absent …; without it, as the deployment that wins wants it.
    #[arg(long, value_name = "STATE")]
    desired: Option<String>,
    /// The version for that; alone, exactly this one.
    #[arg(long)]
    version: Option<String>,
    /// What the scripts are told, as NAME=VALUE; may be given several times.
    #[arg(long, value_name = "NAME=VALUE")]
    parameter: Vec<String>,
    /// never or if_needed.
    #[arg(long, default_value = "never")]
    reboot: RebootPolicy,
    /// emergency, high, normal or low.
    #[arg(long, default_value = "normal")]
    priority: Priority,
    /// Make an ad-hoc deployment for these computers alone where none wins, or the one that wins wants it otherwise.
    #[arg(long)]
    create: bool,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    reason: String,
    /// Wait until the sessions are final.
    #[arg(long)]
    wait: bool,
}

impl Deploy {
    pub(super) async fn run(&self, client: &Client, output: &Output) -> Result<(), Failure> {
        let body = json!({
            "item": self.item, "computers": self.to, "state": self.desired, "version": self.version,
            "parameters": input::parameters(&self.parameter)?, "reboot": self.reboot, "priority": self.priority,
            "create": self.create, "reason": self.reason,
        });
        let answer = client.post(&["v1", "deploy"], &body).await?;
        let done: QuickDeploy = read(&answer)?;
        if !self.wait || output.format == Format::Table {
            output.show(&answer, |done: &QuickDeploy| render::quick_deploy(done, output.style))?;
        }
        let ids: Vec<SessionId> = done.computers.iter().map(|computer| computer.session).collect();
        if self.wait && !ids.is_empty() {
            watch::follow(&ids, client, output).await?;
        }
        let refused: Vec<&str> = done.refused.iter().map(|it| it.message.as_str()).collect();
        if refused.is_empty() { Ok(()) } else { Err(Failure::Refused(refused.join("\n"))) }
    }
}
