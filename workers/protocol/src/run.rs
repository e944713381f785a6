//! A run: one start of a sequence of steps on one computer.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Signature;

/// One start of a sequence of steps on one computer.
///
/// The computer works through `steps` in order, alone: it goes on when the connection is lost, and keeps the outcome
/// until it is acknowledged. Starting a known `run_id` again starts nothing and answers with its state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Names this start; a second start of the same steps has another id.
    pub run_id: Uuid,
    /// The session that asks.
    pub session: i64,
    /// The fence: a computer refuses a run whose epoch is lower than the highest it has seen.
    pub epoch: i64,
    /// Server time after which the run must not start. The computer judges by its own estimate of the server's clock,
    /// which errs on the late side, so that a command that was held up is refused rather than started late.
    pub start_by: Timestamp,
    /// The steps, in order.
    pub steps: Vec<Step>,
}

/// One step of a run. A computer refuses a run of which it does not know a field of a step, of its work or of its script:
/// what is left out of an order may be what made it safe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What the step is for.
    pub kind: StepKind,
    /// The maintenance item it belongs to, such as `software/7zip`; free text to the computer.
    pub item: String,
    /// What is to be done.
    pub work: Work,
    /// The longest it may take, in milliseconds; past it the step is killed and has failed.
    pub timeout_ms: u64,
    /// What its outcome means for the steps after it.
    pub then: Then,
}

/// What a step is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepKind {
    /// Reads the state of a software: its last line of output is the installed version, no output means absent.
    Detect,
    /// Fetches a file and checks it.
    Download,
    /// Changes the computer: install, upgrade, downgrade, reinstall or uninstall.
    Act,
    /// Detects again after the change.
    Verify,
    /// Reads whether a task is satisfied. Every line of standard output that is `true` or `false`, in whatever case,
    /// counts: all must be true. Other lines are warned of; without any that counts the step has failed.
    Test,
    /// Makes a task satisfied.
    Set,
    /// Reads what is installed on the computer.
    Inventory,
    /// Reads which versions of a software there are: standard output is JSON, a list or a value in each line. The script
    /// finds what the detection before it has observed as `PITCREW_DETECTED`.
    Versions,
    /// Restarts the computer.
    Reboot,
}

impl StepKind {
    /// True if its standard output is read whole by a program.
    pub fn is_read_whole(self) -> bool {
        matches!(self, StepKind::Inventory | StepKind::Versions)
    }
}

/// What is to be done in a step. How it is written down is in [`crate::work`].
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Work {
    /// Run a script.
    #[serde(alias = "script_with_files")]
    Script(Script),
    /// Fetch `url` into the computer's cache under its checksum; the path is `PITCREW_FILE` for the steps after it, unless a
    /// script of the run is told it by a variable of its own.
    #[serde(alias = "signed_download")]
    Download {
        /// Where from: `http` or `https`.
        url: String,
        /// The SHA-256 that the file must have, in lower-case hexadecimal.
        sha256: String,
        /// How large it must be, in bytes, if that is known.
        #[serde(default)]
        size: Option<u64>,
        /// By whom it must be signed, if it must.
        #[serde(default)]
        signature: Option<Signature>,
    },
    /// Run a script that leaves a file where `PITCREW_FILE` says, and keep that file in the cache as a download is kept. It
    /// is not run if the cache has the file.
    #[serde(alias = "signed_fetch")]
    Fetch {
        /// Which script.
        script: Script,
        /// The SHA-256 that the file must have, in lower-case hexadecimal.
        sha256: String,
        /// How large it must be, in bytes, if that is known.
        #[serde(default)]
        size: Option<u64>,
        /// By whom it must be signed, if it must.
        #[serde(default)]
        signature: Option<Signature>,
    },
    /// Restart the computer. The run ends as completed once the computer has started again with another boot id.
    Reboot,
}

/// A script and how to run it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// The interpreter.
    pub interpreter: Interpreter,
    /// The text. It is written to a file that only the agent's user can read, and run from there.
    pub body: String,
    /// Environment variables that it is given, beside `PITCREW_*`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// The names of those variables whose values are struck out of what the script prints before anyone sees it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<String>,
    /// The names of those variables that are told where a file lies, each with the SHA-256 of that file: one that a step
    /// before this one has fetched, or the script is not run.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
}

/// What runs a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpreter {
    /// POSIX `sh`.
    Sh,
    /// GNU bash.
    Bash,
    /// PowerShell: `pwsh`, or `powershell` on Windows.
    Powershell,
    /// Python 3.
    Python,
}

/// What a step's outcome means for the steps after it. `observed` is defined at [`crate::StepOutcome::observed`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// Go on, whatever came of it.
    GoOn,
    /// Go on if it succeeded; otherwise the run stops here.
    IfSucceeded,
    /// Go on if it succeeded and observed exactly this; otherwise the run stops here.
    IfObserved(Option<String>),
    /// If it succeeded and observed exactly this, nothing is left to do: the run is completed here. If it succeeded and
    /// observed something else, go on; if it failed, the run stops here.
    DoneIfObserved(Option<String>),
}
