//! Of several sessions that are to be run again, those that stand for the others.

use std::collections::HashMap;

use super::{Rerun, Weighed};
use crate::domain::session::Order;
use crate::domain::{ComputerId, SessionId};
use crate::lifecycle::submit::Submission;

/// Of those that would make a session of one computer do the same, only the latest is run again: a rerun that failed too
/// stands for what it ran again.
pub(super) fn keep(weighed: &mut [Weighed]) {
    let mut of_computer: HashMap<ComputerId, Vec<(SessionId, &Submission)>> = HashMap::new();
    for (id, one) in weighed.iter() {
        if let Ok(one) = one {
            of_computer.entry(one.submission.computer).or_default().push((*id, &one.submission));
        }
    }
    let mut instead: HashMap<SessionId, SessionId> = HashMap::new();
    for of_one in of_computer.values() {
        let comes_first = |(id, one): &(SessionId, &Submission), (other, another): &(SessionId, &Submission)| {
            id != other && serves(one, another) && (!serves(another, one) || id > other)
        };
        let (left, kept): (Vec<_>, Vec<_>) =
            of_one.iter().partition(|one| of_one.iter().any(|other| comes_first(other, one)));
        for one in left {
            instead.extend(kept.iter().filter(|it| comes_first(it, &one)).map(|it| (one.0, it.0)).max());
        }
    }
    for (id, one) in weighed {
        if let Some(other) = instead.get(id) {
            *one = Err(Rerun::Refused(format!("Session {other} is chosen too and does the same: that is run again.")));
        }
    }
}

/// Whether a session of the one does all that a session of the other would, and is no less urgent.
fn serves(one: &Submission, other: &Submission) -> bool {
    let done = |submission: &Submission| {
        let mut order = Order { rerun_of: None, inventory: false, ..submission.order.clone() };
        order.deployments.sort();
        order
    };
    one.kind == other.kind
        && one.priority.rank() <= other.priority.rank()
        && (one.order.inventory || !other.order.inventory)
        && done(one) == done(other)
}
