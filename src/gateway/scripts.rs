//! Texts of scripts, kept under their SHA-256: what is named by its content never grows old.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::Sha256Hash;
use crate::store::{Error, Store};

/// Bytes of text that are kept. Past it all are forgotten: what is in use comes back at once.
const KEPT_MAX: usize = 64 * 1024 * 1024;

/// The texts that were read lately.
#[derive(Default)]
pub(super) struct Scripts(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    texts: HashMap<Sha256Hash, Arc<str>>,
    bytes: usize,
}

impl Scripts {
    /// The texts of these scripts; those that are not at hand are read together.
    ///
    /// # Errors
    /// The database could not be read. A script that is not stored is absent in the answer, and no error.
    pub(super) async fn of(
        &self,
        store: &Store,
        wanted: HashSet<Sha256Hash>,
    ) -> Result<HashMap<Sha256Hash, Arc<str>>, Error> {
        let mut found = HashMap::with_capacity(wanted.len());
        let mut missing = Vec::new();
        {
            let kept = self.kept();
            for hash in wanted {
                match kept.texts.get(&hash) {
                    Some(text) => drop(found.insert(hash, text.clone())),
                    None => missing.push(hash),
                }
            }
        }
        if !missing.is_empty() {
            let read = store.script_texts(&missing).await?;
            self.keep(&read);
            found.extend(read);
        }
        Ok(found)
    }

    fn keep(&self, read: &[(Sha256Hash, Arc<str>)]) {
        let mut kept = self.kept();
        for (hash, text) in read {
            if kept.bytes + text.len() > KEPT_MAX {
                *kept = Kept::default();
            }
            if kept.texts.insert(*hash, text.clone()).is_none() {
                kept.bytes += text.len();
            }
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
