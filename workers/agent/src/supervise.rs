//! The supervisor: a process of its own that works through one run and stores its outcome.
//!
//! It outlives the agent or the call that started it, knows no connection, and is told only one thing, by a signal: to
//! end. While it lives it holds the run's lock, as its standard input; when that is free and there is no outcome, it
//! was killed, and [`crate::settle`] says so.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use pitcrew_protocol::{Ending, JournalEvent, Run, RunOutcome, Step, StepKind, StepOutcome, Work};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::control::{self, Next};
use crate::settle::cut_short;
use crate::state::{Progress, RunFolder, StateDir};
use crate::step::download::Wanted;
use crate::step::{Context, Ended, download, reboot, script};
use crate::{Error, process};

/// Works through a run that was recorded as in flight.
///
/// # Errors
/// [`Error::Io`] or [`Error::Damaged`]: the run has then no outcome of this supervisor's, and is interrupted.
pub async fn supervise(state: StateDir, run_id: Uuid, sandbox: Option<PathBuf>) -> Result<(), Error> {
    process::detach();
    let stop = stop_on_signal()?;
    let folder = state.run_folder(run_id);
    RunFolder::record_pid(&folder.supervisor(), std::process::id())?;
    // Whoever started us waits for this word, and may be gone already: the run goes on without them.
    let _ = std::io::stdout().write_all(b"\n").and_then(|()| std::io::stdout().flush());

    let (Some(run), Some(progress)) = (folder.read_run()?, folder.read_progress()?) else {
        return Err(Error::Damaged { path: folder.run(), source: "the run is not recorded".into() });
    };
    let mut supervisor = Supervisor {
        context: Context::new(&state, &folder, &run, sandbox, stop),
        state: &state,
        folder: &folder,
        run: &run,
        progress,
    };
    let Some(ending) = supervisor.work().await? else { return Ok(()) };
    let progress = supervisor.progress;
    let outcome = RunOutcome {
        run_id,
        session: run.session,
        epoch: run.epoch,
        boot_id: progress.boot_id,
        started_at: progress.started_at,
        ended_at: Timestamp::now(),
        ending: ending.clone(),
        steps: progress.steps,
    };
    state.spool().store(&outcome)?;
    state.journal().about(&run, JournalEvent::RunEnded { ending })
}

struct Supervisor<'a> {
    state: &'a StateDir,
    folder: &'a RunFolder,
    run: &'a Run,
    progress: Progress,
    context: Context<'a>,
}

impl Supervisor<'_> {
    /// Works through the steps. Answers how the run has ended; not at all if it ends with the restart of the computer.
    async fn work(&mut self) -> Result<Option<Ending>, Error> {
        for (index, step) in self.run.steps.iter().enumerate() {
            if self.context.stop.is_cancelled() {
                return self.told().map(Some);
            }
            let Some(outcome) = self.work_on(index, step).await? else { return Ok(None) };
            let next = control::after(&step.then, &outcome);
            self.progress.steps.push(outcome);
            if self.context.stop.is_cancelled() {
                return self.told().map(Some);
            }
            match next {
                Next::GoOn => {}
                Next::Complete => return Ok(Some(Ending::Completed)),
                Next::Stop => return Ok(Some(Ending::Stopped)),
            }
        }
        Ok(Some(Ending::Completed))
    }

    /// Does one step. What ended before it, and that it starts, is on the disk before it starts.
    async fn work_on(&mut self, index: usize, step: &Step) -> Result<Option<StepOutcome>, Error> {
        let (started_at, since) = (Timestamp::now(), Instant::now());
        self.progress.step_started_at = Some(started_at);
        self.progress.rebooting = matches!(step.work, Work::Reboot);
        self.folder.record_progress(&self.progress)?;
        let (kind, item) = (step.kind, step.item.clone());
        self.state.journal().about(self.run, JournalEvent::StepStarted { index, kind, item: item.clone() })?;

        let timeout = Duration::from_millis(step.timeout_ms);
        let ended = match &step.work {
            Work::Script(script) => script::run(&self.context, index, step, script).await,
            Work::Download { url, sha256, size, signature } => {
                let wanted = Wanted { sha256, size: *size, signature: signature.as_ref() };
                let (file, ended) = download::fetch(&self.context, step, url, &wanted).await;
                self.context.keep(sha256, file);
                ended
            }
            Work::Fetch { script, sha256, size, signature } => {
                let wanted = Wanted { sha256, size: *size, signature: signature.as_ref() };
                let (file, ended) = download::by_script(&self.context, index, step, script, &wanted).await;
                self.context.keep(sha256, file);
                ended
            }
            Work::Reboot => {
                let boot_id = self.progress.boot_id.clone();
                self.state.journal().about(self.run, JournalEvent::RebootBegun { boot_id })?;
                match self.reboot(timeout, step.timeout_ms).await? {
                    Some(ended) => ended,
                    None => return Ok(None),
                }
            }
        };
        let mut outcome = ended.into_outcome(step, started_at, since.elapsed());
        if self.context.stop.is_cancelled() && !outcome.status.is_success() {
            outcome.status = cut_short(&self.told()?);
        }
        if kind == StepKind::Detect {
            self.context.detected = outcome.observed.clone().map(|version| (item.clone(), version));
        }
        let code = outcome.status.code().map(str::to_owned);
        self.state.journal().about(self.run, JournalEvent::StepEnded { index, kind, item, code })?;
        self.progress.step_started_at = None;
        self.progress.rebooting = false;
        Ok(Some(outcome))
    }

    /// Restarts the computer. Answers only if that failed or was called off; the success is for the next boot to see.
    async fn reboot(&self, timeout: Duration, timeout_ms: u64) -> Result<Option<Ended>, Error> {
        if self.context.sandbox.is_some() {
            return Ok(None);
        }
        if let Err(ended) = reboot::begin().await {
            return Ok(Some(ended));
        }
        tokio::select! {
            () = tokio::time::sleep(timeout) => Ok(Some(Ended::timed_out(timeout_ms))),
            // The signal is the shutdown's, unless somebody asked for the run's end.
            () = self.context.stop.cancelled() => Ok(self
                .folder
                .read_end()?
                .map(|_| Ended::failed("killed", "the run was killed while the computer was going down"))),
        }
    }

    /// As what the run was told to end. A signal without a word came with the shutdown of the computer.
    fn told(&self) -> Result<Ending, Error> {
        Ok(self.folder.read_end()?.unwrap_or(Ending::Interrupted))
    }
}

#[cfg(unix)]
fn stop_on_signal() -> Result<CancellationToken, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let stop = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::io("listen for", "SIGTERM".as_ref()))?;
    let told = stop.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        told.cancel();
    });
    Ok(stop)
}

#[cfg(not(unix))]
fn stop_on_signal() -> Result<CancellationToken, Error> {
    Ok(CancellationToken::new())
}
