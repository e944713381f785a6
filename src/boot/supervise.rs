//! Keeps programs running: starts again what dies, with back-off, and stops them all in order.
//!
//! It does not know what the programs do. None of them outlives it: see [`super::watchdog`].

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::logs::Logs;
use super::program::{Leaves, Program, again};
use super::watchdog::Watchdog;
use super::{Error, Folder, leftovers};

/// How long a program may take to stop: its own grace, and what it takes to write down what it has.
const PATIENCE: Duration = Duration::from_secs(40);
/// How long the rest of what a program has printed is read after its end; what it left running may hold the pipe.
const LINGER_MAX: Duration = Duration::from_secs(1);

/// Keeps programs running. [`Supervisor::stop`] ends them in order; dropping it ends them too, but waits for nobody.
#[derive(Debug)]
pub struct Supervisor {
    keeper: Arc<Keeper>,
    kept: Vec<Kept>,
}

/// What all that keep a program share.
#[derive(Debug)]
struct Keeper {
    logs: Logs,
    folder: Folder,
    /// Names this run, in the environment of all that it starts.
    run: String,
    watchdog: Watchdog,
}

#[derive(Debug)]
struct Kept {
    leaves: Leaves,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Supervisor {
    /// Prepares to keep programs for `folder`, and first ends what an earlier owner of the folder has left behind.
    ///
    /// # Errors
    /// [`Error::Io`] if the watchdog cannot be started.
    pub async fn new(folder: Folder, logs: Logs) -> Result<Supervisor, Error> {
        let found = leftovers::end(folder.path()).await;
        if found > 0 {
            logs.notice(&format!("ended {found} programs that an earlier run had left behind"));
        }
        let run = format!("{} in {}", std::process::id(), folder.path().display());
        let watchdog = Watchdog::start(&format!("{}={run}", leftovers::RUN))?;
        let keeper = Keeper { logs, folder, run, watchdog };
        Ok(Supervisor { keeper: Arc::new(keeper), kept: Vec::new() })
    }

    /// The folder it works in.
    pub fn folder(&self) -> &Folder {
        &self.keeper.folder
    }

    /// Keeps a program running from now on.
    pub fn keep(&mut self, program: Program) {
        let (leaves, stop) = (program.leaves, CancellationToken::new());
        let task = tokio::spawn(keep(self.keeper.clone(), program, stop.clone()));
        self.kept.push(Kept { leaves, stop, task });
    }

    /// Tells all programs to stop, in order, and waits until they have; kills what takes too long.
    pub async fn stop(&mut self) {
        for leaves in [Leaves::First, Leaves::Last] {
            let (now, later) = std::mem::take(&mut self.kept).into_iter().partition(|kept| kept.leaves == leaves);
            self.kept = later;
            let now: Vec<Kept> = now;
            now.iter().for_each(|kept| kept.stop.cancel());
            join_all(now.into_iter().map(|kept| kept.task)).await;
        }
        // The supervisor of a run at a computer lives apart from its agent, and may still be busy with its end.
        leftovers::end(self.keeper.folder.path()).await;
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.kept.iter().for_each(|kept| kept.task.abort());
    }
}

/// Runs a program, again and again, until it is told to stop.
async fn keep(keeper: Arc<Keeper>, program: Program, stop: CancellationToken) {
    let name = &program.name;
    let mut failures = 0;
    while !stop.is_cancelled() {
        let begun = Instant::now();
        let (status, how) = match run(&keeper, &program, &stop).await {
            Ok(status) => (Some(status), status.to_string()),
            Err(error) => (None, chain(&error)),
        };
        if stop.is_cancelled() {
            return;
        }
        let next = again(status, begun.elapsed(), failures, rand::random());
        if next.failures > 0 {
            let log = keeper.folder.logs().join(format!("{name}.log"));
            keeper.logs.notice(&format!(
                "{name} ended ({how}); it is started again in {} ms; its log is {}",
                next.after.as_millis(),
                log.display()
            ));
        }
        failures = next.failures;
        let _ = stop.run_until_cancelled(tokio::time::sleep(next.after)).await;
    }
}

/// Runs a program once.
async fn run(keeper: &Keeper, program: &Program, stop: &CancellationToken) -> Result<ExitStatus, Error> {
    let log = keeper.logs.open(&program.name)?;
    let mut command = Command::new(&program.path);
    command.args(&program.arguments).envs(program.environment.iter().map(|(name, value)| (name, value)));
    command.env(leftovers::VARIABLE, keeper.folder.path()).env(leftovers::RUN, &keeper.run);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own: an interrupt from the terminal is ours to handle, in our order, not the program's.
    command.process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(Error::io("run", &program.path))?;
    let pid = child.id();
    pid.inspect(|pid| keeper.watchdog.started(*pid));
    let readers = [
        child.stdout.take().map(|pipe| tokio::spawn(log.clone().read(pipe))),
        child.stderr.take().map(|pipe| tokio::spawn(log.clone().read(pipe))),
    ];
    let status = tokio::select! {
        status = child.wait() => status,
        () = stop.cancelled() => end(keeper, program, &mut child).await,
    };
    pid.inspect(|pid| keeper.watchdog.ended(*pid));
    let linger = tokio::time::Instant::now() + LINGER_MAX;
    for mut reader in readers.into_iter().flatten() {
        if tokio::time::timeout_at(linger, &mut reader).await.is_err() {
            reader.abort();
        }
    }
    status.map_err(Error::io("wait for", &program.path))
}

/// Tells a program to stop, and kills it if it does not.
async fn end(keeper: &Keeper, program: &Program, child: &mut Child) -> std::io::Result<ExitStatus> {
    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.try_into().ok()?)) {
        // One that has ended meanwhile is as good as one that was told.
        let _ = kill_process(pid, Signal::TERM);
    }
    if let Ok(status) = tokio::time::timeout(PATIENCE, child.wait()).await {
        return status;
    }
    keeper.logs.notice(&format!("{} did not stop within {} s and is killed", program.name, PATIENCE.as_secs()));
    child.kill().await?;
    child.wait().await
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
