//! The scheduler's program: configure, connect, declare the broker's topology, lead or stand by, drain.

use std::sync::Arc;
use std::time::Duration;

use tracing::{error, info};

use super::dead_letters::DeadLetters;
use super::dispatch::{Dispatch, Seen};
use super::intake::Intake;
use super::lead::Lead;
use super::rescue::Rescue;
use crate::broker::{Broker, Error};
use crate::config::Config;
use crate::lifecycle::lose::LossPolicy;
use crate::notify::Events;
use crate::process::Process;
use crate::stage::publish::Jobs;
use crate::store::Plans;
use crate::store::wakes::Wakes;

/// Between two attempts to declare the topology.
const DECLARE_AGAIN: Duration = Duration::from_secs(5);

/// Runs the scheduler until it is told to stop.
///
/// # Errors
/// Settings that are wrong. Services that cannot be reached are waited for.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let process = Process::with("pitcrew-scheduler", config, Plans::AlongIndexes).await?;
    let broker = process.broker()?;
    let declaring = tokio::spawn(declare(broker.clone()));
    let stop = process.shutdown.draining();
    let intake = Intake { store: process.store.clone(), broker: broker.clone() };
    let dead_letters = DeadLetters { store: process.store.clone(), broker: broker.clone(), intake: intake.clone() };
    let lead = lead(&process, &broker);
    tokio::join!(lead.run(stop.clone()), intake.run(stop.clone()), dead_letters.run(stop.clone()));
    declaring.abort();
    broker.close().await;
    process.telemetry.finish().await;
    Ok(())
}

/// A scheduler made of a process's settings.
pub fn lead(process: &Process, broker: &Broker) -> Lead {
    let (store, settings) = (&process.store, &process.config.scheduler);
    Lead {
        name: process.id.clone(),
        store: store.clone(),
        dispatch: Dispatch {
            store: store.clone(),
            broker: broker.clone(),
            jobs: Jobs::new(broker.clone(), process.sessions.clone()),
            max_running: settings.max_running,
            window_factor: settings.window_factor,
            look_ahead: settings.look_ahead,
            pickup: settings.take_within,
            seen: Seen::default(),
        },
        rescue: Rescue {
            store: store.clone(),
            broker: broker.clone(),
            policy: LossPolicy {
                most: settings.max_losses,
                first: settings.rescue_first,
                longest: settings.rescue_longest,
            },
        },
        events: Arc::new(Events { store: store.clone(), broker: broker.clone() }),
        term: settings.term,
        tick: (settings.tick_min, settings.tick_max),
        wakes: Wakes::listen(store),
    }
}

/// Sees to it that the topology is there, also where nobody consumes yet. A queue of that name that is different is
/// told of once: nothing here can mend it. A broker that is away is told of by its link.
async fn declare(broker: Broker) {
    let mut told = String::new();
    loop {
        match broker.up(DECLARE_AGAIN).await.and(broker.declare().await) {
            Err(why @ Error::Mismatch { .. }) if told != why.to_string() => {
                told = why.to_string();
                error!("The broker does not have what it needs: {told}");
            }
            Ok(()) if !told.is_empty() => {
                info!("The broker has what it needs");
                told.clear();
            }
            Ok(()) | Err(_) => {}
        }
        tokio::time::sleep(DECLARE_AGAIN).await;
    }
}
