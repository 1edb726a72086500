//! Threads with what the locals of their frames keep alive.

use std::collections::HashSet;

use memsight_heap::Node;
use memsight_model::{FrameRecord, ObjectFlags, ObjectId, ObjectKind, Root, RootKind, ThreadRecord};

use crate::recursion::{Calls, folded};
use crate::views::{FrameRow, LocalRow, ObjectRef, ThreadRow, ThreadsView};
use crate::words::{object_kind, type_name};
use crate::{Analysis, limit};

/// Types of which there is one object.
const SINGLETONS: [&str; 2] = ["ellipsis", "NotImplementedType"];

impl Analysis<'_> {
    /// Stacks with the retained size of each frame's locals; at most `top` locals a frame.
    ///
    /// A local's retained size is what the dominator tree says: what is also reached another way is not counted. A
    /// frame's (a thread's) is that of its locals together, each byte once. Constants that all share are nobody's.
    pub fn threads(&self, top: usize) -> ThreadsView {
        let mut locals: Vec<Vec<&Root>> = vec![Vec::new(); self.snapshot.frames.len()];
        for root in self.snapshot.roots.iter().filter(|root| root.kind == RootKind::FrameLocal) {
            if let Some(frame) = root.frame.and_then(|row| locals.get_mut(row as usize)) {
                frame.push(root);
            }
        }
        let constants = self.constants(locals.iter().flatten().map(|root| root.object));
        let view = Locals { analysis: self, locals, constants };
        let threads = (0..).zip(&self.snapshot.threads);
        let threads = threads.map(|(row, thread)| view.thread(row, thread, top)).collect();
        ThreadsView { header: self.header(), threads }
    }

    /// Those of `objects` that no frame keeps alive: the interpreter's own (`None`, small numbers, what is immortal or
    /// interned for good), and the constants and names of code. Cost: a pass over the objects, and the references of code.
    fn constants(&self, objects: impl Iterator<Item = ObjectId>) -> HashSet<ObjectId> {
        use ObjectKind::{Bool, Bytes, Complex, Float, Int, None, Str, Tuple};
        use RootKind::{Interned, Interpreter, Static};
        let snapshot = self.snapshot;
        let plain = |object| {
            let kind = object_kind(snapshot, object);
            matches!(kind, None | Bool | Int | Float | Complex | Str | Bytes | Tuple)
                || SINGLETONS.contains(&type_name(snapshot, object))
        };
        let objects: HashSet<ObjectId> = objects.filter(|&object| plain(object)).collect();
        let immortal = |object: ObjectId| {
            snapshot.objects.flags.get(object.index()).is_some_and(|flags| flags.has(ObjectFlags::IMMORTAL))
        };
        let single = |object| {
            matches!(object_kind(snapshot, object), None | Bool) || SINGLETONS.contains(&type_name(snapshot, object))
        };
        let own = objects.iter().copied().filter(|&object| immortal(object) || single(object));
        let roots = snapshot.roots.iter().filter(|root| matches!(root.kind, Static | Interpreter | Interned));
        let shared = roots.map(|root| root.object).chain(self.held_by_code()).filter(|object| objects.contains(object));
        own.chain(shared).collect()
    }

    /// What code refers to, and what its tuples do, however deep. Cost: a pass over the objects, and these references.
    fn held_by_code(&self) -> Vec<ObjectId> {
        let snapshot = self.snapshot;
        let of_kind = |kind| move |object: &ObjectId| object_kind(snapshot, *object) == kind;
        let mut waiting: Vec<ObjectId> = snapshot.objects.ids().filter(of_kind(ObjectKind::Code)).collect();
        let (mut held, mut seen) = (Vec::new(), HashSet::new());
        while let Some(object) = waiting.pop() {
            let targets = snapshot.references.of(object).map(|(target, _)| target);
            let from = held.len();
            held.extend(targets);
            waiting
                .extend(held[from..].iter().copied().filter(of_kind(ObjectKind::Tuple)).filter(|id| seen.insert(*id)));
        }
        held
    }
}

/// What the frames of a look hold.
struct Locals<'a> {
    analysis: &'a Analysis<'a>,
    /// By frame.
    locals: Vec<Vec<&'a Root>>,
    constants: HashSet<ObjectId>,
}

impl Locals<'_> {
    fn thread(&self, row: u32, thread: &ThreadRecord, top: usize) -> ThreadRow {
        let frames = self.analysis.snapshot.frames.iter().zip(&self.locals);
        let mut frames: Vec<(&FrameRecord, &Vec<&Root>)> = frames.filter(|(frame, _)| frame.thread == row).collect();
        frames.sort_by_key(|(frame, _)| frame.depth);
        let all = frames.iter().flat_map(|(_, locals)| locals.iter());
        ThreadRow {
            ident: thread.ident,
            name: thread.name.clone(),
            native_id: thread.native_id,
            interpreter: thread.interpreter,
            holds_gil: thread.holds_gil,
            retained_bytes: self.retained_together(all),
            frames: self.frames(&frames, top),
        }
    }

    /// The frames of a thread, recursion folded.
    fn frames(&self, frames: &[(&FrameRecord, &Vec<&Root>)], top: usize) -> Vec<FrameRow> {
        let calls: Vec<_> = frames.iter().map(|(frame, _)| (&frame.function, &frame.file, frame.line)).collect();
        let parts = folded(&calls);
        let each = parts.iter().flat_map(|part| (0..part.cycle).map(move |of| (part, of)));
        let row = |(part, of): (&Calls, usize)| {
            let like: Vec<_> = part.like(of).filter_map(|place| frames.get(place)).collect();
            let roots: Vec<&Root> = like.iter().flat_map(|(_, roots)| roots.iter().copied()).collect();
            let (frame, _) = like.first()?;
            Some(self.frame(frame, &roots, part, top))
        };
        each.filter_map(row).collect()
    }

    fn frame(&self, frame: &FrameRecord, roots: &[&Root], calls: &Calls, top: usize) -> FrameRow {
        let Analysis { snapshot, graph, .. } = self.analysis;
        let retained = |root: &Root| match self.constants.contains(&root.object) {
            true => 0,
            false => graph.tree().retained(graph.tree().node(root.object)),
        };
        let mut sorted: Vec<(u64, &str, &Root)> =
            roots.iter().map(|root| (retained(root), snapshot.names.get(root.name), *root)).collect();
        sorted.sort_by_key(|(bytes, name, _)| (std::cmp::Reverse(*bytes), *name));
        let mut names = HashSet::new();
        sorted.retain(|(_, name, _)| calls.repeats == 1 || names.insert(*name));
        sorted.truncate(limit(top));
        let local = |(retained_bytes, name, root): (u64, &str, &Root)| {
            let object = self.analysis.object_ref(root.object);
            let retained_resident_bytes = object.retained_resident_bytes.min(retained_bytes);
            LocalRow {
                variable: name.to_owned(),
                object: ObjectRef { retained_bytes, retained_resident_bytes, ..object },
            }
        };
        FrameRow {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
            repeats: calls.repeats as u64,
            cycle: calls.cycle as u64,
            retained_bytes: self.retained_together(roots.iter()),
            locals: sorted.into_iter().map(local).collect(),
        }
    }

    fn retained_together<'r>(&self, roots: impl Iterator<Item = &'r &'r Root>) -> u64 {
        let tree = self.analysis.graph.tree();
        let roots = roots.filter(|root| !self.constants.contains(&root.object));
        let nodes = roots.map(|root| tree.node(root.object)).filter(|&node| node != Node::ROOT);
        tree.retained_by_all(nodes.collect())
    }
}
