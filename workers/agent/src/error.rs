//! What can go wrong between the agent and its own computer.

use std::path::{Path, PathBuf};

/// Why something could not be done on this computer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder could not be used.
    #[error("cannot {doing} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        doing: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A file of the state folder does not say what it should.
    #[error("{} is damaged: restore it, or move the state folder away and enrol the computer anew", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The supervisor of a run went away before it had begun.
    #[error("the supervisor of the run did not start: see {}", log.display())]
    Supervisor {
        /// Its log.
        log: PathBuf,
    },
    /// Another agent keeps the connection of this state folder.
    #[error("another agent already runs on the state folder {}: stop it first", path.display())]
    AlreadyRunning {
        /// The state folder.
        path: PathBuf,
    },
}

impl Error {
    /// Says what was tried with which file; for `map_err`.
    pub fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }
}

/// An error and its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}
