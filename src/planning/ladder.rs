//! Versions that can only be installed over an earlier one: the versions that are installed on the way.

use crate::domain::{ActionType, Reason, Recipe, Software, Want};

use super::decide::{Draft, Ways, scripts};
use super::versions::{Platform, applicable, entry};

/// The actions that lead to a drafted one, in order, itself the last. Mostly it is the only one.
///
/// # Errors
/// A version on the way is not listed for the platform, or there is no script to go over it.
pub(super) fn ladder(
    software: &Software,
    platform: Platform<'_>,
    draft: Draft,
) -> Result<Vec<Draft>, (Reason, String)> {
    let Some(version) = draft.version.clone().filter(|_| leads_up(draft.action)) else { return Ok(vec![draft]) };
    let rungs = rungs(software, platform, draft.detected.as_deref(), &version)?;
    let mut drafts: Vec<Draft> = Vec::new();
    for rung in rungs {
        let from = drafts.last().map_or(draft.detected.clone(), |below: &Draft| below.version.clone());
        let (action, reason) = match from {
            None => (ActionType::Install, Reason::Missing),
            Some(_) => (ActionType::Update, Reason::UpdateAvailable),
        };
        drafts.push(Draft {
            action,
            reason,
            message: format!("Version {version} is reached by way of {rung}."),
            want: Want::AtLeast(rung.clone()),
            recipe: recipe(software, platform, action, from.as_deref(), &rung)?,
            detected: from,
            version: Some(rung),
        });
    }
    let Some(below) = drafts.last() else { return Ok(vec![draft]) };
    let last = Draft {
        action: ActionType::Update,
        reason: Reason::UpdateAvailable,
        detected: below.version.clone(),
        recipe: recipe(software, platform, ActionType::Update, below.version.as_deref(), &version)?,
        ..draft
    };
    drafts.push(last);
    Ok(drafts)
}

fn leads_up(action: ActionType) -> bool {
    matches!(action, ActionType::Install | ActionType::Update)
}

/// The versions on the way to one, the oldest first: where it takes an older one, the oldest that will do.
fn rungs(
    software: &Software,
    platform: Platform<'_>,
    detected: Option<&str>,
    version: &str,
) -> Result<Vec<String>, (Reason, String)> {
    let detected = detected.and_then(|detected| software.version(detected));
    let listed: Vec<_> = applicable(software, platform).collect();
    let mut rungs = Vec::new();
    let mut top = version.to_owned();
    while let Some(after) = entry(software, platform, &top).and_then(|entry| entry.after.as_ref()) {
        let least = software.version(after);
        if detected >= least {
            break;
        }
        let below = software.version(&top);
        let between = listed.iter().map(|(version, _)| *version).find(|version| {
            let version = Some((*version).clone());
            version >= least && version < below
        });
        let Some(rung) = between else {
            let message = format!(
                "Version {top} can only be installed over {after} or newer, of which none is listed for {} on {}.",
                platform.os, platform.arch
            );
            return Err((Reason::NoApplicableVersion, message));
        };
        top = rung.to_string();
        rungs.push(top.clone());
    }
    rungs.reverse();
    Ok(rungs)
}

fn recipe(
    software: &Software,
    platform: Platform<'_>,
    action: ActionType,
    from: Option<&str>,
    version: &str,
) -> Result<Recipe, (Reason, String)> {
    let listed = entry(software, platform, version);
    Ok(Recipe::Software {
        detect: software.detect.clone(),
        download: listed.and_then(|version| version.download.clone()),
        act: scripts(software, platform, action, Ways { from, to: Some(version), is_broken: false })?,
        test: listed.and_then(|version| version.test.clone()).or(software.test.clone()),
    })
}
