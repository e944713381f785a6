//! An item on a few computers, now: by the deployment that wins there or, where none does what is wanted, by one of its own.
//!
//! What wins is asked of the same resolution that sessions ask, so the answer is what the session then does.

mod place;

use std::collections::{BTreeMap, HashSet};

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use place::{FILE, Place, look};

use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::report::{Deployed, QuickDeploy};
use crate::domain::session::{Kind, Priority, RebootPolicy};
use crate::domain::submission::{Answer, ComputerRef, MadeSession, SubmissionTarget, SubmissionV1, Violation};
use crate::domain::{Role, SessionId};
use crate::store::Error;
use crate::store::fleet::NotApplied;

/// Computers that one call is for at most: for more, a deployment is written.
const MOST: usize = 100;

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
    let mut seen = HashSet::new();
    for (at, word) in wanted.computers.iter().enumerate() {
        let id = caller.computer(&word.to_string()).await?;
        // Named twice, by its id and by its name too, it is one computer all the same.
        if !seen.insert(id) {
            continue;
        }
        let looked = match api.store.computer(id).await? {
            Some(computer) => look(&narrow, &computer, &item, &wanted, at)?,
            None => Err(format!("The computer \"{word}\" is not in the fleet any more.")),
        };
        match looked {
            Ok(found) => places.push(found),
            Err(why) => violations.push(Violation::new(format!("/computers/{at}"), "not_deployed", why)),
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
        let order = SubmissionV1 {
            kind: Kind::Targeted,
            deployments: vec![name.to_owned()],
            reboot: wanted.reboot,
            priority: wanted.priority,
            reason: wanted.reason.clone(),
            ..SubmissionV1::new(SubmissionTarget::Computers(Vec::new()))
        };
        let (sessions, refused) = start(&api, &caller, &order, places).await?;
        made |= sessions.iter().any(|(.., already)| !already);
        done.refused.extend(refused);
        let deployment = policy.deployment(name);
        done.computers.extend(sessions.into_iter().map(|(place, session, already)| Deployed {
            computer: place.name.clone(),
            deployment: name.to_owned(),
            target: deployment.map(|it| it.target.to_string()).unwrap_or_default(),
            wants: deployment.map(|it| it.wants()).unwrap_or_default(),
            session,
            already,
        }));
    }
    if done.computers.is_empty() && done.created.is_empty() && done.changed.is_empty() {
        return Err(Problem::invalid(done.refused));
    }
    api.store.wake_scheduler();
    done.refused.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    done.computers.sort_by(|one, other| one.computer.cmp(&other.computer));
    Ok((if made { StatusCode::CREATED } else { StatusCode::OK }, Json(done)))
}

/// Asks for sessions of a deployment on these computers. What hinders one computer, such as that it was excluded a moment ago,
/// hinders none of the others.
async fn start<'p>(
    api: &Api,
    caller: &Caller,
    order: &SubmissionV1,
    mut places: Vec<&'p Place>,
) -> Result<(Vec<(&'p Place, SessionId, bool)>, Vec<Violation>), Error> {
    let mut refused = Vec::new();
    while !places.is_empty() {
        let computers = places.iter().map(|place| ComputerRef::Id(place.id)).collect();
        let submission = SubmissionV1 { target: SubmissionTarget::Computers(computers), ..order.clone() };
        let violations = match api.store.accept(&submission, &caller.submitter()).await? {
            Answer::Accepted { sessions, already, .. } => {
                let of = |made: MadeSession, already| {
                    let place = places.iter().find(|place| place.id == made.computer_id)?;
                    Some((*place, made.id, already))
                };
                let new = sessions.into_iter().filter_map(|made| of(made, false));
                let old = already.into_iter().filter_map(|made| of(made, true));
                return Ok((new.chain(old).collect(), refused));
            }
            Answer::Refused { violations } => violations,
        };
        // A violation is at a place of the submission's list; the caller wrote another list.
        let hindered = |at: usize| violations.iter().filter(move |it| it.pointer == format!("/target/computers/{at}"));
        let is_about_some = (0..places.len()).any(|at| hindered(at).next().is_some());
        let mut left = Vec::new();
        for (at, place) in places.into_iter().enumerate() {
            let told = |it: &Violation| Violation::new(place.pointer(), &it.code, it.message.clone());
            let before = refused.len();
            if is_about_some {
                refused.extend(hindered(at).map(told));
            } else {
                refused.extend(violations.iter().map(told));
            }
            if refused.len() == before {
                left.push(place);
            }
        }
        places = left;
    }
    Ok((Vec::new(), refused))
}

fn names(places: &[Place]) -> Vec<&str> {
    places.iter().filter(|place| place.document.is_some()).map(|place| place.deployment.as_str()).collect()
}

fn by_deployment(places: &[Place]) -> BTreeMap<&str, Vec<&Place>> {
    let mut by: BTreeMap<&str, Vec<&Place>> = BTreeMap::new();
    places.iter().for_each(|place| by.entry(&place.deployment).or_default().push(place));
    by
}
