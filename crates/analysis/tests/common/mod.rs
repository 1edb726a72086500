//! Small heaps built by hand.
#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::HashMap;

use memsight_model::{
    Address, ExternalSizes, FrameRecord, Label, LabelKind, ObjectFlags, ObjectId, ObjectKind, Root, RootKind, Snapshot,
    ThreadRecord, TypeId, TypeRecord,
};

/// Collects objects and references; `build` makes the flat tables. Ids follow creation.
#[derive(Default)]
pub struct Heap {
    snapshot: Snapshot,
    types: HashMap<String, TypeId>,
    rows: Vec<Vec<(ObjectId, Label)>>,
    texts: HashMap<u32, String>,
    external: HashMap<u32, u64>,
}

pub const BASE: u64 = 0x7f00_0000_0000;

impl Heap {
    /// An object of a type named in full; classes outside the built-ins are Python classes.
    pub fn object(&mut self, type_name: &str, shallow: u64) -> ObjectId {
        let id = self.rows.len() as u32;
        let row = match self.types.get(type_name) {
            Some(&row) => row,
            None => self.add_type(type_name),
        };
        let objects = &mut self.snapshot.objects;
        objects.addresses.push(Address(BASE + 0x40 * u64::from(id)));
        objects.types.push(row);
        objects.shallow.push(shallow);
        objects.refcounts.push(0);
        objects.flags.push(ObjectFlags::default().with_generation(2));
        self.rows.push(Vec::new());
        ObjectId(id)
    }

    fn add_type(&mut self, name: &str) -> TypeId {
        use ObjectKind::*;
        let known = [
            ("dict", Dict),
            ("list", List),
            ("tuple", Tuple),
            ("set", Set),
            ("str", Str),
            ("int", Int),
            ("NoneType", None),
            ("bool", Bool),
            ("bytes", Bytes),
            ("function", Function),
            ("code", Code),
            ("module", Module),
            ("type", Type),
            ("cell", Cell),
        ];
        let kind = known.iter().find(|entry| entry.0 == name).map_or(Other, |entry| entry.1);
        let row = TypeId(self.snapshot.types.len() as u32);
        let heap = name.contains('.');
        self.snapshot.types.push(TypeRecord { name: name.to_owned(), kind, heap, exact: true, ..Default::default() });
        self.types.insert(name.to_owned(), row);
        row
    }

    pub fn refer(&mut self, owner: ObjectId, target: ObjectId, label: Label) {
        self.rows[owner.index()].push((target, label));
        let counts = &mut self.snapshot.objects.refcounts;
        counts.set(target, counts.get(target) + u32::from(label.is_strong()));
    }

    pub fn named(&mut self, owner: ObjectId, kind: LabelKind, name: &str, target: ObjectId) {
        let name = self.snapshot.names.intern(name);
        self.refer(owner, target, Label::new(kind, name.0));
    }

    pub fn index(&mut self, owner: ObjectId, index: u32, target: ObjectId) {
        self.refer(owner, target, Label::new(LabelKind::Index, index));
    }

    /// `owner[key] = target`, with a str key of its own.
    pub fn item(&mut self, owner: ObjectId, key: &str, target: ObjectId) {
        let id = self.text(key);
        self.refer(owner, id, Label::new(LabelKind::Key, 0).untraversed());
        self.refer(owner, target, Label::new(LabelKind::Value, id.0));
    }

    /// `owner[key] = target`, with a key that is there.
    pub fn keyed(&mut self, owner: ObjectId, key: ObjectId, target: ObjectId) {
        self.refer(owner, key, Label::new(LabelKind::Key, 0).untraversed());
        self.refer(owner, target, Label::new(LabelKind::Value, key.0));
    }

    pub fn text(&mut self, text: &str) -> ObjectId {
        let id = self.object("str", 50);
        self.texts.insert(id.0, format!("'{text}'"));
        id
    }

    /// The dictionary of attributes of a new module.
    pub fn module(&mut self, name: &str) -> ObjectId {
        let module = self.object("module", 72);
        let namespace = self.object("dict", 232);
        self.named(module, LabelKind::Field, "__dict__", namespace);
        self.root(module, RootKind::Module, name);
        namespace
    }

    pub fn root(&mut self, object: ObjectId, kind: RootKind, name: &str) {
        let name = self.snapshot.names.intern(name);
        let counts = &mut self.snapshot.objects.refcounts;
        counts.set(object, counts.get(object) + 1);
        self.snapshot.roots.push(Root { object, kind, name, frame: None, thread: None });
    }

    pub fn thread(&mut self, native_id: u64) -> u32 {
        self.snapshot.threads.push(ThreadRecord { native_id: Some(native_id), ident: 99, ..Default::default() });
        self.snapshot.threads.len() as u32 - 1
    }

    pub fn name_thread(&mut self, thread: u32, name: &str) {
        self.snapshot.threads[thread as usize].name = Some(name.to_owned());
    }

    pub fn frame(&mut self, thread: u32, depth: u32, function: &str, file: &str, line: u32) -> u32 {
        let (function, file) = (function.to_owned(), file.to_owned());
        self.snapshot.frames.push(FrameRecord { thread, depth, function, file, line });
        self.snapshot.frames.len() as u32 - 1
    }

    pub fn local(&mut self, frame: u32, name: &str, object: ObjectId) {
        let thread = Some(self.snapshot.frames[frame as usize].thread);
        self.root(object, RootKind::FrameLocal, name);
        let root = self.snapshot.roots.last_mut().unwrap();
        (root.frame, root.thread) = (Some(frame), thread);
    }

    pub fn external(&mut self, object: ObjectId, bytes: u64) {
        self.external.insert(object.0, bytes);
    }

    pub fn address(object: ObjectId) -> String {
        format!("{:#x}", BASE + 0x40 * u64::from(object.0))
    }

    pub fn build(self) -> Snapshot {
        let Heap { mut snapshot, rows, texts, external, .. } = self;
        snapshot.references.offsets.push(0);
        for row in rows {
            for (target, label) in row {
                snapshot.references.targets.push(target);
                snapshot.references.labels.push(label);
            }
            snapshot.references.offsets.push(snapshot.references.targets.len() as u32);
        }
        let mut texts: Vec<_> = texts.into_iter().collect();
        texts.sort();
        texts.iter().for_each(|(id, text)| snapshot.texts.push(ObjectId(*id), text));
        let mut external: Vec<_> = external.into_iter().map(|(id, bytes)| (ObjectId(id), bytes)).collect();
        external.sort();
        snapshot.objects.external = ExternalSizes(external);
        snapshot
    }

    /// What every process has: some modules with functions and constants, `bytes` in all.
    pub fn program(&mut self, bytes: u64) {
        for module in 0..10 {
            let namespace = self.module(&format!("lib{module}"));
            let class = self.object("type", 1000);
            self.item(namespace, "Helper", class);
            for function in 0..20 {
                let object = self.object("function", bytes / 800);
                self.item(namespace, &format!("f{function}"), object);
                self.named(object, LabelKind::Field, "__globals__", namespace);
                let code = self.object("code", bytes / 400);
                self.named(object, LabelKind::Field, "__code__", code);
                let doc = self.object("str", bytes / 800);
                self.named(object, LabelKind::Field, "__doc__", doc);
            }
        }
    }
}
