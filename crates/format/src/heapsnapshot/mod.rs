//! The heap as a `.heapsnapshot`, the format of V8: Chrome's DevTools open it in the Memory panel, and so do the tools
//! that read such files. `docs/formats/heapsnapshot.md` says what becomes what.
//!
//! Source: `HeapSnapshotJSONSerializer` of V8 (`src/profiler/heap-snapshot-generator.cc`); DevTools reads it in
//! `front_end/entrypoints/heap_snapshot_worker/HeapSnapshot.ts`.

mod entrances;
mod ids;
mod strings;

use std::io::{self, Write};
use std::path::Path;

use memsight_model::{Label, LabelKind, NameId, ObjectId, ObjectKind, RootKind, Snapshot};

use crate::FormatError;
use crate::sink::Sink;
use crate::whole::WholeFile;
use entrances::Entrances;
use strings::{Strings, Text};

/// Fields of a node, in their order.
const NODE_FIELDS: u64 = 7;

/// Types of nodes that are used, by their number in [`META`].
mod node_type {
    pub const STRING: u64 = 2;
    pub const OBJECT: u64 = 3;
    pub const NUMBER: u64 = 7;
    pub const SYNTHETIC: u64 = 9;
}

/// Types of edges that are used, by their number in [`META`].
mod edge_type {
    pub const CONTEXT: u64 = 0;
    pub const ELEMENT: u64 = 1;
    pub const PROPERTY: u64 = 2;
    pub const INTERNAL: u64 = 3;
    pub const WEAK: u64 = 6;
}

const META: &str = concat!(
    r#"{"node_fields":["type","name","id","self_size","edge_count","trace_node_id","detachedness"],"#,
    r#""node_types":[["hidden","array","string","object","code","closure","regexp","number","native","synthetic","#,
    r#""concatenated string","sliced string","symbol","bigint","object shape"],"#,
    r#""string","number","number","number","number","number"],"#,
    r#""edge_fields":["type","name_or_index","to_node"],"#,
    r#""edge_types":[["context","element","property","internal","hidden","shortcut","weak"],"string_or_number","node"],"#,
    r#""trace_function_info_fields":["function_id","name","script_name","script_id","line","column"],"#,
    r#""trace_node_fields":["id","function_info_index","count","size","children"],"#,
    r#""sample_fields":["timestamp_us","last_assigned_id"],"#,
    r#""location_fields":["object_index","script_id","line","column"]}"#
);

/// A reference from outside that keeps an object alive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entrance {
    /// The object held.
    pub object: ObjectId,
    /// By what.
    pub kind: RootKind,
    /// Name of the module, variable or field; 0: none.
    pub name: NameId,
    /// Row of the frame.
    pub frame: Option<u32>,
    /// Row of the thread.
    pub thread: Option<u32>,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// Nodes: the objects, and those that stand for roots.
    pub nodes: u64,
    /// Edges.
    pub edges: u64,
    /// Objects whose size does not fit the format's 32 bits; they stand there with the largest that does.
    pub cut_sizes: u64,
}

/// Writes the heap to `to`, whole or not at all. `entrances` hold it from outside; the references of `uncounted` (the
/// table of interned strings) keep nothing alive and are left out. Cost: two passes over objects and references; 12 bytes
/// an object beside the snapshot.
///
/// # Errors
/// [`FormatError::Exists`] unless `force`, [`FormatError::NoSpace`], [`FormatError::Io`].
pub fn write(
    snapshot: &Snapshot,
    entrances: &[Entrance],
    uncounted: Option<ObjectId>,
    to: &Path,
    force: bool,
) -> Result<Written, FormatError> {
    let (whole, file) = WholeFile::begin(to, force)?;
    let mut writer = Writer {
        out: Sink::new(file),
        snapshot,
        uncounted,
        strings: Strings::default(),
        entrances: Entrances::new(snapshot, entrances),
        cut_sizes: 0,
        first: true,
    };
    let written = writer.write().and_then(|written| writer.out.finish().map(|()| written));
    let failed = |error| FormatError::io(whole.path(), "write", error);
    match written {
        Ok(written) => whole.publish().map(|()| written),
        Err(error) => Err(failed(writer.out.take_failure().unwrap_or(error))),
    }
}

struct Writer<'a, W: crate::sink::Storage> {
    out: Sink<W>,
    snapshot: &'a Snapshot,
    uncounted: Option<ObjectId>,
    strings: Strings,
    entrances: Entrances,
    cut_sizes: u64,
    /// The next row is the first of its list.
    first: bool,
}

