//! Threads with what the locals of their frames keep alive.

use memsight_heap::Node;
use memsight_model::{FrameRecord, Root, RootKind, ThreadRecord};

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
            native_id: thread.native_id,
            interpreter: thread.interpreter,
            holds_gil: thread.holds_gil,
            retained_bytes: self.retained_together(all),
            frames: frames.into_iter().map(|(frame, locals)| self.frame(frame, locals, top)).collect(),
        }
    }

    fn frame(&self, frame: &FrameRecord, roots: &[&Root], top: usize) -> FrameRow {
        let mut sorted = roots.to_vec();
        let retained = |root: &Root| self.graph.tree().retained(self.graph.tree().node(root.object));
        sorted.sort_by_key(|root| (std::cmp::Reverse(retained(root)), self.snapshot.names.get(root.name)));
        sorted.truncate(limit(top));
        let local = |root: &Root| LocalRow {
            variable: self.snapshot.names.get(root.name).to_owned(),
            object: self.object_ref(root.object),
        };
        FrameRow {
            function: frame.function.clone(),
            file: frame.file.clone(),
            line: frame.line,
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
