//! Deployments: listing them, showing one as a fleet file has it, and what is recommended: adopting, dismissing, overriding.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::caller::Caller;
use super::explain::item;
use super::problem::Problem;
use super::query::{Named, Whole, Words};
use super::router::Api;
use crate::domain::report::DeploymentLine;
use crate::domain::{Decision, Deployment, Parameter, ParameterValue, Policy, Role};
use crate::fleet;
use crate::store::decisions::{Settled, Verdict};
use crate::store::fleet::{Applied, NotApplied};

/// `GET /v1/deployments`: all, those of an item, or those that others recommend.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Whole<DeploymentLine>>, Problem> {
    words.only(&["item", "recommended", "undecided"])?;
    caller.must_see_all()?;
    let policy = api.policies.now().await?;
    let item = item(&caller, &words, &policy)?;
    let (recommended, undecided) = (words.one::<bool>("recommended")?, words.one::<bool>("undecided")?);
    let open = |one: &Deployment| one.recommended && one.decision.is_none();
    let mut items: Vec<DeploymentLine> = policy
        .deployments()
        .iter()
        .filter(|one| item.as_ref().is_none_or(|item| one.item == *item))
        .filter(|one| recommended.is_none_or(|recommended| one.recommended == recommended))
        .filter(|one| undecided.is_none_or(|undecided| open(one) == undecided))
        .map(|one| DeploymentLine::of(one))
        .collect();
    items.sort_by(|one, other| (&one.item, &one.name).cmp(&(&other.item, &other.name)));
    Ok(Json(Whole { items }))
}

/// `GET /v1/deployments/{name}`: with its document.
pub(super) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
) -> Result<Json<DeploymentLine>, Problem> {
    caller.must_see_all()?;
    let policy = api.policies.now().await?;
    let deployment = caller.deployment(&name, &policy)?;
    let document = Some(fleet::document(deployment));
    Ok(Json(DeploymentLine { document, ..DeploymentLine::of(deployment) }))
}

/// What is decided about a recommended deployment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    verdict: Verdict,
    #[serde(default)]
    reason: String,
}

/// `POST /v1/deployments/{name}/verdict`: a recommended deployment is adopted or dismissed for the whole installation, or
/// that is taken back.
pub(super) async fn settle(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<DeploymentLine>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    match api.store.settle_recommended(&name, wanted.verdict, caller.name(), &wanted.reason).await? {
        Settled::Done(deployment) => Ok(Json(DeploymentLine::of(&deployment))),
        Settled::NoSuchDeployment => {
            let policy = api.policies.now().await?;
            let recommended = policy.deployments().iter().filter(|one| one.recommended).map(|one| one.name.as_str());
            Err(caller.unknown("recommended deployment", &name, recommended))
        }
        Settled::NotRecommended => Err(Problem::conflict(format!(
            "The deployment \"{name}\" is your own, and only those with recommended: true are adopted or dismissed. \
             Write disabled: true in its fleet file to keep it out of full sessions."
        ))),
    }
}

/// What is to be otherwise in one's own deployment.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Override {
    /// The name of one's own.
    name: String,
    /// The parts of its document that differ, as a fleet file has them; null takes one out. Of the parameters only those
    /// that differ; the others are those of the recommended one, its secrets too.
    #[serde(default)]
    with: Map<String, Value>,
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    reason: String,
}

/// `POST /v1/deployments/{name}/override`: makes a deployment of one's own of a recommended one. It is for the same
/// computers and comes before it, whether that was adopted or not.
pub(super) async fn replace(
    State(api): State<Api>,
    caller: Caller,
    Named(name): Named<String>,
    Body(wanted): Body<Override>,
) -> Result<Json<Applied>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    let policy = api.policies.now().await?;
    let found = caller.deployment(&name, &policy)?;
    if !found.recommended {
        let detail = format!("The deployment \"{name}\" is your own: change it in its fleet file.");
        return Err(Problem::conflict(detail));
    }
    if policy.deployment(&wanted.name).is_some_and(|other| other.recommended) {
        let detail = format!("The deployment \"{}\" is a recommended one: choose another name.", wanted.name);
        return Err(Problem::conflict(detail));
    }
    let own =
        Deployment { name: wanted.name.clone(), recommended: false, decision: None::<Decision>, ..(**found).clone() };
    let mut with = wanted.with.clone();
    let given = with.remove("parameters").unwrap_or_else(|| json!({}));
    if !wanted.dry_run {
        // The audit is kept for good, and a value may be a secret's.
        let scope = json!({ "deployment": name, "by": wanted.name, "with": set(&wanted.with) });
        caller.audit("deployment.override", scope, &wanted.reason).await?;
    }
    let parameters = match given {
        Value::Object(given) => parameters(&api, &policy, found, given).await?,
        // Null takes all of them out, and whatever else is no fleet file.
        other => other,
    };
    with.insert("parameters".to_owned(), parameters);
    let file = (format!("override of {name}"), changed(&fleet::document(&own), &with));
    match api.store.apply_files(&[file], wanted.dry_run).await {
        Ok(applied) => Ok(Json(applied)),
        Err(NotApplied::Faulty(faults)) => Err(Problem::faulty(faults)),
        Err(NotApplied::Store(error)) => Err(error.into()),
    }
}

/// What is set, without its values: `mode`, `parameters.token`.
fn set(with: &Map<String, Value>) -> Vec<String> {
    let names = |(key, value): (&String, &Value)| match value.as_object() {
        Some(within) if key == "parameters" => within.keys().map(|name| format!("{key}.{name}")).collect(),
        Some(_) | None => vec![key.clone()],
    };
    with.iter().flat_map(names).collect()
}

/// What the recommended deployment gives, with other values for some parameters; null takes one out. Secrets are opened only
/// to be stored again as those of one's own: whatever becomes of the recommended one, they stay.
async fn parameters(
    api: &Api,
    policy: &Policy,
    found: &Deployment,
    given: Map<String, Value>,
) -> Result<Value, Problem> {
    let is_secret = |name: &str| {
        let software = policy.software_of(&found.item);
        let task = software.and_then(|software| policy.task(software.configuration.as_ref()?));
        let task = task.or_else(|| policy.task_of(&found.item));
        let declared = [software.map(|it| &it.parameters), task.map(|it| &it.parameters)];
        declared.into_iter().flatten().filter_map(|all| all.get(name)).any(Parameter::is_secret)
    };
    let mut whole = Map::new();
    let mut sealed = BTreeMap::new();
    for (name, value) in found.parameters.iter().filter(|(name, _)| !given.contains_key(*name)) {
        match value {
            ParameterValue::Plain(text) => _ = whole.insert(name.clone(), Value::from(text.clone())),
            // What is declared as a secret no more would become readable.
            ParameterValue::Secret { secret } if is_secret(name) => _ = sealed.insert(name.clone(), *secret),
            ParameterValue::Secret { .. } => {}
        }
    }
    let opened = api.store.secrets(&sealed.values().copied().collect()).await?;
    whole.extend(sealed.into_iter().filter_map(|(name, id)| Some((name, Value::from(opened.get(&id)?.clone())))));
    whole.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
    Ok(if whole.is_empty() { Value::Null } else { Value::Object(whole) })
}

/// A document, which has a line for each key, with other values for some keys.
fn changed(document: &str, with: &Map<String, Value>) -> String {
    let key = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
    let kept = document.lines().filter(|line| !with.contains_key(&key(line))).map(str::to_owned);
    let new = with.iter().filter(|(_, value)| !value.is_null()).map(|(key, value)| format!("{key}: {value}"));
    kept.chain(new).map(|line| line + "\n").collect()
}
