//! `kind: deployment`.

use std::collections::BTreeMap;

use crate::domain::words::words;
use crate::domain::{
    Deployment, DeploymentId, DesiredState, DeviceFilter, Enforcement, ItemKind, Mode, ParameterValue,
};
use crate::fleet::faults::Fault;
use crate::fleet::reader::{Fields, Reader};
use crate::fleet::yaml::Node;

use super::script;
use super::software::item;
use super::target;

words! {
    /// The words for desired states.
    StateWord {
        /// See [`DesiredState::Any`].
        Any = "any",
        /// See [`DesiredState::ThisVersion`].
        ThisVersion = "this_version",
        /// See [`DesiredState::Latest`].
        Latest = "latest",
        /// See [`DesiredState::NewerOrEqual`].
        NewerOrEqual = "newer_or_equal",
        /// See [`DesiredState::OlderOrEqual`].
        OlderOrEqual = "older_or_equal",
        /// See [`DesiredState::UpdateIfFound`].
        UpdateIfFound = "update_if_found",
        /// See [`DesiredState::Absent`].
        Absent = "absent",
        /// See [`DesiredState::Ignored`].
        Ignored = "ignored",
    }
}

pub(super) fn read(reader: &Reader, fields: Fields<'_>) -> Option<Deployment> {
    let name = fields.need("name").and_then(|node| reader.name(node));
    let item = item(reader, &fields, fields.node());
    let target = fields.need("target").and_then(|node| target::target(reader, node, "target"));
    let exclude = target::exclude(reader, &fields);
    let filter = fields.get("filter").map_or(Some(DeviceFilter::default()), |node| target::filter(reader, node));
    let mode = fields.get("mode").and_then(|node| reader.word(node)).unwrap_or(Mode::Enforce);
    let is_task = item.as_ref().is_some_and(|item| item.kind == ItemKind::Task);
    let state = if is_task { Some(DesiredState::Any) } else { state(reader, &fields, mode) };
    if is_task {
        refuse_state(reader, &fields);
    }
    let enforcement = fields.get("enforcement").and_then(|node| reader.word(node)).unwrap_or(Enforcement::Required);
    let priority = fields.get("priority").and_then(|node| reader.number(node, -1000, 1000)).unwrap_or(0);
    let parameters = parameters(reader, &fields);
    let retries = fields.get("retries").and_then(|node| reader.number(node, 0, 20)).unwrap_or(1);
    let disabled = fields.get("disabled").and_then(|node| reader.boolean(node)).unwrap_or(false);
    let recommended = fields.get("recommended").and_then(|node| reader.boolean(node)).unwrap_or(false);
    fields.finish();
    Some(Deployment {
        id: DeploymentId(0),
        name: name?,
        item: item?,
        target: target?,
        filter: filter?,
        exclude,
        state: state?,
        mode,
        enforcement,
        priority,
        parameters,
        retries,
        disabled,
        recommended,
        decision: None,
    })
}

/// `state:` and `version:`. A version alone means exactly that; neither means the newest, or whatever there is where
/// nothing is enforced.
fn state(reader: &Reader, fields: &Fields<'_>, mode: Mode) -> Option<DesiredState> {
    let version = fields.get("version").map(|node| (node, reader.version(node)));
    let Some(node) = fields.get("state") else {
        return match (version, mode) {
            (Some((_, version)), _) => version.map(DesiredState::ThisVersion),
            (None, Mode::Enforce | Mode::Audit) => Some(DesiredState::Latest),
            (None, Mode::Monitor | Mode::Ignore) => Some(DesiredState::Any),
        };
    };
    let word: StateWord = reader.word(node)?;
    let plain = |state: DesiredState| {
        if let Some((node, _)) = &version {
            let fault = Fault::new(&node.place, format!("The state \"{word}\" takes no version."));
            reader.fault(fault.help("Write state: this_version, newer_or_equal or older_or_equal."));
        }
        Some(state)
    };
    let pinned = |state: fn(String) -> DesiredState| match &version {
        Some((_, version)) => version.clone().map(state),
        None => {
            reader.fault(Fault::new(&node.place, format!("The state \"{word}\" needs a \"version\".")));
            None
        }
    };
    match word {
        StateWord::Any => plain(DesiredState::Any),
        StateWord::Latest => plain(DesiredState::Latest),
        StateWord::UpdateIfFound => plain(DesiredState::UpdateIfFound),
        StateWord::Absent => plain(DesiredState::Absent),
        StateWord::Ignored => plain(DesiredState::Ignored),
        StateWord::ThisVersion => pinned(DesiredState::ThisVersion),
        StateWord::NewerOrEqual => pinned(DesiredState::NewerOrEqual),
        StateWord::OlderOrEqual => pinned(DesiredState::OlderOrEqual),
    }
}

/// A task has no versions; what is done about it is its mode.
fn refuse_state(reader: &Reader, fields: &Fields<'_>) {
    for key in ["state", "version"] {
        if let Some(node) = fields.get(key) {
            let fault = Fault::new(&node.place, format!("A task is satisfied or not, so it has no \"{key}\"."));
            reader.fault(fault.help("For an exception, write mode: ignore."));
        }
    }
}

fn parameters(reader: &Reader, fields: &Fields<'_>) -> BTreeMap<String, ParameterValue> {
    let Some(node) = fields.get("parameters") else { return BTreeMap::new() };
    let Some(entries) = reader.fields(node, "Parameters", "parameters.") else { return BTreeMap::new() };
    let value = |(name, _, value): (&str, &Node, &Node)| {
        Some((name.to_owned(), ParameterValue::Plain(script::value_text(reader, value)?)))
    };
    entries.keys().filter_map(value).collect()
}
