//! What scripts are told: each declared parameter as `PARAM_NAME`.

use std::collections::BTreeMap;

use crate::domain::{Deployment, Item, ItemKind, Parameter, Policy};

/// The environment of an item's scripts: what the deployment gives, or the default. What the item does not declare it
/// is not told.
///
/// # Errors
/// The first parameter that has no value.
pub(super) fn env(policy: &Policy, item: &Item, deployment: &Deployment) -> Result<BTreeMap<String, String>, String> {
    let none = BTreeMap::new();
    let declared = match item.kind {
        ItemKind::Software => policy.software(&item.name).map_or(&none, |software| &software.parameters),
        ItemKind::Task => policy.task(&item.name).map_or(&none, |task| &task.parameters),
    };
    declared
        .iter()
        .map(|(name, parameter): (&String, &Parameter)| {
            let value = deployment.parameters.get(name).or(parameter.default.as_ref()).ok_or_else(|| name.clone())?;
            Ok((format!("PARAM_{}", name.to_uppercase()), value.clone()))
        })
        .collect()
}
