//! Compliance: lists, counts, what recurs, and the history of one item on one computer.

use axum::Json;
use axum::extract::State;
use jiff::SignedDuration;

use super::caller::Caller;
use super::problem::Problem;
use super::query::{Whole, Words};
use super::router::Api;
use crate::domain::report::{ComplianceCount, CompliancePage, CountedBy, ItemHistory, Recurring};
use crate::store::compliance::Filter;

/// The period in which problems recur if the caller does not say, in days.
const PERIOD_DAYS: i64 = 30;
/// The longest period, in days.
const LONGEST_DAYS: i64 = 366;
/// In how many sessions a problem recurs if the caller does not say.
const LEAST: i64 = 2;

/// `GET /v1/compliance`
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<CompliancePage>, Problem> {
    words.only(&["tenant", "computer", "deployment", "item", "state", "after", "limit"])?;
    let filter = filter(&caller, &words).await?;
    let page = api.store.list_compliance(&filter, words.one("after")?.as_ref(), words.limit()?).await?;
    named_rightly(&api, &caller, &words, page.items.is_empty()).await?;
    Ok(Json(page))
}

/// `GET /v1/compliance/counts`
pub(super) async fn counts(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Whole<ComplianceCount>>, Problem> {
    words.only(&["by", "tenant", "computer", "deployment", "item", "state"])?;
    let by = words.one("by")?.unwrap_or(CountedBy::Deployment);
    let filter = filter(&caller, &words).await?;
    let items = api.store.count_compliance(&filter, by).await?;
    named_rightly(&api, &caller, &words, items.is_empty()).await?;
    Ok(Json(Whole { items }))
}

/// `GET /v1/compliance/recurring`
pub(super) async fn recurring(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Whole<Recurring>>, Problem> {
    words.only(&["days", "least", "tenant", "computer", "deployment", "item", "limit"])?;
    let days = words.one("days")?.unwrap_or(PERIOD_DAYS);
    if !(1..=LONGEST_DAYS).contains(&days) {
        return Err(Problem::bad_request(format!("\"days\" is {days}; it may be 1 to {LONGEST_DAYS}.")));
    }
    let filter = filter(&caller, &words).await?;
    let since = api.store.ask_time().await? - SignedDuration::from_hours(24 * days);
    let least = words.one("least")?.unwrap_or(LEAST);
    let items = api.store.recurring(&filter, since, least, words.limit()?).await?;
    named_rightly(&api, &caller, &words, items.is_empty()).await?;
    Ok(Json(Whole { items }))
}

/// `GET /v1/compliance/history`
pub(super) async fn history(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<ItemHistory>, Problem> {
    words.only(&["computer", "item"])?;
    let (Some(computer), Some(item)) = (words.text("computer"), words.text("item")) else {
        return Err(Problem::bad_request("\"computer\" and \"item\" must be given, such as item=software/editor."));
    };
    let computer = caller.computer(computer).await?;
    let history = api.store.item_history(computer, item).await?;
    named_rightly(&api, &caller, &words, history.now.is_none() && history.past.is_empty()).await?;
    Ok(Json(history))
}

async fn filter(caller: &Caller, words: &Words) -> Result<Filter, Problem> {
    Ok(Filter {
        tenant: match words.text("tenant") {
            Some(name) => Some(caller.tenant_named(name).await?),
            None => caller.tenant(),
        },
        computer: match words.text("computer") {
            Some(word) => Some(caller.computer(word).await?),
            None => None,
        },
        deployment: words.text("deployment").map(str::to_owned),
        item: words.text("item").map(str::to_owned),
        states: words.several("state")?.unwrap_or_default(),
    })
}

/// Where nothing was found: refuses what was likely misspelt. Verdicts outlive what they are about, so that what was found
/// needs no name in the policy.
async fn named_rightly(api: &Api, caller: &Caller, words: &Words, found_nothing: bool) -> Result<(), Problem> {
    if !found_nothing {
        return Ok(());
    }
    let policy = api.policies.now().await?;
    if let Some(name) = words.text("deployment") {
        caller.deployment(name, &policy)?;
    }
    if let Some(item) = words.text("item") {
        caller.item(item, &policy)?;
    }
    Ok(())
}
