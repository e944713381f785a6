//! Measures the engine against the ceiling of its broker and database, side by side in one run.
//!
//! - [`options`]: what can be asked for; [`stand`]: the servers
//! - [`ceiling`]: the same durable work with no Pitcrew in between
//! - [`engine`]: whole sessions through the real programs, and the verdict on them
//! - [`policy`]: resolving and planning, in memory
//! - [`cpu`], [`report`]: what it cost, and how that is printed

mod ceiling;
mod cpu;
mod engine;
mod options;
mod policy;
mod report;
mod stand;

use clap::Parser;
use options::{Options, Part};
use report::{Run, Steady, spread};
use stand::Stand;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    // The first provider stays; a second attempt changes nothing.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options::parse();
    if options.wants(Part::Policy) {
        policy::run(options.deployments, options.computers)?;
    }
    if !options.wants(Part::Ceiling) && !options.wants(Part::Engine) && !options.wants(Part::Steady) {
        return Ok(());
    }
    let stand = Stand::start(&options).await?;
    stand.conditions(&options).await?;
    let (mut ceilings, mut engines, mut steadies): (Vec<Run>, Vec<Run>, Vec<Steady>) = Default::default();
    for repetition in 1..=options.repetitions {
        println!("Repetition {repetition} of {}", options.repetitions);
        if options.wants(Part::Ceiling) {
            let run = ceiling::run(&stand, &options, &format!("ceiling_{repetition}")).await?;
            run.print("ceiling");
            ceilings.push(run);
        }
        if options.wants(Part::Engine) {
            let run = engine::backlog(&stand, &options, &format!("engine_{repetition}")).await?;
            run.print("engine");
            engines.push(run);
        }
        if options.wants(Part::Steady) {
            let steady = engine::steady(&stand, &options, &format!("steady_{repetition}")).await?;
            steady.print(options.rate);
            steadies.push(steady);
        }
    }
    println!("Summary: the middle of {} repetitions, and the least and the greatest", options.repetitions);
    let rates = |runs: &[Run]| runs.iter().map(Run::rate).collect::<Vec<_>>();
    summarise("ceiling, sessions/s", 0, &rates(&ceilings));
    summarise("engine, sessions/s", 0, &rates(&engines));
    let ratios: Vec<f64> =
        engines.iter().zip(&ceilings).map(|(engine, ceiling)| engine.rate() / ceiling.rate()).collect();
    summarise("engine / ceiling", 2, &ratios);
    summarise("p50 latency, ms", 1, &steadies.iter().map(|steady| steady.at(0.5)).collect::<Vec<_>>());
    summarise("p99 latency, ms", 1, &steadies.iter().map(|steady| steady.at(0.99)).collect::<Vec<_>>());
    if !engines.is_empty() || !steadies.is_empty() {
        println!("  Every session ended once, every action was done once.");
    }
    Ok(())
}

fn summarise(what: &str, digits: usize, values: &[f64]) {
    if let Some((middle, least, greatest)) = spread(values) {
        println!("  {what:<22} {middle:>8.digits$}  ({least:.digits$} to {greatest:.digits$})");
    }
}
