//! The `pitcrew` program: the servers, and the operator's verbs, which speak to the API over HTTP.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use pitcrew::config::{self, Config, Loaded};
use pitcrew::domain::Role;
use pitcrew::gateway::{self, Gateway};
use pitcrew::process::Process;
use pitcrew::shutdown::Shutdown;
use pitcrew::store::{self, Keyring, Store};
use pitcrew::{api, boot, cli, scheduler, telemetry};
use tokio::net::TcpListener;

/// Keeps every computer of a large fleet in its desired state.
#[derive(Debug, Parser)]
#[command(name = "pitcrew", version, after_help = cli::EXIT_CODES)]
struct Program {
    /// A file with settings that differ from the defaults.
    #[arg(long, global = true, env = "PITCREW_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    common: cli::Common,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run everything on this machine until Ctrl-C: the servers, if none are named, and all programs of Pitcrew.
    Up {
        /// The folder in which everything lies.
        #[arg(long, default_value = ".pitcrew")]
        folder: PathBuf,
        /// Instead: maintain a sample of computers, say what came of it, and stop.
        #[arg(long)]
        demo: bool,
        /// With the demo: stay up when that is said, to look around, until Ctrl-C.
        #[arg(long, requires = "demo")]
        stay: bool,
    },
    /// Serve the API and the agents' connections.
    Server,
    /// Decide when sessions run; one leads, others stand by.
    Scheduler,
    /// Bring the database's tables up to date.
    Migrate,
    /// Print the settings that are used and where each is from.
    Config,
    /// Write the messages' JSON Schemas, the AsyncAPI document and the examples.
    Schemas {
        /// The folder.
        #[arg(long, default_value = "schemas")]
        out: PathBuf,
    },
    /// Mint an API token, straight in the database; it is shown once. A name that has one gets a new one.
    Token {
        /// Whose it is: the audit calls its holder so.
        name: String,
        /// What it may do: viewer, operator or admin.
        #[arg(long, default_value = "admin")]
        role: Role,
        /// The only tenant it is for.
        #[arg(long)]
        tenant: Option<String>,
    },
    #[command(flatten)]
    Operator(cli::Verb),
}

#[tokio::main]
async fn main() -> ExitCode {
    // Whatever speaks TLS in this process takes this provider. If there is one already, this changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let program = Program::parse();
    let loaded = match config::load(program.config.as_deref(), std::env::vars()) {
        Ok(loaded) => loaded,
        Err(faults) => {
            eprintln!("{faults}");
            return ExitCode::from(2);
        }
    };
    let done = match program.verb {
        Verb::Up { folder, demo, stay } => match up(&boot::Options { folder, stay }, demo, loaded).await {
            Ok(false) => return ExitCode::FAILURE,
            done => done.map(drop),
        },
        Verb::Server => server(loaded.config).await,
        Verb::Scheduler => scheduler::program::run(loaded.config).await,
        Verb::Migrate => migrate(&loaded.config).await,
        Verb::Config => {
            print!("{loaded}");
            Ok(())
        }
        Verb::Operator(verb) => match cli::run(verb, &program.common, &loaded.config.api).await {
            Ok(()) => Ok(()),
            Err(failure) => {
                eprintln!("{failure}");
                return ExitCode::from(&failure);
            }
        },
        Verb::Schemas { out } => schemas(&out),
        Verb::Token { name, role, tenant } => token(&loaded.config, &name, role, tenant.as_deref()).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pitcrew: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What it has to say is on the standard output; its log is for what goes wrong. False if the demo did not go as expected,
/// which it has said.
async fn up(options: &boot::Options, demo: bool, loaded: Loaded) -> anyhow::Result<bool> {
    let mut own = loaded.config.clone();
    if !loaded.is_set("log.filter") {
        own.log.filter = "warn".to_owned();
    }
    let _telemetry = telemetry::start("pitcrew-up", &own).await?;
    let shutdown = Shutdown::on_signals(own.worker.drain_grace)?;
    if demo {
        return Ok(boot::demo::run(options, &loaded, &shutdown).await?);
    }
    boot::up(options, &loaded, &shutdown).await?;
    Ok(true)
}

async fn server(config: Config) -> anyhow::Result<()> {
    let process = Process::with("pitcrew-server", config, pitcrew::store::Plans::Best).await?;
    let (store, shutdown) = (&process.store, &process.shutdown);
    let broker = process.broker()?;
    let name = Some(&process.config.gateway.name).filter(|name| !name.is_empty()).unwrap_or(&process.id);
    let gateway = Gateway::start(gateway::Settings::new(name), store.clone(), &broker, shutdown).await?;
    let listen = process.config.api.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("listening on {listen}"))?;
    tracing::info!("Serving on http://{}", listener.local_addr()?);
    api::serve(listener, api::router(store.clone()).merge(gateway::router(gateway)), shutdown).await?;
    shutdown.drain();
    shutdown.drained().await;
    broker.close().await;
    process.telemetry.finish().await;
    Ok(())
}

async fn migrate(config: &Config) -> anyhow::Result<()> {
    let migrated = store::migrate(&connect(config)?).await?;
    match migrated.applied.as_slice() {
        [] => println!("The database is up to date."),
        applied => println!("Applied {}.", applied.join(", ")),
    }
    Ok(())
}

fn schemas(out: &Path) -> anyhow::Result<()> {
    for file in pitcrew::schemas::files() {
        let path = out.join(&file.path);
        let folder = path.parent().unwrap_or(out);
        std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        std::fs::write(&path, &file.text).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

async fn token(config: &Config, name: &str, role: Role, tenant: Option<&str>) -> anyhow::Result<()> {
    println!("{}", connect(config)?.mint_token(name, role, tenant).await?);
    Ok(())
}

fn connect(config: &Config) -> anyhow::Result<Store> {
    let store = Store::new(config.database.url.expose(), config.database.pool_size)?;
    Ok(store.with_keys(Keyring::read(config.secrets.keys()?.expose())?))
}