impl<W: crate::sink::Storage> Writer<'_, W> {
    fn write(&mut self) -> io::Result<Written> {
        let nodes = self.entrances.nodes.len() as u64 + self.snapshot.objects.len() as u64;
        let edges = self.entrances.edge_count() + self.snapshot.objects.ids().map(|id| self.degree(id)).sum::<u64>();
        write!(
            self.out,
            r#"{{"snapshot":{{"meta":{META},"node_count":{nodes},"edge_count":{edges},"trace_function_count":0}},"#
        )?;
        self.list("\n\"nodes\":[")?;
        self.nodes()?;
        self.out.write_all(b"],")?;
        self.list("\n\"edges\":[")?;
        self.edges()?;
        self.out.write_all(b"],\n\"trace_function_infos\":[],\"trace_tree\":[],\"samples\":[],\"locations\":[],")?;
        self.out.write_all(b"\n\"strings\":")?;
        self.strings.write(self.snapshot, &mut self.out)?;
        self.out.write_all(b"}\n")?;
        Ok(Written { nodes, edges, cut_sizes: self.cut_sizes })
    }

    /// Strong and weak references of an object that are written.
    fn degree(&self, object: ObjectId) -> u64 {
        if self.uncounted == Some(object) {
            return 0;
        }
        let last = self.snapshot.objects.len();
        self.snapshot.references.of(object).filter(|(target, _)| target.index() < last).count() as u64
    }

    fn nodes(&mut self) -> io::Result<()> {
        for row in 0..self.entrances.nodes.len() {
            let node = &self.entrances.nodes[row];
            let (name, degree) = (self.strings.own(&node.name), node.edges.len() as u64);
            // Odd ones from 1 on, as V8 has them; objects have even ones.
            self.row([node_type::SYNTHETIC, name, 2 * row as u64 + 1, 0, degree, 0, 0])?;
        }
        let ids = ids::stable(&self.snapshot.objects);
        for object in self.snapshot.objects.ids() {
            let (kind, name) = self.name(object);
            let objects = &self.snapshot.objects;
            let beside = objects.external.get(object).saturating_add(objects.native.get(object));
            let bytes = objects.shallow.get(object).saturating_add(beside);
            let size = bytes.min(u64::from(u32::MAX));
            self.cut_sizes += u64::from(size < bytes);
            let id = ids.get(object.index()).copied().unwrap_or_default();
            let degree = self.degree(object);
            self.row([kind, name, u64::from(id), size, degree, 0, 0])?;
        }
        Ok(())
    }

    /// Type and name of the node of an object: DevTools gathers objects by their name, so that is the Python type.
    fn name(&mut self, object: ObjectId) -> (u64, u64) {
        use ObjectKind::{Bool, Complex, Float, Int, Str};
        let kind = self.snapshot.type_of(object).map_or(ObjectKind::Other, |record| record.kind);
        let text = self.snapshot.texts.get(object).map(|_| Text::Value(object));
        let type_name = Text::Type(self.snapshot.objects.types[object.index()]);
        match kind {
            Str => (node_type::STRING, self.strings.index(text.unwrap_or(type_name))),
            Int | Float | Complex | Bool => (node_type::NUMBER, self.strings.index(text.unwrap_or(type_name))),
            _ => (node_type::OBJECT, self.strings.index(type_name)),
        }
    }

    fn edges(&mut self) -> io::Result<()> {
        let base = self.entrances.nodes.len() as u64;
        for row in 0..self.entrances.nodes.len() {
            for at in 0..self.entrances.nodes[row].edges.len() {
                let edge = self.entrances.nodes[row].edges[at];
                let to = edge.to.number(base);
                match edge.name {
                    Some(name) => {
                        let name = self.strings.index(Text::Name(name));
                        self.row([edge_type::PROPERTY, name, to * NODE_FIELDS])?;
                    }
                    None => self.row([edge_type::ELEMENT, at as u64, to * NODE_FIELDS])?,
                }
            }
        }
        let (snapshot, uncounted) = (self.snapshot, self.uncounted);
        for object in snapshot.objects.ids().filter(|object| uncounted != Some(*object)) {
            for (target, label) in snapshot.references.of(object) {
                if target.index() < snapshot.objects.len() {
                    let (kind, name) = self.label(label);
                    self.row([kind, name, (base + u64::from(target.0)) * NODE_FIELDS])?;
                }
            }
        }
        Ok(())
    }

    /// Type of an edge, and its name or index.
    fn label(&mut self, label: Label) -> (u64, u64) {
        let payload = label.payload();
        let name = Text::Name(NameId(payload));
        match label.kind() {
            LabelKind::Field | LabelKind::Attribute => (edge_type::PROPERTY, self.strings.index(name)),
            LabelKind::Local | LabelKind::Cell => (edge_type::CONTEXT, self.strings.index(name)),
            LabelKind::Index | LabelKind::Member => (edge_type::ELEMENT, payload.into()),
            LabelKind::Value => match self.snapshot.texts.get(ObjectId(payload)) {
                Some(_) => (edge_type::PROPERTY, self.strings.index(Text::Value(ObjectId(payload)))),
                None => (edge_type::INTERNAL, self.strings.own("(value)")),
            },
            LabelKind::Key => (edge_type::INTERNAL, self.strings.own("(key)")),
            LabelKind::Stack => (edge_type::INTERNAL, self.strings.own("(temporary)")),
            LabelKind::Inferred => (edge_type::INTERNAL, self.strings.own("(C field)")),
            LabelKind::Weak => (edge_type::WEAK, self.strings.index(name)),
        }
    }

    fn list(&mut self, head: &str) -> io::Result<()> {
        self.first = true;
        self.out.write_all(head.as_bytes())
    }

    /// Writes the fields of a node or an edge.
    fn row<const FIELDS: usize>(&mut self, fields: [u64; FIELDS]) -> io::Result<()> {
        let mut digits = itoa::Buffer::new();
        for (at, field) in fields.into_iter().enumerate() {
            let between: &[u8] = match (at, std::mem::take(&mut self.first)) {
                (_, true) => b"",
                (0, false) => b"\n,",
                _ => b",",
            };
            self.out.write_all(between)?;
            self.out.write_all(digits.format(field).as_bytes())?;
        }
        Ok(())
    }
}
