//! The table of desired states: what is wanted of one item and what was found of it, in; what is to be done, out.
//!
//! Looks at one item alone. Prerequisites and order are for [`super::order`].

use std::cmp::Ordering;

use crate::domain::{
    ActionResult, ActionType, Change, DesiredState, Does, Finding, Mode, Reason, Recipe, Scheme, ScriptUse, Software,
    Task, Upgrade, Want,
};

use super::choices::Choice;
use super::versions::{Goal, Platform, applicable, entry, goal, is_certain};
use super::words::{installed, wanted};

/// What is to be done about an item.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Decision {
    /// It is nobody's business: an exception, or not found where it is only to be updated.
    Idle,
    /// It is as it should be.
    Compliant {
        /// The installed version.
        detected: Option<String>,
        /// How it should be.
        want: Want,
    },
    /// There is nothing to do at the computer, but something to say.
    Settle(Verdict),
    /// It is to be acted upon.
    Act(Box<Draft>),
}

/// What is said of an item that is not acted upon.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Verdict {
    pub action: ActionType,
    pub result: ActionResult,
    pub reason: Reason,
    pub message: String,
    pub detected: Option<String>,
}

/// An action without its place among the others.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Draft {
    pub action: ActionType,
    pub reason: Reason,
    pub message: String,
    pub detected: Option<String>,
    pub want: Want,
    pub version: Option<String>,
    pub recipe: Recipe,
}

fn failed(action: ActionType, reason: Reason, message: String, detected: Option<&str>) -> Decision {
    let detected = detected.map(str::to_owned);
    Decision::Settle(Verdict { action, result: ActionResult::Failed, reason, message, detected })
}

fn recorded(value: String, detected: Option<&str>) -> Decision {
    let (action, result, reason) = (ActionType::Monitor, ActionResult::Success, Reason::Recorded);
    Decision::Settle(Verdict { action, result, reason, message: value, detected: detected.map(str::to_owned) })
}

fn not_detected() -> Decision {
    Decision::Settle(Verdict {
        action: ActionType::Nothing,
        result: ActionResult::Skipped,
        reason: Reason::NotDetected,
        message: "It was deployed after detection had looked; the next session takes it up.".into(),
        detected: None,
    })
}

/// What is to be done about a software. `unanswered` says why it is not known which versions there are beside the listed
/// ones, `chosen` is what all that is wanted makes of it, if anything.
pub(super) fn software(
    software: &Software,
    platform: Platform<'_>,
    state: &DesiredState,
    mode: Mode,
    finding: Option<&Finding>,
    unanswered: Option<&str>,
    chosen: Option<&Choice>,
) -> Decision {
    if mode == Mode::Ignore || *state == DesiredState::Ignored {
        return Decision::Idle;
    }
    let detected = match finding {
        None | Some(Finding::Satisfied(_) | Finding::Value(_)) => return not_detected(),
        Some(Finding::Failed { message, .. }) => {
            let message = format!("Its version could not be detected: {message}");
            return failed(ActionType::Nothing, Reason::DetectionFailed, message, None);
        }
        Some(finding @ (Finding::Absent | Finding::Present(_) | Finding::Broken(_))) => finding.version(),
    };
    if mode == Mode::Monitor {
        return recorded(format!("{}.", installed(detected)), detected);
    }
    if *state == DesiredState::UpdateIfFound && detected.is_none() {
        return Decision::Idle;
    }
    let cannot_choose = |why: &str| {
        let message = format!("Which versions of it there are could not be found out: {why}");
        failed(ActionType::Nothing, Reason::DetectionFailed, message, detected)
    };
    // Others need a version that nobody knows.
    let needs_unknown = chosen.is_some_and(|choice| choice.is_there && choice.changes && choice.version.is_none());
    if let Some(why) = unanswered
        && (needs_unknown || matches!(state, DesiredState::Latest | DesiredState::UpdateIfFound))
    {
        return cannot_choose(why);
    }
    let Ok(mut goal) = goal(software, platform, state) else {
        return none_fits(software, platform, detected);
    };
    goal.turn_to(software, detected, chosen);
    let compares = matches!(goal.want, Want::Exactly(_) | Want::AtLeast(_) | Want::AtMost(_));
    if let (true, Some(text)) = (compares, detected)
        && software.version(text).is_none()
    {
        let message = not_a_version(software, text);
        return failed(ActionType::Nothing, Reason::DetectionFailed, message, detected);
    }
    let broken = matches!(finding, Some(Finding::Broken(_))) && goal.want != Want::Absent;
    let met = goal.want.is_met_by(software.scheme, detected);
    if met && !broken {
        return Decision::Compliant { detected: detected.map(str::to_owned), want: goal.want };
    }
    let message = if met {
        format!("{} and its test prints false.", installed(detected))
    } else {
        let because = chosen.and_then(|choice| choice.because.as_ref()).map(|because| format!(": {because}"));
        format!("{}, {}{}.", installed(detected), wanted(&goal.want), because.unwrap_or_default())
    };
    if mode == Mode::Audit {
        return failed(ActionType::Audit, Reason::NotCompliant, message, detected);
    }
    let is_listed = || detected.is_some_and(|detected| entry(software, platform, detected).is_some());
    if let Some(why) = unanswered
        && !(is_certain(software, platform, &goal.want, detected) && (!(met && broken) || is_listed()))
    {
        return cannot_choose(why);
    }
    act(software, platform, goal, detected, Found { met, broken }, message)
}

