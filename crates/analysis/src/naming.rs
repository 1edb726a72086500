//! Names of single objects.

use memsight_heap::{Node, Path, Step};
use memsight_model::{LabelKind, ObjectId, ObjectKind, RootKind};

use crate::Analysis;
use crate::code::{is_code, source_of};
use crate::route::{ends, is_globals, words};
use crate::views::ObjectRef;
use crate::words::{
    bare_key, function, is_namespace, key, key_of, object_kind, short_type, step as step_text, type_name,
};

/// Fields of built-in objects that Python code reaches by the same name.
const OPEN_FIELDS: [&str; 4] = ["__closure__", "__defaults__", "__kwdefaults__", "cell_contents"];
/// Longest path, in references, that a name spells out.
const NAME_STEPS: usize = 9;

impl Analysis<'_> {
    /// The object in a list.
    pub(crate) fn object_ref(&self, object: ObjectId) -> ObjectRef {
        let tree = self.graph.tree();
        let objects = &self.snapshot.objects;
        let node = tree.node(object);
        ObjectRef {
            address: objects.addresses.get(object).to_string(),
            type_name: type_name(self.snapshot, object).to_owned(),
            name: self.object_name(object),
            shallow_bytes: objects.shallow.get(object),
            external_bytes: objects.external.get(object),
            native_bytes: objects.native.get(object),
            resident_bytes: tree.resident_between(node, node.after()),
            retained_bytes: tree.retained(node),
            retained_resident_bytes: tree.resident(node),
        }
    }

    pub(crate) fn node_ref(&self, node: Node) -> Option<ObjectRef> {
        self.graph.tree().object(node).map(|object| self.object_ref(object))
    }

    /// A container in a list: one that no expression leads to has its path for a name.
    pub(crate) fn container_ref(&self, object: ObjectId) -> ObjectRef {
        let row = self.object_ref(object);
        let is_bare = row.name.ends_with(&format!(" at {}", row.address));
        let path = if is_bare { self.path_to(object) } else { None };
        match path.map(|path| ends(&words(self.snapshot, &path))) {
            Some(name) => ObjectRef { name, ..row },
            None => row,
        }
    }

    fn object_name(&self, object: ObjectId) -> String {
        self.expression(object).unwrap_or_else(|| {
            let (held, address) = (short_type(self.snapshot, object), self.snapshot.objects.addresses.get(object));
            match is_code(self.snapshot, object).then(|| source_of(self.snapshot, object)).flatten() {
                Some(source) => format!("{held} {} at {address}", source.behind_type()),
                None => format!("{held} at {address}"),
            }
        })
    }

    /// The shortest path to the object.
    pub(crate) fn path_to(&self, object: ObjectId) -> Option<Path> {
        self.graph.paths(self.snapshot).to(self.snapshot, self.graph.roots(), object)
    }

    /// The object as one would write it in Python: `app.cache._entries['user:17']`, `request.session in handle()`;
    /// `None` when that would be long or is not possible.
    pub(crate) fn expression(&self, object: ObjectId) -> Option<String> {
        let path = self.short_path(object)?;
        let record = path.origin.record(self.snapshot)?;
        let name = self.snapshot.names.get(record.name);
        let is_table = object_kind(self.snapshot, object) == ObjectKind::Dict;
        let (mut text, place) = match record.kind {
            RootKind::Module => (name.to_owned(), None),
            RootKind::FrameLocal => (name.to_owned(), Some(function(self.snapshot, record)?)),
            RootKind::FrameStack => ("(temporary)".to_owned(), Some(function(self.snapshot, record)?)),
            RootKind::Interpreter if !name.contains(' ') => (name.to_owned(), None),
            RootKind::Frame if is_globals(self.snapshot, path.origin) => {
                ("globals()".to_owned(), Some(function(self.snapshot, record)?))
            }
            RootKind::Interned if path.steps.is_empty() && is_table => return Some("interned strings".to_owned()),
            _ => return None,
        };
        let mut steps = path.steps.iter();
        while let Some(step) = steps.next() {
            text.push_str(&self.access(step, &mut steps)?);
        }
        Some(step_text(place.map_or(text.clone(), |function| format!("{text} in {function}()"))))
    }

    /// One step of an expression; takes the next step too when the first leads to a dictionary of attributes.
    fn access<'s>(&self, step: &Step, rest: &mut impl Iterator<Item = &'s Step>) -> Option<String> {
        let snapshot = self.snapshot;
        let text = match step.label.kind() {
            LabelKind::Index => format!("[{}]", step.label.payload()),
            LabelKind::Value => {
                let key_object = key_of(step.label);
                snapshot.texts.get(key_object)?;
                format!("[{}]", key(snapshot, key_object))
            }
            LabelKind::Attribute | LabelKind::Field if is_namespace(snapshot, step.label, step.target) => {
                match rest.next() {
                    Some(next) if next.label.kind() == LabelKind::Value => {
                        snapshot.texts.get(key_of(next.label))?;
                        format!(".{}", bare_key(snapshot, key_of(next.label)))
                    }
                    Some(_) => return None,
                    None => ".__dict__".to_owned(),
                }
            }
            LabelKind::Cell => ".cell_contents".to_owned(),
            LabelKind::Attribute => format!(".{}", crate::words::label(snapshot, step.label)),
            LabelKind::Field => {
                let name = crate::words::label(snapshot, step.label);
                OPEN_FIELDS.contains(&name.as_str()).then(|| format!(".{name}"))?
            }
            _ => return None,
        };
        Some(text)
    }

    /// The shortest path if it is short. Cost: a few binary searches, however far the object is from a root.
    fn short_path(&self, object: ObjectId) -> Option<Path> {
        let paths = self.graph.paths(self.snapshot);
        let (mut steps, mut here) = (Vec::new(), object);
        while steps.len() <= NAME_STEPS {
            match paths.last_step(self.snapshot, self.graph.roots(), here)? {
                Ok(step) => {
                    here = step.owner;
                    steps.push(step);
                }
                Err(origin) => {
                    steps.reverse();
                    return Some(Path { origin, first: here, steps });
                }
            }
        }
        None
    }
}
