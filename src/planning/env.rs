//! What scripts are told: each declared parameter as `PARAM_NAME`.

use std::collections::BTreeMap;

use crate::domain::parameter::variable;
use crate::domain::{Deployment, Item, ItemKind, ParameterValue, Policy, Told};

/// The environment of an item's scripts: what the deployment gives, or the default. What the item does not declare it
/// is not told.
///
/// # Errors
/// The first parameter that has no value, or whose value is a secret that was applied before it was one.
pub(super) fn env(policy: &Policy, item: &Item, deployment: &Deployment) -> Result<Told, String> {
    let none = BTreeMap::new();
    let declared = match item.kind {
        ItemKind::Software => policy.software(&item.name).map_or(&none, |software| &software.parameters),
        ItemKind::Task => policy.task(&item.name).map_or(&none, |task| &task.parameters),
    };
    let mut told = Told::default();
    for (name, parameter) in declared {
        match (deployment.parameters.get(name), &parameter.default) {
            (Some(ParameterValue::Secret { secret }), _) => {
                told.secrets.insert(variable(name), *secret);
            }
            // In plans and runs it could be read.
            (Some(ParameterValue::Plain(_)), _) if parameter.is_secret() => return Err(name.clone()),
            (Some(ParameterValue::Plain(value)), _) | (None, Some(value)) => {
                told.env.extend(parameter.variables(name, value));
                told.files.extend(parameter.file(value).map(|file| (variable(name), file)));
            }
            (None, None) if parameter.optional => {}
            (None, None) => return Err(name.clone()),
        }
    }
    Ok(told)
}
