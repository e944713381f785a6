//! What a step is given, beside itself.

use std::path::PathBuf;

use pitcrew_protocol::Run;
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
    /// The last item that was detected, and its version.
    pub detected: Option<(String, String)>,
    /// Cancelled when the run is told to end.
    pub stop: CancellationToken,
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
        Context { run, work, group, cache, sandbox, file: None, detected: None, stop }
    }
}
