//! The objects around one object, as a graph that can be drawn.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use memsight_heap::{Neighbour, Origin, Path, Reach, Step, left_out, neighbourhood};
use memsight_model::{Label, ObjectId};
use serde::Serialize;

use crate::query::Query;
use crate::views::{Header, ObjectRef};
use crate::words::{label, label_kind, root, root_kind};
use crate::{Analysis, AnalysisError, limit};

/// Objects at the beginning and at the end of a long path that are shown.
const HEAD: usize = 6;
const TAIL: usize = 6;

/// `graph ADDRESS|TYPE`: nodes and edges around one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphView {
    /// What was looked at.
    #[serde(flatten)]
    pub header: Header,
    /// What was asked for.
    pub query: String,
    /// Objects that match; the graph is around the one that retains the most.
    pub matches: u64,
    /// Address of the object in the middle.
    pub centre: String,
    /// References from the centre, in each direction.
    pub depth: u32,
    /// The objects, those of the path from a root first.
    pub nodes: Vec<GraphNode>,
    /// References between the objects shown, and what else links them.
    pub edges: Vec<GraphEdge>,
    /// Roots that hold the centre, and the one at which its path begins.
    pub roots: Vec<GraphRoot>,
}

/// An object of the graph.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphNode {
    /// The object.
    #[serde(flatten)]
    pub object: ObjectRef,
    /// References to the centre: 0 is the centre itself, below 0 refers to it, above 0 is referred to by it; absent for
    /// an object that only the path passes.
    pub distance: Option<i32>,
    /// On the shortest path from a root to the centre.
    pub on_path: bool,
    /// Objects that refer to it and are not shown.
    pub referrers_left_out: u64,
    /// Objects that it refers to and that are not shown.
    pub referents_left_out: u64,
}

/// References of one object to another, or what else links them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphEdge {
    /// Address of the object that refers.
    pub source: String,
    /// Address of the object referred to.
    pub target: String,
    /// What the (first) reference is called: `_entries`, `[3]`, `'user:17'`.
    pub label: String,
    /// Kind of the reference as in `object`; `dominator`: no reference, but all ways to the target lead through the
    /// source; `elided`: objects of a long path, left out.
    pub kind: String,
    /// References from the source to the target, weak ones apart; objects left out.
    pub count: u64,
    /// The source is the immediate dominator of the target: without it the target would be freed.
    pub dominates: bool,
    /// On the shortest path from a root to the centre.
    pub on_path: bool,
}

/// What holds an object of the graph from outside.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GraphRoot {
    /// `module app.cache`, `thread 1234 frame handle() at app.py:17 local request`.
    pub label: String,
    /// `module`, `frame_local` and so on.
    pub kind: String,
    /// Address of the object that it holds.
    pub target: String,
    /// The shortest path to the centre begins here.
    pub on_path: bool,
}

