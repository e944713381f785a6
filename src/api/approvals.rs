//! Decisions about optional deployments, computer by computer.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};

use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::query::Named;
use super::router::Api;
use crate::domain::{Approval, ComputerId, Role};
use crate::store::approvals::{Decided, Decision};

/// What is decided.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    deployment: String,
    decision: Decision,
    #[serde(default)]
    reason: String,
}

/// What is decided now.
#[derive(Debug, Serialize)]
pub(super) struct Shown {
    computer: ComputerId,
    deployment: String,
    /// None: nothing is.
    approval: Option<Approval>,
}

/// `POST /v1/computers/{id}/approvals`: an optional deployment is approved or denied for the computer, or that is taken
/// back. It counts from the next stage of a session on.
pub(super) async fn decide(
    State(api): State<Api>,
    caller: Caller,
    Named(word): Named<String>,
    Body(wanted): Body<Wanted>,
) -> Result<Json<Shown>, Problem> {
    caller.must_be(Role::Operator)?;
    let computer = caller.computer(&word).await?;
    let Wanted { deployment, decision, reason } = wanted;
    match api.store.decide_optional(computer, &deployment, decision, caller.name(), &reason).await? {
        Decided::Done(approval) => Ok(Json(Shown { computer, deployment, approval })),
        Decided::NoSuchDeployment(optional) => {
            Err(caller.unknown("optional deployment", &deployment, optional.iter().map(String::as_str)))
        }
        Decided::NotOptional(enforcement) => Err(Problem::conflict(format!(
            "The deployment \"{deployment}\" is {enforcement}, and only optional ones are decided about computer by computer. \
             Write enforcement: optional in its fleet file, or exclude the computer there."
        ))),
    }
}
