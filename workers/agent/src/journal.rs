//! Appends to the journal; see [`pitcrew_protocol::journal`] for what it is good for.
//!
//! A line is one write to a file opened for appending, so lines of several processes do not mix. They are not forced
//! to the disk one by one: the epoch, the run in flight and the outcomes are, and a power cut costs the last lines only.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use jiff::Timestamp;
use pitcrew_protocol::{JournalEvent, JournalLine, Run};
use uuid::Uuid;

use crate::{Error, durable};

/// How far back the last line feed is looked for; a line is some hundred bytes long.
const LINE_BYTES_MAX: u64 = 64 * 1024;

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

    /// Takes away a last line that a power cut has left unfinished, so that the next one does not run into it. Call it
    /// under the state folder's lock.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn mend(&self) -> Result<(), Error> {
        let mut file = match OpenOptions::new().read(true).write(true).open(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            opened => opened.map_err(Error::io("open", &self.path))?,
        };
        let mut mend = || {
            let length = file.seek(SeekFrom::End(0))?;
            let from = file.seek(SeekFrom::Start(length.saturating_sub(LINE_BYTES_MAX)))?;
            let mut end = Vec::new();
            file.read_to_end(&mut end)?;
            match end.iter().rposition(|byte| *byte == b'\n') {
                Some(last) if last + 1 == end.len() => Ok(()),
                Some(last) => file.set_len(from + last as u64 + 1),
                None => file.set_len(from),
            }
        };
        mend().map_err(Error::io("mend", &self.path))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_line_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::new(folder.path().join("journal.jsonl"));
        journal.mend().unwrap();
        let read = || JournalLine::read_all(&std::fs::read_to_string(&journal.path).unwrap()).unwrap().len();
        journal.append(1, None, None, JournalEvent::Acknowledged).unwrap();
        journal.mend().unwrap();
        OpenOptions::new().append(true).open(&journal.path).unwrap().write_all(b"{\"at\":").unwrap();
        assert_eq!(read(), 1);
        journal.mend().unwrap();
        journal.append(1, None, None, JournalEvent::Acknowledged).unwrap();
        assert_eq!(read(), 2);
    }
}
