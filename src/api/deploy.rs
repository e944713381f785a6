//! An item on a few computers, now: by the deployment that wins there or, where none does what is wanted, by one of its own.
//!
//! What wins is asked of the same resolution that sessions ask, so the answer is what the session then does.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::report::{Deployed, QuickDeploy};
use crate::domain::session::{Kind, Priority, RebootPolicy};
use crate::domain::submission::{Answer, ComputerRef, SubmissionTarget, SubmissionV1, Violation};
use crate::domain::{Computer, ComputerId, Deployment, DesiredState, Item, Mode, Policy, Role, Sha256Hash};
use crate::fleet::{self, Body as Thing};
use crate::resolve::{Scope, Subject, contest, is_for};
use crate::store::fleet::NotApplied;

/// Computers that one call is for at most: for more, a deployment is written.
const MOST: usize = 100;
/// The name that faults in what is wanted are told with.
const FILE: &str = "quick deployment";

/// What is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// The item, such as `software/editor`.
    item: String,
    /// The computers, by id or by name.
    computers: Vec<ComputerRef>,
    /// How a software should be, in the words of a fleet file; absent: as the deployment that wins wants it.
    state: Option<String>,
    /// The version for that.
    version: Option<String>,
    /// What the scripts are told.
    #[serde(default)]
    parameters: Map<String, Value>,
    /// Whether the computers may be restarted.
    #[serde(default = "never")]
    reboot: RebootPolicy,
    #[serde(default = "normal")]
    priority: Priority,
    /// Make deployments for these computers alone where none wins, or the one that wins wants it otherwise.
    #[serde(default)]
    create: bool,
    #[serde(default)]
    reason: String,
}

fn never() -> RebootPolicy {
    RebootPolicy::Never
}

fn normal() -> Priority {
    Priority::Normal
}

/// A computer, and what counts there.
struct Place {
    id: ComputerId,
    name: String,
    /// The deployment that the session names.
    deployment: String,
    /// The text of it, if it is to be made.
    document: Option<String>,
}

/// `POST /v1/deploy`
pub(super) async fn deploy(
    State(api): State<Api>,
    caller: Caller,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<QuickDeploy>), Problem> {
    caller.must_be(if wanted.create { Role::Admin } else { Role::Operator })?;
    if !(1..=MOST).contains(&wanted.computers.len()) {
        let detail = format!("Name 1 to {MOST} computers; for more, write a deployment in a fleet file.");
        return Err(Problem::bad_request(detail));
    }
    let policy = api.policies.now().await?;
    let item = caller.item(&wanted.item, &policy)?;
    let narrow = policy.only(|deployment| deployment.item == item);
    let mut places = Vec::new();
    let mut violations = Vec::new();
    for (place, word) in wanted.computers.iter().enumerate() {
        let id = caller.computer(&word.to_string()).await?;
        let Some(computer) = api.store.computer(id).await? else { continue };
        match look(&narrow, &computer, &item, &wanted)? {
            Ok(found) => places.push(found),
            Err(why) => violations.push(Violation::new(format!("/computers/{place}"), "not_deployed", why)),
        }
    }
    if !violations.is_empty() {
        return Err(Problem::invalid(violations));
    }
    let mut done = QuickDeploy::default();
    let text: Vec<&str> = places.iter().filter_map(|place| place.document.as_deref()).collect();
    if !text.is_empty() {
        let scope = json!({ "item": item, "deployments": names(&places), "state": wanted.state });
        caller.audit("deployment.quick", scope, &wanted.reason).await?;
        let file = (FILE.to_owned(), text.join("---\n"));
        let applied = match api.store.apply_files(&[file], false).await {
            Ok(applied) => applied,
            Err(NotApplied::Faulty(faults)) => return Err(Problem::faulty(faults)),
            Err(NotApplied::Store(error)) => return Err(error.into()),
        };
        (done.created, done.changed) = (applied.created, applied.changed);
    }
    let policy = api.policies.now().await?;
    let mut made = false;
    for (name, places) in by_deployment(&places) {
        let computers = places.iter().map(|place| ComputerRef::Id(place.id)).collect();
        let submission = SubmissionV1 {
            kind: Kind::Targeted,
            deployments: vec![name.to_owned()],
            reboot: wanted.reboot,
            priority: wanted.priority,
            reason: wanted.reason.clone(),
            ..SubmissionV1::new(SubmissionTarget::Computers(computers))
        };
        let (sessions, already) = match api.store.accept(&submission, &caller.submitter()).await? {
            Answer::Refused { violations } => return Err(Problem::invalid(violations)),
            Answer::Accepted { sessions, already, .. } => (sessions, already),
        };
        made |= !sessions.is_empty();
        let deployment = policy.deployment(name);
        for (session, already) in
            sessions.iter().map(|session| (session, false)).chain(already.iter().map(|session| (session, true)))
        {
            let place = places.iter().find(|place| place.id == session.computer_id);
            done.computers.push(Deployed {
                computer: place.map(|place| place.name.clone()).unwrap_or_default(),
                deployment: name.to_owned(),
                target: deployment.map(|it| it.target.to_string()).unwrap_or_default(),
                wants: deployment.map(|it| it.wants()).unwrap_or_default(),
                session: session.id,
                already,
            });
        }
    }
    api.store.wake_scheduler();
    done.computers.sort_by(|one, other| one.computer.cmp(&other.computer));
    Ok((if made { StatusCode::CREATED } else { StatusCode::OK }, Json(done)))
}

