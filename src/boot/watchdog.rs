//! Sees to it that no program outlives us: a small shell script that reads from us which programs run, and ends them when
//! it hears no more.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::Error;

const SCRIPT: &str = include_str!("watchdog.sh");

/// The running watchdog. Dropping it lets it look after what is left, and end.
#[derive(Debug)]
pub(super) struct Watchdog(Mutex<Child>);

impl Watchdog {
    /// `mark` is in the environment of everything that is started and of nothing else, as `NAME=VALUE`.
    pub(super) fn start(mark: &str) -> Result<Watchdog, Error> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "pitcrew-watchdog", mark]).current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(Error::io("run", "/bin/sh".as_ref()))?;
        Ok(Watchdog(Mutex::new(child)))
    }

    /// From now on it looks after this process.
    pub(super) fn started(&self, pid: u32) {
        self.tell('+', pid);
    }

    /// It is to leave this process alone: it has ended, and its number may be another's.
    pub(super) fn ended(&self, pid: u32) {
        self.tell('-', pid);
    }

    fn tell(&self, sign: char, pid: u32) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A watchdog that was killed looks after nobody; the next `pitcrew up` finds what this one may leave behind.
        if let Some(pipe) = &mut child.stdin {
            let _ = writeln!(pipe, "{sign}{pid}");
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let child = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(child.stdin.take());
        // It ends at once if nothing is left to look after.
        let _ = child.wait();
    }
}
