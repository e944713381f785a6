//! Many computers, one after the other: read in chunks, and looked at beside the reading.

use std::sync::Arc;

use axum::http::StatusCode;

use super::caller::Caller;
use super::problem::Problem;
use super::query::Words;
use crate::domain::{Computer, ComputerId, Policy};
use crate::store::Store;
use crate::store::scan::{CHUNK, Narrowing};

/// Looks at every computer that the narrowing leaves, chunk by chunk, and gives what came of each chunk to `take`.
pub(super) async fn each_chunk<T: Send + 'static>(
    store: &Store,
    narrowing: &Narrowing,
    policy: &Arc<Policy>,
    look: impl Fn(&Policy, &[Computer]) -> T + Clone + Send + 'static,
    mut take: impl FnMut(T),
) -> Result<(), Problem> {
    let mut after = ComputerId(0);
    let mut looking = None;
    loop {
        let computers = store.scan_computers(narrowing, after, CHUNK).await?;
        if let Some(looked) = looking.take() {
            take(finished(looked).await?);
        }
        let last = computers.last().map(|computer| computer.id);
        let more = computers.len() == CHUNK;
        let (policy, look) = (Arc::clone(policy), look.clone());
        // Thousands of computers take longer than other requests of this thread should wait.
        let looked = tokio::task::spawn_blocking(move || look(&policy, &computers));
        match last {
            Some(last) if more => {
                after = last;
                looking = Some(looked);
            }
            Some(_) | None => {
                take(finished(looked).await?);
                return Ok(());
            }
        }
    }
}

async fn finished<T>(looked: tokio::task::JoinHandle<T>) -> Result<T, Problem> {
    looked.await.map_err(|error| {
        tracing::error!("Looking at computers failed: {error}");
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "The server failed; its log says how.")
    })
}

/// Only the computers of the tenant that is named, or of the one that the caller sees.
pub(super) async fn of_tenant(caller: &Caller, words: &Words, policy: &Policy) -> Result<Narrowing, Problem> {
    let tenant = match words.text("tenant") {
        Some(name) => Some(caller.tenant_named(name).await?),
        None => caller.tenant(),
    };
    let narrowing = Narrowing { software: policy.asked_software().into_iter().collect(), ..Narrowing::default() };
    Ok(match tenant {
        Some(tenant) => narrowing.of_tenants([tenant]),
        None => narrowing,
    })
}
