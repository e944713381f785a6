//! The state folder: where everything lies, the recorded epoch, the run in flight, and the lock under which both change.
//!
//! ```text
//! lock  agent.lock  epoch  boot_id  in_flight  journal.jsonl  supervise.log
//! runs/<run id>/    run.json  progress.json  alive  supervisor  group  end  work/
//! outcomes/<run id>.json   acknowledged/<run id>.json   forgotten   cache/<sha256>
//! ```

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pitcrew_protocol::{Ending, Run, StepOutcome};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::journal::Journal;
use crate::spool::Spool;
use crate::{Error, durable};

/// The state folder.
#[derive(Debug, Clone)]
pub struct StateDir {
    root: PathBuf,
}

/// How far a run has come, as its supervisor records it before and after every step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Progress {
    /// The boot in which it started.
    pub boot_id: String,
    /// When it started, by the computer's clock.
    pub started_at: Timestamp,
    /// What came of the steps that have ended.
    pub steps: Vec<StepOutcome>,
    /// When the step after those was started; none between steps.
    pub step_started_at: Option<Timestamp>,
    /// The step in flight is a restart of the computer that was asked for.
    pub rebooting: bool,
}

impl StateDir {
    /// Opens the folder and makes what is missing in it, readable by this user alone.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(root: &Path) -> Result<StateDir, Error> {
        for folder in ["runs", "outcomes", "acknowledged", "cache"] {
            create_private(&root.join(folder))?;
        }
        let root = root.canonicalize().map_err(Error::io("find", root))?;
        Ok(StateDir { root })
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Waits for the lock under which requests are judged and runs begin and are settled; it is held until dropped.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn lock(&self) -> Result<File, Error> {
        let (path, file) = self.lock_file("lock")?;
        file.lock().map_err(Error::io("lock", &path))?;
        Ok(file)
    }

    /// Takes the place of the one agent that keeps a connection; it is held until dropped.
    ///
    /// # Errors
    /// [`Error::AlreadyRunning`] or [`Error::Io`].
    pub fn lock_agent(&self) -> Result<File, Error> {
        let (path, file) = self.lock_file("agent.lock")?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Error::AlreadyRunning { path: self.root.clone() }),
            Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
        }
    }

    /// The highest epoch the computer has seen; 0 before the first.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Damaged`]: without its epoch a computer must do nothing.
    pub fn epoch(&self) -> Result<i64, Error> {
        let path = self.root.join("epoch");
        let Some(text) = durable::read(&path)? else { return Ok(0) };
        text.trim().parse().map_err(|source| Error::Damaged { path, source: Box::new(source) })
    }

    /// Records a higher epoch; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn record_epoch(&self, epoch: i64) -> Result<(), Error> {
        durable::write(&self.root.join("epoch"), format!("{epoch}\n").as_bytes())
    }

    /// The run that was recorded as in flight and not settled yet.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn in_flight(&self) -> Result<Option<Uuid>, Error> {
        durable::read_json(&self.root.join("in_flight"))
    }

    /// Records the run in flight: its script, its progress (none yet), and then that it is in flight. Returns the lock
    /// that says its supervisor lives.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn record_run(&self, run: &Run, progress: &Progress) -> Result<File, Error> {
        let folder = self.run_folder(run.run_id);
        create_private(&folder.work())?;
        let alive = folder.alive();
        let lock = private_file(&alive)?;
        lock.lock().map_err(Error::io("lock", &alive))?;
        durable::write_json(&folder.run(), run)?;
        folder.record_progress(progress)?;
        durable::write_json(&self.root.join("in_flight"), &run.run_id)?;
        Ok(lock)
    }

    /// Forgets the run in flight, whose outcome is in the spool, and all it left in its folder.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn clear_run(&self, run_id: Uuid) -> Result<(), Error> {
        durable::remove(&self.root.join("in_flight"))?;
        let folder = self.run_folder(run_id).0;
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(run_id = %run_id, "Could not remove {}: {error}", folder.display());
        }
        Ok(())
    }

    /// The folder of a run.
    pub fn run_folder(&self, run_id: Uuid) -> RunFolder {
        RunFolder(self.root.join("runs").join(run_id.to_string()))
    }

    /// Where downloads are kept.
    pub fn cache(&self) -> PathBuf {
        self.root.join("cache")
    }

    /// The boot id that was last seen.
    pub fn boot_id_file(&self) -> PathBuf {
        self.root.join("boot_id")
    }

    /// What the supervisor of the last run had to say.
    pub fn supervisor_log(&self) -> PathBuf {
        self.root.join("supervise.log")
    }

    /// The outcomes.
    pub fn spool(&self) -> Spool {
        Spool::new(&self.root)
    }

    /// The journal.
    pub fn journal(&self) -> Journal {
        Journal::new(self.root.join("journal.jsonl"))
    }

    fn lock_file(&self, name: &str) -> Result<(PathBuf, File), Error> {
        let path = self.root.join(name);
        let file = private_file(&path)?;
        Ok((path, file))
    }
}

