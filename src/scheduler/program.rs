//! The scheduler's program: configure, connect, declare the broker's topology, lead or stand by, drain.

use std::time::Duration;

use tracing::{error, info};

use super::dispatch::Dispatch;
use super::lead::Lead;
use super::rescue::Rescue;
use crate::broker::Broker;
use crate::config::Config;
use crate::lifecycle::lose::LossPolicy;
use crate::process::Process;
use crate::stage::publish::Jobs;
use crate::store::wakes::Wakes;

/// Between two attempts to declare the topology.
const DECLARE_AGAIN: Duration = Duration::from_secs(5);

/// Runs the scheduler until it is told to stop.
///
/// # Errors
/// Settings that are wrong. Services that cannot be reached are waited for.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let process = Process::with("pitcrew-scheduler", config).await?;
    let broker = process.broker()?;
    let declaring = tokio::spawn(declare(broker.clone()));
    lead(&process, &broker).run(process.shutdown.draining().clone()).await;
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
        term: settings.term,
        tick: (settings.tick_min, settings.tick_max),
        wakes: Wakes::listen(store),
    }
}

/// Sees to it that the topology is there, also where nobody consumes yet. A queue of that name that is different is
/// told of once: nothing here can mend it.
async fn declare(broker: Broker) {
    let mut told = String::new();
    loop {
        match broker.declare().await {
            Ok(()) => {
                if !told.is_empty() {
                    info!("The broker has what it needs");
                }
                told.clear();
            }
            Err(why) => {
                let why = why.to_string();
                if why != told {
                    error!("The broker does not have what it needs: {why}");
                    told = why;
                }
            }
        }
        tokio::time::sleep(DECLARE_AGAIN).await;
    }
}
