//! What can be said of sessions.

use clap::{Args, Subcommand};

use super::chosen::Chosen;
use super::{cancel, counts, list, logs, pause, report, rerun, resume, show, start, timeline, watch};
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
    /// Count sessions by status, beside how many may run at a time.
    Counts(counts::Counts),
    /// Call sessions off.
    #[command(after_help = format!("Examples:
  pitcrew session cancel 17 18 --reason \"wrong day\"
  pitcrew session cancel --group 17 --yes

{EXIT_CODES}"))]
    Cancel(Chosen),
    /// Halt sessions at their next point between actions.
    Pause(Chosen),
    /// Let paused sessions go on.
    Resume(Chosen),
    /// Print what was found, done and verified, why, and how long it took.
    Report(One),
    /// Print waits and work as bars.
    Timeline(One),
    /// Run final sessions, or the action of one item of them, again, as new ones.
    #[command(after_help = format!("Examples:
  pitcrew session rerun 17
  pitcrew session rerun 17 --item software/editor
  pitcrew session rerun --group 17 --status failed,partially_completed --yes

{EXIT_CODES}"))]
    Rerun(rerun::Rerun),
}

/// A session.
#[derive(Debug, Args)]
pub struct One {
    /// The session.
    pub(super) id: SessionId,
}

pub(crate) async fn run(verb: Verb, client: &Client, output: &Output) -> Result<(), Failure> {
    match verb {
        Verb::Start(start) => start.run(client, output).await,
        Verb::List(list) => list.run(client, output).await,
        Verb::Show(one) => show::run(&one, client, output).await,
        Verb::Watch(watch) => watch.run(client, output).await,
        Verb::Logs(logs) => logs.run(client, output).await,
        Verb::Counts(counts) => counts.run(client, output).await,
        Verb::Cancel(chosen) => cancel::run(&chosen, client, output).await,
        Verb::Pause(chosen) => pause::run(&chosen, client, output).await,
        Verb::Resume(chosen) => resume::run(&chosen, client, output).await,
        Verb::Report(one) => report::run(&one, client, output).await,
        Verb::Timeline(one) => timeline::run(&one, client, output).await,
        Verb::Rerun(again) => rerun::run(&again, client, output).await,
    }
}
