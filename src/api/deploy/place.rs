//! What counts on one computer for an item that is wanted there now. Asks the resolution, and decides nothing else.

use serde_json::{Value, json};

use super::{Problem, Wanted};
use crate::domain::{Computer, ComputerId, Deployment, DesiredState, Item, ItemKind, Mode, Policy, Sha256Hash};
use crate::fleet::{self, Body as Thing};
use crate::resolve::{Scope, Subject, contest, is_for};

/// The name that faults in what is wanted are told with.
pub(super) const FILE: &str = "quick deployment";

/// A computer, and what counts there.
pub(super) struct Place {
    pub(super) id: ComputerId,
    /// Its place among those that the caller named.
    at: usize,
    pub(super) name: String,
    /// The deployment that the session names.
    pub(super) deployment: String,
    /// The text of it, if it is to be made.
    pub(super) document: Option<String>,
}

impl Place {
    /// Where the caller named it, as a JSON pointer.
    pub(super) fn pointer(&self) -> String {
        format!("/computers/{}", self.at)
    }
}

/// What counts on one computer, or why nothing can be done there, in sentences.
pub(super) fn look(
    policy: &Policy,
    computer: &Computer,
    item: &Item,
    wanted: &Wanted,
    at: usize,
) -> Result<Result<Place, String>, Problem> {
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
        at,
        name: name.clone(),
        deployment: deployment.to_owned(),
        document,
    };
    let (why, help) = match &winner {
        Some(winner) if leaves_alone(winner) => {
            (format!("On {name} the deployment {} wins, and it leaves {item} alone.", winner.name), MAKE)
        }
        Some(winner) if winner.mode != Mode::Enforce => {
            let wants = winner.wants();
            (format!("On {name} the deployment {} wins, and it only looks at {item}: {wants}.", winner.name), MAKE)
        }
        // Who does not say how it should be wants to have it.
        Some(winner) if winner.state == DesiredState::Absent && !says_how => {
            (format!("On {name} the deployment {} wins, and it wants {item} absent.", winner.name), REMOVE)
        }
        Some(winner) if !says_how || (winner.state == desired && wanted.parameters.is_empty()) => {
            return Ok(Ok(place(&winner.name, None)));
        }
        Some(winner) => {
            let wants = winner.wants();
            let why = format!("On {name} the deployment {} wins, and it wants {item} otherwise: {wants}.", winner.name);
            (why, if winner.state == DesiredState::Absent { MAKE } else { AS_IT_WANTS })
        }
        None => (format!("No deployment gives {name} the item {item}."), MAKE),
    };
    if wanted.create {
        return Ok(Ok(place(&own.0, Some(own.1))));
    }
    Ok(Err(format!("{why} {help} for this computer alone: create, or --create.")))
}

/// What helps, as the beginning of a sentence.
const MAKE: &str = "Have a deployment made";
const AS_IT_WANTS: &str = "Do not say how it should be, to have it as that one wants it; or have a deployment made";
const REMOVE: &str = "To have it removed, say so: state absent, or --desired absent. Or have a deployment made";

/// Whether it does nothing in any session. Of a task, `absent` means that too.
fn leaves_alone(deployment: &Deployment) -> bool {
    let is_absent = deployment.state == DesiredState::Absent && deployment.item.kind == ItemKind::Task;
    deployment.mode == Mode::Ignore || deployment.state == DesiredState::Ignored || is_absent
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
