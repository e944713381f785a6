//! What detection asks the computer: one run, read-only, that looks at every wanted item.

use pitcrew_protocol::{StepKind, Then};

use crate::domain::{DesiredState, ItemKind, Mode, Os, Policy, ScriptUse, StepSpec, Told};
use crate::resolve::{Because, Resolution, Wanted};

use super::env::env;
use super::inventory;
use super::steps::{DETECT_MS, INVENTORY_MS, TEST_MS, VERSIONS_MS};
use super::steps::{call, fetch_for};

/// The steps that detect or test every wanted item, and take the inventory when asked. No step stops the others.
///
/// An item that is left alone, or for which there is no script or not every parameter, is not asked for.
pub fn detection(resolution: &Resolution, policy: &Policy, with_inventory: bool) -> Vec<StepSpec> {
    let mut steps: Vec<_> = resolution.wanted.iter().flat_map(|wanted| looks(policy, wanted, resolution.os)).collect();
    if with_inventory {
        steps.extend(inventory::scripts(resolution.os).map(|script| StepSpec {
            kind: StepKind::Inventory,
            item: None,
            timeout_ms: script.timeout_ms.unwrap_or(INVENTORY_MS),
            work: call(script, &Told::default()),
            then: Then::GoOn,
        }));
    }
    steps
}

/// The steps that look at one item.
pub(super) fn looks(policy: &Policy, wanted: &Wanted, os: Os) -> Vec<StepSpec> {
    let Wanted { item, deployment, .. } = wanted;
    if is_left_alone(wanted) {
        return Vec::new();
    }
    let Ok(told) = env(policy, wanted) else { return Vec::new() };
    let look = |kind, script: &ScriptUse, default_ms| {
        let script = script.on(os);
        StepSpec {
            kind,
            item: Some(item.clone()),
            timeout_ms: script.timeout_ms.unwrap_or(default_ms),
            work: call(script, &told),
            then: Then::GoOn,
        }
    };
    let looks: Vec<StepSpec> = match item.kind {
        ItemKind::Software => {
            let Some(software) = policy.software(&item.name) else { return Vec::new() };
            let detect = look(StepKind::Detect, &software.detect, DETECT_MS);
            let test = software.test.as_ref().map(|test| look(StepKind::Test, test, TEST_MS));
            let versions = software.versions_from.as_ref().filter(|_| may_be_installed(wanted));
            let versions = versions.map(|versions| look(StepKind::Versions, versions, VERSIONS_MS));
            std::iter::once(detect).chain(test).chain(versions).collect()
        }
        ItemKind::Task => {
            let Some(task) = policy.task(&item.name) else { return Vec::new() };
            let script = match deployment.mode {
                Mode::Monitor => task.get.as_ref().map(|get| look(StepKind::Detect, get, DETECT_MS)),
                Mode::Enforce | Mode::Audit | Mode::Ignore => {
                    task.test.as_ref().map(|test| look(StepKind::Test, test, TEST_MS))
                }
            };
            script.into_iter().collect()
        }
    };
    let fetches = told.files.values().filter(|_| !looks.is_empty()).map(|file| fetch_for(item, file, Then::GoOn));
    fetches.chain(looks.iter().cloned()).collect()
}

/// True if it depends on the versions that there are what is done or said.
fn may_be_installed(wanted: &Wanted) -> bool {
    let Wanted { deployment, because, .. } = wanted;
    let goes = *because == Because::Deployed && deployment.state == DesiredState::Absent;
    !goes && matches!(deployment.mode, Mode::Enforce | Mode::Audit)
}

/// True if the winning deployment makes an exception and nothing needs the item.
fn is_left_alone(wanted: &Wanted) -> bool {
    let ignored = wanted.deployment.mode == Mode::Ignore || wanted.deployment.state == DesiredState::Ignored;
    ignored && wanted.demands.is_empty()
}
