//! What a step is given, beside itself.

use std::collections::BTreeMap;
use std::path::PathBuf;

use pitcrew_protocol::{Run, Step, Work};
use tokio_util::sync::CancellationToken;

use crate::state::{RunFolder, StateDir};

/// What a step is given, beside itself.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The run.
    pub run: &'a Run,
    /// Where scripts lie and run.
    pub work: PathBuf,
    /// Where the process group of the script in flight is written down.
    pub group: PathBuf,
    /// Where downloads are kept.
    pub cache: PathBuf,
    /// The folder that scripts of a sandbox act upon.
    pub sandbox: Option<PathBuf>,
    /// The last download, or where a script is to leave one.
    pub file: Option<PathBuf>,
    /// Where every file lies that was fetched, by its SHA-256.
    pub fetched: BTreeMap<String, PathBuf>,
    /// The last item that was detected, and its version.
    pub detected: Option<(String, String)>,
    /// Cancelled when the run is told to end.
    pub stop: CancellationToken,
}

impl Context<'_> {
    /// Notes where a file lies that was fetched.
    pub fn keep(&mut self, sha256: &str, file: Option<PathBuf>) {
        let Some(file) = file else { return };
        let is_told = |step: &Step| match &step.work {
            Work::Script(script) => script.files.values().any(|other| other == sha256),
            Work::Download { .. } | Work::Fetch { .. } | Work::Reboot => false,
        };
        if !self.run.steps.iter().any(is_told) {
            self.file = Some(file.clone());
        }
        self.fetched.insert(sha256.to_owned(), file);
    }
}

impl<'a> Context<'a> {
    /// The context of a run's first step.
    pub fn new(
        state: &StateDir,
        folder: &RunFolder,
        run: &'a Run,
        sandbox: Option<PathBuf>,
        stop: CancellationToken,
    ) -> Context<'a> {
        let (work, group, cache) = (folder.work(), folder.group(), state.cache());
        Context { run, work, group, cache, sandbox, file: None, fetched: BTreeMap::new(), detected: None, stop }
    }
}
