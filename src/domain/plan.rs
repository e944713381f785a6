//! A plan: what execution does on one computer, down to the last choice.
//!
//! It is immutable and named by its hash. Execution follows it and decides nothing that the plan does not say.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;

use pitcrew_protocol::Child;
use serde::{Deserialize, Serialize};

use super::canonical::canonical;
use super::computer::Os;
use super::item::Item;
use super::outcome::{ActionResult, Reason};
use super::parameter::SecretId;
use super::script::{ScriptUse, Sha256Hash};
use super::software::{Download, Origin, RebootNeed};
use super::version::{Scheme, Version, loose};
use super::words::words;

/// What execution does on one computer.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The version of the policy by which was planned.
    pub policy_version: i64,
    /// What is to be done, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<PlannedAction>,
    /// What is decided without touching the computer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub settled: Vec<Settled>,
    /// How many items are as they should be.
    pub compliant: u32,
}

/// One maintenance item's work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedAction {
    /// Its place in the plan, from 1, counted together with what is settled.
    pub seq: u32,
    /// The item.
    pub item: Item,
    /// The deployment that wants it, by name.
    pub deployment: String,
    /// What is done.
    pub action: ActionType,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence for a person.
    pub message: String,
    /// The installed version that was detected; none if there was none, and for tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
    /// What the item must be like in the end.
    pub want: Want,
    /// By which rule its versions are compared.
    #[serde(default = "loose", skip_serializing_if = "Scheme::is_loose")]
    pub scheme: Scheme,
    /// The version that is installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How it is done.
    pub recipe: Recipe,
    /// Environment variables for all its scripts: its parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// Those of which only the secret is named.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretId>,
    /// Those that name a file, which is fetched before.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, Download>,
    /// The actions that must have succeeded before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<u32>,
    /// The action of the task whose test has named this: it comes after, and looks at the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// What was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child: Option<Child>,
    /// For a configuration task: the action of its software. Also in `needs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configures: Option<u32>,
    /// Whether it takes a reboot.
    pub reboot: RebootNeed,
    /// The package source whose rate it counts against.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether the computer may be left as it is once this is done: nothing after it completes it.
    #[serde(default = "yes")]
    pub safe_point: bool,
    /// What would take it back, if anything can.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undo: Option<Undo>,
    /// The fleet-wide lock under which it is done: nobody else does what is under the same one meanwhile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// How often it is tried again after a failure that may pass.
    pub retries: u32,
}

impl PlannedAction {
    /// The scripts that change what is installed, in order, and what each of them does; none of a task.
    ///
    /// A plan that does not say what they do is of a version whose plans had no more than a removal before what is
    /// installed: all but the last script remove, and the last one does too where the action is to uninstall.
    pub fn changes(&self) -> impl Iterator<Item = (Does, &ScriptUse)> {
        let act = match &self.recipe {
            Recipe::Software { act, .. } => act.as_slice(),
            Recipe::Fetch { .. } | Recipe::Task { .. } | Recipe::Whole { .. } => &[],
        };
        act.iter().enumerate().map(|(place, change)| {
            let removes = place + 1 < act.len() || self.action == ActionType::Uninstall;
            let unsaid = if removes { Does::Uninstall } else { Does::Install };
            (change.does.unwrap_or(unsaid), &change.script)
        })
    }
}

words! {
    /// What is done about an item.
    ActionType {
        /// A software is installed.
        Install = "install",
        /// A newer version takes the place of the installed one.
        Update = "update",
        /// An older version takes the place of the installed one.
        Downgrade = "downgrade",
        /// The installed version is installed again.
        Reinstall = "reinstall",
        /// A software is removed.
        Uninstall = "uninstall",
        /// What would be installed is fetched, and nothing else is done.
        Download = "download",
        /// A task is made satisfied.
        EnforceTask = "enforce_task",
        /// An item is looked at and reported.
        Audit = "audit",
        /// A value is recorded.
        Monitor = "monitor",
        /// Nothing: it was settled before anything could be chosen.
        Nothing = "nothing",
    }
}

