//! Whose turn it is: dear work within a share of a core, in an order in which nothing waits for ever.
//!
//! ```text
//! time that comes ──in equal parts──> lanes that have work, or owe some ──longest waiting first──> a process
//!        └──────────what none of them wants──────────> saved, for whoever comes first
//! ```
//!
//! A lane is a kind of figure, read for the first time or again. So a storm of new processes holds up neither what the
//! others are read for again nor their other figures, a process with a dear figure holds up none but those of its lane, and new
//! processes do not wait for all the old ones.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::budget::{FIRST_NS, SAVED_NS, share_of};

/// Dear work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Job {
    Status,
    Search,
    Gc,
    Rollup,
}

impl Job {
    /// All, in the order of the type.
    pub const ALL: [Job; 4] = [Job::Status, Job::Search, Job::Gc, Job::Rollup];
}

/// Every kind of figure, read for the first time and again.
const LANES: usize = 2 * Job::ALL.len();

/// A kind of figure, read for the first time or again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lane {
    pub job: Job,
    pub first: bool,
}

impl Lane {
    fn index(self) -> usize {
        2 * self.job as usize + usize::from(self.first)
    }

    fn at(index: usize) -> Option<Lane> {
        Job::ALL.into_iter().flat_map(|job| [Lane { job, first: false }, Lane { job, first: true }]).nth(index)
    }
}

/// Work that is due: by lane, who waits and since when.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    lanes: [BinaryHeap<Reverse<(u64, usize)>>; LANES],
}

impl Waiting {
    /// Adds the process at a place of the list, which waits since then.
    pub fn add(&mut self, lane: Lane, since_ns: u64, at: usize) {
        if let Some(queue) = self.lanes.get_mut(lane.index()) {
            queue.push(Reverse((since_ns, at)));
        }
    }
}

/// The time that is left, and where the turn is.
#[derive(Debug)]
pub(super) struct Turns {
    share: f64,
    /// What anybody may have.
    saved_ns: f64,
    /// What each lane has; below 0: what it owes, since one piece of work may overdraw.
    left_ns: [f64; LANES],
    /// The lane that was served last.
    last: usize,
    /// When time was handed out.
    at_ns: u64,
}

impl Turns {
    pub fn new(share: f64, now: u64) -> Turns {
        Turns { share: share_of(share), saved_ns: FIRST_NS, left_ns: [0.0; LANES], last: 0, at_ns: now }
    }

    /// Hands out the time that came since the last time, to those that have work or owe some.
    pub fn refill(&mut self, now: u64, waiting: &Waiting) {
        let earned = now.saturating_sub(self.at_ns) as f64 * self.share;
        self.at_ns = now;
        let most = self.saved_ns.max(SAVED_NS);
        for left in &mut self.left_ns {
            self.saved_ns += left.max(0.0);
            *left = left.min(0.0);
        }
        let claims = |(left, queue): (&f64, &BinaryHeap<_>)| *left < 0.0 || !queue.is_empty();
        let claims: [bool; LANES] = {
            let mut lanes = self.left_ns.iter().zip(&waiting.lanes).map(claims);
            std::array::from_fn(|_| lanes.next().unwrap_or(false))
        };
        match claims.iter().filter(|claims| **claims).count() {
            0 => self.saved_ns += earned,
            count => {
                let each = earned / count as f64;
                let claiming = self.left_ns.iter_mut().zip(claims).filter(|(_, claims)| *claims);
                claiming.for_each(|(left, _)| *left += each);
            }
        }
        self.saved_ns = self.saved_ns.min(most);
    }

    /// The lane and the process whose turn it is: one of each lane after the other, as long as there is time for it.
    pub fn next(&mut self, waiting: &mut Waiting) -> Option<(Lane, usize)> {
        for index in (1..=LANES).map(|step| (self.last + step) % LANES) {
            let (Some(lane), Some(queue)) = (Lane::at(index), waiting.lanes.get_mut(index)) else { continue };
            // what is saved is for nobody who owes more than that
            if self.left_ns.get(index).is_none_or(|left| *left + self.saved_ns <= 0.0) {
                continue;
            }
            if let Some(Reverse((_, at))) = queue.pop() {
                self.last = index;
                return Some((lane, at));
            }
        }
        None
    }

