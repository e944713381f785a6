//! What can go wrong with a private server, each with what to do about it.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Output};
use std::time::Duration;

/// Why a private server could not be started, stopped or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server's programs are not on this machine.
    #[error("{server}'s programs were not found in {looked_in}: install {package} (Debian, Ubuntu: `make setup`)")]
    NotInstalled {
        /// The server, as people call it.
        server: &'static str,
        /// The places that were looked at.
        looked_in: String,
        /// The package to install.
        package: String,
    },
    /// Another live process owns the folder.
    #[error("{} is in use by another running Pitcrew: stop that one first, or choose another folder", .dir.display())]
    InUse {
        /// The folder that is taken.
        dir: PathBuf,
    },
    /// The folder holds the data of another major version than those installed.
    #[error("the data in {} was written by PostgreSQL {wanted}, which is not installed: \
             install postgresql-{wanted}, or delete that folder to begin with an empty database", .dir.display())]
    OtherVersion {
        /// The folder with the data.
        dir: PathBuf,
        /// The major version that wrote it.
        wanted: String,
    },
    /// PostgreSQL refuses to run as root and no other account could be found.
    #[error(
        "PostgreSQL refuses to run as root, and there is no account `postgres` or `nobody` to run it as: \
             run Pitcrew as an ordinary user"
    )]
    NoAccount,
    /// A file or folder did not do what was asked.
    #[error("could not {doing} {}", .path.display())]
    Io {
        /// What was being done, to be read before the path.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A program could not be started at all.
    #[error("could not run {program}")]
    Spawn {
        /// The program.
        program: String,
        /// What the operating system answered.
        source: std::io::Error,
    },
    /// A program ran and failed.
    #[error("{program} failed ({status}):\n{output}")]
    Failed {
        /// The program with its arguments.
        program: String,
        /// How it ended.
        status: ExitStatus,
        /// What it printed.
        output: String,
    },
    /// The server ended while it was being waited for.
    #[error("{server} ended while starting ({status}); the end of its log, {}:\n{tail}", .log.display())]
    Exited {
        /// The server, as people call it.
        server: &'static str,
        /// How it ended.
        status: ExitStatus,
        /// Where its log is.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// The server runs but does not answer.
    #[error("{server} did not answer within {} s; the end of its log, {}:\n{tail}", .waited.as_secs(), .log.display())]
    NotReady {
        /// The server, as people call it.
        server: &'static str,
        /// How long it was waited for.
        waited: Duration,
        /// Where its log is.
        log: PathBuf,
        /// The last lines of the log.
        tail: String,
    },
    /// No port of the range is free.
    #[error("no free port between {from} and {to} on 127.0.0.1: stop something that listens there")]
    NoPort {
        /// The first port tried.
        from: u16,
        /// The last port tried.
        to: u16,
    },
    /// What was asked is possible only while the server is stopped.
    #[error("{server} is running: stop it before its data is wiped")]
    Running {
        /// The server, as people call it.
        server: &'static str,
    },
    /// The database answered a statement with an error.
    #[error("PostgreSQL refused to {doing}")]
    Database {
        /// What was being done.
        doing: String,
        /// Its answer.
        source: tokio_postgres::Error,
    },
}

impl Error {
    /// For `map_err`: an [`Error::Io`] about `path`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }

    /// For `map_err`: an [`Error::Spawn`] of `program`.
    pub(super) fn spawn(program: &std::process::Command) -> impl FnOnce(std::io::Error) -> Error + use<> {
        let program = program.get_program().to_string_lossy().into_owned();
        move |source| Error::Spawn { program, source }
    }

    /// What `output` printed, or the failure it is.
    pub(super) fn unless_success(program: String, output: Output) -> Result<String, Error> {
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        let complaint = String::from_utf8_lossy(&output.stderr);
        Err(Error::Failed { program, status: output.status, output: format!("{printed}{complaint}") })
    }
}
