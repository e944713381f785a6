//! A server's process, owned: with all its descendants it is frozen, thawed, stopped and killed as one, and a watchdog
//! sees to it that it does not outlive us.

use std::collections::BTreeSet;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::Error;

const WATCHDOG: &str = include_str!("watchdog.sh");

/// How often a process is looked at that is being waited for.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(25);

/// How long killed processes may take to be gone: the kernel finishes a disk write before it lets go of one.
const GONE_WITHIN: Duration = Duration::from_secs(10);

/// How long a server may take to end that was told to drop everything, before it is killed.
const ABRUPTLY_WITHIN: Duration = Duration::from_secs(5);

/// How a server wants to be ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manners {
    /// The signal upon which it stops in order.
    pub(super) polite: Signal,
    /// How long that may take.
    pub(super) patience: Duration,
    /// The signal upon which it drops everything, its data included, but still leaves nothing behind in the system.
    pub(super) abrupt: Signal,
}

/// A running server.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    watchdog: Child,
    manners: Manners,
}

impl Process {
    /// Starts `command`. If we die, the watchdog ends it abruptly and then deletes its `remains`.
    pub(super) fn spawn(mut command: Command, manners: Manners, remains: &[PathBuf]) -> Result<Process, Error> {
        // A group of its own: an interrupt from the terminal is ours to handle, in our order, not the server's.
        let mut child = command.stdin(Stdio::null()).process_group(0).spawn().map_err(Error::spawn(&command))?;
        let mut watch = Command::new("/bin/sh");
        let (signal, pid) = (manners.abrupt.as_raw().to_string(), child.id().to_string());
        watch.args(["-c", WATCHDOG, "watchdog", &signal, &pid]).args(remains);
        watch.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").process_group(0);
        match watch.spawn().map_err(Error::spawn(&watch)) {
            Ok(watchdog) => Ok(Process { child, watchdog, manners }),
            Err(error) => {
                kill_tree(child.id());
                // The failure to report is the watchdog's.
                let _ = child.wait();
                Err(error)
            }
        }
    }

    /// The process id of the server's first process.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Freezes the whole tree: the server keeps its connections and says nothing.
    pub(super) fn pause(&self) {
        freeze(self.child.id());
    }

    /// Lets a frozen tree go on.
    pub(super) fn resume(&self) {
        send_all(tree(self.child.id()), Signal::CONT);
    }

    /// Waits until it ends by itself.
    pub(super) async fn wait(&mut self) -> ExitStatus {
        loop {
            if let Some(status) = self.ended() {
                return status;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Asks it to stop and waits until it has; kills it if it takes too long.
    pub(super) async fn stop(mut self) {
        self.ask(self.manners.polite);
        let deadline = Instant::now() + self.manners.patience;
        while self.ended().is_none() && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// The power cut: no process of the tree runs another instruction, nothing is flushed.
    pub(super) fn kill(self) {}

    /// Ends it where nothing can be awaited: in order, or, when its data is of no more use, `abruptly`.
    pub(super) fn stop_blocking(mut self, abruptly: bool) {
        let Manners { polite, patience, abrupt } = self.manners;
        let (signal, patience) = if abruptly { (abrupt, ABRUPTLY_WITHIN) } else { (polite, patience) };
        self.ask(signal);
        let deadline = Instant::now() + patience;
        while self.ended().is_none() && Instant::now() < deadline {
            std::thread::sleep(LOOK_EVERY);
        }
    }

    /// A frozen server hears nothing: it is thawed first.
    fn ask(&mut self, signal: Signal) {
        if self.ended().is_none() {
            self.resume();
            send(self.child.id(), signal);
        }
    }
}

impl Drop for Process {
    /// Kills what is left of the tree, waits until it is gone, and sends the watchdog home.
    fn drop(&mut self) {
        if self.ended().is_none() {
            kill_tree(self.child.id());
        }
        // Both have been sent what nobody survives: there is nothing to be done about a failure here.
        let _ = self.child.wait();
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
    }
}

/// Ends servers that an earlier owner left behind (its watchdog was killed too): every process of `program` that was
/// started with `argument`.
pub(super) fn end_orphans(program: &str, argument: &str) {
    for pid in started_with(program, argument) {
        tracing::warn!("Ending {program}, process {pid}, which an earlier run left behind");
        kill_tree(pid);
    }
}

/// The processes of `program` that have `argument` among their arguments.
fn started_with(program: &str, argument: &str) -> Vec<u32> {
    let matches = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let mut parts = line.split(|byte| *byte == 0);
        let runs = parts.next().and_then(|path| path.rsplit(|byte| *byte == b'/').next());
        runs == Some(program.as_bytes()) && parts.any(|part| part == argument.as_bytes())
    };
    all().into_iter().map(|(pid, _)| pid).filter(matches).collect()
}

/// Every process with its parent. Zombies have ended and do not count.
fn all() -> Vec<(u32, u32)> {
    let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|entry| {
            let pid: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            // The name stands in brackets and may hold anything; what follows the last one is plain fields.
            let mut fields = stat.rsplit_once(") ")?.1.split(' ');
            let state = fields.next()?;
            let parent = fields.next()?.parse().ok()?;
            (state != "Z" && state != "X").then_some((pid, parent))
        })
        .collect()
}

/// `root` and all that descends from it.
fn tree(root: u32) -> BTreeSet<u32> {
    let everyone = all();
    let mut found = BTreeSet::from([root]);
    loop {
        let before = found.len();
        found.extend(
            everyone.iter().filter(|(_, parent)| found.contains(parent)).map(|(pid, _)| *pid).collect::<Vec<_>>(),
        );
        if found.len() == before {
            return found;
        }
    }
}

/// Freezes a tree until no new member appears, and returns it: from then on it can neither grow nor reuse a number.
fn freeze(root: u32) -> BTreeSet<u32> {
    let mut frozen = BTreeSet::new();
    loop {
        let now = tree(root);
        if now.is_subset(&frozen) {
            return frozen;
        }
        send_all(now.difference(&frozen).copied(), Signal::STOP);
        frozen.extend(now);
    }
}

/// Kills a tree and waits until none of it is left but, maybe, a zombie for its parent to collect.
fn kill_tree(root: u32) {
    let members = freeze(root);
    send_all(members.iter().copied(), Signal::KILL);
    let deadline = Instant::now() + GONE_WITHIN;
    while Instant::now() < deadline {
        let running: BTreeSet<u32> = all().into_iter().map(|(pid, _)| pid).collect();
        if members.is_disjoint(&running) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn send_all(pids: impl IntoIterator<Item = u32>, signal: Signal) {
    pids.into_iter().for_each(|pid| send(pid, signal));
}

/// A process that is gone already is as good as one that got the signal.
fn send(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw)
        && test_kill_process(pid).is_ok()
    {
        let _ = kill_process(pid, signal);
    }
}
