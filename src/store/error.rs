//! What can go wrong with the database.

use tokio_postgres::error::{DbError, SqlState};

/// What we were doing when it went wrong, and why it did.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database cannot be reached, or all connections are busy.
    #[error("no connection to the database")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A statement failed.
    #[error("{doing}")]
    Statement {
        /// What we were doing, such as `claiming jobs`.
        doing: &'static str,
        /// The driver's error.
        #[source]
        source: tokio_postgres::Error,
    },
    /// A stored value cannot be read: it was written by a newer version, or by hand.
    #[error("{what} in the database cannot be read: {why}")]
    Unreadable {
        /// Which value.
        what: String,
        /// Why.
        why: String,
    },
    /// A secret is sealed under a key that this program was not told. It may have been since, in its settings: they are
    /// read when it starts.
    #[error(
        "the secret {secret} is sealed under the key {key}, which is none of those in secrets.key or secrets.key_file of \
         this program; give it that key and start it again"
    )]
    KeyNotKnown {
        /// The secret.
        secret: uuid::Uuid,
        /// The key's name.
        key: String,
    },
    /// The database's address is wrong.
    #[error("the database URL is not valid (expected postgres://user:password@host:port/database)")]
    Url(#[source] tokio_postgres::Error),
    /// The schema could not be brought up to date.
    #[error("migrating the database failed")]
    Migration(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something that was asked for does not exist or contradicts what is there.
    #[error("{0}")]
    Refused(String),
}

impl Error {
    /// True if it is no fault of the call: it succeeds once the database is well, or this program was started again with
    /// the keys that the others have.
    pub fn is_nobodys_fault(&self) -> bool {
        matches!(self, Error::KeyNotKnown { .. }) || self.is_transient()
    }

    /// True if the same call may succeed later without anything being changed: connection trouble, deadlock,
    /// serialisation, shut-down (SQLSTATE classes 08, 40, 53, 57), a transaction that said nothing for too long (25P03),
    /// an item of a computer that two sessions have judged for the first time at once.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Unavailable(_) => true,
            Error::Statement { source, .. } => match source.code() {
                Some(&SqlState::UNIQUE_VIOLATION) => {
                    source.as_db_error().and_then(DbError::constraint) == Some("compliance_pkey")
                }
                Some(code) => ["08", "40", "53", "57", "25P03"].iter().any(|class| code.code().starts_with(class)),
                // Without a code it is the driver's: the connection, or a defect of ours that no repetition heals.
                None => {
                    source.is_closed()
                        || std::error::Error::source(source).is_some_and(|cause| cause.is::<std::io::Error>())
                }
            },
            Error::Unreadable { .. }
            | Error::KeyNotKnown { .. }
            | Error::Url(_)
            | Error::Migration(_)
            | Error::Refused(_) => false,
        }
    }
}

/// Names what a statement was for.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, Error>;
}

impl<T> Doing<T> for Result<T, tokio_postgres::Error> {
    fn doing(self, doing: &'static str) -> Result<T, Error> {
        self.map_err(|source| Error::Statement { doing, source })
    }
}
