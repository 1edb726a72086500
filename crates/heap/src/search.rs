//! Depth-first search without recursion: chains of a million objects are ordinary.

use crate::edges::Edges;

/// Where the search stands in one object.
#[derive(Clone, Copy)]
struct Frame {
    tag: u32,
    at: u32,
    end: u32,
}

/// The stack of a depth-first search, kept between searches.
#[derive(Default)]
pub(crate) struct DepthFirst {
    stack: Vec<Frame>,
}

/// What a search does with what it meets. A tag is the visitor's own number for an object.
pub(crate) trait Visitor {
    /// The object with tag `from` refers to `target`: the tag of `target` if the search shall go on there.
    fn meet(&mut self, from: u32, target: u32) -> Option<u32>;
    /// Everything below the object with this tag has been searched.
    fn leave(&mut self, _tag: u32) {}
}

impl DepthFirst {
    /// Searches from `start`, which the visitor has already tagged.
    pub(crate) fn run(&mut self, edges: &Edges<'_>, start: u32, tag: u32, visitor: &mut impl Visitor) {
        let range = edges.range(start);
        let mut here = Frame { tag, at: range.start, end: range.end };
        loop {
            if here.at >= here.end {
                visitor.leave(here.tag);
                match self.stack.pop() {
                    Some(frame) => here = frame,
                    None => return,
                }
                continue;
            }
            let target = edges.strong(here.at);
            here.at += 1;
            let Some(target) = target else { continue };
            if let Some(tag) = visitor.meet(here.tag, target) {
                self.stack.push(here);
                let range = edges.range(target);
                here = Frame { tag, at: range.start, end: range.end };
            }
        }
    }
}
