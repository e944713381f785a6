//! What can go wrong with the demo.

use std::path::{Path, PathBuf};

/// Why the demo could not be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Pitcrew could not be brought up.
    #[error(transparent)]
    Boot(#[from] crate::boot::Error),
    /// The sample that is part of the program cannot be read.
    #[error("deploy/local/demo/computers.toml cannot be read")]
    Sample(#[source] Box<toml::de::Error>),
    /// `tar` is not there or did not do what was asked.
    #[error("tar could not {doing}: {why}")]
    Tar {
        /// What was being done.
        doing: String,
        /// What it said.
        why: String,
    },
    /// The API.
    #[error(transparent)]
    Api(#[from] crate::cli::Failure),
    /// The API's answer is not of the form that was expected.
    #[error("the API's answer cannot be read")]
    Answer(#[source] serde_json::Error),
    /// Something did not come about in time.
    #[error("{what} within {} s; the programs' logs are in {}", .waited.as_secs(), .logs.display())]
    TooLate {
        /// What did not.
        what: String,
        /// How long it was waited for.
        waited: std::time::Duration,
        /// The folder of the logs.
        logs: PathBuf,
    },
}

impl Error {
    /// For `map_err`: about `path`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let wrap = crate::boot::Error::io(doing, path);
        move |source| Error::Boot(wrap(source))
    }
}
