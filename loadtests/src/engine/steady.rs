//! A fixed rate of sessions, whatever becomes of them (an open loop), and how long each took.

use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::task::JoinSet;

use super::installation::Installation;
use super::verdict;
use crate::options::Options;
use crate::report::Steady;
use crate::stand::Stand;

/// Between two submissions.
const TICK: Duration = Duration::from_millis(10);
/// Ticks in a second.
const TICKS: u32 = 100;
/// Seconds that do not count: caches fill and connections are made.
const WARM_UP: u32 = 3;
/// What is left must have ended so long after the last submission.
const REST: Duration = Duration::from_secs(120);

/// Submits at a fixed rate, and measures.
pub async fn steady(stand: &Stand, options: &Options, name: &str) -> anyhow::Result<Steady> {
    let sessions = options.rate * options.seconds;
    let mut installation = Installation::new(stand, options, name, sessions).await?;
    installation.warm_up().await?;
    installation.start_scheduler()?;
    let mut meter = stand.meter();
    installation.watch(&mut meter);
    meter.watch_alone("bench", std::process::id());
    let before = meter.read();
    let latest = submit(&installation, options).await?;
    installation.at_rest(REST).await?;
    let cpu = meter.since(&before);
    verdict::check(&installation.sql, installation.first, u64::from(sessions)).await?;

    let rows = installation
        .sql
        .query(
            "SELECT (extract(epoch FROM finished_at - created_at) * 1e6)::bigint AS micros FROM session_history
             WHERE id > $2 AND created_at >
                   (SELECT min(created_at) FROM session_history WHERE id > $2) + make_interval(secs => $1)",
            &[&f64::from(WARM_UP), &installation.first],
        )
        .await?;
    let mut latency = Histogram::<u64>::new(3)?;
    for row in &rows {
        latency.record(u64::try_from(row.get::<_, i64>("micros"))?)?;
    }
    let stages = stages(&installation).await?;
    installation.end(stand, u64::from(sessions)).await?;
    Ok(Steady { sessions: u64::from(sessions), cpu, latency, latest, stages })
}

/// Submits a share of the rate at every tick, without waiting for the one before. Returns by how much the latest came
/// too late.
async fn submit(installation: &Installation, options: &Options) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut latest = Duration::ZERO;
    let mut submitting = JoinSet::new();
    let mut from = 0;
    for tick in 1..=options.seconds * TICKS {
        let due = begun + TICK * tick;
        tokio::time::sleep_until(due.into()).await;
        latest = latest.max(due.elapsed());
        let to = (u64::from(options.rate) * u64::from(tick) / u64::from(TICKS)) as usize;
        let (store, computers) = (installation.store.clone(), installation.computers()[from..to].to_vec());
        from = to;
        submitting.spawn(async move { Installation::submit(&store, &computers).await });
        while let Some(submitted) = submitting.try_join_next() {
            submitted??;
        }
    }
    while let Some(submitted) = submitting.join_next().await {
        submitted??;
    }
    Ok(latest)
}

/// Where the time goes: the mean wait for admission, in the queue, and in the worker's hands, by stage, in milliseconds.
async fn stages(installation: &Installation) -> anyhow::Result<Vec<(String, [f64; 3])>> {
    let rows = installation
        .sql
        .query(
            "SELECT stage,
                    1000 * avg(extract(epoch FROM coalesce(admitted_at, since) - since))::float8 AS turn,
                    1000 * avg(extract(epoch FROM taken_at - coalesce(admitted_at, since)))::float8 AS queue,
                    1000 * avg(extract(epoch FROM at - taken_at))::float8 AS work
             FROM transition WHERE taken_at IS NOT NULL AND session_id > $1 GROUP BY stage ORDER BY min(seq)",
            &[&installation.first],
        )
        .await?;
    Ok(rows.iter().map(|row| (row.get("stage"), [row.get("turn"), row.get("queue"), row.get("work")])).collect())
}
