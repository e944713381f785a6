//! Lets what was lost run again: admitted stages past their deadline.

use std::collections::BTreeMap;

use tracing::warn;

use crate::broker::Broker;
use crate::domain::SessionId;
use crate::domain::session::Stage;
use crate::lifecycle::lose::{LossPolicy, lose};
use crate::store::gate::Entry;
use crate::store::rescue::Overdue;
use crate::store::{Error, Store};

/// How many overdue stages are looked at in one round.
const MOST: i64 = 1000;

/// The rescuer of the leading scheduler.
pub struct Rescue {
    /// The database.
    pub store: Store,
    /// The broker.
    pub broker: Broker,
    /// How often a stage may be lost.
    pub policy: LossPolicy,
}

impl Rescue {
    /// One round. Returns how many sessions were rescued or given up.
    pub async fn round(&self) -> Result<usize, Error> {
        self.store.wake_for_free_locks().await?;
        let overdue = self.store.overdue(MOST).await?;
        if overdue.is_empty() {
            return Ok(0);
        }
        let lost = self.lost(&overdue).await?;
        let now = self.store.ask_time().await?;
        let written = self
            .store
            .decide(&lost, |session| {
                lose(session, &self.policy, rand::random::<f64>(), "scheduler", now).map(Entry::bare)
            })
            .await?;
        for entry in &written {
            let after = &entry.change.after;
            let note = entry.change.transition.as_ref().map_or("", |transition| transition.note.as_str());
            warn!(session.id = %after.id, "Session {} was lost in {}: {note}", after.id, after.stage);
        }
        Ok(written.len())
    }

    /// Which of the overdue ones are lost. A job that nobody took may simply lie in a long queue: of those only as many
    /// are lost as the queue's depth shows to be missing, the longest overdue first.
    async fn lost(&self, overdue: &[Overdue]) -> Result<Vec<SessionId>, Error> {
        let mut missing: BTreeMap<Stage, i64> = BTreeMap::new();
        if overdue.iter().any(|overdue| !overdue.taken) {
            for untaken in self.store.untaken().await? {
                // A queue that cannot be asked may hold everything.
                let queue = self.broker.topology().queue(untaken.stage.as_str());
                let depth = self.broker.depth(&queue).await.map_or(i64::MAX, i64::from);
                missing.insert(untaken.stage, untaken.count.saturating_sub(depth).max(0));
            }
        }
        Ok(overdue
            .iter()
            .filter(|overdue| {
                if overdue.taken {
                    return true;
                }
                let left = missing.entry(overdue.stage).or_default();
                *left -= 1;
                *left >= 0
            })
            .map(|overdue| overdue.session)
            .collect())
    }
}