fn yes() -> bool {
    true
}

/// What takes an action back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// What was installed can be removed.
    Uninstall,
    /// The version that was there can be installed again.
    Install(String),
}

impl fmt::Display for Undo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Undo::Uninstall => f.write_str("uninstall it"),
            Undo::Install(version) => write!(f, "install {version}"),
        }
    }
}

/// What an item must be like, for compliance before and verification after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Want {
    /// Not installed.
    Absent,
    /// Installed in any version.
    Any,
    /// Installed in this version.
    Exactly(String),
    /// Installed in this version or a newer one.
    AtLeast(String),
    /// Installed in this version or an older one.
    AtMost(String),
    /// Satisfied, of a task.
    Satisfied,
}

impl Want {
    /// True if a software of which `detected` is installed is as it must be. A text that is no version of the scheme is
    /// never in any relation to one.
    pub fn is_met_by(&self, scheme: Scheme, detected: Option<&str>) -> bool {
        match self {
            Want::Absent => detected.is_none(),
            Want::Any => detected.is_some(),
            Want::Exactly(_) | Want::AtLeast(_) | Want::AtMost(_) => {
                let detected = detected.and_then(|detected| Version::parse(scheme, detected));
                detected.is_some_and(|detected| self.versions(scheme)(&detected))
            }
            Want::Satisfied => detected == Some("true"),
        }
    }

    /// The versions of a software that will do, to be asked about many.
    pub fn versions(&self, scheme: Scheme) -> impl Fn(&Version) -> bool {
        let read = |wanted: &str| Version::parse(scheme, wanted);
        let (holds, wanted): (fn(Ordering) -> bool, _) = match self {
            Want::Absent | Want::Satisfied => (|_| false, None),
            Want::Any => return Box::new(|_: &Version| true) as Box<dyn Fn(&Version) -> bool>,
            Want::Exactly(wanted) => (Ordering::is_eq, read(wanted)),
            Want::AtLeast(wanted) => (Ordering::is_ge, read(wanted)),
            Want::AtMost(wanted) => (Ordering::is_le, read(wanted)),
        };
        Box::new(move |version| wanted.as_ref().is_some_and(|wanted| holds(version.cmp(wanted))))
    }
}

/// How an action is done: its scripts, and what is fetched before any of them changes anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipe {
    /// Detect, download, act, detect again, test.
    Software {
        /// Finds out the installed version.
        detect: ScriptUse,
        /// What is fetched.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        download: Option<Download>,
        /// What changes the computer, in order.
        act: Vec<Change>,
        /// Says whether what is installed works.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        test: Option<ScriptUse>,
    },
    /// Fetch, and leave it in the computer's cache.
    Fetch {
        /// What is fetched.
        download: Download,
    },
    /// Test, set, test again.
    Task {
        /// Says whether it is satisfied.
        test: ScriptUse,
        /// Makes it satisfied.
        set: ScriptUse,
    },
    /// Test, once the actions below it are done.
    Whole {
        /// Says whether it is satisfied.
        test: ScriptUse,
    },
}

/// One script that changes the computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What it does; none in a stored plan of a version that did not say it. Ask [`PlannedAction::changes`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub does: Option<Does>,
    /// The script.
    #[serde(flatten)]
    pub script: ScriptUse,
}

words! {
    /// What a script does to a software.
    Does {
        /// It installs a version, over another one or not.
        Install = "install",
        /// It brings what is installed up to date.
        Upgrade = "upgrade",
        /// It mends what fails its test.
        Repair = "repair",
        /// It removes the version that is installed.
        Uninstall = "uninstall",
        /// It follows what has put a version there.
        PostInstall = "post_install",
        /// It follows what has removed a version.
        PostUninstall = "post_uninstall",
    }
}

impl Does {
    /// True if it belongs to a removal.
    pub fn removes(self) -> bool {
        matches!(self, Does::Uninstall | Does::PostUninstall)
    }

