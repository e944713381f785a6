//! `--set` and `--set-secret`: what sessions give parameters.

use std::collections::BTreeMap;
use std::fmt;

use crate::cli::Failure;
use crate::domain::SecretId;
use crate::domain::parameter::ParameterValue;

/// One parameter of one item, and its value.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Assignment {
    item: String,
    parameter: String,
    value: ParameterValue,
}

/// What should give a parameter a value does not. Says nothing of the value: it may be a secret.
#[derive(Debug, PartialEq)]
pub(super) struct Unclear(&'static str);

impl fmt::Display for Unclear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unclear {}

/// Reads `ITEM.PARAMETER=VALUE`.
pub(super) fn assignment(text: &str) -> Result<Assignment, Unclear> {
    let unclear = || Unclear("it is written ITEM.PARAMETER=VALUE, such as task/time-server.server=ntp.example.com");
    let (place, value) = text.split_once('=').ok_or_else(unclear)?;
    // Items may have a dot in their names, and parameters may not.
    let (item, parameter) = place.rsplit_once('.').ok_or_else(unclear)?;
    if item.is_empty() || parameter.is_empty() {
        return Err(unclear());
    }
    let value = ParameterValue::Plain(value.to_owned());
    Ok(Assignment { item: item.to_owned(), parameter: parameter.to_owned(), value })
}

/// Reads `ITEM.PARAMETER=ID`.
pub(super) fn secret(text: &str) -> Result<Assignment, Unclear> {
    let given = assignment(text)?;
    let id = text.split_once('=').and_then(|(_, id)| id.parse().ok());
    let id = id.ok_or(Unclear("what follows \"=\" is no id; pitcrew secret store answers the id of a secret"))?;
    Ok(Assignment { value: ParameterValue::Secret { secret: SecretId(id) }, ..given })
}

/// All of them, as a submission has them.
///
/// # Errors
/// A parameter is given twice.
pub(super) fn together<'a>(
    given: impl Iterator<Item = &'a Assignment>,
) -> Result<BTreeMap<String, BTreeMap<String, ParameterValue>>, Failure> {
    let mut all: BTreeMap<String, BTreeMap<String, ParameterValue>> = BTreeMap::new();
    for Assignment { item, parameter, value } in given {
        if all.entry(item.clone()).or_default().insert(parameter.clone(), value.clone()).is_some() {
            return Err(Failure::BadInput(format!("{item}.{parameter} is given twice.")));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_set_is_read_from_its_ends() {
        let plain = |item: &str, parameter: &str, value: &str| {
            let value = ParameterValue::Plain(value.to_owned());
            Ok(Assignment { item: item.to_owned(), parameter: parameter.to_owned(), value })
        };
        assert_eq!(assignment("task/clock.server=a.b=c"), plain("task/clock", "server", "a.b=c"));
        assert_eq!(assignment("software/tool-1.2.site="), plain("software/tool-1.2", "site", ""));
        for wrong in ["", "clock", "clock.server", "clock=a", ".server=a", "clock.=a"] {
            assert!(assignment(wrong).is_err(), "{wrong}");
        }
        assert!(secret("clock.token=hunter2").is_err_and(|error| !error.to_string().contains("hunter2")));
        assert!(secret("clock.token=6f1f0a52-6c1c-4f57-8f53-0f6c1d3d2d11").is_ok());
    }
}
