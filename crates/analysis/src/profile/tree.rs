//! Who called whom, from the oldest frame: only where it matters.

use std::collections::HashMap;

use super::amount::Amount;
use super::forest::Forest;
use super::lists::share;
use super::types::{Spot, TreeNode, TreeView};
use super::{Profile, Selection};
use crate::AnalysisError;

/// The least share of all bytes that is worth a node.
const LEAST: f64 = 0.01;

/// Frames at one place below one node: different offsets on a line, or one stack told twice.
struct Together {
    place: u32,
    frames: Vec<u32>,
    inclusive: Amount,
}

impl Profile {
    /// Calls with at least a hundredth of all bytes. Of a filter or a thread all stacks that it chooses. Cost: linear in rows and
    /// frames.
    pub fn tree(&self, selection: &Selection) -> Result<TreeView, AnalysisError> {
        let mut chosen = self.chosen(selection)?;
        // Whole stacks are shown: a filter chooses, and cuts nothing off.
        chosen.iter_mut().for_each(|chosen| chosen.frame = self.places.known(chosen.row.stack));
        let forest = Forest::new(&self.places, &chosen);
        let all = forest.inclusive.first().copied().unwrap_or_default();
        let least = (all.bytes as f64 * LEAST).ceil() as u64;
        let mut nodes = Vec::new();
        let mut open: Vec<(u32, Together)> = Vec::new();
        // The largest is taken from the end first.
        let push = |open: &mut Vec<(u32, Together)>, depth: u32, frames: &[u32]| {
            open.extend(self.called(&forest, frames, least).into_iter().rev().map(|node| (depth, node)));
        };
        push(&mut open, 0, &[0]);
        let loose = forest.own.first().copied().unwrap_or_default();
        while let Some((depth, node)) = open.pop() {
            let all_of_it = node.inclusive;
            let (frames, last) = self.folded(&forest, node, least);
            let own: Amount = last.frames.iter().filter_map(|frame| forest.own.get(*frame as usize)).copied().sum();
            push(&mut open, depth + 1, &last.frames);
            nodes.push(TreeNode {
                depth,
                frames,
                figures: self.scale.figures(all_of_it),
                share: share(all_of_it.bytes, all.bytes),
                own_bytes: own.bytes,
            });
        }
        if loose.bytes > 0 && loose.bytes >= least {
            nodes.push(TreeNode {
                depth: 0,
                frames: vec![self.places.spot(0)],
                figures: self.scale.figures(loose),
                share: share(loose.bytes, all.bytes),
                own_bytes: loose.bytes,
            });
        }
        Ok(TreeView { header: self.header(selection, all), least_share: LEAST, nodes })
    }

    /// A node with those below it, as long as one of them has all bytes, but for fewer than are worth a node.
    fn folded(&self, forest: &Forest, node: Together, least: u64) -> (Vec<Spot>, Together) {
        let first = node.inclusive.bytes;
        let mut frames = vec![self.places.spot(node.place)];
        let mut last = node;
        loop {
            let mut called = self.called(forest, &last.frames, least);
            match called.pop() {
                Some(only) if called.is_empty() && first.saturating_sub(only.inclusive.bytes) < least.max(1) => {
                    frames.push(self.places.spot(only.place));
                    last = only;
                }
                _ => return (frames, last),
            }
        }
    }

    /// What frames called, by place, the largest first; at least `least` bytes each.
    fn called(&self, forest: &Forest, frames: &[u32], least: u64) -> Vec<Together> {
        let mut together: HashMap<u32, Together> = HashMap::new();
        for frame in frames.iter().flat_map(|frame| forest.called(*frame)) {
            let place = self.places.of(*frame);
            let none = || Together { place, frames: Vec::new(), inclusive: Amount::default() };
            let node = together.entry(place).or_insert_with(none);
            node.frames.push(*frame);
            node.inclusive += forest.inclusive.get(*frame as usize).copied().unwrap_or_default();
        }
        let is_large = |node: &Together| node.inclusive.bytes >= least.max(1);
        let mut called: Vec<Together> = together.into_values().filter(is_large).collect();
        called.sort_by_key(|node| (std::cmp::Reverse(node.inclusive.bytes), node.place));
        called
    }
}
