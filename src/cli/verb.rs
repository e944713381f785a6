//! What can be said, and which file does it.

use clap::{Args, Subcommand};

use super::{Client, EXIT_CODES, Failure, Format, Output};
use super::{
    apply, compliance, computer, dead_letter, deploy, deployment, durations, explain, file, forecast, lock, plan,
    preview, secret, session, status, stop, tenant, why,
};
use crate::config::Api;
use crate::domain::SessionId;

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where the server is, such as http://127.0.0.1:7420.
    #[arg(long, global = true, value_name = "URL", help_heading = "Server", env = "PITCREW_API_URL")]
    pub api_url: Option<String>,
    /// The token to present; better in the environment.
    #[arg(long, global = true, help_heading = "Server", env = "PITCREW_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
    /// For people or for programs.
    #[arg(long, short, global = true, value_enum, default_value_t, help_heading = "Server")]
    pub output: Format,
}

/// The operator's verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Apply fleet files: what they define is created or changed, what they do not mention is left alone.
    #[command(after_help = format!("Examples:
  pitcrew apply -f fleet.yaml --dry-run --plan
  pitcrew apply -f fleet/
  generate | pitcrew apply -f -

{EXIT_CODES}"))]
    Apply(apply::Apply),
    /// Start sessions, look at them, and change their course.
    #[command(subcommand, alias = "sessions", after_help = EXIT_CODES)]
    Session(session::Verb),
    /// Show what a session would do on a computer, by detecting now and planning from what is found.
    #[command(after_help = format!("Example:\n  pitcrew plan reception\n\n{EXIT_CODES}"))]
    Plan(plan::Plan),
    /// Say what full sessions of the whole fleet would do, by what was found on each computer last. Nobody is contacted.
    #[command(after_help = format!("Examples:
  pitcrew forecast --tenant acme
  pitcrew forecast -f fleet.yaml

{EXIT_CODES}"))]
    Forecast(forecast::Ask),
    /// Say how long actions take, by what they took before.
    #[command(after_help = EXIT_CODES)]
    Durations(durations::Durations),
    /// Look at computers, and mint the tokens of their agents.
    #[command(subcommand, alias = "computers", after_help = EXIT_CODES)]
    Computer(computer::Verb),
    /// Whether items of computers are as they should be, since when, by which session, and what keeps going wrong.
    #[command(subcommand, after_help = format!("Examples:
  pitcrew compliance list --out --tenant acme
  pitcrew compliance counts --by item
  pitcrew compliance recurring --days 7 --least 3
  pitcrew compliance history reception software/editor

{EXIT_CODES}"))]
    Compliance(compliance::Verb),
    /// The files that computers fetch from the server: look at them, remove what is not used any more.
    #[command(subcommand, alias = "files", after_help = EXIT_CODES)]
    File(file::Verb),
    /// Messages that the broker gave up on: look at them, have them worked on again, throw them away.
    #[command(subcommand, alias = "dead-letters", after_help = EXIT_CODES)]
    DeadLetter(dead_letter::Verb),
    /// Have an item on a few computers now: by the deployment that wins there, or by one that is made for them.
    #[command(after_help = format!("Examples:
  pitcrew deploy software/editor --to reception --wait
  pitcrew deploy software/editor --to acme/pc-1,acme/pc-2 --desired latest --create --reboot if_needed

{EXIT_CODES}"))]
    Deploy(deploy::Deploy),
    /// List deployments, and decide about those that others recommend.
    #[command(subcommand, alias = "deployments", after_help = format!("Examples:
  pitcrew deployment list --undecided
  pitcrew deployment adopt browser-for-all --reason \"tried in the lab\"
  pitcrew deployment override browser-for-all --as our-browser --version 128.0

{EXIT_CODES}"))]
    Deployment(deployment::Verb),
    /// Say why a session is not further, or why it ended as it did.
    #[command(after_help = format!("Example:\n  pitcrew why 42\n\n{EXIT_CODES}"))]
    Why {
        /// The session.
        session: SessionId,
    },
    /// Say which deployments count for a computer, an item or a tenant: the winner, the ranked losers, the reason of each.
    #[command(after_help = format!("Examples:
  pitcrew explain reception
  pitcrew explain acme/reception software/editor
  pitcrew explain --item software/editor --tenant acme

{EXIT_CODES}"))]
    Explain(explain::Explain),
    /// List or count the computers that a deployment, a group, a query or an item has.
    #[command(after_help = format!("Examples:
  pitcrew preview --deployment editor-for-all --count
  pitcrew preview --query 'os.family == \"debian\" and software(\"7-zip\") < \"23.0\"'

{EXIT_CODES}"))]
    Preview(preview::Preview),
    /// The fleet-wide locks under which serial tasks run one at a time.
    #[command(subcommand, alias = "locks", after_help = EXIT_CODES)]
    Lock(lock::Verb),
    /// Store secrets, list them without their values, and seal them under another key.
    #[command(subcommand, alias = "secrets", after_help = EXIT_CODES)]
    Secret(secret::Verb),
    /// Stop a tenant, or let it go on.
    #[command(subcommand, after_help = EXIT_CODES)]
    Tenant(tenant::Verb),
    /// Stop the whole fleet: nothing new is begun at any computer, and what goes on there ends.
    #[command(after_help = format!("Example:\n  pitcrew stop --fleet --reason 'a bad package is out'\n\n{EXIT_CODES}"))]
    Stop(stop::Stop),
    /// Let the whole fleet go on after a stop, its stopped tenants aside.
    #[command(after_help = format!("Example:\n  pitcrew resume --fleet\n\n{EXIT_CODES}"))]
    Resume(stop::Resume),
    /// Show the installation at a glance.
    #[command(after_help = EXIT_CODES)]
    Status,
}

/// Does what was said.
///
/// # Errors
/// Why it was not done; its code is the program's exit code.
pub async fn run(verb: Verb, common: &Common, settings: &Api) -> Result<(), Failure> {
    let url = common.api_url.as_deref().unwrap_or(&settings.url);
    let token = common.token.as_deref().unwrap_or(settings.token.expose());
    let client = Client::new(url, token)?;
    let output = Output::new(common.output);
    match verb {
        Verb::Apply(apply) => apply.run(&client, &output).await,
        Verb::Session(verb) => session::run(verb, &client, &output).await,
        Verb::Plan(plan) => plan.run(&client, &output).await,
        Verb::Forecast(ask) => ask.run(&client, &output).await,
        Verb::Durations(durations) => durations.run(&client, &output).await,
        Verb::Computer(verb) => computer::run(verb, &client, &output).await,
        Verb::Compliance(verb) => compliance::run(verb, &client, &output).await,
        Verb::DeadLetter(verb) => dead_letter::run(verb, &client, &output).await,
        Verb::Deploy(deploy) => deploy.run(&client, &output).await,
        Verb::Deployment(verb) => deployment::run(verb, &client, &output).await,
        Verb::Explain(explain) => explain.run(&client, &output).await,
        Verb::Preview(preview) => preview.run(&client, &output).await,
        Verb::Why { session } => why::run(session, &client, &output).await,
        Verb::File(verb) => file::run(verb, &client, &output).await,
        Verb::Lock(verb) => lock::run(verb, &client, &output).await,
        Verb::Secret(verb) => secret::run(verb, &client, &output).await,
        Verb::Tenant(verb) => tenant::run(verb, &client, &output).await,
        Verb::Stop(stop) => stop.run(&client, &output).await,
        Verb::Resume(resume) => resume.run(&client, &output).await,
        Verb::Status => status::run(&client, &output).await,
    }
}