    /// Takes what a piece of work of a lane has cost: of its own, then of what is saved, then of what will come.
    pub fn charge(&mut self, lane: Lane, cost_ns: u64) {
        let Some(left) = self.left_ns.get_mut(lane.index()) else { return };
        *left -= cost_ns as f64;
        let lent = (-*left).clamp(0.0, self.saved_ns);
        self.saved_ns -= lent;
        *left += lent;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;
    const STATUS: Lane = Lane { job: Job::Status, first: false };
    const AGAIN: Lane = Lane { job: Job::Rollup, first: false };
    const FIRST: Lane = Lane { job: Job::Rollup, first: true };
    const SEARCH: Lane = Lane { job: Job::Search, first: true };

    /// Processes with work that waits, on a clock of its own: a tick every 100 ms, and 1% of a core.
    struct World {
        now: u64,
        turns: Turns,
        /// Lane, since when, process, cost. A process is named by a number that nobody else has.
        work: Vec<(Lane, u64, usize, u64)>,
        spent_ns: u64,
    }

    impl World {
        fn new() -> World {
            let mut turns = Turns::new(0.01, 0);
            turns.saved_ns = 0.0;
            World { now: 0, turns, work: Vec::new(), spent_ns: 0 }
        }

        fn add(&mut self, lane: Lane, process: usize, cost: u64) {
            self.work.push((lane, self.now, process, cost));
        }

        /// What is done in a tick, in its order.
        fn tick(&mut self) -> Vec<(Lane, usize)> {
            self.now += 100 * MS;
            let mut waiting = Waiting::default();
            self.work.iter().for_each(|&(lane, since, process, _)| waiting.add(lane, since, process));
            self.turns.refill(self.now, &waiting);
            let mut done = Vec::new();
            while let Some((lane, process)) = self.turns.next(&mut waiting) {
                let at = self.work.iter().position(|work| (work.0, work.2) == (lane, process)).expect("its work");
                let (_, _, _, cost) = self.work.remove(at);
                self.turns.charge(lane, cost);
                self.spent_ns += cost;
                done.push((lane, process));
            }
            done
        }

        /// Ticks until this was done; how many.
        fn until(&mut self, lane: Lane, process: usize, mut each: impl FnMut(&mut World)) -> usize {
            for ticks in 1..100_000 {
                each(self);
                if self.tick().contains(&(lane, process)) {
                    return ticks;
                }
            }
            panic!("it waits for ever");
        }
    }

    /// New processes come without end, more than there is time for: the other figures of one that stays are read, and so are
    /// its own first ones.
    #[test]
    fn a_storm_of_new_processes_holds_up_nothing_else() {
        let mut world = World::new();
        let mut next = 1000;
        // 20 ms of work a second, where 10 ms are to be had
        let mut storm = |world: &mut World| {
            next += 1;
            world.add(FIRST, next, 2 * MS);
            world.work.retain(|(lane, since, process, _)| {
                *process < 1000 || *lane != FIRST || world.now - since < 3_000 * MS
            });
        };
        for _ in 0..100 {
            storm(&mut world);
            world.tick();
        }
        for (lane, cost) in [(STATUS, MS / 50), (SEARCH, 5 * MS), (AGAIN, MS), (FIRST, MS)] {
            world.add(lane, 1, cost);
            let ticks = world.until(lane, 1, &mut storm);
            assert!(ticks <= 40, "{lane:?}: {ticks} ticks");
        }
    }

    /// A figure that takes a tenth of a second holds up those of its kind for long, the others not at all.
    #[test]
    fn a_dear_process_holds_up_its_own_lane_alone() {
        let mut world = World::new();
        world.add(AGAIN, 1, 100 * MS);
        world.add(AGAIN, 2, MS);
        assert_eq!(world.tick(), [(AGAIN, 1)]);
        for (process, lane) in [(3, STATUS), (4, FIRST), (5, SEARCH)] {
            world.add(lane, process, MS);
            assert_eq!(world.until(lane, process, |_| ()), 1);
        }
        let ticks = world.until(AGAIN, 2, |_| ());
        assert!((90..130).contains(&ticks), "{ticks} ticks");
    }

    #[test]
    fn who_waits_the_longest_comes_first_in_a_lane() {
        let mut world = World::new();
        for process in [7, 3, 9, 1] {
            world.add(FIRST, process, 2 * MS);
            world.now += 1;
        }
        let order: Vec<usize> = (0..20).flat_map(|_| world.tick()).map(|(_, process)| process).collect();
        assert_eq!(order, [7, 3, 9, 1]);
    }

    /// However much waits: what is spent is the share, and every lane has its part.
    #[test]
    fn the_share_is_kept_and_divided() {
        let mut world = World::new();
        let lanes: Vec<Lane> = (0..LANES).filter_map(Lane::at).collect();
        assert_eq!(lanes.len(), LANES);
        let mut served = [0_u64; LANES];
        for round in 0..10_000 {
            for &lane in &lanes {
                // dear ones and cheap ones
                let cost = MS << (lane.index() % 4);
                while world.work.iter().filter(|work| work.0 == lane).count() < 10 {
                    world.add(lane, 100_000 * (lane.index() + 1) + round * 100 + world.work.len(), cost);
                }
            }
            for (lane, _) in world.tick() {
                served[lane.index()] += MS << (lane.index() % 4);
            }
        }
        let all = 10_000 * MS;
        assert!(world.spent_ns.abs_diff(all) <= 8 * 8 * MS, "{} of {all}", world.spent_ns);
        for (index, spent) in served.into_iter().enumerate() {
            assert!(spent.abs_diff(all / LANES as u64) <= 16 * MS, "lane {index}: {spent}");
        }
    }

    /// What nobody wants is there for the next, but little of it; and a debt is paid before there is more.
    #[test]
    fn little_is_saved_and_debts_are_paid() {
        let mut world = World::new();
        world.now = 1_000_000 * MS;
        assert_eq!(world.tick(), []);
        assert_eq!(world.turns.saved_ns, SAVED_NS);
        (1..=9).for_each(|process| world.add(STATUS, process, 2 * MS));
        // 5 ms that were saved and the 1 ms that came: 3 of them, and no debt
        assert_eq!(world.tick().len(), 3);
        assert_eq!(world.until(STATUS, 4, |_| ()), 1, "what came pays for it, and for one more of 1 ms on credit");
        assert_eq!(world.until(STATUS, 5, |_| ()), 2);
    }

    #[test]
    fn without_a_share_what_is_there_at_first_is_all() {
        let mut turns = Turns::new(f64::NEG_INFINITY, 0);
        assert_eq!(turns.share, 1.0, "what is no number is no limit");
        turns = Turns::new(0.0, 0);
        turns.saved_ns = 0.0;
        let mut waiting = Waiting::default();
        waiting.add(FIRST, 0, 0);
        turns.refill(u64::MAX, &waiting);
        assert_eq!(turns.next(&mut waiting), None);
        turns.refill(0, &waiting);
        assert_eq!(turns.next(&mut waiting), None, "a clock that goes back earns nothing");
    }
}