/// What was found of a software, beside its version.
struct Found {
    /// Its version will do.
    met: bool,
    /// It fails its test.
    broken: bool,
}

/// The action that brings a software where it should be.
fn act(
    software: &Software,
    platform: Platform<'_>,
    goal: Goal,
    detected: Option<&str>,
    Found { met, broken }: Found,
    message: String,
) -> Decision {
    // What is broken is installed again in the version it has, if that can be had.
    let same = detected.filter(|detected| met && entry(software, platform, detected).is_some());
    let version = same.map(str::to_owned).or(goal.version);
    let (action, reason) = match (&goal.want, detected) {
        (Want::Absent, _) => (ActionType::Uninstall, Reason::Unwanted),
        (_, None) => (ActionType::Install, Reason::Missing),
        (_, Some(_)) if met && (same.is_some() || version.is_none()) => (ActionType::Reinstall, Reason::TestFailed),
        // The version that is there cannot be had, so another one takes its place.
        (_, Some(detected)) if met => {
            let version = version.as_deref().and_then(|version| software.version(version));
            let is_older = version < software.version(detected);
            (if is_older { ActionType::Downgrade } else { ActionType::Update }, Reason::TestFailed)
        }
        (want, Some(detected)) => match relation(software, want, detected) {
            Ordering::Greater => (ActionType::Downgrade, Reason::OlderWanted),
            Ordering::Less | Ordering::Equal => (ActionType::Update, Reason::UpdateAvailable),
        },
    };
    if action != ActionType::Uninstall && version.is_none() && software.is_choosy() {
        return none_fits(software, platform, detected);
    }
    let ways = Ways { from: detected, to: version.as_deref(), is_broken: broken };
    let scripts = match scripts(software, platform, action, ways) {
        Ok(scripts) => scripts,
        Err((reason, message)) => return failed(action, reason, message, detected),
    };
    let installs = action != ActionType::Uninstall;
    let listed = version.as_deref().filter(|_| installs).and_then(|version| entry(software, platform, version));
    Decision::Act(Box::new(Draft {
        action,
        reason,
        message,
        detected: detected.map(str::to_owned),
        want: goal.want,
        version: version.filter(|_| installs),
        recipe: Recipe::Software {
            detect: software.detect.clone(),
            download: listed.and_then(|version| version.download.clone()),
            act: scripts,
            test: listed.and_then(|version| version.test.clone()).or(software.test.clone()).filter(|_| installs),
        },
    }))
}

fn not_a_version(software: &Software, text: &str) -> String {
    let Software { scheme, .. } = software;
    match scheme {
        Scheme::Loose => format!("Its detection script printed \"{text}\", which is not a version."),
        Scheme::Semantic | Scheme::FourPart | Scheme::Debian | Scheme::Date => format!(
            "Its detection script printed \"{text}\", which is not a version of the scheme {scheme}, which is {}.",
            scheme.looks_like()
        ),
    }
}

/// How the installed version lies to the one that is wanted.
fn relation(software: &Software, want: &Want, detected: &str) -> Ordering {
    match want {
        Want::Exactly(wanted) | Want::AtLeast(wanted) | Want::AtMost(wanted) => {
            software.version(detected).cmp(&software.version(wanted))
        }
        Want::Absent | Want::Any | Want::Satisfied => Ordering::Equal,
    }
}

/// Between which versions an action goes.
#[derive(Clone, Copy)]
pub(super) struct Ways<'a> {
    /// The installed version.
    pub from: Option<&'a str>,
    /// The version that is to be there.
    pub to: Option<&'a str>,
    /// True if what is installed fails its test.
    pub is_broken: bool,
}

