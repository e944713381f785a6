//! Of several sessions that are to be run again, those that stand for the others.

use std::collections::HashMap;

use super::{Rerun, Weighed};
use crate::domain::SessionId;
use crate::domain::session::Order;
use crate::lifecycle::submit::Submission;
use crate::store::gate;

/// How urgent a session is, by rank, and whether it takes the inventory.
type Standing = (i16, bool);

/// Of those that would make a session of one computer do the same, only the latest is run again: a rerun that failed too
/// stands for what it ran again.
pub(super) fn keep(weighed: &mut [Weighed]) {
    let mut alike: HashMap<String, HashMap<Standing, SessionId>> = HashMap::new();
    for (id, one) in weighed.iter() {
        if let Ok(one) = one {
            let latest =
                alike.entry(done(&one.submission)).or_default().entry(standing(&one.submission)).or_insert(*id);
            *latest = (*latest).max(*id);
        }
    }
    // One that another serves is left out itself, and stands for none.
    for latest in alike.values_mut() {
        let all: Vec<Standing> = latest.keys().copied().collect();
        latest.retain(|one, _| !all.iter().any(|other| other != one && serves(*other, *one)));
    }
    for (id, one) in weighed {
        let Ok(again) = one else { continue };
        let standing = standing(&again.submission);
        let latest = alike.get(&done(&again.submission)).into_iter().flatten();
        let Some(other) = latest.filter(|(other, _)| serves(**other, standing)).map(|(_, id)| *id).max() else {
            continue;
        };
        if other != *id {
            *one = Err(Rerun::Refused(format!("Session {other} is chosen too and does the same: that is run again.")));
        }
    }
}

/// What a session would do on which computer, but for its standing.
fn done(submission: &Submission) -> String {
    let mut order = Order { rerun_of: None, inventory: false, ..submission.order.clone() };
    order.deployments.sort();
    format!("{} {} {}", submission.computer.0, submission.kind, gate::to_json(&order))
}

fn standing(submission: &Submission) -> Standing {
    (submission.priority.rank(), submission.order.inventory)
}

/// Whether a session of the one standing is no less urgent than one of the other and takes the inventory if that does.
fn serves((rank, inventory): Standing, (other_rank, other_inventory): Standing) -> bool {
    rank <= other_rank && (inventory || !other_inventory)
}
