//! Threads with what the locals of their frames keep alive.

use std::collections::HashSet;

use memsight_heap::Node;
use memsight_model::{FrameRecord, Root, RootKind, ThreadRecord};

use crate::recursion::{Calls, folded};
use crate::views::{FrameRow, LocalRow, ThreadRow, ThreadsView};
use crate::{Analysis, limit};

impl Analysis<'_> {
    /// Stacks with the retained size of each frame's locals; at most `top` locals a frame.
    ///
    /// A local's retained size is what the dominator tree says: what is also reached another way is not counted. A
    /// frame's (a thread's) is that of its locals together, each byte once.
    pub fn threads(&self, top: usize) -> ThreadsView {
        let mut locals: Vec<Vec<&Root>> = vec![Vec::new(); self.snapshot.frames.len()];
        for root in self.snapshot.roots.iter().filter(|root| root.kind == RootKind::FrameLocal) {
            if let Some(frame) = root.frame.and_then(|row| locals.get_mut(row as usize)) {
                frame.push(root);
            }
        }
        let threads = (0..).zip(&self.snapshot.threads);
        let threads = threads.map(|(row, thread)| self.thread(row, thread, &locals, top)).collect();
        ThreadsView { header: self.header(), threads }
    }

    fn thread(&self, row: u32, thread: &ThreadRecord, locals: &[Vec<&Root>], top: usize) -> ThreadRow {
        let mut frames: Vec<(&FrameRecord, &Vec<&Root>)> =
            self.snapshot.frames.iter().zip(locals).filter(|(frame, _)| frame.thread == row).collect();
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
        let retained = |root: &Root| self.graph.tree().retained(self.graph.tree().node(root.object));
        let mut sorted: Vec<(u64, &str, &Root)> =
            roots.iter().map(|root| (retained(root), self.snapshot.names.get(root.name), *root)).collect();
        sorted.sort_by_key(|(bytes, name, _)| (std::cmp::Reverse(*bytes), *name));
        let mut names = HashSet::new();
        sorted.retain(|(_, name, _)| calls.repeats == 1 || names.insert(*name));
        sorted.truncate(limit(top));
        let local = |(_, name, root): (u64, &str, &Root)| LocalRow {
            variable: name.to_owned(),
            object: self.object_ref(root.object),
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
        let tree = self.graph.tree();
        let nodes = roots.map(|root| tree.node(root.object)).filter(|&node| node != Node::ROOT);
        tree.retained_by_all(nodes.collect())
    }
}
