//! Frames as a forest: each on the frame that called it.

use super::Chosen;
use super::amount::Amount;
use super::places::Places;

/// Bytes by frame: its own, and with all that it called. Flat tables by number of frame, whose callers have smaller ones.
pub(super) struct Forest {
    pub own: Vec<Amount>,
    pub inclusive: Vec<Amount>,
    /// Where the frames that each called begin in `called`; one more at the end.
    starts: Vec<u32>,
    called: Vec<u32>,
}

impl Forest {
    /// Of the rows that were chosen. Cost: linear in rows and frames; 56 bytes a frame.
    pub fn new(places: &Places, chosen: &[Chosen]) -> Forest {
        let frames = places.frame_count();
        let mut own = vec![Amount::default(); frames];
        for row in chosen {
            if let Some(amount) = own.get_mut(row.frame as usize) {
                *amount += row.shown;
            }
        }
        let mut inclusive = own.clone();
        let mut starts = vec![0u32; frames + 1];
        for frame in (1..frames).rev() {
            let (amount, caller) = (inclusive[frame], places.caller(frame as u32) as usize);
            if amount != Amount::default() {
                inclusive[caller] += amount;
                starts[caller + 1] += 1;
            }
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut next = starts.clone();
        let mut called = vec![0u32; starts.last().map_or(0, |all| *all as usize)];
        for (frame, amount) in inclusive.iter().enumerate().skip(1) {
            let caller = places.caller(frame as u32) as usize;
            if *amount != Amount::default() {
                called[next[caller] as usize] = frame as u32;
                next[caller] += 1;
            }
        }
        Forest { own, inclusive, starts, called }
    }

    /// The frames that one called and that have bytes; of 0 the oldest frames.
    pub fn called(&self, frame: u32) -> &[u32] {
        let bound = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        self.called.get(bound(frame as usize)..bound(frame as usize + 1)).unwrap_or_default()
    }

    /// Inclusive sums by group: `groups` has the group of each place, of `count`. What a group calls through another one again
    /// counts once. Cost: linear in the frames.
    pub fn by_group(&self, places: &Places, groups: &[u32], count: usize) -> Vec<Amount> {
        let mut sums = vec![Amount::default(); count];
        let mut open = vec![0u32; count];
        let group = |frame: u32| groups.get(places.of(frame) as usize).map_or(0, |group| *group as usize);
        if let Some(sum) = sums.get_mut(group(0)) {
            *sum += self.own[0];
        }
        // (frame, whether all that it called is done)
        let mut ways: Vec<(u32, bool)> = self.called(0).iter().map(|frame| (*frame, false)).collect();
        while let Some((frame, is_done)) = ways.pop() {
            let group = group(frame);
            let (Some(open), Some(sum)) = (open.get_mut(group), sums.get_mut(group)) else { continue };
            if is_done {
                *open -= 1;
                continue;
            }
            if *open == 0 {
                *sum += self.inclusive[frame as usize];
            }
            *open += 1;
            ways.push((frame, true));
            ways.extend(self.called(frame).iter().map(|frame| (*frame, false)));
        }
        sums
    }
}
