//! Measures, and prints a table.

use std::time::{Duration, Instant};

use pitcrew::domain::Policy;
use pitcrew::domain::session::Kind;
use pitcrew::planning::plan_for;
use pitcrew::resolve::{Scope, resolve};

use super::fleet;

/// What a computer costs.
struct Cost {
    computers: usize,
    deployments: usize,
    made: Duration,
    resolved: Duration,
    planned: Duration,
    wanted: usize,
    actions: usize,
}

/// Resolves and plans as a full session of each computer would, for growing numbers of deployments and of computers, one
/// after the other on one core, and says what a computer costs.
pub fn run(deployments: usize, computers: usize) -> anyhow::Result<()> {
    println!("Resolving and planning in memory, on one core");
    println!(
        "  deployments  computers  wanted  actions  policy made, ms  resolve, us  plan and judge, us  a computer, us"
    );
    for (deployments, computers) in [
        (deployments.div_ceil(100), computers),
        (deployments.div_ceil(10), computers),
        (deployments, computers.div_ceil(100)),
        (deployments, computers.div_ceil(10)),
        (deployments, computers),
    ] {
        measure(deployments, computers)?.print();
    }
    Ok(())
}

fn measure(deployments: usize, computers: usize) -> anyhow::Result<Cost> {
    let begun = Instant::now();
    let policy: Policy = fleet::policy(deployments)?;
    let made = begun.elapsed();
    let (mut resolved, mut planned) = (Duration::ZERO, Duration::ZERO);
    let (mut wanted, mut actions) = (0, 0);
    for number in 0..computers {
        let computer = fleet::computer(number)?;
        let begun = Instant::now();
        let resolution = resolve(&policy, &computer, &Scope::Full);
        resolved += begun.elapsed();
        let findings = fleet::findings(number, &resolution);
        let begun = Instant::now();
        let (plan, judgement) = plan_for(Kind::Full, &resolution, &policy, &findings);
        let named = judgement.and_then(|judgement| judgement.fingerprint());
        planned += begun.elapsed();
        std::hint::black_box(named);
        wanted += resolution.wanted.len();
        actions += plan.actions.len();
    }
    Ok(Cost { computers, deployments, made, resolved, planned, wanted, actions })
}

impl Cost {
    fn print(&self) {
        let each = |total: f64| total / self.computers as f64;
        let micros = |time: Duration| each(time.as_secs_f64() * 1e6);
        println!(
            "  {:>11}  {:>9}  {:>6.1}  {:>7.1}  {:>15.1}  {:>11.1}  {:>18.1}  {:>14.1}",
            self.deployments,
            self.computers,
            each(self.wanted as f64),
            each(self.actions as f64),
            self.made.as_secs_f64() * 1e3,
            micros(self.resolved),
            micros(self.planned),
            micros(self.resolved + self.planned)
        );
    }
}
