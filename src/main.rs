//! The `pitcrew` program: the server programs, and what brings them up on one machine.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use pitcrew::shutdown::Shutdown;
use pitcrew::{boot, config, store, telemetry};

/// Keeps every computer of a large fleet in its desired state.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// A file with the settings that differ from the defaults.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Run everything on this machine until Ctrl-C: the servers, if none are named, and all programs of Pitcrew.
    Up {
        /// The folder in which everything lies.
        #[arg(long, default_value = ".pitcrew")]
        folder: PathBuf,
    },
    /// Decide when sessions run; one leads, others stand by.
    Scheduler,
    /// Bring the database's schema up to date.
    Migrate,
    /// Print the settings that are used, and where each is from.
    Config,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pitcrew: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let loaded = config::load(arguments.config.as_deref(), std::env::vars())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        match arguments.command {
            Verb::Up { folder } => up(&boot::Options { folder }, loaded).await,
            Verb::Scheduler => pitcrew::scheduler::program::run().await,
            Verb::Migrate => {
                let _telemetry = telemetry::start("pitcrew-migrate", &loaded.config).await?;
                let store = store::Store::new(loaded.config.database.url.expose(), loaded.config.database.pool_size)?;
                let migrated = store::migrate(&store).await?;
                println!("{} migrations were applied", migrated.applied.len());
                Ok(())
            }
            Verb::Config => {
                println!("{loaded}");
                Ok(())
            }
        }
    })
}

/// What it has to say is on the standard output; its log is for what goes wrong.
async fn up(options: &boot::Options, loaded: config::Loaded) -> anyhow::Result<()> {
    let mut own = loaded.config.clone();
    if !loaded.is_set("log.filter") {
        own.log.filter = "warn".to_owned();
    }
    let _telemetry = telemetry::start("pitcrew-up", &own).await?;
    let shutdown = Shutdown::on_signals(own.worker.drain_grace)?;
    boot::up(options, &loaded, &shutdown).await?;
    Ok(())
}
