//! A worker's program: configure, connect, work, drain.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::answer::Rules;
use super::credit::Credit;
use super::gather::Turns;
use super::lease::Leases;
use super::limit::Limits;
use super::publish::Jobs;
use super::recorder::Recorder;
use super::settle::Settler;
use super::worker::{Stage, Worker};
use crate::broker::Broker;
use crate::config;
use crate::domain::session;
use crate::process::Process;
use crate::store::Store;
use crate::store::policies::Policies;
use crate::store::workers::Heartbeat;

/// How long giving back may take, and settling what has ended.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// Runs a worker's program from its first line to its last. `make` makes the stage once the broker is there.
///
/// # Errors
/// Settings that are wrong. Services that cannot be reached are waited for.
pub fn program<S: Stage>(service: &str, make: impl AsyncFnOnce(&Process, &Broker) -> S) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(async {
        let process = Process::start(service).await?;
        let broker = process.broker()?;
        let stage = make(&process, &broker).await;
        work(&process, broker, stage).await;
        process.telemetry.finish().await;
        Ok(())
    })
}

/// Works until told to stop, and gives back what cannot be finished in time.
pub async fn work<S: Stage>(process: &Process, broker: Broker, stage: S) {
    let Process { id, config, store, sessions, shutdown, .. } = process;
    let jobs = Jobs::new(broker.clone(), sessions.clone());
    let kind = stage.stage();
    let capacity = usize::from(config.worker.capacity(kind));
    let leases = Arc::new(Leases::default());
    let stopped = CancellationToken::new();
    let heart = tokio::spawn(beat(
        store.clone(),
        id.clone(),
        kind,
        capacity,
        leases.clone(),
        config.worker.clone(),
        stopped.clone(),
    ));
    let credits: HashMap<session::Stage, Credit> = following(kind)
        .iter()
        .map(|next| {
            let factor = config.scheduler.window_factor;
            (*next, Credit::watch(*next, store.clone(), broker.clone(), factor, stopped.clone()))
        })
        .collect();
    let turns = Turns::default();
    let settler = Settler {
        store: store.clone(),
        jobs: jobs.clone(),
        worker: id.clone(),
        rules: Rules { retry: config.retry.policy(), pickup: config.scheduler.take_within },
        credits,
        leases: leases.clone(),
        group: config.worker.group,
        turns: turns.clone(),
    };
    let leaving = CancellationToken::new();
    let (settle, ended) = mpsc::channel(config.worker.group * 4);
    let settling = tokio::spawn(settler.run(ended));
    let worker = Worker {
        stage: Arc::new(stage),
        id: id.clone(),
        store: store.clone(),
        broker: broker.clone(),
        jobs,
        capacity,
        group: config.worker.group,
        // The last chance of a session that was lost again and again; never the first one of any.
        alone_from: (config.scheduler.max_losses - 1).max(1),
        lease: config.worker.lease,
        margin: margin(config.worker.lease),
        budget: config.worker.delivery_budget,
        patience: config.worker.patience,
        leases,
        recorder: Recorder::start(store.clone(), id.clone(), config.worker.group, turns),
        sessions: sessions.clone(),
        limits: Arc::new(Limits::new(config.limits.tenant_per_second, config.limits.source_per_second)),
        policies: Arc::new(Policies::new(store.clone())),
        draining: shutdown.draining().clone(),
        leaving: leaving.clone(),
    };
    info!("The {kind} worker takes up to {capacity} sessions at a time");
    let mut running = tokio::spawn(worker.run(settle));
    shutdown.draining().cancelled().await;
    info!("The {kind} worker finishes what it has");
    if tokio::time::timeout(shutdown.grace(), &mut running).await.is_err() {
        warn!("The {kind} worker gives back what did not end in time");
        leaving.cancel();
        if tokio::time::timeout(LEAVE_WITHIN, &mut running).await.is_err() {
            // What is cut off here is taken up by another worker when its lease has lapsed; its deliveries go back now.
            running.abort();
        }
    }
    if tokio::time::timeout(LEAVE_WITHIN, settling).await.is_err() {
        warn!("The {kind} worker could not settle everything in time; it is done again");
    }
    stopped.cancel();
    // A heart that has stopped with an error has nothing more to say.
    let _ = heart.await;
    broker.close().await;
}

/// How long before its end a lease is not believed any more: enough for a command that is on its way, and for clocks
/// that drift.
fn margin(lease: Duration) -> Duration {
    (lease / 6).max(Duration::from_millis(200)).min(Duration::from_secs(5))
}

fn following(stage: session::Stage) -> &'static [session::Stage] {
    match stage {
        session::Stage::Detection => &[session::Stage::Planning],
        session::Stage::Planning => &[session::Stage::Execution],
        // What has drifted is detected anew.
        session::Stage::Execution => &[session::Stage::Detection],
    }
}

/// Says that the worker lives, extends its leases, and learns what is wanted, at every heartbeat.
async fn beat(
    store: Store,
    id: String,
    stage: session::Stage,
    capacity: usize,
    leases: Arc<Leases>,
    config: config::Worker,
    stopped: CancellationToken,
) {
    let lease = config.lease;
    let believed = lease.saturating_sub(margin(lease));
    let mut tick = tokio::time::interval(config.heartbeat);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stopped.cancelled() => break,
            _ = tick.tick() => {}
        }
        let asked = Instant::now();
        // Most sessions are settled long before their lease is a third gone: those are only looked at.
        let (ageing, fresh) = leases.by_age(believed * 2 / 3);
        let patience = config.heartbeat.max(Duration::from_secs(1)) * 3;
        if !ageing.is_empty() {
            match tokio::time::timeout(patience, store.renew(&id, &ageing, lease)).await {
                Ok(Ok(renewed)) => leases.answered(&ageing, &renewed, Some(asked + believed)),
                Ok(Err(error)) => warn!(error = &error as &dyn std::error::Error, "Leases could not be extended"),
                Err(_) => warn!("Leases could not be extended in time"),
            }
        }
        if !fresh.is_empty() {
            match tokio::time::timeout(patience, store.look(&id, &fresh)).await {
                Ok(Ok(seen)) => leases.answered(&fresh, &seen, None),
                Ok(Err(error)) => warn!(error = &error as &dyn std::error::Error, "What is wanted could not be asked"),
                Err(_) => warn!("What is wanted could not be asked in time"),
            }
        }
        leases.give_up_lapsed();
        let alive = Heartbeat {
            id: &id,
            stage,
            capacity: i32::try_from(capacity).unwrap_or(i32::MAX),
            in_flight: i32::try_from(ageing.len() + fresh.len()).unwrap_or(i32::MAX),
        };
        if let Err(error) = store.heartbeat(alive).await {
            warn!(error = &error as &dyn std::error::Error, "The heartbeat did not reach the database");
        }
    }
    if let Err(error) = store.worker_gone(&id).await {
        warn!(error = &error as &dyn std::error::Error, "The worker could not sign off");
    }
}
