//! What sessions of the whole fleet would do, reckoned from what is stored.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;

use super::apply::{File, texts};
use super::body::Body;
use super::caller::Caller;
use super::problem::Problem;
use super::router::Api;
use crate::domain::Role;
use crate::domain::report::Forecast;
use crate::fleet::StoredFile;
use crate::store::fleet::{Attachments, NotApplied};
use crate::store::forecast::Question;

/// So many computers are told of one by one if the caller does not say.
const SAMPLE: usize = 20;
/// So many at most.
const LARGEST_SAMPLE: usize = 1_000;

/// What is asked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Fleet files to reckon with, as if they had been applied.
    files: Option<Vec<File>>,
    /// The files that these name.
    #[serde(default)]
    attached: Vec<File>,
    /// What files for computers are that they name.
    #[serde(default)]
    stored: Vec<StoredFile>,
    /// Only the computers of this tenant.
    tenant: Option<String>,
    /// So many computers are told of one by one.
    sample: Option<usize>,
}

/// `POST /v1/forecast`: nothing is changed and no computer contacted.
pub(super) async fn forecast(
    State(api): State<Api>,
    caller: Caller,
    Body(asked): Body<Asked>,
) -> Result<Json<Forecast>, Problem> {
    if asked.files.is_some() {
        caller.must_be(Role::Admin)?;
        caller.must_see_all()?;
    }
    let sample = asked.sample.unwrap_or(SAMPLE);
    if sample > LARGEST_SAMPLE {
        return Err(Problem::bad_request(format!("\"sample\" is {sample}; it may be at most {LARGEST_SAMPLE}.")));
    }
    let question = Question {
        files: asked.files.map(texts),
        attached: Attachments { texts: texts(asked.attached), stored: asked.stored },
        tenant: match &asked.tenant {
            Some(name) => Some(caller.tenant_named(name).await?),
            None => caller.tenant(),
        },
        sample,
    };
    match api.store.forecast(&question).await {
        Ok(forecast) => Ok(Json(forecast)),
        Err(NotApplied::Faulty(faults)) => Err(Problem::faulty(faults)),
        Err(NotApplied::Store(error)) => Err(error.into()),
    }
}
