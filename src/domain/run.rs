//! Runs as they are stored: scripts by hash, expanded only when a run is sent to its computer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use pitcrew_protocol::{Run, Script, Step, StepKind, Then, Work};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::item::Item;
use super::parameter::SecretId;
use super::script::{ScriptUse, Sha256Hash};
use super::software::{Download, Origin};
use super::words::words;

words! {
    /// What a run is started for, which says how its outcome is to be read.
    Purpose {
        /// To find out what the computer has.
        Detect = "detect",
        /// To do an action.
        Act = "act",
        /// To restart the computer.
        Reboot = "reboot",
        /// To look again after a restart.
        Verify = "verify",
    }
}

/// What a computer is asked to do in one go.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RunSpec {
    /// The steps, in order.
    pub steps: Vec<StepSpec>,
}

/// One step of a run, its script by hash.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepSpec {
    /// What the step is for.
    pub kind: StepKind,
    /// The maintenance item it belongs to; none for what concerns the whole computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// What is to be done.
    pub work: WorkSpec,
    /// The longest it may take, in milliseconds.
    pub timeout_ms: u64,
    /// What its outcome means for the steps after it.
    pub then: Then,
}

/// What is to be done in a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkSpec {
    /// Run a script.
    Script {
        /// Which.
        script: ScriptUse,
        /// Environment variables that it is given.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
        /// Those of which only the secret is named.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        secrets: BTreeMap<String, SecretId>,
        /// Those that are told where a file lies which a step before has fetched, by its SHA-256.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        files: BTreeMap<String, Sha256Hash>,
    },
    /// Fetch a file and check it.
    Download {
        /// Which, and where from.
        #[serde(flatten)]
        download: Download,
        /// Environment variables that the script is given which fetches it, if one does.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        env: BTreeMap<String, String>,
        /// Those of which only the secret is named.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        secrets: BTreeMap<String, SecretId>,
    },
    /// Restart the computer.
    Reboot,
}

/// A run cannot be sent because something that it names is not at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The text of a script.
    #[error("the script with SHA-256 {0} is not stored, so the run that uses it cannot be sent")]
    Script(Sha256Hash),
    /// The address of a stored file.
    #[error("the server has no address for the stored file {0}, so the run that fetches it cannot be sent")]
    File(Sha256Hash),
    /// The value of a secret.
    #[error("the secret {0:?} is not stored any more, so the run that uses it cannot be sent")]
    Secret(SecretId),
}

/// What a run names and does not carry.
pub trait Shelf {
    /// The text of a script.
    fn text(&self, hash: &Sha256Hash) -> Option<Arc<str>>;

    /// The value of a secret.
    fn secret(&self, id: &SecretId) -> Option<String>;

    /// The address from which a stored file is fetched.
    fn address(&self, file: &Sha256Hash) -> Option<String>;
}

/// Who asks for a run, and under which fence: what [`RunSpec::expand`] adds to the steps.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunHead {
    /// Names this start.
    pub run_id: Uuid,
    /// The session that asks.
    pub session: i64,
    /// The fence.
    pub epoch: i64,
    /// Server time after which the run must not start.
    pub start_by: Timestamp,
}

impl RunSpec {
    /// The secrets that it names.
    pub fn secrets(&self) -> BTreeSet<SecretId> {
        let named = |step: &StepSpec| match &step.work {
            WorkSpec::Script { secrets, .. } | WorkSpec::Download { secrets, .. } => {
                secrets.values().copied().collect()
            }
            WorkSpec::Reboot => Vec::new(),
        };
        self.steps.iter().flat_map(named).collect()
    }

    /// The stored files that it names.
    pub fn files(&self) -> BTreeSet<Sha256Hash> {
        let named = |step: &StepSpec| match &step.work {
            WorkSpec::Download { download: Download { from: Origin::Stored(_), sha256, .. }, .. } => Some(*sha256),
            WorkSpec::Script { .. } | WorkSpec::Download { .. } | WorkSpec::Reboot => None,
        };
        self.steps.iter().filter_map(named).collect()
    }

    /// The scripts that it names.
    pub fn scripts(&self) -> BTreeSet<Sha256Hash> {
        let named = |step: &StepSpec| match &step.work {
            WorkSpec::Script { script, .. } => Some(script.hash),
            WorkSpec::Download { download: Download { from: Origin::Script { script, .. }, .. }, .. } => {
                Some(script.hash)
            }
            WorkSpec::Download { .. } | WorkSpec::Reboot => None,
        };
        self.steps.iter().filter_map(named).collect()
    }

    /// The run as its computer understands it, with the text of every script and the value of every secret.
    ///
    /// # Errors
    /// The first thing that is not on the shelf.
    pub fn expand(&self, head: RunHead, shelf: &dyn Shelf) -> Result<Run, Missing> {
        let steps = self.steps.iter().map(|step| step.expand(shelf)).collect::<Result<_, _>>()?;
        let RunHead { run_id, session, epoch, start_by } = head;
        Ok(Run { run_id, session, epoch, start_by, steps })
    }
}

impl StepSpec {
    /// The step as its computer understands it, with the text of its script and the values of its secrets.
    ///
    /// # Errors
    /// The first thing that is not on the shelf.
    pub fn expand(&self, shelf: &dyn Shelf) -> Result<Step, Missing> {
        let work = match &self.work {
            WorkSpec::Script { script, env, secrets, files } => {
                let files = files.iter().map(|(name, sha256)| (name.clone(), sha256.to_string())).collect();
                Work::Script(Script { files, ..written(script, env, secrets, shelf)? })
            }
            WorkSpec::Download { download, env, secrets } => {
                let (sha256, size) = (download.sha256.to_string(), download.size);
                let signature = download.signature.clone();
                match &download.from {
                    Origin::Url(url) => Work::Download { url: url.clone(), sha256, size, signature },
                    Origin::Stored(_) => {
                        let url = shelf.address(&download.sha256).ok_or(Missing::File(download.sha256))?;
                        Work::Download { url, sha256, size, signature }
                    }
                    Origin::Script { script, .. } => {
                        Work::Fetch { script: written(script, env, secrets, shelf)?, sha256, size, signature }
                    }
                }
            }
            WorkSpec::Reboot => Work::Reboot,
        };
        Ok(Step {
            kind: self.kind,
            item: self.item.as_ref().map(Item::to_string).unwrap_or_default(),
            work,
            timeout_ms: self.timeout_ms,
            then: self.then.clone(),
        })
    }
}

/// A script with its text and the values of its secrets.
fn written(
    script: &ScriptUse,
    env: &BTreeMap<String, String>,
    secrets: &BTreeMap<String, SecretId>,
    shelf: &dyn Shelf,
) -> Result<Script, Missing> {
    let mut env = env.clone();
    for (name, id) in secrets {
        env.insert(name.clone(), shelf.secret(id).ok_or(Missing::Secret(*id))?);
    }
    Ok(Script {
        interpreter: script.interpreter,
        body: shelf.text(&script.hash).ok_or(Missing::Script(script.hash))?.to_string(),
        env,
        secrets: secrets.keys().cloned().collect(),
        files: BTreeMap::new(),
    })
}
