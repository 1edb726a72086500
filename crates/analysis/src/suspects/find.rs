//! Finding where the bytes gather.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use memsight_heap::{Node, common_holders};
use memsight_model::{ObjectId, ObjectKind, RootKind};

use super::{Culprit, Group, THRESHOLD, apart, untouched};
use crate::Analysis;
use crate::inventory::is_class;
use crate::program::Data;
use crate::words::object_kind;

/// How far up the dominator tree recursion is looked for.
const CLIMB: usize = 64;
/// A type that occurs this often on the way down a single chain is a recursive structure. Containers inside containers
/// are ordinary up to here.
const RECURSION: usize = 8;

/// The search.
pub(super) struct Finder<'a> {
    pub(super) analysis: &'a Analysis<'a>,
    pub(super) data: Data,
    /// The least that makes a suspect, in bytes.
    pub(super) least: u64,
    pub(super) found: Vec<Culprit>,
    /// Nodes that are accounted for by the way in which they are held, ascending.
    apart: Vec<Node>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(analysis: &'a Analysis<'a>) -> Finder<'a> {
        let total = analysis.graph.tree().total_resident_bytes();
        let least = ((total as f64 * THRESHOLD).ceil() as u64).max(1);
        Finder { analysis, data: Data::new(analysis), least, found: Vec::new(), apart: Vec::new() }
    }

    /// All suspects, largest first.
    pub(super) fn run(mut self) -> Vec<Culprit> {
        let tree = self.analysis.graph.tree();
        self.apart();
        let mut starts = vec![Node::ROOT];
        while let Some(node) = starts.pop() {
            let big: Vec<Node> = tree.children(node).filter(|&child| self.retained(child) >= self.least).collect();
            if let Some(top) = self.recursion(&big) {
                starts.retain(|&start| !tree.dominates(top, start));
                self.found.retain(|culprit| !tree.dominates(top, culprit.node));
                self.structure(top);
            } else {
                self.gather(node, &big);
                starts.extend(big);
            }
        }
        while self.scattered() {}
        self.found.sort_by_key(|culprit| (Reverse(culprit.resident(tree)), culprit.parts.first().copied()));
        self.found
    }

    /// Objects of a type that are held in one of the ways that say more than any holder: by nobody known, or by the table
    /// of interned strings alone.
    fn apart(&mut self) {
        let tree = self.analysis.graph.tree();
        let mut groups: HashMap<(RootKind, u32), Vec<Node>> = HashMap::new();
        for (way, object) in apart::held(self.analysis, self.least) {
            let node = tree.node(object);
            groups.entry((way, self.group(node))).or_default().push(node);
        }
        let mut groups: Vec<_> = groups.into_iter().collect();
        groups.sort_unstable_by_key(|(key, _)| *key);
        for ((_, group), mut parts) in groups {
            parts.sort_unstable();
            if self.weight(&parts) >= self.least {
                let (count, retained) = (parts.len() as u64, self.whole(&parts));
                self.apart.extend(&parts);
                self.found.push(Culprit::new(Node::ROOT, None, (group, count), retained, parts));
            }
        }
        self.apart.sort_unstable();
    }

    /// Bytes of data in memory that a node keeps.
    pub(super) fn retained(&self, node: Node) -> u64 {
        self.data.retained(self.analysis, node)
    }

    /// Bytes of data in memory that several nodes, none below another, keep.
    fn weight(&self, parts: &[Node]) -> u64 {
        parts.iter().map(|&part| self.retained(part)).fold(0, u64::saturating_add)
    }

    /// The same with what is not in memory.
    fn whole(&self, parts: &[Node]) -> u64 {
        self.weight(parts).saturating_add(untouched(self.analysis.graph.tree(), parts))
    }

    pub(super) fn group(&self, node: Node) -> u32 {
        self.analysis.graph.tree().object(node).map_or(u32::MAX, |object| self.analysis.group(object))
    }

    pub(super) fn kind(&self, node: Node) -> ObjectKind {
        let object = self.analysis.graph.tree().object(node);
        object.map_or(ObjectKind::Other, |object| object_kind(self.analysis.snapshot, object))
    }

    /// The first object of the recursive structure that the big children of a node belong to.
    fn recursion(&self, big: &[Node]) -> Option<Node> {
        let tree = self.analysis.graph.tree();
        big.iter().find_map(|&child| {
            let branching = big.len() > 1 && !self.kind(child).is_container();
            let often = if branching { 1 } else { RECURSION };
            let group = self.group(child);
            let above = std::iter::successors(Some(tree.parent(child)), |&node| Some(tree.parent(node)));
            let same: Vec<Node> = above
                .take(CLIMB)
                .take_while(|&node| node != Node::ROOT)
                .filter(|&node| self.group(node) == group && !self.data.is_program(node))
                .collect();
            same.last().copied().filter(|_| same.len() >= often)
        })
    }

    fn structure(&mut self, top: Node) {
        let tree = self.analysis.graph.tree();
        let group = self.group(top);
        let count = tree.subtree(top).filter(|&node| self.group(node) == group).count() as u64;
        let (keeper, retained) = (tree.object(top), tree.retained(top));
        self.found.push(Culprit::new(top, keeper, (group, count), retained, vec![top]));
    }

    /// Whether the bytes that the big children of `node` do not explain make it a suspect.
    fn gather(&mut self, node: Node, big: &[Node]) {
        let explained: u64 = big.iter().map(|&child| self.retained(child)).sum();
        let rest = self.retained(node).saturating_sub(explained);
        if rest < self.least {
            return;
        }
        let groups = self.groups(node, big);
        if node == Node::ROOT || self.data.is_program(node) {
            let left = groups.into_iter().take_while(|(_, weight)| *weight >= self.least);
            let mut taken: Vec<(u32, u64)> = left.collect();
            taken.retain(|&(group, _)| self.meet_by_chance(node, group, big));
            let rest = rest.saturating_sub(taken.iter().map(|(_, weight)| weight).sum());
            if node != Node::ROOT && rest >= self.least && !self.mixed(node, &taken, rest, big) {
                self.object(node, big);
            }
            return;
        }
        let own = self.analysis.graph.tree().own(node);
        match groups.first() {
            Some(&(group, weight)) if weight >= rest / 2 && own < rest / 2 => self.instances(node, group, big),
            _ => self.object(node, big),
        }
    }

    /// Weight of the small children of `node` by type, largest first.
    fn groups(&self, node: Node, big: &[Node]) -> Vec<(u32, u64)> {
        let mut weights = vec![0u64; self.analysis.group_count()];
        for child in self.small(node, big) {
            if let Some(weight) = weights.get_mut(self.group(child) as usize) {
                *weight = weight.saturating_add(self.retained(child));
            }
        }
        let mut weights: Vec<(u32, u64)> = (0..).zip(weights).filter(|(_, weight)| *weight > 0).collect();
        weights.sort_by_key(|&(group, weight)| (Reverse(weight), group));
        weights
    }

    /// The children of `node` but for the big ones, which are ascending.
    pub(super) fn small<'b>(&'b self, node: Node, big: &'b [Node]) -> impl Iterator<Item = Node> + use<'a, 'b> {
        let children = self.analysis.graph.tree().children(node);
        children.filter(move |child| big.binary_search(child).is_err() && self.apart.binary_search(child).is_err())
    }

    /// The small children of `node` of one type.
    fn members(&self, node: Node, group: u32, big: &[Node]) -> Vec<Node> {
        self.small(node, big).filter(|&child| self.group(child) == group).collect()
    }

    /// A group under a part of the program, or under nothing: its members may have nothing to do with each other.
    /// Classes at the very top are left to [`Finder::scattered`]. Modules are no group: what little data each of them
    /// keeps only adds up. Returns whether the bytes of the group are accounted for.
    fn meet_by_chance(&mut self, node: Node, group: u32, big: &[Node]) -> bool {
        let tree = self.analysis.graph.tree();
        if node == Node::ROOT && self.analysis.group_type(group).is_some_and(is_class) {
            return false;
        }
        let parts = self.members(node, group, big);
        if parts.iter().all(|&part| self.kind(part) == ObjectKind::Module && self.data.is_program(part)) {
            return true;
        }
        let holder = self.holder(&parts);
        let keeper = holder.or(tree.object(node));
        if keeper.is_none() {
            return false;
        }
        // Variables of one module have as little to do with each other.
        if holder.is_none_or(|holder| self.is_namespace(holder)) && self.by_variable(node, Some(group), &parts) {
            return true;
        }
        let retained = tree.retained_by_all(parts.clone());
        let others = holder.map_or_else(Vec::new, |holder| self.others(holder, &parts));
        let culprit = Culprit::new(node, keeper, (group, parts.len() as u64), retained, parts);
        self.found.push(Culprit { others, ..culprit });
        true
    }

    /// Instances of a type that make up most of what an object keeps.
    fn instances(&mut self, node: Node, group: u32, big: &[Node]) {
        let members = self.members(node, group, big);
        let holder = self.holder(&members);
        let others = holder.map_or_else(Vec::new, |holder| self.others(holder, &members));
        let keeper = holder.or(self.analysis.graph.tree().object(node));
        let culprit = self.culprit(node, keeper, (group, members.len() as u64), big);
        let inside = self.inside(node, group, big);
        self.found.push(Culprit { inside, others, ..culprit });
    }

    /// What gathers below `node`: `first`, which names it, then the others.
    fn inside(&self, node: Node, first: u32, big: &[Node]) -> Vec<Group> {
        let mut groups: BTreeMap<u32, Group> = BTreeMap::new();
        for child in self.small(node, big) {
            let group = self.group(child);
            let sum = groups.entry(group).or_insert(Group { group, count: 0, bytes: 0 });
            sum.count += 1;
            sum.bytes = sum.bytes.saturating_add(self.analysis.graph.tree().retained(child));
        }
        let mut groups: Vec<Group> = groups.into_values().collect();
        groups.sort_by_key(|sum| (sum.group != first, Reverse(sum.bytes), sum.group));
        groups
    }

    /// An object whose bytes have no common type.
    fn object(&mut self, node: Node, big: &[Node]) {
        let culprit = self.culprit(node, self.analysis.graph.tree().object(node), (self.group(node), 1), big);
        self.found.push(culprit);
    }

    fn culprit(&self, node: Node, keeper: Option<ObjectId>, group: (u32, u64), big: &[Node]) -> Culprit {
        let tree = self.analysis.graph.tree();
        let elsewhere: u64 = big.iter().map(|&child| tree.retained(child)).sum();
        let retained = tree.retained(node).saturating_sub(elsewhere);
        let parts = if big.is_empty() { vec![node] } else { self.small(node, big).collect() };
        Culprit::new(node, keeper, group, retained, parts)
    }

    /// The object that refers to most of `members`, if it is at least half of them.
    fn holder(&self, members: &[Node]) -> Option<ObjectId> {
        let tree = self.analysis.graph.tree();
        let mut member = vec![false; tree.len()];
        members.iter().for_each(|node| member[node.0 as usize] = true);
        let least = (members.len() as u64).div_ceil(2);
        let holders = common_holders(self.analysis.snapshot, least, |object| member[tree.node(object).0 as usize]);
        holders.first().map(|holder| holder.object)
    }

    /// Those of `members` that `holder` neither refers to nor keeps in another way.
    fn others(&self, holder: ObjectId, members: &[Node]) -> Vec<Node> {
        let tree = self.analysis.graph.tree();
        let references = self.analysis.snapshot.references.of(holder).filter(|(_, label)| label.is_strong());
        let held: HashSet<Node> = references.map(|(target, _)| tree.node(target)).collect();
        let is_kept = |member: Node| held.contains(&member) || tree.dominates(tree.node(holder), member);
        members.iter().copied().filter(|&member| !is_kept(member)).collect()
    }

    /// The class whose instances hold the most of what no suspect explains, if that is enough. Returns whether there
    /// was one.
    fn scattered(&mut self) -> bool {
        let tree = self.analysis.graph.tree();
        let mut covered = vec![false; tree.len()];
        for node in self.found.iter().flat_map(|culprit| &culprit.parts).flat_map(|&part| tree.subtree(part)) {
            covered[node.0 as usize] = true;
        }
        self.data.leave_out(tree, self.found.iter().flat_map(|culprit| culprit.parts.iter().copied()));
        let Some(group) = self.heaviest_class(&covered) else { return false };
        let (mut parts, mut count, mut end) = (Vec::new(), 0, Node::ROOT);
        for node in tree.nodes().filter(|&node| self.group(node) == group && !covered[node.0 as usize]) {
            count += 1;
            if node >= end {
                end = tree.end(node);
                parts.push(node);
            }
        }
        let retained = self.whole(&parts);
        let keeper = self.holder(&parts);
        let others = keeper.map_or_else(Vec::new, |holder| self.others(holder, &parts));
        let culprit = Culprit::new(Node::ROOT, keeper, (group, count), retained, parts);
        self.found.push(Culprit { others, ..culprit });
        true
    }

    fn heaviest_class(&self, covered: &[bool]) -> Option<u32> {
        let tree = self.analysis.graph.tree();
        let groups = self.analysis.group_count() as u32;
        let class: Vec<bool> = (0..groups).map(|group| self.analysis.group_type(group).is_some_and(is_class)).collect();
        // Outermost instances, their weight, and the end of the last one.
        let mut sums = vec![(0u64, 0u64, 0u32); class.len()];
        for node in tree.nodes().filter(|node| !covered[node.0 as usize]) {
            let group = self.group(node) as usize;
            let (count, weight, end) = &mut sums[group];
            if class[group] && node.0 >= *end {
                *count += 1;
                *weight += self.retained(node);
                *end = tree.end(node).0;
            }
        }
        let heavy = (0..groups).zip(sums).filter(|(_, (count, weight, _))| *count > 1 && *weight >= self.least);
        heavy.max_by_key(|&(group, (_, weight, _))| (weight, Reverse(group))).map(|(group, _)| group)
    }
}
