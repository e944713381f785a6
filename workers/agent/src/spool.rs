//! The outcomes: kept until acknowledged, and for a while after that, so that a run asked for again is answered.
//!
//! Of an acknowledged outcome that has grown old only the run id is kept. Those ids are bounded too: an id that is no
//! longer known cannot start anything either, since its start-by time has long passed.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use pitcrew_protocol::RunOutcome;
use uuid::Uuid;

use crate::{Error, durable};

/// Acknowledged outcomes that are kept whole.
const ACKNOWLEDGED_MAX: usize = 1_000;
/// How long an acknowledged outcome is kept whole.
const ACKNOWLEDGED_AGE_MAX: Duration = Duration::from_secs(14 * 24 * 3600);
/// Run ids that are remembered without their outcome; past it the older half goes.
const FORGOTTEN_MAX: usize = 50_000;

/// The spool of a state folder.
#[derive(Debug, Clone)]
pub struct Spool {
    outcomes: PathBuf,
    acknowledged: PathBuf,
    forgotten: PathBuf,
}

/// What the spool knows about a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Known {
    /// Nothing: it has not ended here.
    No,
    /// It has ended.
    Ended(Box<RunOutcome>),
    /// It has ended long ago; its outcome was acknowledged and is gone.
    Forgotten,
}

impl Spool {
    /// The spool in this state folder.
    pub fn new(root: &Path) -> Spool {
        Spool {
            outcomes: root.join("outcomes"),
            acknowledged: root.join("acknowledged"),
            forgotten: root.join("forgotten"),
        }
    }

    /// Stores an outcome; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn store(&self, outcome: &RunOutcome) -> Result<(), Error> {
        durable::write_json(&file(&self.outcomes, outcome.run_id), outcome)
    }

    /// What is known about a run.
    ///
    /// # Errors
    /// [`Error::Io`] or [`Error::Damaged`].
    pub fn find(&self, run_id: Uuid) -> Result<Known, Error> {
        // An acknowledgement moves an outcome from the first folder to the second, so they are read in that order.
        for folder in [&self.outcomes, &self.acknowledged] {
            if let Some(outcome) = durable::read_json(&file(folder, run_id))? {
                return Ok(Known::Ended(Box::new(outcome)));
            }
        }
        let forgotten = durable::read(&self.forgotten)?.unwrap_or_default();
        let id = run_id.to_string();
        Ok(if forgotten.lines().any(|line| line == id) { Known::Forgotten } else { Known::No })
    }

    /// The outcomes that were not acknowledged, in the order in which the runs ended.
    ///
    /// # Errors
    /// [`Error::Io`]. A damaged outcome is passed over with a warning: it must not hold up the others.
    pub fn unacknowledged(&self) -> Result<Vec<RunOutcome>, Error> {
        let mut outcomes = Vec::new();
        for (run_id, _) in ids(&self.outcomes)? {
            match durable::read_json::<RunOutcome>(&file(&self.outcomes, run_id)) {
                Ok(outcome) => outcomes.extend(outcome),
                Err(error) => {
                    tracing::warn!(run_id = %run_id, "Passed over an outcome: {}", crate::error::chain(&error))
                }
            }
        }
        outcomes.sort_by_key(|outcome| outcome.ended_at);
        Ok(outcomes)
    }

    /// Marks an outcome as acknowledged. Answers whether it was there and waiting.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn acknowledge(&self, run_id: Uuid) -> Result<bool, Error> {
        let from = file(&self.outcomes, run_id);
        if !from.try_exists().map_err(Error::io("find", &from))? {
            return Ok(false);
        }
        durable::rename(&from, &file(&self.acknowledged, run_id))?;
        self.prune(ACKNOWLEDGED_MAX, ACKNOWLEDGED_AGE_MAX, SystemTime::now())?;
        Ok(true)
    }

    /// Forgets acknowledged outcomes, all but their ids, past a number and an age.
    fn prune(&self, number_max: usize, age_max: Duration, now: SystemTime) -> Result<(), Error> {
        let mut kept = ids(&self.acknowledged)?;
        kept.sort_by_key(|(_, stored)| std::cmp::Reverse(*stored));
        for (place, (run_id, stored)) in kept.into_iter().enumerate() {
            if place >= number_max || now.duration_since(stored).is_ok_and(|age| age > age_max) {
                self.remember_id(run_id)?;
                durable::remove(&file(&self.acknowledged, run_id))?;
            }
        }
        Ok(())
    }

    fn remember_id(&self, run_id: Uuid) -> Result<(), Error> {
        durable::private(std::fs::OpenOptions::new().append(true).create(true), 0o600)
            .open(&self.forgotten)
            .and_then(|mut file| file.write_all(format!("{run_id}\n").as_bytes()))
            .map_err(Error::io("append to", &self.forgotten))?;
        let text = durable::read(&self.forgotten)?.unwrap_or_default();
        let lines = text.lines().count();
        if lines > FORGOTTEN_MAX {
            let newer: String = text.split_inclusive('\n').skip(lines / 2).collect();
            durable::write(&self.forgotten, newer.as_bytes())?;
        }
        Ok(())
    }
}

fn file(folder: &Path, run_id: Uuid) -> PathBuf {
    folder.join(format!("{run_id}.json"))
}

/// The run ids of a folder's outcomes, and when each was stored.
fn ids(folder: &Path) -> Result<Vec<(Uuid, SystemTime)>, Error> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(Error::io("list", folder))? {
        let entry = entry.map_err(Error::io("list", folder))?;
        let path = entry.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let Some(run_id) = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok()) else {
            continue;
        };
        let stored = entry.metadata().and_then(|metadata| metadata.modified()).map_err(Error::io("read", &path))?;
        found.push((run_id, stored));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use pitcrew_protocol::Ending;

    use super::*;
    use crate::state::StateDir;

    #[test]
    fn an_old_outcome_is_forgotten_but_its_id_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let spool = StateDir::open(folder.path()).unwrap().spool();
        let (old, other) = (outcome(), outcome());
        spool.store(&old).unwrap();
        assert_eq!(spool.unacknowledged().unwrap(), vec![old.clone()]);
        assert!(spool.acknowledge(old.run_id).unwrap());
        assert!(!spool.acknowledge(old.run_id).unwrap());
        assert_eq!(spool.unacknowledged().unwrap(), vec![]);
        assert_eq!(spool.find(old.run_id).unwrap(), Known::Ended(Box::new(old.clone())));

        let later = SystemTime::now() + Duration::from_secs(3600);
        spool.prune(10, Duration::from_secs(60), later).unwrap();
        assert_eq!(spool.find(old.run_id).unwrap(), Known::Forgotten);
        assert_eq!(spool.find(other.run_id).unwrap(), Known::No);
    }

    fn outcome() -> RunOutcome {
        RunOutcome {
            run_id: Uuid::now_v7(),
            session: 1,
            epoch: 1,
            boot_id: "a".into(),
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: Timestamp::UNIX_EPOCH,
            ending: Ending::Completed,
            steps: vec![],
        }
    }
}
