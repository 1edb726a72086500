//! What the graph means: histogram, leak suspects, paths, threads.
//!
//! [`Analysis`] answers one question a method; the answers ([`views`]) are what people and scripts see. Everything is
//! deterministic: ties are broken by object id (address order) or by name.
#![forbid(unsafe_code)]

pub mod advise;
mod awaits;
pub mod code;
mod code_rows;
pub mod compare;
pub mod cycles;
mod dominators;
mod error;
pub mod fragmentation;
pub mod garbage;
pub mod gc;
pub mod graph;
mod histogram;
mod holders;
mod inventory;
mod knots;
mod naming;
mod object;
pub mod overview;
mod paths;
pub mod profile;
mod program;
mod query;
mod recursion;
pub mod refcounts;
mod route;
pub mod rss;
mod shallow;
mod shapes;
mod suspects;
pub mod tasks;
mod threads;
pub mod trend;
pub mod views;
pub mod waste;
mod words;

use std::sync::Arc;

use memsight_heap::{Graph, Node};
use memsight_model::{Progress, SCHEMA_VERSION, Snapshot};

pub use error::AnalysisError;
use histogram::TypeGroups;
pub use shallow::histogram;
pub use suspects::THRESHOLD;
use views::{Header, SuspectsView, TypesView};

/// A snapshot with its graph, ready for questions. In every view `top` limits the rows; 0 means all.
#[derive(Debug)]
pub struct Analysis<'a> {
    snapshot: &'a Snapshot,
    graph: Arc<Graph>,
    groups: TypeGroups,
}

impl<'a> Analysis<'a> {
    /// Analyses `snapshot`: completes the roots and finds dominators and retained sizes. Cost: near linear, about
    /// 0.1 us an object; 24 bytes an object stay. Paths are searched when first asked for.
    pub fn new(snapshot: &'a Snapshot, progress: &dyn Progress) -> Analysis<'a> {
        Analysis::over(snapshot, Arc::new(Graph::new(snapshot, progress)))
    }

    /// The same over a graph that [`Analysis::graph`] gave for this very snapshot. Cost: the number of types.
    pub fn over(snapshot: &'a Snapshot, graph: Arc<Graph>) -> Analysis<'a> {
        Analysis { snapshot, graph, groups: TypeGroups::new(&snapshot.types) }
    }

    /// The graph, to be kept beside the snapshot and used again.
    pub fn graph(&self) -> Arc<Graph> {
        Arc::clone(&self.graph)
    }

    /// The histogram by type name, with what runs by the name of its code. Cost: two passes over the objects.
    pub fn types(&self, top: usize) -> TypesView {
        TypesView { code: self.code_rows(top), ..self.types_alone(top) }
    }

    fn types_alone(&self, top: usize) -> TypesView {
        let mut types = self.histogram(std::iter::once(self.graph.tree().range(Node::ROOT)));
        let view = TypesView {
            header: self.header(),
            objects: self.snapshot.objects.len() as u64,
            shallow_bytes: types.iter().map(|row| row.shallow_bytes).sum(),
            external_bytes: types.iter().map(|row| row.external_bytes).sum(),
            native_bytes: types.iter().map(|row| row.native_bytes).sum(),
            resident_bytes: self.graph.tree().total_resident_bytes(),
            type_count: types.len() as u64,
            types: Vec::new(),
            code: Vec::new(),
        };
        types.truncate(limit(top));
        TypesView { types, ..view }
    }

    /// Leak suspects, with the largest classes and the longest containers beside them. See [`THRESHOLD`] for the
    /// rule.
    pub fn suspects(&self, top: usize) -> SuspectsView {
        SuspectsView {
            header: self.header(),
            threshold: THRESHOLD,
            total_bytes: self.graph.tree().total_bytes(),
            resident_bytes: self.graph.tree().total_resident_bytes(),
            suspects: self.find_suspects(top),
            instances: self.instances(limit(top)),
            containers: self.containers(limit(top)),
        }
    }

    fn header(&self) -> Header {
        header(self.snapshot)
    }

    /// Bytes in memory as a part of all bytes in memory, 0 to 1.
    fn share(&self, resident_bytes: u64) -> f64 {
        match self.graph.tree().total_resident_bytes() {
            0 => 0.0,
            total => resident_bytes as f64 / total as f64,
        }
    }
}

fn header(snapshot: &Snapshot) -> Header {
    let manifest = &snapshot.manifest;
    Header {
        schema_version: SCHEMA_VERSION,
        pid: manifest.pid,
        python: manifest.python.clone(),
        created: manifest.created.clone(),
        mode: manifest.mode,
        partial: manifest.partial.clone(),
    }
}

/// `--top 0` shows everything.
fn limit(top: usize) -> usize {
    if top == 0 { usize::MAX } else { top }
}
