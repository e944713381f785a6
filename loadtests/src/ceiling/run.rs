//! A backlog through three hops.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::Context;
use lapin::{Connection, ConnectionProperties};
use pitcrew::broker::{Broker, Topology};
use tokio::sync::Semaphore;

use super::hop::{Hop, Outlet, Tally};
use super::rows::{Writer, prepare};
use crate::options::Options;
use crate::report::Run;
use crate::stand::{Stand, connect};

const STAGES: [&str; 3] = ["detection", "planning", "execution"];

/// Longer than the broker takes to declare a few queues.
const DECLARED_WITHIN: Duration = Duration::from_secs(30);

/// Runs the ceiling once, in a database and under a prefix of its own.
pub async fn run(stand: &Stand, options: &Options, name: &str) -> anyhow::Result<Run> {
    let url = stand.database(name).await?;
    prepare(&connect(&url).await?, options.sessions).await.context("preparing the ceiling's tables")?;
    let topology = Topology::new(name);
    let declaring = Broker::connect(&stand.amqp(), topology.clone(), "bench")?;
    declaring.up(DECLARED_WITHIN).await?;

    let properties = ConnectionProperties::default;
    let publishing = Connection::connect(&stand.amqp(), properties()).await?;
    let consuming = Connection::connect(&stand.amqp(), properties()).await?;
    let (group, sessions) = (usize::from(options.group), u64::from(options.sessions));
    let room = Arc::new(Semaphore::new(group * 3));
    let tally = Arc::new(Tally::default());
    let mut hops = Vec::new();
    for (at, stage) in STAGES.into_iter().enumerate() {
        let next = match STAGES.get(at + 1) {
            Some(next) => Some(Outlet::open(&publishing, topology.jobs(), next).await?),
            None => None,
        };
        let (channel, arrivals) = Hop::subscribe(&consuming, topology.queue(stage), group).await?;
        let writer = Writer::new(connect(&url).await?).await?;
        let room = (at == 0).then(|| room.clone());
        hops.push(Hop { stage, channel, arrivals, writer, next, group, room, tally: tally.clone() });
    }
    let first = Outlet::open(&publishing, topology.jobs(), STAGES[0]).await?;

    let mut meter = stand.meter();
    meter.watch_alone("bench", std::process::id());
    let before = meter.read();
    let begun = Instant::now();
    let feeding = tokio::spawn(feed(first, room, group, sessions));
    let running: Vec<_> = hops.into_iter().map(|hop| tokio::spawn(hop.run(sessions))).collect();
    for hop in running {
        hop.await??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let cpu = meter.since(&before);
    feeding.await??;

    let groups = tally.groups.load(Ordering::Relaxed).max(1);
    let per_group = tally.sessions.load(Ordering::Relaxed) as f64 / groups as f64;
    for connection in [publishing, consuming] {
        connection.close(200, "done".into()).await?;
    }
    declaring.delete().await?;
    declaring.close().await;
    stand.drop_database(name).await?;
    Ok(Run { sessions, seconds, cpu, per_group: Some(per_group) })
}

/// Publishes the first hop's messages in groups, no further ahead than there is room.
async fn feed(outlet: Outlet, room: Arc<Semaphore>, group: usize, sessions: u64) -> anyhow::Result<()> {
    let ids: Vec<i64> = (1..=i64::try_from(sessions)?).collect();
    for ids in ids.chunks(group) {
        room.acquire_many(u32::try_from(ids.len())?).await?.forget();
        outlet.publish(ids).await?;
    }
    Ok(())
}
