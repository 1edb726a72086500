//! Events of several threads in the order in which they happened.
//!
//! Threads write into chunks of their own, which are read one after the other. So what is newer than the moment at which that
//! began waits for the next time: of what is older all has been read. A thread that is interrupted between taking the time of an
//! event and writing it may come later all the same: readers of a trace bear a free that follows the next use of its block.

use memsight_model::trace::Event;

/// An event, and where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Timed {
    pub stamp: u64,
    pub thread: u32,
    pub event: Event,
}

/// Events that wait for their turn.
#[derive(Debug, Default)]
pub(super) struct Order {
    waiting: Vec<Timed>,
}

impl Order {
    #[inline]
    pub(super) fn add(&mut self, timed: Timed) {
        self.waiting.push(timed);
    }

    /// Those up to `until`, in order; events with the same time as they were added. Cost: what is there is in runs, one for each
    /// thread, which are merged.
    pub(super) fn take(&mut self, until: u64) -> impl Iterator<Item = Timed> {
        self.waiting.sort_by_key(|timed| timed.stamp);
        let count = self.waiting.partition_point(|timed| timed.stamp <= until);
        self.waiting.drain(..count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_newer_waits() {
        let mut order = Order::default();
        for (stamp, address) in [(1, 10), (4, 20), (6, 30), (2, 40), (4, 50)] {
            order.add(Timed { stamp, thread: 7, event: Event::Freed(address) });
        }
        let stamps = |order: &mut Order, until| -> Vec<_> {
            order.take(until).map(|timed| (timed.stamp, timed.event)).collect()
        };
        let expected = [(1, 10), (2, 40), (4, 20), (4, 50)].map(|(stamp, address)| (stamp, Event::Freed(address)));
        assert_eq!(stamps(&mut order, 5), expected);
        order.add(Timed { stamp: 5, thread: 7, event: Event::Freed(60) });
        assert_eq!(stamps(&mut order, u64::MAX), [(5, Event::Freed(60)), (6, Event::Freed(30))]);
    }
}
