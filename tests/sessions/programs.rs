//! The real programs as processes that can be stopped, frozen and killed, each under a name of its own.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::support::program;

/// Longer than any drain.
const END_WITHIN: Duration = Duration::from_secs(60);

/// Running programs by name. Dropping it kills them.
#[derive(Default)]
pub struct Programs {
    /// Where the programs' logs go, each into a file of its name; none: to the test's output.
    pub logs: Option<PathBuf>,
    running: BTreeMap<String, Child>,
}

impl Programs {
    /// Starts a program by the part of its name before the dash, with these variables. Its log goes to the test's output.
    pub fn start(&mut self, name: &str, env: &BTreeMap<String, String>) {
        let kind = name.split('-').next().expect("a name");
        let command = match kind {
            "scheduler" | "server" => {
                let mut command = Command::new(program("pitcrew"));
                command.arg(kind);
                command
            }
            "detection" | "planning" | "execution" => Command::new(program(&format!("pitcrew-{kind}"))),
            other => panic!("there is no program for {other}"),
        };
        self.spawn(name, command, env);
    }

    /// Starts a command under a name.
    pub fn spawn(&mut self, name: &str, mut command: Command, env: &BTreeMap<String, String>) {
        command.envs(env).stdin(Stdio::null()).kill_on_drop(true);
        if let Some(folder) = &self.logs {
            std::fs::create_dir_all(folder).expect("a folder");
            let log = std::fs::File::create(folder.join(name)).expect("a file");
            command.stdout(log.try_clone().expect("a file")).stderr(log);
        }
        let child = command.spawn().expect("the program starts");
        if let Some(mut old) = self.running.insert(name.to_owned(), child) {
            assert!(matches!(old.try_wait(), Ok(Some(_))), "{name} still runs");
        }
    }

    /// Ends it at once, as a power cut would, and waits until it is gone.
    pub async fn kill(&mut self, name: &str) {
        let mut child = self.running.remove(name).expect("it runs");
        child.kill().await.expect("it is killed");
    }

    /// Freezes it.
    pub fn freeze(&self, name: &str) {
        self.signal(name, Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self, name: &str) {
        self.signal(name, Signal::CONT);
    }

    /// Asks it to end and waits until it has.
    pub async fn stop(&mut self, name: &str) -> ExitStatus {
        self.signal(name, Signal::TERM);
        let mut child = self.running.remove(name).expect("it runs");
        tokio::time::timeout(END_WITHIN, child.wait()).await.expect("it ends").expect("it ran")
    }

    /// Ends all, in order: none may have to be forced.
    pub async fn end(&mut self) {
        for child in self.running.values() {
            if let Some(pid) = child.id().and_then(|id| Pid::from_raw(id as i32)) {
                let _ = kill_process(pid, Signal::TERM);
            }
        }
        for (name, mut child) in std::mem::take(&mut self.running) {
            let ended = tokio::time::timeout(END_WITHIN, child.wait()).await;
            assert!(ended.is_ok(), "{name} does not end");
        }
    }

    /// Kills whatever still runs.
    pub fn kill_all(&mut self) {
        for child in self.running.values_mut() {
            let _ = child.start_kill();
        }
    }

    fn signal(&self, name: &str, signal: Signal) {
        let id = self.running[name].id().expect("it runs");
        kill_process(Pid::from_raw(id as i32).expect("a process id"), signal).expect("the signal is sent");
    }
}
