//! How a verb ends: its exit code, and what it says on the standard error stream.

use std::process::ExitCode;

/// What the exit codes mean, for the help.
pub const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed or refused; 2 bad input; 3 not found; 4 the server cannot be \
reached; 5 with --wait, a session ended other than completed.";

/// Why a verb did not do what it is for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The server refused, or failed.
    #[error("{0}")]
    Refused(String),
    /// What was given is wrong.
    #[error("{0}")]
    BadInput(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The server cannot be reached.
    #[error("{0}")]
    Unreachable(String),
    /// A session that was waited for ended other than completed; what was printed says how.
    #[error("{0}")]
    NotCompleted(String),
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Failure::Refused(_) => 1,
            Failure::BadInput(_) => 2,
            Failure::NotFound(_) => 3,
            Failure::Unreachable(_) => 4,
            Failure::NotCompleted(_) => 5,
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> ExitCode {
        ExitCode::from(failure.code())
    }
}