impl Analysis<'_> {
    /// The objects on ways of at most `depth` references to and from the object at an address, or the instance of a type
    /// that retains the most, with the shortest path from a root; at most `top` objects beside that path, and a quarter
    /// of them on one side of one object. Cost: one pass over all references for each step, and two more.
    pub fn around(&self, query: &str, depth: u32, top: usize) -> Result<GraphView, AnalysisError> {
        let (matches, centre) = match self.parse(query)? {
            Query::Object(object) => (1, object),
            Query::Types(groups) => self.heaviest(query, &groups)?,
        };
        let top = limit(top);
        let fan = (top / 4).max(4);
        let path = self.path_to(centre);
        let way: Vec<ObjectId> = path.as_ref().map(shown_of).unwrap_or_default();
        let reach = Reach { depth, objects: top, fan };
        let tree = self.graph.tree();
        let around = neighbourhood(self.snapshot, centre, &way, reach, |object| tree.retained(tree.node(object)));
        Ok(GraphView {
            header: self.header(),
            query: query.to_owned(),
            matches,
            centre: self.address(centre),
            depth,
            nodes: self.nodes(&around, &way),
            edges: self.edges(&around, path.as_ref()),
            roots: self.holders(centre, path.as_ref(), fan),
        })
    }

    /// How many objects are of these types, and which of them retains the most.
    fn heaviest(&self, query: &str, groups: &[bool]) -> Result<(u64, ObjectId), AnalysisError> {
        let tree = self.graph.tree();
        let objects = || self.snapshot.objects.ids().filter(|&object| groups[self.group(object) as usize]);
        let first = objects().min_by_key(|&object| (Reverse(tree.retained(tree.node(object))), object));
        let none = || AnalysisError::NoSuchType { name: query.to_owned(), closest: Vec::new() };
        Ok((objects().count() as u64, first.ok_or_else(none)?))
    }

    fn address(&self, object: ObjectId) -> String {
        self.snapshot.objects.addresses.get(object).to_string()
    }

    fn nodes(&self, around: &[Neighbour], way: &[ObjectId]) -> Vec<GraphNode> {
        let shown: Vec<ObjectId> = around.iter().map(|neighbour| neighbour.object).collect();
        let node = |(neighbour, out): (&Neighbour, memsight_heap::LeftOut)| GraphNode {
            object: self.object_ref(neighbour.object),
            distance: neighbour.distance,
            on_path: way.contains(&neighbour.object),
            referrers_left_out: out.referrers,
            referents_left_out: out.referents,
        };
        around.iter().zip(left_out(self.snapshot, &shown)).map(node).collect()
    }

    /// By source and target in the order of the nodes; strong references before weak ones.
    fn edges(&self, around: &[Neighbour], path: Option<&Path>) -> Vec<GraphEdge> {
        let places: BTreeMap<ObjectId, usize> = (around.iter().map(|one| one.object)).zip(0..).collect();
        let steps: HashSet<&Step> = path.iter().flat_map(|path| &path.steps).collect();
        let mut links: BTreeMap<(usize, usize, bool), Link> = BTreeMap::new();
        for (source, neighbour) in around.iter().enumerate() {
            for (target, name) in self.snapshot.references.of(neighbour.object) {
                let Some(&place) = places.get(&target) else { continue };
                let on_path = steps.contains(&Step { owner: neighbour.object, label: name, target });
                let link = links.entry((source, place, !name.is_strong())).or_insert(Link::new(name));
                link.count += 1;
                if on_path {
                    (link.name, link.on_path) = (name, true);
                }
            }
        }
        let edge = |(&(source, target, weak), link): (&(usize, usize, bool), &Link)| {
            let (owner, object) = (around[source].object, around[target].object);
            self.edge(owner, object, Link { dominates: !weak && self.above(object) == Some(owner), ..*link })
        };
        let mut edges: Vec<GraphEdge> = links.iter().map(edge).collect();
        edges.extend(around.iter().filter_map(|one| {
            let (place, above) = (places.get(&one.object)?, self.above(one.object)?);
            let refers = links.contains_key(&(*places.get(&above)?, *place, false));
            (!refers).then(|| self.bare_edge(above, one.object, "dominator", 1, false))
        }));
        edges.extend(path.and_then(|path| self.gap(path)));
        edges
    }

    fn edge(&self, source: ObjectId, target: ObjectId, link: Link) -> GraphEdge {
        GraphEdge {
            source: self.address(source),
            target: self.address(target),
            label: label(self.snapshot, link.name),
            kind: label_kind(link.name.kind()).to_owned(),
            count: link.count,
            dominates: link.dominates,
            on_path: link.on_path,
        }
    }

    /// What links two objects where no reference does.
    fn bare_edge(&self, source: ObjectId, target: ObjectId, kind: &str, count: u64, on_path: bool) -> GraphEdge {
        let dominates = self.above(target) == Some(source);
        let (source, target) = (self.address(source), self.address(target));
        GraphEdge { source, target, label: String::new(), kind: kind.to_owned(), count, dominates, on_path }
    }

    /// The immediate dominator; `None` when that is the virtual root.
    fn above(&self, object: ObjectId) -> Option<ObjectId> {
        let tree = self.graph.tree();
        tree.object(tree.parent(tree.node(object)))
    }

    /// The part of a long path that is left out.
    fn gap(&self, path: &Path) -> Option<GraphEdge> {
        let objects: Vec<ObjectId> = path.objects().collect();
        let left = objects.len().checked_sub(HEAD + TAIL).filter(|left| *left > 0)?;
        let ends = (objects[HEAD - 1], objects[HEAD + left]);
        Some(self.bare_edge(ends.0, ends.1, "elided", left as u64, true))
    }

    /// The root of the path, then at most `most` others that hold the centre.
    fn holders(&self, centre: ObjectId, path: Option<&Path>, most: usize) -> Vec<GraphRoot> {
        let root = |origin: Origin, target: ObjectId, on_path| GraphRoot {
            label: root(self.snapshot, origin),
            kind: root_kind(origin.kind(self.snapshot)).to_owned(),
            target: self.address(target),
            on_path,
        };
        let direct = path.filter(|path| path.first == centre).map(|path| path.origin);
        let others = self.origins(centre).into_iter().filter(|origin| Some(*origin) != direct).take(most);
        let first = path.map(|path| root(path.origin, path.first, true));
        first.into_iter().chain(others.map(|origin| root(origin, centre, false))).collect()
    }
}

/// References of one object to another.
#[derive(Clone, Copy)]
struct Link {
    name: Label,
    count: u64,
    dominates: bool,
    on_path: bool,
}

impl Link {
    fn new(name: Label) -> Link {
        Link { name, count: 0, dominates: false, on_path: false }
    }
}

/// The objects of a path, without the middle of a long one.
fn shown_of(path: &Path) -> Vec<ObjectId> {
    let mut objects: Vec<ObjectId> = path.objects().collect();
    if objects.len() > HEAD + TAIL {
        objects.drain(HEAD..objects.len() - TAIL);
    }
    objects
}