/// What counts on one computer, or why nothing can be done there, in sentences.
fn look(policy: &Policy, computer: &Computer, item: &Item, wanted: &Wanted) -> Result<Result<Place, String>, Problem> {
    let tenant = policy.lineage(computer.tenant).first().map(|tenant| tenant.name.clone()).unwrap_or_default();
    let name = format!("{tenant}/{}", computer.name);
    if computer.excluded {
        return Ok(Err(format!("{name} is excluded from maintenance in the fleet files.")));
    }
    if is_for(policy, item, computer.os) == Some(false) {
        return Ok(Err(format!("{item} is not for {}, which {name} has.", computer.os)));
    }
    let contest = contest(policy, &Subject::new(policy, computer), &Scope::Full);
    let winner = contest.winners.into_iter().find(|won| won.item == *item).map(|won| won.deployment);
    let own = own(&tenant, computer, item, wanted);
    let desired = desired(&own.1)?;
    let says_how = wanted.state.is_some() || wanted.version.is_some() || !wanted.parameters.is_empty();
    let place = |deployment: &str, document| Place {
        id: computer.id,
        name: name.clone(),
        deployment: deployment.to_owned(),
        document,
    };
    let why = match &winner {
        Some(winner) if leaves_alone(winner) => {
            format!("On {name} the deployment {} wins, and it leaves {item} alone.", winner.name)
        }
        Some(winner) if !says_how || (winner.state == desired && wanted.parameters.is_empty()) => {
            return Ok(Ok(place(&winner.name, None)));
        }
        Some(winner) => {
            format!("On {name} the deployment {} wins, and it wants {item} otherwise: {}.", winner.name, winner.wants())
        }
        None => format!("No deployment gives {name} the item {item}."),
    };
    if wanted.create {
        return Ok(Ok(place(&own.0, Some(own.1))));
    }
    let help = match winner {
        Some(_) if says_how => {
            "Do not say how it should be, to have it as that one wants it; or have a deployment made"
        }
        Some(_) | None => "Have a deployment made",
    };
    Ok(Err(format!("{why} {help} for this computer alone: create, or --create.")))
}

fn leaves_alone(deployment: &Deployment) -> bool {
    deployment.mode == Mode::Ignore || deployment.state == DesiredState::Ignored
}

/// The name and the document of a deployment for this item on this computer alone. Wanted again, it has the same name.
fn own(tenant: &str, computer: &Computer, item: &Item, wanted: &Wanted) -> (String, String) {
    // Names may contain what would part them: only the hash tells two computers' deployments apart.
    let hash = Sha256Hash::of(format!("{item}\n{tenant}\n{}", computer.name).as_bytes()).to_string();
    let whole = format!("quick-{}-{}-{}", item.name, computer.name, &hash[..16]);
    let is_name = whole.len() <= 100 && !item.name.contains('/');
    let name = if is_name { whole } else { format!("quick-{}", &hash[..32]) };
    let mut text = format!("kind: deployment\nname: {}\n", json!(name));
    text.push_str(&format!("{}: {}\n", item.kind, json!(item.name)));
    text.push_str(&format!("target: {}\n", json!({ "computer": computer.name, "tenant": tenant })));
    text.push_str("enforcement: adhoc\n");
    for (key, value) in [("state", &wanted.state), ("version", &wanted.version)] {
        text.extend(value.as_ref().map(|value| format!("{key}: {}\n", json!(value))));
    }
    if !wanted.parameters.is_empty() {
        text.push_str(&format!("parameters: {}\n", Value::Object(wanted.parameters.clone())));
    }
    (name, text)
}

/// How a document wants its item.
fn desired(document: &str) -> Result<DesiredState, Problem> {
    let fleet = fleet::read([(FILE, document)]).map_err(Problem::faulty)?;
    let state = fleet.documents.into_iter().find_map(|document| match document.body {
        Thing::Deployment(deployment) => Some(deployment.state),
        _ => None,
    });
    state.ok_or_else(|| Problem::bad_request("What is wanted cannot be read."))
}

fn names(places: &[Place]) -> Vec<&str> {
    places.iter().filter(|place| place.document.is_some()).map(|place| place.deployment.as_str()).collect()
}

fn by_deployment(places: &[Place]) -> BTreeMap<&str, Vec<&Place>> {
    let mut by: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
    places.iter().for_each(|place| by.entry(&place.deployment).or_default().push(place));
    by
}
