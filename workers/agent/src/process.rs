//! Process groups: how a script, with all it started, is ended.

/// How firmly processes are told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmness {
    /// They may clean up.
    Terminate,
    /// They may not.
    Kill,
}

#[cfg(unix)]
pub use unix::{detach, kill_leftovers, signal_group, signal_process, wait_for_group};

#[cfg(unix)]
mod unix {
    use std::time::Duration;

    use rustix::process::{Pid, Signal};
    use uuid::Uuid;

    use super::Firmness;
    use crate::Error;
    use crate::state::RunFolder;

    /// Puts this process into a session of its own, so that it outlives the terminal or connection it came from.
    pub fn detach() {
        if let Err(error) = rustix::process::setsid() {
            tracing::warn!("Could not leave the session of the caller: {error}");
        }
    }

    /// Signals every process of a group; one that is gone already is no error.
    pub fn signal_group(leader: u32, firmness: Firmness) {
        if let Some(pid) = pid(leader) {
            let _ = rustix::process::kill_process_group(pid, signal(firmness));
        }
    }

    /// Signals one process; one that is gone already is no error.
    pub fn signal_process(process: u32, firmness: Firmness) {
        if let Some(pid) = pid(process) {
            let _ = rustix::process::kill_process(pid, signal(firmness));
        }
    }

    /// Waits until no process of the group is left. Its leader must be waited for by its parent beside this.
    pub async fn wait_for_group(leader: u32) {
        let Some(pid) = pid(leader) else { return };
        while rustix::process::test_kill_process_group(pid).is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn pid(number: u32) -> Option<Pid> {
        i32::try_from(number).ok().and_then(Pid::from_raw)
    }

    fn signal(firmness: Firmness) -> Signal {
        match firmness {
            Firmness::Terminate => Signal::TERM,
            Firmness::Kill => Signal::KILL,
        }
    }

    /// Kills what is left of a run whose supervisor has died: the processes of the supervisor's session that carry the
    /// run id in their environment. Both must hold, since the session's number may by now belong to another program.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(target_os = "linux")]
    pub fn kill_leftovers(run_id: Uuid, folder: &RunFolder) -> Result<(), Error> {
        let Some(session) = RunFolder::read_pid(&folder.supervisor())? else { return Ok(()) };
        let mark = format!("PITCREW_RUN_ID={run_id}");
        // One that is about to start another while we look is caught by looking again.
        for _ in 0..50 {
            let found = of_session(session, mark.as_bytes());
            if found.is_empty() {
                return Ok(());
            }
            found.into_iter().for_each(|process| signal_process(process, Firmness::Kill));
            std::thread::sleep(Duration::from_millis(20));
        }
        tracing::warn!(run_id = %run_id, "Processes of the run are still there after they were killed");
        Ok(())
    }

    #[cfg(target_os = "linux")]
    fn of_session(session: u32, mark: &[u8]) -> Vec<u32> {
        let Ok(entries) = std::fs::read_dir("/proc") else { return Vec::new() };
        entries
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter(|process: &u32| {
                let folder = format!("/proc/{process}");
                // The command's name, in parentheses, may hold anything; the fields after it are state, parent,
                // group, session.
                let stat = std::fs::read_to_string(format!("{folder}/stat")).unwrap_or_default();
                let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
                fields.nth(3) == Some(&session.to_string())
                    && std::fs::read(format!("{folder}/environ"))
                        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|entry| entry == mark))
            })
            .collect()
    }

    /// Kills what is left of a run whose supervisor has died: the process group of its last script.
    ///
    /// # Errors
    /// [`Error::Io`].
    #[cfg(not(target_os = "linux"))]
    pub fn kill_leftovers(_run_id: Uuid, folder: &RunFolder) -> Result<(), Error> {
        if let Some(group) = RunFolder::read_pid(&folder.group())? {
            signal_group(group, Firmness::Kill);
        }
        Ok(())
    }
}

#[cfg(not(unix))]
pub use other::{detach, kill_leftovers, signal_group, signal_process, wait_for_group};

#[cfg(not(unix))]
mod other {
    use uuid::Uuid;

    use super::Firmness;
    use crate::Error;
    use crate::state::RunFolder;

    /// Processes have no session here.
    pub fn detach() {}

    /// Ends a process and all it started.
    pub fn signal_group(leader: u32, firmness: Firmness) {
        signal_process(leader, firmness);
    }

    /// Ends a process and all it started.
    pub fn signal_process(process: u32, _firmness: Firmness) {
        let _ = std::process::Command::new("taskkill").args(["/T", "/F", "/PID", &process.to_string()]).output();
    }

    /// Nothing is left of a group whose leader was ended.
    pub async fn wait_for_group(_leader: u32) {}

    /// Kills what is left of a run whose supervisor has died.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn kill_leftovers(_run_id: Uuid, folder: &RunFolder) -> Result<(), Error> {
        if let Some(group) = RunFolder::read_pid(&folder.group())? {
            signal_group(group, Firmness::Kill);
        }
        Ok(())
    }
}