    /// True if it only follows another one, which has been done by then.
    pub fn follows(self) -> bool {
        matches!(self, Does::PostInstall | Does::PostUninstall)
    }
}

impl Recipe {
    /// What is fetched before anything is changed.
    pub fn download(&self) -> Option<&Download> {
        match self {
            Recipe::Software { download, .. } => download.as_ref(),
            Recipe::Fetch { download } => Some(download),
            Recipe::Task { .. } | Recipe::Whole { .. } => None,
        }
    }

    /// Leaves of each script the variant for an operating system.
    pub fn pin(&mut self, os: Os) {
        let pin = |script: &mut ScriptUse| *script = script.on(os);
        match self {
            Recipe::Software { detect, download, act, test } => {
                pin(detect);
                act.iter_mut().for_each(|change| pin(&mut change.script));
                test.iter_mut().for_each(pin);
                if let Some(Download { from: Origin::Script { script, .. }, .. }) = download {
                    pin(script);
                }
            }
            Recipe::Fetch { .. } => {}
            Recipe::Task { test, set } => {
                pin(test);
                pin(set);
            }
            Recipe::Whole { test } => pin(test),
        }
    }
}

/// What is decided about an item without touching the computer: an audit's verdict, or a reason why nothing can be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settled {
    /// Its place in the plan, from 1, counted together with the actions.
    pub seq: u32,
    /// The item.
    pub item: Item,
    /// The deployment that wants it, by name.
    pub deployment: String,
    /// What would have been done, or [`ActionType::Audit`] and the like.
    pub action: ActionType,
    /// The verdict.
    pub result: ActionResult,
    /// Why.
    pub reason: Reason,
    /// Why, in a sentence for a person.
    pub message: String,
    /// What was detected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detected: Option<String>,
}

impl Plan {
    /// The plan as JSON, and what names it: see [`Plan::hash`].
    ///
    /// # Errors
    /// As serde's; a plan has nothing that cannot be JSON.
    pub fn sealed(&self) -> Result<(String, Sha256Hash), serde_json::Error> {
        let body = serde_json::to_string(self)?;
        let hash = Sha256Hash::of(canonical(&body).as_bytes());
        Ok((body, hash))
    }

    /// Names the plan: the SHA-256 of its canonical JSON (RFC 8785: keys sorted, no blanks).
    pub fn hash(&self) -> Sha256Hash {
        self.sealed().map_or_else(|_| Sha256Hash::of(b"null"), |(_, hash)| hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_want_is_met_or_not() {
        let at = |version: &str| version.to_owned();
        for (want, met, unmet) in [
            (Want::Absent, vec![None], vec![Some("1"), Some("present")]),
            (Want::Any, vec![Some("1"), Some("present")], vec![None]),
            (Want::Exactly(at("2.0")), vec![Some("2"), Some("v2.0.0")], vec![None, Some("1.9"), Some("2.1")]),
            (Want::AtLeast(at("2.0")), vec![Some("2.0"), Some("2.10")], vec![None, Some("1.9"), Some("present")]),
            (Want::AtMost(at("2.0")), vec![Some("2.0"), Some("1.9")], vec![None, Some("2.1"), Some("present")]),
        ] {
            for detected in met {
                assert!(want.is_met_by(Scheme::Loose, detected), "{want:?} by {detected:?}");
            }
            for detected in unmet {
                assert!(!want.is_met_by(Scheme::Loose, detected), "{want:?} not by {detected:?}");
            }
        }
    }

    #[test]
    fn the_hash_survives_storage() {
        let plan = Plan {
            policy_version: 3,
            settled: vec![Settled {
                seq: 1,
                item: Item::software("editor"),
                deployment: "editor-for-all".into(),
                action: ActionType::Audit,
                result: ActionResult::Failed,
                reason: Reason::NotCompliant,
                message: "1.0 is installed, \"2.0\" is wanted.".into(),
                detected: Some("1.0".into()),
            }],
            ..Plan::default()
        };
        let stored = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap().hash(), plan.hash());
        assert_ne!(Plan::default().hash(), plan.hash());
    }
}
