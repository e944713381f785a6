//! A program to be kept running: what it is called, what it is told, and what its end means.

use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::Duration;

use super::Error;
use crate::domain::retry::RetryPolicy;

/// How an agent asks to be started again: a run in its sandbox has restarted the computer.
const EXIT_REBOOT: i32 = 86;
/// How long a sandbox takes to start again.
const REBOOT: Duration = Duration::from_secs(1);
/// How long a program must have run for its end to count as the first failure.
const HEALTHY_AFTER: Duration = Duration::from_secs(10);
/// The waits between its starts.
const BACK_OFF: RetryPolicy =
    RetryPolicy { attempts: i32::MAX, first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// When a program is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// Among the first: it has work to finish, and needs the others for that.
    First,
    /// When those have gone.
    Last,
}

/// A program to be kept running.
#[derive(Debug, Clone)]
pub struct Program {
    /// Its name in the logs, unique among those that run.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// What is added to our environment for it. Secrets belong here, where others cannot read them.
    pub environment: Vec<(String, String)>,
    /// When it is told to stop.
    pub leaves: Leaves,
}

impl Program {
    /// One of our own, which lies beside the program that is running. It is to leave first.
    ///
    /// # Errors
    /// [`Error::NoProgram`] if it does not.
    pub fn beside(file: &str, name: &str) -> Result<Program, Error> {
        let own = std::env::current_exe().map_err(Error::io("find", Path::new("the running program")))?;
        let path = own.with_file_name(file).with_extension(std::env::consts::EXE_EXTENSION);
        if !path.is_file() {
            return Err(Error::NoProgram { path });
        }
        let (arguments, environment) = (Vec::new(), Vec::new());
        Ok(Program { name: name.to_owned(), path, arguments, environment, leaves: Leaves::First })
    }

    /// With these arguments.
    #[must_use]
    pub fn arguments<S: Into<String>>(mut self, arguments: impl IntoIterator<Item = S>) -> Program {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// With these variables.
    #[must_use]
    pub fn environment(mut self, variables: &[(String, String)]) -> Program {
        self.environment.extend_from_slice(variables);
        self
    }

    /// To leave when the others have gone.
    #[must_use]
    pub fn leaves_last(mut self) -> Program {
        self.leaves = Leaves::Last;
        self
    }
}

/// What is to be done about a program that has ended without having been told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Again {
    /// How long to wait before it is started again.
    pub after: Duration,
    /// Failures in a row, this one included; 0 if it was none.
    pub failures: i32,
}

/// Decides it: `ran` is how long it ran, `failures` how many there were in a row before, `random` is uniform in `0..1`.
/// `status` is none if it could not be started at all.
pub(super) fn again(status: Option<ExitStatus>, ran: Duration, failures: i32, random: f64) -> Again {
    if status.and_then(|status| status.code()) == Some(EXIT_REBOOT) {
        return Again { after: REBOOT, failures: 0 };
    }
    let failures = if ran >= HEALTHY_AFTER { 1 } else { failures.saturating_add(1) };
    Again { after: BACK_OFF.wait(failures, random).unwrap_or(BACK_OFF.longest), failures }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    fn exited(code: i32) -> Option<ExitStatus> {
        Some(ExitStatus::from_raw(code << 8))
    }

    #[test]
    fn waits_grow_until_it_has_run_well_for_a_while() {
        let mut failures = 0;
        let mut ceilings = Vec::new();
        for _ in 0..8 {
            let again = again(exited(1), Duration::from_secs(1), failures, 1.0);
            failures = again.failures;
            ceilings.push(again.after.as_millis());
        }
        assert_eq!(ceilings, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
        let after_health = again(exited(1), HEALTHY_AFTER, failures, 1.0);
        assert_eq!(after_health, Again { after: Duration::from_millis(500), failures: 1 });
        assert_eq!(again(None, Duration::ZERO, 3, 0.0), Again { after: Duration::ZERO, failures: 4 });
    }

    #[test]
    fn a_sandbox_that_restarts_has_not_failed() {
        let again = again(exited(EXIT_REBOOT), Duration::from_secs(1), 5, 1.0);
        assert_eq!(again, Again { after: REBOOT, failures: 0 });
    }
}
