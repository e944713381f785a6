//! Appends to the journal; see [`pitcrew_protocol::journal`] for what it is good for.
//!
//! A line is one write to a file opened for appending, so lines of several processes do not mix. They are not forced
//! to the disk one by one: the epoch, the run in flight and the outcomes are, and a power cut costs the last lines only.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;
use pitcrew_protocol::{JournalEvent, JournalLine, Run};
use uuid::Uuid;

use crate::{Error, durable};

/// The journal of a state folder.
#[derive(Debug, Clone)]
pub struct Journal {
    path: PathBuf,
}

impl Journal {
    /// The journal in this file, which need not exist.
    pub fn new(path: PathBuf) -> Journal {
        Journal { path }
    }

    /// Appends a line about a run.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn about(&self, run: &Run, event: JournalEvent) -> Result<(), Error> {
        self.append(run.epoch, Some(run.session), Some(run.run_id), event)
    }

    /// Appends a line; see [`JournalLine`] for the fields.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Damaged`] if the line has no JSON form.
    pub fn append(
        &self,
        epoch: i64,
        session: Option<i64>,
        run_id: Option<Uuid>,
        event: JournalEvent,
    ) -> Result<(), Error> {
        let line = JournalLine { at: Timestamp::now(), epoch, session, run_id, event };
        let mut json = serde_json::to_vec(&line)
            .map_err(|source| Error::Damaged { path: self.path.clone(), source: Box::new(source) })?;
        json.push(b'\n');
        durable::private(OpenOptions::new().append(true).create(true), 0o600)
            .open(&self.path)
            .and_then(|mut file| file.write_all(&json))
            .map_err(Error::io("append to", &self.path))
    }
}
