//! The nodes that stand for what holds the heap from outside.
//!
//! ```text
//! (root) ──> (modules) ──app──> dict
//!        ──> (threads) ──> thread 1 ──> handle (app.py:42) ──request──> Request
//!        ──> (static objects), (interned strings), (interpreter), (held by C code), (garbage),
//!            (held by nobody known)
//! ```

use memsight_model::{NameId, ObjectId, RootKind, Snapshot};

use super::Entrance;

/// A node that is no object.
pub(super) struct Node {
    pub(super) name: String,
    pub(super) edges: Vec<Edge>,
}

/// A reference from such a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    /// Its name; `None`: its number.
    pub(super) name: Option<NameId>,
    pub(super) to: To,
}

/// Where it leads.
#[derive(Debug, Clone, Copy)]
pub(super) enum To {
    Node(u32),
    Object(ObjectId),
}

impl To {
    /// Number of the node in the file; the first object has the number `base`.
    pub(super) fn number(self, base: u64) -> u64 {
        match self {
            To::Node(row) => row.into(),
            To::Object(object) => base + u64::from(object.0),
        }
    }
}

/// The root and everything between it and the objects.
pub(super) struct Entrances {
    /// The root first.
    pub(super) nodes: Vec<Node>,
}

/// The groups below the root.
const GROUPS: [&str; 8] = [
    "(modules)",
    "(threads)",
    "(interpreter)",
    "(static objects)",
    "(interned strings)",
    "(held by C code)",
    "(garbage: cycles that nothing holds)",
    "(held by nobody known)",
];
const THREADS: u32 = 2;

impl Entrances {
    pub(super) fn new(snapshot: &Snapshot, entrances: &[Entrance]) -> Entrances {
        let mut all = Entrances { nodes: Vec::new() };
        all.add(None, "(root)".to_owned());
        for group in GROUPS {
            all.add(Some(0), group.to_owned());
        }
        let threads: Vec<u32> = (1..)
            .zip(&snapshot.threads)
            .map(|(number, thread): (u32, _)| all.add(Some(THREADS), format!("thread {number} ({:#x})", thread.ident)))
            .collect();
        let mut frames = Vec::new();
        for frame in &snapshot.frames {
            let above = threads.get(frame.thread as usize).copied().unwrap_or(THREADS);
            frames.push(all.add(Some(above), format!("{} ({}:{})", frame.function, frame.file, frame.line)));
        }
        for entrance in entrances.iter().filter(|entrance| entrance.object.index() < snapshot.objects.len()) {
            let frame = entrance.frame.and_then(|row| frames.get(row as usize));
            let thread = entrance.thread.and_then(|row| threads.get(row as usize));
            let owner = frame.or(thread).copied().unwrap_or_else(|| group(entrance.kind));
            let name = (entrance.name != NameId(0)).then_some(entrance.name);
            all.nodes[owner as usize].edges.push(Edge { name, to: To::Object(entrance.object) });
        }
        all
    }

    /// References of all of them.
    pub(super) fn edge_count(&self) -> u64 {
        self.nodes.iter().map(|node| node.edges.len() as u64).sum()
    }

    fn add(&mut self, above: Option<u32>, name: String) -> u32 {
        let row = self.nodes.len() as u32;
        self.nodes.push(Node { name, edges: Vec::new() });
        if let Some(above) = above {
            self.nodes[above as usize].edges.push(Edge { name: None, to: To::Node(row) });
        }
        row
    }
}

/// The row of the group for roots of a kind that belong to no thread.
fn group(kind: RootKind) -> u32 {
    match kind {
        RootKind::Module => 1,
        RootKind::FrameLocal | RootKind::FrameStack | RootKind::Frame | RootKind::Thread => THREADS,
        RootKind::Interpreter => 3,
        RootKind::Static => 4,
        RootKind::Interned => 5,
        RootKind::External => 6,
        RootKind::Unreachable => 7,
        RootKind::NobodyKnown => 8,
    }
}
