//! Fleet files: checked and applied whole, or not at all.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::json;

use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::Role;
use crate::fleet::StoredFile;
use crate::store::fleet::{Applied, Attachments, NotApplied};

/// Fleet files.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    files: Vec<File>,
    /// The files that they name, such as the texts of scripts, under the paths that follow from theirs.
    #[serde(default)]
    attached: Vec<File>,
    /// What files for computers are that they name; they must be stored.
    #[serde(default)]
    stored: Vec<StoredFile>,
    /// Only say what would change.
    #[serde(default)]
    dry_run: bool,
    #[serde(default)]
    reason: String,
}

/// A fleet file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// Its name, for messages.
    pub(super) name: String,
    /// What it says.
    pub(super) text: String,
}

/// Files as name and text.
pub(super) fn texts(files: Vec<File>) -> Vec<(String, String)> {
    files.into_iter().map(|file| (file.name, file.text)).collect()
}

/// `POST /v1/apply`
pub(super) async fn apply(
    State(api): State<Api>,
    caller: Caller,
    Body(wanted): Body<Files>,
) -> Result<Json<Applied>, Problem> {
    caller.must_be(Role::Admin)?;
    caller.must_see_all()?;
    let names: Vec<&str> = wanted.files.iter().take(20).map(|file| file.name.as_str()).collect();
    if !wanted.dry_run {
        caller.audit("fleet.apply", json!({ "files": names, "of": wanted.files.len() }), &wanted.reason).await?;
    }
    let attached = Attachments { texts: texts(wanted.attached), stored: wanted.stored };
    match api.store.apply_with(&texts(wanted.files), &attached, wanted.dry_run).await {
        Ok(applied) => Ok(Json(applied)),
        Err(NotApplied::Faulty(faults)) => Err(Problem::faulty(faults)),
        Err(NotApplied::Store(error)) => Err(error.into()),
    }
}
