//! What can be said of sessions.

use clap::{Args, Subcommand};

use super::{cancel, list, logs, pause, report, rerun, resume, show, start, timeline, watch};
use crate::cli::{Client, EXIT_CODES, Failure, Output};
use crate::domain::SessionId;

/// What can be said of sessions.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Start sessions, one for each computer.
    #[command(after_help = format!("Examples:
  pitcrew session start --computer reception --wait
  pitcrew session start --tenant acme --priority high --reboot if_needed --reason \"patch day\"
  pitcrew session start --computer acme/pc-1 --kind targeted --deployment editor
  pitcrew session start --computer acme/pc-1 --kind repair --item software/editor

{EXIT_CODES}"))]
    Start(start::Start),
    /// List sessions, the newest first.
    List(list::List),
    /// Show a session.
    Show(One),
    /// Follow sessions until they are final.
    Watch(watch::Watch),
    /// Print what a session's steps wrote.
    Logs(logs::Logs),
    /// Call a session off.
    Cancel(OneWithReason),
    /// Halt a session at its next point between actions.
    Pause(OneWithReason),
    /// Let a paused session go on.
    Resume(OneWithReason),
    /// Print what was found, done and verified, why, and how long it took.
    Report(One),
    /// Print waits and work as bars.
    Timeline(One),
    /// Run a final session, or the action of one item of it, again, as a new one.
    Rerun(rerun::Rerun),
}

/// A session.
#[derive(Debug, Args)]
pub struct One {
    /// The session.
    pub(super) id: SessionId,
}

/// A session, and why.
#[derive(Debug, Args)]
pub struct OneWithReason {
    /// The session.
    pub(super) id: SessionId,
    /// Why, for the audit.
    #[arg(long, default_value = "")]
    pub(super) reason: String,
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::Start(start) => start.run(client, output).await,
        Verb::List(list) => list.run(client, output).await,
        Verb::Show(one) => show::run(&one, client, output).await,
        Verb::Watch(watch) => watch.run(client, output).await,
        Verb::Logs(logs) => logs.run(client, output).await,
        Verb::Cancel(one) => cancel::run(&one, client, output).await,
        Verb::Pause(one) => pause::run(&one, client, output).await,
        Verb::Resume(one) => resume::run(&one, client, output).await,
        Verb::Report(one) => report::run(&one, client, output).await,
        Verb::Timeline(one) => timeline::run(&one, client, output).await,
        Verb::Rerun(again) => rerun::run(&again, client, output).await,
    }
}
