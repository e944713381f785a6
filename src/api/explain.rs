//! Who wins and why: for a computer, for an item, for a tenant.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::caller::Caller;
use super::problem::Problem;
use super::query::{Named, Words};
use super::router::Api;
use super::scan::{each_chunk, of_tenant};
use crate::domain::report::{Explanation, Survey};
use crate::domain::{Item, Policy};
use crate::resolve::{Scope, Surveyor, explain};

/// `GET /v1/computers/{id}/explain`: the winner of each item, the ranked losers and those that take no part, with the
/// reason of each, as the next session would have them.
pub(super) async fn computer(
    State(api): State<Api>,
    caller: Caller,
    Named(word): Named<String>,
    words: Words,
) -> Result<Json<Explanation>, Problem> {
    words.only(&["item", "onboarding", "deployments"])?;
    let id = caller.computer(&word).await?;
    let policy = api.policies.now().await?;
    let item = item(&caller, &words, &policy)?;
    let scope = match (words.several::<String>("deployments")?, words.one::<bool>("onboarding")?) {
        (Some(named), _) => {
            named.iter().try_for_each(|name| caller.deployment(name, &policy).map(|_| ()))?;
            Scope::Targeted(named.into_iter().collect())
        }
        (None, Some(true)) => Scope::Onboarding,
        (None, Some(false) | None) => Scope::Full,
    };
    let computer = api.store.computer(id).await?.ok_or_else(|| Problem::not_found(format!("computer \"{word}\"")))?;
    Ok(Json(explain(&policy, &computer, &scope, item.as_ref())))
}

/// `GET /v1/explain`: how the deployments of an item, of a tenant's computers, or of both, fare over all these computers.
pub(super) async fn survey(State(api): State<Api>, caller: Caller, words: Words) -> Result<Json<Survey>, Problem> {
    words.only(&["item", "tenant"])?;
    let policy = api.policies.now().await?;
    let item = item(&caller, &words, &policy)?;
    let narrowing = of_tenant(&caller, &words, &policy).await?;
    if item.is_none() && narrowing.tenants.is_none() {
        return Err(Problem::bad_request("Say what is to be explained: an item, a tenant, or both."));
    }
    let policy = Arc::new(policy.only(|deployment| item.as_ref().is_none_or(|item| deployment.item == *item)));
    let mut surveyor = Surveyor::default();
    let look = |policy: &Policy, computers: &[_]| {
        let mut part = Surveyor::default();
        computers.iter().for_each(|computer| part.look(policy, computer));
        part
    };
    each_chunk(&api.store, &narrowing, &policy, look, |part| surveyor.add(part)).await?;
    Ok(Json(surveyor.report(&policy)))
}

/// The item that the query names.
pub(super) fn item(caller: &Caller, words: &Words, policy: &Policy) -> Result<Option<Item>, Problem> {
    words.text("item").map(|text| caller.item(text, policy)).transpose()
}
