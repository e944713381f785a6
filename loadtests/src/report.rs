//! What was measured, and how it is printed.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::cpu::Seconds;

/// A backlog, with Pitcrew or without.
#[derive(Debug, Clone)]
pub struct Run {
    /// How many sessions.
    pub sessions: u64,
    /// From the first to the last.
    pub seconds: f64,
    /// CPU meanwhile, by process.
    pub cpu: Seconds,
    /// Sessions in a transaction, on average.
    pub per_group: Option<f64>,
}

/// A fixed rate.
#[derive(Debug, Clone)]
pub struct Steady {
    /// How many sessions.
    pub sessions: u64,
    /// CPU meanwhile, by process.
    pub cpu: Seconds,
    /// Microseconds from acceptance to the end.
    pub latency: Histogram<u64>,
    /// By how much the latest submission came too late.
    pub latest: Duration,
    /// By stage: milliseconds waiting for a turn, in the queue, and in work.
    pub stages: Vec<(String, [f64; 3])>,
}

impl Run {
    /// Sessions per second.
    pub fn rate(&self) -> f64 {
        self.sessions as f64 / self.seconds
    }

    /// Prints a line for it.
    pub fn print(&self, what: &str) {
        let group = self.per_group.map(|size| format!(", {size:.0} sessions a transaction")).unwrap_or_default();
        println!("  {what:<8} {:>7.0} sessions/s in {:.2} s{group}", self.rate(), self.seconds);
        println!("           {}", cpu(&self.cpu, self.sessions));
    }
}

impl Steady {
    /// The latency at a quantile, in milliseconds.
    pub fn at(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// Prints a few lines for it.
    pub fn print(&self, rate: u32) {
        println!(
            "  steady   {rate} sessions/s: p50 {:.1} ms, p90 {:.1} ms, p99 {:.1} ms, longest {:.1} ms; the latest \
             submission was {:.1} ms late",
            self.at(0.5),
            self.at(0.9),
            self.at(0.99),
            self.latency.max() as f64 / 1000.0,
            self.latest.as_secs_f64() * 1000.0
        );
        for (stage, [turn, queue, work]) in &self.stages {
            println!("           {stage:<10} turn {turn:>6.2} ms, queue {queue:>6.2} ms, work {work:>6.2} ms (mean)");
        }
        println!("           {}", cpu(&self.cpu, self.sessions));
    }
}

/// CPU by session, by process.
fn cpu(seconds: &Seconds, sessions: u64) -> String {
    let micros = |seconds: f64| seconds * 1e6 / sessions as f64;
    let total: f64 = seconds.values().sum();
    let parts: Vec<String> = seconds.iter().map(|(name, seconds)| format!("{name} {:.0}", micros(*seconds))).collect();
    format!("CPU {:.0} us a session: {}", micros(total), parts.join(", "))
}

/// The middle one, the least and the greatest.
pub fn spread(values: &[f64]) -> Option<(f64, f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = (sorted.get((sorted.len().checked_sub(1)?) / 2)? + sorted.get(sorted.len() / 2)?) / 2.0;
    Some((middle, *sorted.first()?, *sorted.last()?))
}
