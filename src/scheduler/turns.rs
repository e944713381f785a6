//! Whose turn is it: a pure choice among what is due.
//!
//! Emergencies go first, whoever's they are; then what has its computer already, which had its turn and goes on. Then
//! each turn goes to the tenant that has the least for its weight: what
//! it holds and what it was given in this choice, divided by its weight. So tenants share by weight whatever the length
//! of their queues, and a tenant that comes late is not made to wait for one that came early. Source: weighted max-min
//! fairness as in Ghodsi et al., "Dominant Resource Fairness", NSDI 2011, with one resource.

use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::ops::Bound;

use crate::domain::SessionId;
use crate::domain::session::{Priority, Stage};
use crate::store::admission::{Candidate, Due};

/// How much may be admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Computers of the whole fleet that may be held; none means no limit.
    pub fleet: Option<i64>,
    /// Jobs that the queue of each stage may take.
    pub stages: BTreeMap<Stage, i64>,
    /// Of those that are admitted to an earlier stage and go through this one too: what is detected long before it can be
    /// executed has changed by then, and would only wait again in the middle. A stage that is absent bounds nothing.
    pub way: BTreeMap<Stage, i64>,
}

/// Chooses the sessions whose turn it is, in their order.
pub fn choose(due: &Due, room: &Room) -> Vec<SessionId> {
    let mut left = Left {
        fleet: room.fleet.map(|most| most - due.holds),
        stages: room.stages.clone(),
        way: room.way.clone(),
        tenants: due.tenants.iter().map(|t| t.cap.map(|cap| i64::from(cap) - t.holds)).collect(),
        computers: HashSet::new(),
    };
    let mut chosen = Vec::new();
    let mut given: Vec<i64> = due.tenants.iter().map(|t| t.holds).collect();
    let mut next: Vec<usize> = vec![0; due.tenants.len()];

    let emergency = |candidate: &Candidate| candidate.priority == Priority::Emergency;
    let goes_on = |candidate: &Candidate| candidate.holds && candidate.priority != Priority::Emergency;
    for first in [&emergency as &dyn Fn(&Candidate) -> bool, &goes_on] {
        for (place, tenant) in due.tenants.iter().enumerate() {
            for candidate in tenant.due.iter().filter(|candidate| first(candidate)) {
                if left.take(place, candidate) {
                    chosen.push(candidate.session);
                    given[place] += i64::from(!candidate.holds);
                }
            }
        }
    }

    // A binary heap has the greatest first; the tenant with the least share is wanted, and of equals the lower place.
    let share = |given: i64, place: usize| {
        let weight = f64::from(due.tenants[place].weight.max(1));
        std::cmp::Reverse((Share(given as f64 / weight), place))
    };
    let mut turns: BinaryHeap<_> = (0..due.tenants.len()).map(|place| share(given[place], place)).collect();
    while let Some(std::cmp::Reverse((_, place))) = turns.pop() {
        let tenant = &due.tenants[place];
        while let Some(candidate) = tenant.due.get(next[place]) {
            next[place] += 1;
            if !emergency(candidate) && !candidate.holds && left.take(place, candidate) {
                chosen.push(candidate.session);
                given[place] += 1;
                turns.push(share(given[place], place));
                break;
            }
        }
    }
    chosen
}

/// What is left of the room.
struct Left {
    fleet: Option<i64>,
    stages: BTreeMap<Stage, i64>,
    way: BTreeMap<Stage, i64>,
    tenants: Vec<Option<i64>>,
    computers: HashSet<crate::domain::ComputerId>,
}

impl Left {
    /// Takes room for a candidate if there is any for it. One that has its computer already is counted already.
    fn take(&mut self, tenant: usize, candidate: &Candidate) -> bool {
        let full = |left: Option<i64>| !candidate.holds && left.is_some_and(|left| left <= 0);
        let stage = self.stages.get(&candidate.stage).copied().unwrap_or(0);
        let later = (Bound::Excluded(candidate.stage), Bound::Included(candidate.last));
        // An emergency does not wait for what comes later.
        let blocked = candidate.priority != Priority::Emergency
            && candidate.stage < candidate.last
            && self.way.range(later).any(|(_, room)| *room <= 0);
        if stage <= 0
            || blocked
            || full(self.fleet)
            || full(self.tenants[tenant])
            || !self.computers.insert(candidate.computer)
        {
            return false;
        }
        self.stages.insert(candidate.stage, stage - 1);
        if candidate.stage < candidate.last {
            self.way.range_mut(later).for_each(|(_, room)| *room -= 1);
        }
        if !candidate.holds {
            for left in [&mut self.fleet, &mut self.tenants[tenant]].into_iter().flatten() {
                *left -= 1;
            }
        }
        true
    }
}

/// A share with a total order; shares are never NaN.
#[derive(PartialEq)]
struct Share(f64);

impl Eq for Share {}

impl PartialOrd for Share {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Share {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{ComputerId, TenantId};
    use crate::store::admission::TenantDue;

    fn candidate(id: i64, priority: Priority) -> Candidate {
        Candidate {
            session: SessionId(id),
            computer: ComputerId(id),
            priority,
            stage: Stage::Detection,
            last: Stage::Execution,
            holds: false,
        }
    }

