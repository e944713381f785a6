//! The `pitcrew-agent` program.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::{Parser, Subcommand};
use pitcrew_agent::computer::Computer;
use pitcrew_agent::connection::Server;
use pitcrew_agent::state::StateDir;
use pitcrew_agent::{exec, serve, supervise};
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;
use url::Url;
use uuid::Uuid;

/// The exit code that asks to be started again: a run in the sandbox has restarted the computer.
const EXIT_REBOOT: u8 = 86;

/// The program on a computer that Pitcrew keeps in its desired state.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Keep a connection to the server and run what it asks for.
    Run {
        /// The server's address for agents, such as wss://pitcrew.example/v1/agent.
        #[arg(long, env = "PITCREW_AGENT_URL")]
        url: Url,
        /// The token that says which computer this is; better given by the environment, where others cannot read it.
        #[arg(long, env = "PITCREW_AGENT_TOKEN", hide_env_values = true)]
        token: String,
        /// How many seconds a run in flight is given to end when the agent is stopped; then it is interrupted.
        #[arg(long, default_value_t = 10, value_name = "SECONDS")]
        grace: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Carry out one request, a line of JSON on standard input, and answer it on standard output.
    Exec {
        #[command(flatten)]
        place: Place,
    },
    /// Work through a run that was recorded as in flight; for the agent itself.
    #[command(hide = true)]
    Supervise {
        /// The run.
        #[arg(long)]
        run: Uuid,
        #[command(flatten)]
        place: Place,
    },
}

#[derive(clap::Args)]
struct Place {
    /// The folder in which the agent keeps what it must not forget.
    #[arg(long, env = "PITCREW_AGENT_STATE", value_name = "FOLDER")]
    state: PathBuf,
    /// Play restarts instead of making them, and give scripts this folder as PITCREW_SANDBOX.
    #[arg(long, value_name = "FOLDER")]
    sandbox: Option<PathBuf>,
}

fn main() {
    let code = start().unwrap_or_else(|error| {
        // Nobody may be there to read it.
        let _ = writeln!(std::io::stderr(), "pitcrew-agent: {error:#}");
        1
    });
    // Threads that wait for a supervisor, or for a read of a dead disk, must not hold up the exit.
    std::process::exit(code.into())
}

/// Does what the command line asks for. Answers with the exit code.
fn start() -> anyhow::Result<u8> {
    rustls::crypto::ring::default_provider().install_default().map_err(|_| anyhow!("TLS is set up already"))?;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let colours = std::io::stderr().is_terminal();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Who reads the log may die before us, and a run is not to die of a line that nobody reads.
    log.with_target(false).with_ansi(colours).log_internal_errors(false).init();

    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(match Arguments::parse().command {
        Verb::Run { url, token, grace, place } => {
            let computer = Computer::open(&place.state, place.sandbox.as_deref())?;
            let server = Server { url, token };
            let exit = runtime.block_on(async {
                serve::serve(computer, server, Duration::from_secs(grace), stop_on_signal()?)
                    .await
                    .context("cannot run")
            })?;
            match exit {
                serve::Exit::Stopped => 0,
                serve::Exit::Rebooting => EXIT_REBOOT,
            }
        }
        Verb::Exec { place } => {
            match exec::exec(&place.state, place.sandbox.as_deref(), std::io::stdin(), std::io::stdout())? {
                exec::Exit::Answered => 0,
                exec::Exit::Misunderstood => 2,
                exec::Exit::Rebooting => EXIT_REBOOT,
            }
        }
        Verb::Supervise { run, place } => {
            runtime.block_on(supervise::supervise(StateDir::open(&place.state)?, run, place.sandbox))?;
            0
        }
    })
}

/// The first signal stops the agent in order; the second one leaves at once, and a run in flight to its supervisor.
#[cfg(unix)]
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        for _ in 0..2 {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
            if told.is_cancelled() {
                std::process::exit(1);
            }
            told.cancel();
        }
    });
    Ok(stop)
}

#[cfg(not(unix))]
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            told.cancel();
        }
    });
    Ok(stop)
}