/// The folder of a run while it is in flight.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The run as it was asked for.
    pub fn run(&self) -> PathBuf {
        self.0.join("run.json")
    }

    /// Locked for as long as the supervisor lives.
    pub fn alive(&self) -> PathBuf {
        self.0.join("alive")
    }

    /// The process id of the supervisor, which is the id of its session too.
    pub fn supervisor(&self) -> PathBuf {
        self.0.join("supervisor")
    }

    /// The process group of the last script.
    pub fn group(&self) -> PathBuf {
        self.0.join("group")
    }

    /// As what the run is to end, when it has been told to.
    pub fn end(&self) -> PathBuf {
        self.0.join("end")
    }

    /// Where scripts lie and run.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// Reads the run; `None` if the folder is gone.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn read_run(&self) -> Result<Option<Run>, Error> {
        durable::read_json(&self.run())
    }

    /// Reads how far the run has come.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn read_progress(&self) -> Result<Option<Progress>, Error> {
        durable::read_json(&self.progress())
    }

    /// Records how far the run has come.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn record_progress(&self, progress: &Progress) -> Result<(), Error> {
        durable::write_json(&self.progress(), progress)
    }

    /// As what the run was told to end; none if nobody told it.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn read_end(&self) -> Result<Option<Ending>, Error> {
        durable::read_json(&self.end())
    }

    /// Writes down a process id. It needs no flush to the disk: after a power cut there is no such process.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn record_pid(path: &Path, process: u32) -> Result<(), Error> {
        std::fs::write(path, process.to_string()).map_err(Error::io("write", path))
    }

    /// A process id that was written down in one of the files above; none if a power cut has spoilt it.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn read_pid(path: &Path) -> Result<Option<u32>, Error> {
        Ok(durable::read(path)?.and_then(|text| text.trim().parse().ok()))
    }

    /// True while the supervisor of the run lives.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn is_supervised(&self) -> Result<bool, Error> {
        let path = self.alive();
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(Error::io("open", &path)(error)),
            Ok(file) => match file.try_lock_shared() {
                Ok(()) => Ok(false),
                Err(TryLockError::WouldBlock) => Ok(true),
                Err(TryLockError::Error(error)) => Err(Error::io("lock", &path)(error)),
            },
        }
    }

    /// Blocks until the supervisor of the run has ended; at once if the run was settled.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn wait_for_supervisor(&self) -> Result<(), Error> {
        let path = self.alive();
        match File::open(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::io("open", &path)(error)),
            Ok(file) => file.lock_shared().map_err(Error::io("lock", &path)),
        }
    }

    fn progress(&self) -> PathBuf {
        self.0.join("progress.json")
    }
}

fn private_file(path: &Path) -> Result<File, Error> {
    durable::private(OpenOptions::new().read(true).write(true).create(true).truncate(false), 0o600)
        .open(path)
        .map_err(Error::io("open", path))
}

fn create_private(path: &Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(Error::io("create", path))
}
