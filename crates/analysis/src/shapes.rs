//! Merging the paths of many objects: what is equal but for indices and keys has one shape.

use std::collections::HashMap;

use memsight_heap::{Origin, Step};
use memsight_model::{Label, LabelKind, ObjectId, Snapshot};

use crate::Analysis;
use crate::words::{bare_key, is_namespace, key_of, label, lasting_root, root, short_type, step};

const UNKNOWN: u32 = u32::MAX;
const REPEATED: &str = "... repeated ...";

/// Whether a path in words runs along a list of links, which grows at its end as others grow by items.
pub(crate) fn is_repeated(words: &[String]) -> bool {
    words.iter().any(|word| word == REPEATED)
}

/// Shapes of shortest paths, a tree from the roots on. The shape of an object is found once, from that of the object
/// before it, so that the shapes of all objects cost one step each, however long the paths are.
pub(crate) struct Shapes<'a> {
    analysis: &'a Analysis<'a>,
    /// A root in words.
    root: fn(&Snapshot, Origin) -> String,
    /// Shape of each object.
    of: Vec<u32>,
    list: Vec<Shape>,
    below: HashMap<(u32, u32), u32>,
    words: Vec<Vec<String>>,
    word_ids: HashMap<Vec<String>, u32>,
    /// Word by label (without index or key), group of types, and whether it is a name in a namespace.
    cache: HashMap<(Label, u32, bool), u32>,
}

struct Shape {
    above: u32,
    word: u32,
    /// The last step leads to the dictionary of attributes, which is no step when the path goes on.
    namespace: bool,
    /// The last step stands for a run of equal ones, as in a linked list.
    repeats: bool,
}

impl<'a> Shapes<'a> {
    pub(crate) fn new(analysis: &'a Analysis<'a>) -> Shapes<'a> {
        Shapes {
            analysis,
            root,
            of: vec![UNKNOWN; analysis.snapshot.objects.len()],
            list: Vec::new(),
            below: HashMap::new(),
            words: Vec::new(),
            word_ids: HashMap::new(),
            cache: HashMap::new(),
        }
    }

    /// Shapes whose words are the same at another moment: frames without their thread and line.
    pub(crate) fn across(analysis: &'a Analysis<'a>) -> Shapes<'a> {
        Shapes { root: lasting_root, ..Shapes::new(analysis) }
    }

    /// The shape of the shortest path to `object`.
    pub(crate) fn of(&mut self, object: ObjectId) -> Option<u32> {
        let Analysis { snapshot, graph, .. } = self.analysis;
        let paths = graph.paths(snapshot);
        let (mut pending, mut here) = (Vec::new(), object);
        while *self.of.get(here.index())? == UNKNOWN {
            match paths.last_step(snapshot, graph.roots(), here)? {
                Ok(step) => {
                    here = step.owner;
                    pending.push(step);
                }
                Err(origin) => self.of[here.index()] = self.start(origin, here),
            }
        }
        while let Some(step) = pending.pop() {
            self.of[step.target.index()] = self.follow(&step);
        }
        Some(self.of[object.index()])
    }

    /// The words of a shape.
    pub(crate) fn words(&self, shape: u32) -> Vec<String> {
        let mut shapes: Vec<&Shape> =
            std::iter::successors(self.list.get(shape as usize), |shape| self.list.get(shape.above as usize)).collect();
        shapes.reverse();
        let mut words = Vec::new();
        for shape in shapes {
            words.extend(self.words[shape.word as usize].iter().cloned());
            if shape.repeats {
                words.push(REPEATED.to_owned());
            }
        }
        crate::route::shortened(words)
    }

    fn start(&mut self, origin: Origin, object: ObjectId) -> u32 {
        let snapshot = self.analysis.snapshot;
        let mut words = vec![(self.root)(snapshot, origin)];
        if origin.record(snapshot).is_none() {
            words.push(short_type(snapshot, object).to_owned());
        }
        let word = self.intern(words);
        self.shape(UNKNOWN, word, false)
    }

    fn follow(&mut self, step: &Step) -> u32 {
        let snapshot = self.analysis.snapshot;
        let mut above = self.of[step.owner.index()];
        let named = step.label.kind() == LabelKind::Value && self.list[above as usize].namespace;
        if named {
            above = self.list[above as usize].above;
        }
        let word = self.word(step, named);
        if self.list.get(above as usize).is_some_and(|shape| shape.word == word) {
            self.list[above as usize].repeats = true;
            return above;
        }
        self.shape(above, word, is_namespace(snapshot, step.label, step.target))
    }

    fn shape(&mut self, above: u32, word: u32, namespace: bool) -> u32 {
        let next = self.list.len() as u32;
        let shape = *self.below.entry((above, word)).or_insert(next);
        if shape == next {
            self.list.push(Shape { above, word, namespace, repeats: false });
        }
        shape
    }

    fn word(&mut self, step: &Step, named: bool) -> u32 {
        let kind = step.label.kind();
        let payload = match kind {
            LabelKind::Field | LabelKind::Attribute | LabelKind::Local | LabelKind::Cell => step.label.payload(),
            LabelKind::Value if named => step.label.payload(),
            _ => 0,
        };
        let key = (Label::new(kind, payload), self.analysis.group(step.target), named);
        if let Some(&word) = self.cache.get(&key) {
            return word;
        }
        let words = self.describe(step, named);
        let word = self.intern(words);
        self.cache.insert(key, word);
        word
    }

    fn describe(&self, step: &Step, named: bool) -> Vec<String> {
        let snapshot = self.analysis.snapshot;
        let held = short_type(snapshot, step.target);
        match step.label.kind() {
            LabelKind::Value if named => vec![format!("{} ({held})", bare_key(snapshot, key_of(step.label)))],
            LabelKind::Index | LabelKind::Value => vec!["[*]".to_owned(), held.to_owned()],
            LabelKind::Key => vec!["key".to_owned(), held.to_owned()],
            LabelKind::Member => vec!["member".to_owned(), held.to_owned()],
            LabelKind::Inferred => vec![format!("(C field) {held}")],
            _ => vec![format!("{} ({held})", label(snapshot, step.label))],
        }
    }

    fn intern(&mut self, words: Vec<String>) -> u32 {
        let words: Vec<String> = words.into_iter().map(step).collect();
        if let Some(&word) = self.word_ids.get(&words) {
            return word;
        }
        let word = self.words.len() as u32;
        self.words.push(words.clone());
        self.word_ids.insert(words, word);
        word
    }
}
