//! What scripts are told: each declared parameter as `PARAM_NAME`.

use std::collections::BTreeMap;

use crate::domain::parameter::variable;
use crate::domain::{ActionResult, Item, ItemKind, Override, Parameter, ParameterValue, Policy, Told, given};
use crate::resolve::Wanted;

/// Why the scripts of an item cannot be told what they are to be told.
#[derive(Debug, PartialEq)]
pub(super) struct Untold {
    /// What that means for the item: it fails, or waits for a session that gives what is missing.
    pub result: ActionResult,
    /// Why, in a sentence.
    pub message: String,
}

/// The environment of an item's scripts: what the session gives, else what the deployment gives, else the default. What
/// the item does not declare it is not told.
///
/// # Errors
/// The first parameter that has no value or, since the session was submitted or the deployment applied, may not have
/// this one.
pub(super) fn env(policy: &Policy, wanted: &Wanted) -> Result<Told, Untold> {
    let none = BTreeMap::new();
    let Wanted { item, deployment, given, .. } = wanted;
    let declared = match item.kind {
        ItemKind::Software => policy.software(&item.name).map_or(&none, |software| &software.parameters),
        ItemKind::Task => policy.task(&item.name).map_or(&none, |task| &task.parameters),
    };
    refuse(item, declared, given)?;
    let mut told = Told::default();
    for (name, parameter) in declared {
        match (given.get(name).or_else(|| deployment.parameters.get(name)), &parameter.default) {
            (Some(ParameterValue::Secret { secret }), _) => {
                told.secrets.insert(variable(name), *secret);
            }
            // In plans and runs it could be read.
            (Some(ParameterValue::Plain(_)), _) if parameter.is_secret() => return Err(unusable(name)),
            (Some(ParameterValue::Plain(value)), _) | (None, Some(value)) => {
                told.env.extend(parameter.variables(name, value));
                told.files.extend(parameter.file(value).map(|file| (variable(name), file)));
            }
            (None, None) if parameter.optional => {}
            (None, None) if parameter.overriding == Override::Required => {
                let message = format!(
                    "Its parameter \"{name}\" is for each session to give, and this one gives none: \
                     --set {item}.{name}=VALUE."
                );
                return Err(Untold { result: ActionResult::Skipped, message });
            }
            (None, None) => return Err(unusable(name)),
        }
    }
    Ok(told)
}

/// What a session gives was right when it was submitted; the policy may have changed since.
fn refuse(
    item: &Item,
    declared: &BTreeMap<String, Parameter>,
    given: &BTreeMap<String, ParameterValue>,
) -> Result<(), Untold> {
    for (name, value) in given {
        let objection = match declared.get(name) {
            Some(parameter) => given::objection(item, name, parameter, value).map(|(_, message)| message),
            None => Some(format!("{item} has no parameter \"{name}\" any more, which the session gives.")),
        };
        if let Some(message) = objection {
            return Err(Untold { result: ActionResult::Failed, message });
        }
    }
    Ok(())
}

fn unusable(name: &str) -> Untold {
    let message = format!(
        "Its parameter \"{name}\" has no default, and its deployment gives no value that can be used: apply it again."
    );
    Untold { result: ActionResult::Failed, message }
}
