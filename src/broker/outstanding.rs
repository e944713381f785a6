//! Which deliveries of one channel are unsettled, and the fewest acknowledgements that settle some of them. Pure.

use std::collections::BTreeSet;

/// One acknowledgement on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ack {
    /// This delivery and every unsettled one before it.
    UpTo(u64),
    /// This delivery alone.
    One(u64),
}

/// The unsettled deliveries of one channel.
#[derive(Debug, Default)]
pub(super) struct Outstanding(BTreeSet<u64>);

impl Outstanding {
    /// A delivery arrived.
    pub(super) fn delivered(&mut self, tag: u64) {
        self.0.insert(tag);
    }

    /// Deliveries are done: what to send for them. Settled deliveries that are the oldest of all take one
    /// acknowledgement together, the others one each. What is not outstanding is passed over, because acknowledging a
    /// delivery twice ends the channel.
    pub(super) fn settle(&mut self, tags: impl IntoIterator<Item = u64>) -> Vec<Ack> {
        let mut done: BTreeSet<u64> = tags.into_iter().filter(|tag| self.0.remove(tag)).collect();
        let oldest_left = self.0.first().copied().unwrap_or(u64::MAX);
        let later = done.split_off(&oldest_left);
        let together = match (done.len(), done.last()) {
            (0, _) | (_, None) => None,
            (1, Some(tag)) => Some(Ack::One(*tag)),
            (_, Some(tag)) => Some(Ack::UpTo(*tag)),
        };
        together.into_iter().chain(later.into_iter().map(Ack::One)).collect()
    }

    /// Whether nothing is unsettled.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A delivery is given back or thrown out. False if it was settled before.
    pub(super) fn remove(&mut self, tag: u64) -> bool {
        self.0.remove(&tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_oldest_go_together_and_the_rest_alone() {
        let mut outstanding = Outstanding::default();
        (1..=6).for_each(|tag| outstanding.delivered(tag));
        assert_eq!(outstanding.settle([2, 1, 4]), [Ack::UpTo(2), Ack::One(4)]);
        assert_eq!(outstanding.settle([4, 2, 9]), []);
        assert_eq!(outstanding.settle([3]), [Ack::One(3)]);
        assert_eq!(outstanding.settle([6, 5]), [Ack::UpTo(6)]);
    }

    /// What a broker does with an acknowledgement; it ends the channel if there is nothing to acknowledge.
    fn apply(unsettled: &mut BTreeSet<u64>, ack: Ack) -> Result<(), TestCaseError> {
        let before = unsettled.len();
        match ack {
            Ack::UpTo(tag) => *unsettled = unsettled.split_off(&(tag + 1)),
            Ack::One(tag) => drop(unsettled.remove(&tag)),
        }
        prop_assert!(unsettled.len() < before, "{ack:?} settled nothing");
        Ok(())
    }

    proptest! {
        /// Whatever arrives and is settled in whatever order, twice or not, the broker's view and ours stay the same.
        #[test]
        fn the_broker_settles_exactly_what_was_done(
            rounds in prop::collection::vec((0..20u64, prop::collection::vec(1..120u64, 0..30)), 1..20),
        ) {
            let (mut ours, mut next) = (Outstanding::default(), 1);
            let (mut brokers, mut expected) = (BTreeSet::new(), BTreeSet::new());
            for (arriving, done) in rounds {
                for tag in next..next + arriving {
                    ours.delivered(tag);
                    brokers.insert(tag);
                    expected.insert(tag);
                }
                next += arriving;
                for tag in &done {
                    expected.remove(tag);
                }
                for ack in ours.settle(done) {
                    apply(&mut brokers, ack)?;
                }
                prop_assert_eq!(&brokers, &expected);
            }
        }
    }
}