    fn tenant(id: i64, weight: i32, cap: Option<i32>, holds: i64, due: Vec<Candidate>) -> TenantDue {
        TenantDue { tenant: TenantId(id), weight, cap, holds, due }
    }

    fn room(fleet: Option<i64>, detection: i64) -> Room {
        Room { fleet, stages: [(Stage::Detection, detection)].into(), way: BTreeMap::new() }
    }

    fn normal(ids: std::ops::Range<i64>) -> Vec<Candidate> {
        ids.map(|id| candidate(id, Priority::Normal)).collect()
    }

    #[test]
    fn tenants_share_by_weight_whatever_the_length_of_their_queues() {
        let due = Due {
            holds: 0,
            tenants: vec![tenant(1, 1, None, 0, normal(0..1000)), tenant(2, 3, None, 0, normal(1000..1030))],
        };
        let chosen = choose(&due, &room(None, 40));
        assert_eq!(chosen.len(), 40);
        assert_eq!(chosen.iter().filter(|id| id.0 >= 1000).count(), 30);
    }

    #[test]
    fn an_emergency_goes_before_everything_and_still_counts() {
        let due = Due {
            holds: 0,
            tenants: vec![
                tenant(1, 1, None, 0, normal(0..5)),
                tenant(2, 1, Some(1), 0, vec![candidate(9, Priority::Emergency), candidate(10, Priority::Normal)]),
            ],
        };
        assert_eq!(choose(&due, &room(Some(3), 10)), [9, 0, 1].map(SessionId));
    }

    #[test]
    fn one_that_has_its_computer_already_passes_full_caps() {
        let mut held = candidate(7, Priority::Low);
        held.holds = true;
        let due = Due { holds: 2, tenants: vec![tenant(1, 1, Some(2), 2, vec![candidate(1, Priority::High), held])] };
        assert_eq!(choose(&due, &room(Some(2), 10)), [SessionId(7)]);
    }

    #[test]
    fn what_a_later_stage_has_no_room_for_is_not_begun_unless_it_ends_before_or_is_an_emergency() {
        let mut looks = candidate(3, Priority::Normal);
        looks.last = Stage::Planning;
        let mut waiting = candidate(4, Priority::Normal);
        waiting.stage = Stage::Execution;
        let begun = (0..3).map(|id| candidate(id, if id == 0 { Priority::Emergency } else { Priority::Normal }));
        let due = Due { holds: 0, tenants: vec![tenant(1, 1, None, 0, begun.chain([looks, waiting]).collect())] };
        let stages = Stage::ALL.iter().map(|stage| (*stage, 10)).collect();
        let room = |execution| Room {
            fleet: None,
            stages: BTreeMap::clone(&stages),
            way: [(Stage::Planning, 9), (Stage::Execution, execution)].into(),
        };
        assert_eq!(choose(&due, &room(0)), [0, 3, 4].map(SessionId));
        assert_eq!(choose(&due, &room(2)), [0, 1, 3, 4].map(SessionId));
    }

    proptest! {
        #[test]
        fn no_cap_is_overshot_and_no_computer_given_twice(
            tenants in prop::collection::vec((1..5i32, prop::option::of(0..6i32), 0..4i64, prop::collection::vec((0..20i64, 0..4i16, any::<bool>()), 0..12)), 0..5),
            fleet in prop::option::of(0..20i64),
            detection in 0..15i64,
        ) {
            let mut id = 0;
            let tenants: Vec<TenantDue> = tenants.into_iter().enumerate().map(|(place, (weight, cap, holds, due))| {
                let due = due.into_iter().map(|(computer, rank, holds)| {
                    id += 1;
                    let computer = ComputerId(place as i64 * 100 + computer);
                    Candidate { session: SessionId(id), computer, priority: Priority::from_rank(rank), stage: Stage::Detection, last: Stage::Execution, holds }
                }).collect();
                tenant(place as i64, weight, cap, holds, due)
            }).collect();
            let due = Due { holds: tenants.iter().map(|t| t.holds).sum(), tenants };
            let chosen = choose(&due, &room(fleet, detection));
            prop_assert!(chosen.len() as i64 <= detection);
            let all: Vec<(&TenantDue, &Candidate)> = due.tenants.iter().flat_map(|t| t.due.iter().map(move |c| (t, c))).collect();
            let picked: Vec<_> = all.iter().filter(|(_, c)| chosen.contains(&c.session)).collect();
            let new = picked.iter().filter(|(_, c)| !c.holds).count() as i64;
            if let Some(fleet) = fleet { prop_assert!(new == 0 || due.holds + new <= fleet); }
            for t in &due.tenants {
                let new = picked.iter().filter(|(owner, c)| owner.tenant == t.tenant && !c.holds).count() as i64;
                if let Some(cap) = t.cap { prop_assert!(new == 0 || t.holds + new <= i64::from(cap)); }
            }
            let computers: HashSet<_> = picked.iter().map(|(_, c)| c.computer).collect();
            prop_assert_eq!(computers.len(), picked.len());
        }
    }
}
