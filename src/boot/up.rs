//! `pitcrew up`: everything on one machine, until it is told to stop.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::ground::{Ground, Plot};
use super::logs::{Logs, Show};
use super::terminal::Terminal;
use super::{Error, Folder, Program, Supervisor, env_file};
use crate::config::Loaded;
use crate::shutdown::Shutdown;

/// The installation of `pitcrew up`, which keeps its data.
const PLOT: Plot = Plot { database: "pitcrew", prefix: "pitcrew", broker: "rabbitmq", fresh: false };

/// How long the programs may take until the API answers.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// How often it is tried.
const TRY_EVERY: Duration = Duration::from_millis(100);

/// What `pitcrew up` is asked for.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder in which everything lies.
    pub folder: PathBuf,
    /// Of the demo: whether it stays up when it has said what came of it.
    pub stay: bool,
}

/// Starts what is missing and keeps it running until the shutdown begins; then stops everything it has started.
///
/// # Errors
/// Whatever keeps it from starting. What was started before that is stopped.
pub async fn up(options: &Options, loaded: &Loaded, shutdown: &Shutdown) -> Result<(), Error> {
    let terminal = Terminal::new();
    let folder = Folder::open(&options.folder)?;
    terminal.print(&format!("Pitcrew comes up in {}", folder.path().display()));
    let draining = shutdown.draining().clone();
    let logs = Logs::new(&folder, terminal.clone(), Show::Everything)?;
    let mut supervisor = Supervisor::new(folder, logs).await?;
    let lay = Ground::lay(supervisor.folder(), loaded, PLOT, &terminal);
    let ground = draining.run_until_cancelled(lay).await.ok_or(Error::Stopped)??;
    env_file::write(supervisor.folder(), &ground.for_shells())?;
    let lived = live(&mut supervisor, &ground, &terminal, shutdown).await;
    take_down(supervisor, ground, &terminal).await;
    lived
}

async fn live(
    supervisor: &mut Supervisor,
    ground: &Ground,
    terminal: &Terminal,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    keep_programs(supervisor, ground, &[])?;
    let ready = until_ready(supervisor.folder(), ground);
    if let Some(ready) = shutdown.draining().run_until_cancelled(ready).await {
        ready?;
        terminal.print(&welcome(supervisor.folder(), ground));
        shutdown.draining().cancelled().await;
    }
    Ok(())
}

/// Starts Pitcrew's own programs, with these settings beside what the ground says.
pub(super) fn keep_programs(
    supervisor: &mut Supervisor,
    ground: &Ground,
    settings: &[(String, String)],
) -> Result<(), Error> {
    let environment = [ground.for_programs(), settings.to_vec()].concat();
    let programs = [
        Program::beside("pitcrew", "server")?.arguments(["server"]).leaves_last(),
        Program::beside("pitcrew", "scheduler")?.arguments(["scheduler"]),
        Program::beside("pitcrew-detection", "detection")?,
        Program::beside("pitcrew-planning", "planning")?,
        Program::beside("pitcrew-execution", "execution")?,
    ];
    programs.into_iter().for_each(|program| supervisor.keep(program.environment(&environment)));
    Ok(())
}

/// Waits until the API answers.
pub(super) async fn until_ready(folder: &Folder, ground: &Ground) -> Result<(), Error> {
    let begun = Instant::now();
    while tokio::net::TcpStream::connect(ground.listen).await.is_err() {
        if begun.elapsed() > READY_WITHIN {
            let what = format!("the API did not answer on {}", ground.listen);
            return Err(Error::NotReady { what, waited: READY_WITHIN, logs: folder.logs() });
        }
        tokio::time::sleep(TRY_EVERY).await;
    }
    Ok(())
}

/// Stops the programs, then the servers.
pub(super) async fn take_down(mut supervisor: Supervisor, ground: Ground, terminal: &Terminal) {
    terminal.print("");
    terminal.sure_step("Programs", "finishing what they have", "stopped", supervisor.stop()).await;
    terminal.sure_step("Servers", "stopping", "stopped", ground.clear()).await;
}

/// What a person can do now.
pub(super) fn welcome(folder: &Folder, ground: &Ground) -> String {
    let env = folder.join(env_file::NAME);
    format!(
        "\nPitcrew is up: {url}\n\
         \n  In another terminal:    . {env}\
         \n  and then, for example:  pitcrew computer list   (the program is {program})\
         \n  Logs:                   {logs}\
         \n  Traces and metrics:     none are sent; start a collector and set OTEL_EXPORTER_OTLP_ENDPOINT before `pitcrew up`\
         \n  To stop:                Ctrl-C\n",
        url = ground.api_url,
        env = env.display(),
        program = std::env::current_exe().unwrap_or_else(|_| "pitcrew".into()).display(),
        logs = folder.logs().display(),
    )
}
