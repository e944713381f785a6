//! A deployment as a fleet file has it: to be shown, to start from, and to be applied like any other.

use serde_json::{Map, Value, json};

use crate::domain::{Deployment, DesiredState, Enforcement, ItemKind, Mode, ParameterValue, Target};

/// The document of a deployment, a line for each key. Secrets are left out: nobody reads them back.
pub fn document(deployment: &Deployment) -> String {
    let mut text = String::from("kind: deployment\n");
    for (key, value) in fields(deployment) {
        // JSON is YAML, and a line of it is read by people too.
        text.push_str(&format!("{key}: {value}\n"));
    }
    text
}

fn fields(deployment: &Deployment) -> Vec<(&'static str, Value)> {
    let mut fields =
        vec![("name", json!(deployment.name)), (deployment.item.kind.as_str(), json!(deployment.item.name))];
    fields.push(("target", target(&deployment.target)));
    if !deployment.exclude.is_empty() {
        fields.push(("exclude", deployment.exclude.iter().map(target).collect()));
    }
    let filter = &deployment.filter;
    if !filter.is_everything() {
        let mut narrows = Map::new();
        let parts = [("os", json!(filter.os)), ("arch", json!(filter.arch)), ("device", json!(filter.devices))];
        let said = parts.into_iter().filter(|(_, value)| value.as_array().is_some_and(|all| !all.is_empty()));
        narrows.extend(said.map(|(name, value)| (name.to_owned(), value)));
        fields.push(("filter", Value::Object(narrows)));
    }
    if deployment.item.kind == ItemKind::Software {
        fields.extend(state(&deployment.state));
    }
    if deployment.mode != Mode::Enforce {
        fields.push(("mode", json!(deployment.mode)));
    }
    if deployment.enforcement != Enforcement::Required {
        fields.push(("enforcement", json!(deployment.enforcement)));
    }
    if deployment.priority != 0 {
        fields.push(("priority", json!(deployment.priority)));
    }
    let plain = deployment.parameters.iter().filter_map(|(name, value)| match value {
        ParameterValue::Plain(text) => Some((name.clone(), Value::from(text.clone()))),
        ParameterValue::Secret { .. } => None,
    });
    let plain: Map<String, Value> = plain.collect();
    if !plain.is_empty() {
        fields.push(("parameters", Value::Object(plain)));
    }
    if deployment.retries != 1 {
        fields.push(("retries", json!(deployment.retries)));
    }
    if deployment.disabled {
        fields.push(("disabled", json!(true)));
    }
    if deployment.recommended {
        fields.push(("recommended", json!(true)));
    }
    fields
}

fn state(state: &DesiredState) -> Vec<(&'static str, Value)> {
    let plain = |word: &str| vec![("state", json!(word))];
    let with = |word: &str, version: &String| vec![("state", json!(word)), ("version", json!(version))];
    match state {
        DesiredState::Any => plain("any"),
        DesiredState::Latest => plain("latest"),
        DesiredState::UpdateIfFound => plain("update_if_found"),
        DesiredState::Absent => plain("absent"),
        DesiredState::Ignored => plain("ignored"),
        DesiredState::ThisVersion(version) => with("this_version", version),
        DesiredState::NewerOrEqual(version) => with("newer_or_equal", version),
        DesiredState::OlderOrEqual(version) => with("older_or_equal", version),
    }
}

fn target(target: &Target) -> Value {
    let within = |mut value: Value, tenant: &Option<String>| {
        if let (Some(fields), Some(tenant)) = (value.as_object_mut(), tenant) {
            fields.insert("tenant".to_owned(), json!(tenant));
        }
        value
    };
    match target {
        Target::Everyone => json!("everyone"),
        Target::Tenant { name, propagate: false } => json!({ "tenant": name }),
        Target::Tenant { name, propagate: true } => json!({ "tenant": name, "propagate": true }),
        Target::Tag { name, tenant, on: None } => within(json!({ "tag": name }), tenant),
        Target::Tag { name, tenant, on: Some(bearer) } => within(json!({ "tag": name, "on": bearer }), tenant),
        Target::Group { name, tenant } => within(json!({ "group": name }), tenant),
        Target::Person { tenant, name } => json!({ "person": name, "tenant": tenant }),
        Target::Computer { tenant, name } => json!({ "computer": name, "tenant": tenant }),
    }
}
