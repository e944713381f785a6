//! Finds and ends processes of an earlier `pitcrew up` in the same folder that nobody has ended: its watchdog was killed
//! too, or an agent was killed beside its supervisor of a run.
//!
//! They are known by a variable in their environment, which names the folder. Scripts that an agent runs do not inherit
//! it; their supervisor ends them. Reads `/proc`, and so finds nothing where there is none.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The variable. Every program that `pitcrew up` starts has it.
pub(super) const VARIABLE: &str = "PITCREW_UP_IN";
/// Another: it names the very run of `pitcrew up`, for its watchdog, which must leave those of the next one alone.
pub(super) const RUN: &str = "PITCREW_UP_RUN";

/// How long they may take to end by themselves.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long killed processes may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(5);
/// How often is looked whether they have.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Ends every process that was started for `folder`, and returns how many there were.
pub(super) async fn end(folder: &Path) -> usize {
    let found = of(folder);
    for (signal, patience) in [(Signal::TERM, PATIENCE), (Signal::KILL, GONE_WITHIN)] {
        let until = Instant::now() + patience;
        for pid in of(folder) {
            // One that has ended meanwhile is as good as one that got the signal.
            let _ = kill_process(pid, signal);
        }
        while !of(folder).is_empty() && Instant::now() < until {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    found.len()
}

/// Zombies have no environment any more and do not count.
fn of(folder: &Path) -> Vec<Pid> {
    let mark = [VARIABLE.as_bytes(), b"=", folder.as_os_str().as_encoded_bytes()].concat();
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
            let ours = pid != std::process::id() && environment.split(|byte| *byte == 0).any(|part| part == mark);
            ours.then(|| Pid::from_raw(pid.try_into().ok()?)).flatten()
        })
        .collect()
}
