//! What an action asks the computer, as one run.
//!
//! The first step looks again, and the run stops there unless the computer is as it was planned for. What is fetched is
//! fetched and checked before anything is changed, so a download that fails leaves the computer as it was.

use pitcrew_protocol::said::CHILD;
use pitcrew_protocol::{StepKind, Then};

use crate::domain::run::WorkSpec;
use crate::domain::{Download, Item, Origin, PlannedAction, Reason, Recipe, ScriptUse, StepSpec, Told};

/// How long a detection may take by default, in milliseconds.
pub(super) const DETECT_MS: u64 = 60_000;
/// How long a test may take by default, in milliseconds.
pub(super) const TEST_MS: u64 = 120_000;
/// How long finding out which versions there are may take by default, in milliseconds.
pub(super) const VERSIONS_MS: u64 = 120_000;
/// How long the inventory of one source may take by default, in milliseconds.
pub(super) const INVENTORY_MS: u64 = 300_000;
/// How long a download may take, in milliseconds.
const DOWNLOAD_MS: u64 = 3_600_000;
/// How long a change may take by default, in milliseconds.
const ACT_MS: u64 = 1_800_000;
/// How long a computer may take to come back after a restart, in milliseconds.
const REBOOT_MS: u64 = 1_800_000;

/// The steps of an action: look, fetch, change, look again.
pub fn steps(action: &PlannedAction) -> Vec<StepSpec> {
    let mut steps: Vec<_> = fetches(action).collect();
    match &action.recipe {
        Recipe::Software { detect, download, .. } => {
            let as_planned = Then::IfObserved(action.detected.clone());
            steps.push(script(action, StepKind::Detect, detect, DETECT_MS, as_planned));
            steps.extend(download.as_ref().map(|download| fetch(action, download)));
            steps.extend(action.changes().map(|(does, change)| {
                let mut step = script(action, StepKind::Act, change, ACT_MS, Then::IfSucceeded);
                // A removal leads to no version; noop computers go by that.
                if let (true, WorkSpec::Script { env, .. }) = (does.removes(), &mut step.work) {
                    env.insert("PITCREW_VERSION".into(), String::new());
                }
                step
            }));
        }
        Recipe::Fetch { download } => steps.push(fetch(action, download)),
        // A repair sets it whatever its test says.
        Recipe::Task { set, .. } if action.reason == Reason::RepairTriggered => {
            steps.push(script(action, StepKind::Set, set, ACT_MS, Then::IfSucceeded));
        }
        // The only look is the verification.
        Recipe::Whole { .. } => {}
        Recipe::Task { test, set } => {
            let satisfied = Then::DoneIfObserved(Some("true".into()));
            steps.push(script(action, StepKind::Test, test, TEST_MS, satisfied));
            steps.push(script(action, StepKind::Set, set, ACT_MS, Then::IfSucceeded));
        }
    }
    steps.extend(looks(action));
    steps
}

/// The steps that only look whether an action has had its effect: all there is to do after a reboot that the action took.
pub fn verification(action: &PlannedAction) -> Vec<StepSpec> {
    fetches(action).chain(looks(action)).collect()
}

/// What the scripts of an action are told the paths of.
fn fetches(action: &PlannedAction) -> impl Iterator<Item = StepSpec> {
    action.files.values().map(|file| fetch_for(&action.item, file, Then::IfSucceeded))
}

/// Fetches a file that a parameter names.
pub(super) fn fetch_for(item: &Item, file: &Download, then: Then) -> StepSpec {
    StepSpec {
        kind: StepKind::Download,
        item: Some(item.clone()),
        work: WorkSpec::Download { download: file.clone(), env: Default::default(), secrets: Default::default() },
        timeout_ms: DOWNLOAD_MS,
        then,
    }
}

/// The end of [`steps`].
fn looks(action: &PlannedAction) -> Vec<StepSpec> {
    match &action.recipe {
        Recipe::Software { detect, test, .. } => {
            let verify = script(action, StepKind::Verify, detect, DETECT_MS, Then::IfSucceeded);
            let test = test.as_ref().map(|test| script(action, StepKind::Test, test, TEST_MS, Then::GoOn));
            std::iter::once(verify).chain(test).collect()
        }
        Recipe::Fetch { .. } => Vec::new(),
        Recipe::Task { test, .. } | Recipe::Whole { test } => {
            vec![script(action, StepKind::Test, test, TEST_MS, Then::GoOn)]
        }
    }
}

/// The one step of a run that restarts the computer on behalf of an item.
pub fn reboot(item: &Item) -> StepSpec {
    StepSpec {
        kind: StepKind::Reboot,
        item: Some(item.clone()),
        work: WorkSpec::Reboot,
        timeout_ms: REBOOT_MS,
        then: Then::IfSucceeded,
    }
}

/// The call of a script that is told this, and what it is called for if it does several things.
pub(super) fn call(script: ScriptUse, told: &Told) -> WorkSpec {
    let mut env = told.env.clone();
    env.extend(script.method.map(|method| ("PITCREW_METHOD".to_owned(), method.to_string())));
    let files = told.files.iter().map(|(name, file)| (name.clone(), file.sha256)).collect();
    WorkSpec::Script { script, env, secrets: told.secrets.clone(), files }
}

fn fetch(action: &PlannedAction, download: &Download) -> StepSpec {
    let mut told = Told::default();
    let mut timeout_ms = DOWNLOAD_MS;
    if let Origin::Script { script, url } = &download.from {
        told = change_told(action);
        told.env.extend(url.clone().map(|url| ("PITCREW_URL".to_owned(), url)));
        timeout_ms = script.timeout_ms.unwrap_or(DOWNLOAD_MS);
    }
    StepSpec {
        kind: StepKind::Download,
        item: Some(action.item.clone()),
        work: WorkSpec::Download { download: download.clone(), env: told.env, secrets: told.secrets },
        timeout_ms,
        then: Then::IfSucceeded,
    }
}

/// What is told to every script of an action.
fn action_told(action: &PlannedAction) -> Told {
    let mut told = Told { env: action.env.clone(), secrets: action.secrets.clone(), files: action.files.clone() };
    if let Some(child) = &action.child {
        told.env.insert(CHILD.to_owned(), child.key.clone());
        let parameters = child.parameters.iter();
        told.env.extend(parameters.map(|(name, value)| (format!("CHILD_{}", name.to_uppercase()), value.clone())));
    }
    told
}

/// What is told to a script that changes something, or fetches what a change takes.
fn change_told(action: &PlannedAction) -> Told {
    let mut told = action_told(action);
    let versions = [("PITCREW_VERSION", &action.version), ("PITCREW_DETECTED", &action.detected)];
    let versions = versions.into_iter().filter_map(|(name, version)| Some((name.to_owned(), version.clone()?)));
    told.env.extend(versions);
    told
}

fn script(action: &PlannedAction, kind: StepKind, script: &ScriptUse, default_ms: u64, then: Then) -> StepSpec {
    let told = match kind {
        StepKind::Act => change_told(action),
        _ => action_told(action),
    };
    StepSpec {
        kind,
        item: Some(action.item.clone()),
        timeout_ms: script.timeout_ms.unwrap_or(default_ms),
        work: call(script.clone(), &told),
        then,
    }
}
