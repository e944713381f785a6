//! Which computers a deployment, a group, a query or an item has, by the same evaluation that sessions use.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;

use super::caller::Caller;
use super::explain::item;
use super::problem::Problem;
use super::query::Words;
use super::router::Api;
use super::scan::{each_chunk, of_tenant};
use crate::domain::counted::counted;
use crate::domain::query::parse;
use crate::domain::report::{Page, PreviewCount, PreviewLine};
use crate::domain::submission::Violation;
use crate::domain::{ComputerId, Policy};
use crate::resolve::Preview;
use crate::store::scan::{CHUNK, Narrowing};

/// More computers than this are warned of if the caller does not say.
const WARN_ABOVE: u64 = 1_000;

/// `GET /v1/preview`: a page of the computers.
pub(super) async fn list(
    State(api): State<Api>,
    caller: Caller,
    words: Words,
) -> Result<Json<Page<PreviewLine>>, Problem> {
    words.only(&["deployment", "group", "query", "item", "tenant", "after", "limit"])?;
    let (preview, policy, narrowing) = asked(&api, &caller, &words).await?;
    let (after, limit) = words.page()?;
    let mut after = ComputerId(after.unwrap_or(0));
    let mut found = Vec::new();
    // A page of members may lie in as many computers, or in a hundred times as many.
    let mut most = limit + 1;
    while found.len() <= limit {
        let computers = api.store.scan_computers(&narrowing, after, most).await?;
        found.extend(computers.iter().filter_map(|computer| preview.look(&policy, computer).ok()));
        match computers.last() {
            Some(last) if computers.len() == most => after = last.id,
            Some(_) | None => break,
        }
        most = (most * 4).min(CHUNK);
    }
    found.truncate(limit + 1);
    Ok(Json(Page::of(found, limit, |line| line.id.0)))
}

/// `GET /v1/preview/count`: how many there are.
pub(super) async fn count(State(api): State<Api>, caller: Caller, words: Words) -> Result<Json<PreviewCount>, Problem> {
    words.only(&["deployment", "group", "query", "item", "tenant", "warn_above"])?;
    let (preview, policy, narrowing) = asked(&api, &caller, &words).await?;
    let warn_above = words.one("warn_above")?.unwrap_or(WARN_ABOVE);
    let mut count = PreviewCount::default();
    let look = move |policy: &Policy, computers: &[_]| {
        let mut part = PreviewCount::default();
        computers.iter().for_each(|computer| preview.count(&preview.look(policy, computer), &mut part));
        part
    };
    each_chunk(&api.store, &narrowing, &policy, look, |part| count.add(part)).await?;
    if count.members > warn_above {
        count.warnings.push(format!("These are {}, more than {warn_above}.", counted(count.members, "computer")));
    }
    if count.unknown > 0 {
        count.warnings.push(format!(
            "Of {} it is not known: what is asked for is neither declared, nor found by an inventory, nor answered by a script.",
            counted(count.unknown, "computer")
        ));
    }
    Ok(Json(count))
}

/// What is to be previewed, the policy as far as that needs it, and which computers can be meant at all.
async fn asked(api: &Api, caller: &Caller, words: &Words) -> Result<(Preview, Arc<Policy>, Narrowing), Problem> {
    let policy = api.policies.now().await?;
    let given: Vec<&str> =
        ["deployment", "group", "query", "item"].into_iter().filter(|word| words.text(word).is_some()).collect();
    let [given] = given[..] else {
        let detail = "Say what is to be previewed: exactly one of deployment, group, query and item.";
        return Err(Problem::bad_request(detail));
    };
    let text = words.text(given).unwrap_or_default();
    let mut narrowing = of_tenant(caller, words, &policy).await?;
    let preview = match given {
        "deployment" => {
            let deployment = caller.deployment(text, &policy)?;
            narrowing = narrowing.of_target(&policy, &deployment.target);
            Preview::Deployment(text.to_owned())
        }
        "group" => {
            let names = policy.groups().iter().map(|group| group.name.as_str());
            policy.group(text).ok_or_else(|| caller.unknown("group", text, names))?;
            narrowing = narrowing.of_group(&policy, text);
            Preview::Group(text.to_owned())
        }
        "query" => {
            let parsed = parse(text).map_err(|faults| {
                let violation = |fault: crate::domain::query::QueryFault| {
                    Violation::new("/query", "unreadable", format!("At {fault}"))
                };
                Problem::invalid(faults.into_iter().map(violation).collect())
            })?;
            for group in &parsed.groups {
                let names = policy.groups().iter().map(|group| group.name.as_str());
                policy.group(&group.name).ok_or_else(|| caller.unknown("group", &group.name, names))?;
            }
            Preview::Query(parsed.query)
        }
        _ => match item(caller, words, &policy)? {
            Some(item) => Preview::Item(item),
            None => return Err(Problem::bad_request("\"item\" is empty.")),
        },
    };
    let policy = Arc::new(preview.narrow(&policy));
    narrowing.software = preview.software(&policy).into_iter().collect();
    Ok((preview, policy, narrowing))
}