/// The scripts that do an action, in order. Those of a version win over those of its software. What follows an installation
/// or a removal comes right after it.
pub(super) fn scripts(
    software: &Software,
    platform: Platform<'_>,
    action: ActionType,
    Ways { from, to, is_broken }: Ways<'_>,
) -> Result<Vec<Change>, (Reason, String)> {
    let missing = |what: &str| (Reason::ScriptMissing, format!("It has no script \"{what}\"."));
    let listed = |version: Option<&str>| version.and_then(|version| entry(software, platform, version));
    let (from, to) = (listed(from), listed(to));
    let install = to.and_then(|version| version.install.as_ref()).or(software.install.as_ref());
    let uninstall = from.and_then(|version| version.uninstall.as_ref()).or(software.uninstall.as_ref());
    let installed = to.and_then(|version| version.post_install.as_ref()).or(software.post_install.as_ref());
    let removed = from.and_then(|version| version.post_uninstall.as_ref()).or(software.post_uninstall.as_ref());
    let change = |does: Does, script: &ScriptUse| Change { does: Some(does), script: script.clone() };
    let then = |first: Change, does: Does, script: Option<&ScriptUse>| {
        std::iter::once(first).chain(script.map(|script| change(does, script))).collect::<Vec<_>>()
    };
    let by = |does: Does, script: &ScriptUse| then(change(does, script), Does::PostInstall, installed);
    let over = || Ok(by(Does::Install, install.ok_or_else(|| missing("install"))?));
    let removal = || {
        let uninstall = uninstall.ok_or_else(|| missing("uninstall"))?;
        Ok(then(change(Does::Uninstall, uninstall), Does::PostUninstall, removed))
    };
    let anew = || Ok([removal()?, over()?].concat());
    let upgrade = to.and_then(|version| version.upgrade.as_ref()).unwrap_or(&software.upgrade);
    match (action, upgrade, software.repair.as_ref().filter(|_| is_broken)) {
        (ActionType::Uninstall, ..) => removal(),
        // What fails its test is repaired, even where an update is due.
        (ActionType::Update | ActionType::Reinstall, _, Some(Upgrade::Never)) => {
            Err((Reason::NoRepair, "Its test prints false, and it has no way to be repaired.".into()))
        }
        (ActionType::Update | ActionType::Reinstall, _, Some(Upgrade::Script(script))) => Ok(by(Does::Repair, script)),
        (ActionType::Update | ActionType::Reinstall, _, Some(Upgrade::RemoveFirst)) => anew(),
        (ActionType::Update | ActionType::Reinstall, _, Some(Upgrade::Over)) => over(),
        (ActionType::Update, Upgrade::Never, None) => {
            Err((Reason::NoUpgrade, "An update is due, and it has no way to be brought up to date.".into()))
        }
        (ActionType::Update, Upgrade::Script(script), None) => Ok(by(Does::Upgrade, script)),
        (ActionType::Update | ActionType::Reinstall, Upgrade::RemoveFirst, None) => anew(),
        // Few installers go back over a newer version.
        (ActionType::Downgrade, ..) if uninstall.is_some() => anew(),
        _ => over(),
    }
}

fn none_fits(software: &Software, platform: Platform<'_>, detected: Option<&str>) -> Decision {
    let Platform { os, arch } = platform;
    let listed: Vec<_> = applicable(software, platform).map(|(version, _)| version.to_string()).collect();
    let message = if listed.is_empty() {
        format!("No version is listed for {os} on {arch}.")
    } else {
        format!("None of the versions listed for {os} on {arch} is wanted: {}.", listed.join(", "))
    };
    failed(ActionType::Nothing, Reason::NoApplicableVersion, message, detected)
}

/// What is to be done about a task. `after_change` says that the software it configures is about to be changed.
pub(super) fn task(
    task: &Task,
    state: &DesiredState,
    mode: Mode,
    finding: Option<&Finding>,
    after_change: bool,
) -> Decision {
    if mode == Mode::Ignore || matches!(state, DesiredState::Ignored | DesiredState::Absent) {
        return Decision::Idle;
    }
    let test = match (mode, &task.test, &task.get) {
        (Mode::Monitor, _, None) => return lacks("get"),
        (Mode::Monitor, _, Some(_)) => return monitored(finding),
        (_, None, _) => return lacks("test"),
        (_, Some(test), _) => test,
    };
    let (reason, message) = match finding {
        _ if after_change && mode == Mode::Enforce => {
            (Reason::Configures, "Its software is changed, so it is tested again after that.")
        }
        Some(Finding::Satisfied(true)) => return Decision::Compliant { detected: None, want: Want::Satisfied },
        Some(Finding::Satisfied(false)) => (Reason::NotSatisfied, "Its test prints false."),
        Some(Finding::Failed { message, .. }) => {
            let message = format!("It could not be tested: {message}");
            return failed(ActionType::Nothing, Reason::DetectionFailed, message, None);
        }
        None | Some(Finding::Absent | Finding::Present(_) | Finding::Broken(_) | Finding::Value(_)) => {
            return not_detected();
        }
    };
    if mode == Mode::Audit {
        return failed(ActionType::Audit, Reason::NotCompliant, message.into(), None);
    }
    let Some(set) = &task.set else { return lacks("set") };
    Decision::Act(Box::new(Draft {
        action: ActionType::EnforceTask,
        reason,
        message: message.into(),
        detected: None,
        want: Want::Satisfied,
        version: None,
        recipe: Recipe::Task { test: test.clone(), set: set.clone() },
    }))
}

fn lacks(script: &str) -> Decision {
    let reason = match script {
        "set" => Reason::TaskSetIsMissing,
        "get" => Reason::TaskGetIsMissing,
        _ => Reason::TaskTestIsMissing,
    };
    failed(ActionType::Nothing, reason, format!("It has no script \"{script}\"."), None)
}

fn monitored(finding: Option<&Finding>) -> Decision {
    match finding {
        Some(Finding::Value(value)) => recorded(value.clone(), Some(value)),
        Some(Finding::Failed { message, .. }) => {
            let message = format!("Its value could not be read: {message}");
            failed(ActionType::Monitor, Reason::DetectionFailed, message, None)
        }
        _ => not_detected(),
    }
}
