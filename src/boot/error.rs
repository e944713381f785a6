//! What can go wrong while Pitcrew is brought up on one machine, each with what to do about it.

use std::path::{Path, PathBuf};

/// Why Pitcrew could not be brought up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Another `pitcrew up` owns the folder.
    #[error("another `pitcrew up`{} runs in {}: stop that one first (Ctrl-C there), or choose another folder with \
             --folder", .owner, .folder.display())]
    Twice {
        /// The folder.
        folder: PathBuf,
        /// ` (process 123)`, or nothing if it cannot be told.
        owner: String,
    },
    /// One of our own programs is not beside this one.
    #[error("{} is not there: build all programs with `cargo build --workspace --bins`", .path.display())]
    NoProgram {
        /// Where it should be.
        path: PathBuf,
    },
    /// The address to listen on was chosen and is taken.
    #[error("{listen} is taken by another program: stop that one, or choose another address with PITCREW_API__LISTEN")]
    AddressTaken {
        /// The address.
        listen: std::net::SocketAddr,
    },
    /// A part that was started does not do its work.
    #[error("{what} within {} s; what the programs have to say is in {}", .waited.as_secs(), .logs.display())]
    NotReady {
        /// What did not come about.
        what: String,
        /// How long it was waited for.
        waited: std::time::Duration,
        /// The folder of the logs.
        logs: PathBuf,
    },
    /// It was told to stop before it was done.
    #[error("it was stopped before it was done")]
    Stopped,
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
    /// The file with the key of the secrets has no key in it.
    #[error(
        "the key of the secrets cannot be read from {}: {why}. Put the key back that was there, from wherever it is kept \
         apart; nothing else opens the secrets", .path.display()
    )]
    BadKeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There is no key, and there are secrets that need it.
    #[error(
        "there is no {}, and the database has secrets that are sealed under {keys}: put the file back, from wherever it is \
         kept apart. If it is lost for good, `openssl rand -hex 32 > {}` makes another key; every deployment that gives a \
         secret must then be applied again", .path.display(), .path.display()
    )]
    KeyGone {
        /// The file.
        path: PathBuf,
        /// The names of the keys.
        keys: String,
    },
    /// A private server.
    #[error(transparent)]
    Service(#[from] super::services::Error),
    /// The database.
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    /// The broker.
    #[error(transparent)]
    Broker(#[from] crate::broker::Error),
}

impl Error {
    /// For `map_err`: an [`Error::Io`] about `path`.
    pub(super) fn io(doing: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.to_owned();
        move |source| Error::Io { doing, path, source }
    }
}
