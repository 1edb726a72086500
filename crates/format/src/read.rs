//! Reading a snapshot back, from files that anybody may have changed.

use std::path::Path;

use arrow_array::Array;
use arrow_array::types::{Int64Type, UInt8Type, UInt32Type, UInt64Type};
use memsight_model::{
    Address, AddressColumn, Counts, ExternalSizes, FrameRecord, Label, LabelKind, MAX_PAYLOAD, NameId, Names,
    ObjectFlags, ObjectId, ObjectKind, ObjectTable, ReferenceTable, Region, Root, RootKind, Sizes, Snapshot, TextTable,
    ThreadRecord, TypeId, TypeRecord,
};

use crate::FormatError;
use crate::limits::{Budget, Limits};
use crate::manifest::ManifestFile;
use crate::panics;
use crate::rows::{Batch, Rows};
use crate::tables::{LABEL_KINDS, OBJECT_KINDS, ROOT_KINDS, Table, is_named};

/// [`read_within`] the limits that fit every honest snapshot.
///
/// # Errors
/// As [`read_within`].
pub fn read(from: &Path) -> Result<Snapshot, FormatError> {
    read_within(from, Limits::default())
}

/// Reads the snapshot in the folder `from`, equal to the one that was written.
///
/// Nothing is taken on trust: versions, lengths, checksums, numbers of rows, types of columns, order and range of
/// every id, and how much memory a file says it takes, before it does. Time and memory: linear in the rows.
///
/// # Errors
/// [`FormatError::NotFound`], [`FormatError::Foreign`], [`FormatError::Version`]; [`FormatError::Damaged`] names the
/// file and what is wrong with it; [`FormatError::TooLarge`] when it would take more memory than `limits` allow.
pub fn read_within(from: &Path, limits: Limits) -> Result<Snapshot, FormatError> {
    let mut budget = Budget::of(limits);
    let manifest = ManifestFile::read(from, &budget)?;
    budget.allow_for(&manifest);
    // the checks below leave nothing for it to panic on that is known; a Parquet file made to crash is an error too
    panics::caught(|| Reader { folder: from, manifest: &manifest, budget: &budget }.snapshot())
        .unwrap_or_else(|| Err(FormatError::damaged(from, "a table is no valid Parquet file")))
}

pub(crate) struct Reader<'a> {
    folder: &'a Path,
    pub(crate) manifest: &'a ManifestFile,
    budget: &'a Budget,
}

impl Reader<'_> {
    fn snapshot(&self) -> Result<Snapshot, FormatError> {
        let names = self.names()?;
        let name_count = names.iter().count();
        let objects = self.objects()?;
        let references = self.references(objects.len(), name_count)?;
        let types = self.types(objects.len())?;
        if let Some(row) = objects.types.iter().find(|row| row.0 as usize >= types.len()) {
            let file = self.folder.join(Table::Objects.file());
            return Err(FormatError::damaged(
                &file,
                format!("type {} is out of range (there are {})", row.0, types.len()),
            ));
        }
        let texts = self.texts(objects.len())?;
        let threads = self.threads()?;
        let frames = self.frames(threads.len())?;
        let bounds =
            RootBounds { objects: objects.len(), names: name_count, frames: frames.len(), threads: threads.len() };
        let roots = self.roots(&bounds)?;
        let holders = self.holders(&bounds)?;
        let code = self.code(&bounds)?;
        let generators = self.generators(&bounds)?;
        let maps = self.maps()?;
        let pymalloc = self.pymalloc(objects.len(), types.len())?;
        let contents = self.contents(objects.len(), types.len())?;
        let residence = self.residence()?;
        let c_owned = self.c_owned(objects.len(), types.len())?;
        let native = self.native(types.len())?;
        let manifest = self.manifest.look.clone();
        Ok(Snapshot {
            manifest,
            types,
            objects,
            references,
            sums: Vec::new(),
            names,
            texts,
            roots,
            threads,
            frames,
            maps,
            holders,
            code,
            generators,
            pymalloc,
            contents,
            residence,
            c_owned,
            native,
            c_heap: self.manifest.c_heap.clone(),
            // what has no optional table yet, or was not looked at
        })
    }

    /// The file of `table`; an optional one is asked for only when the manifest says that it is there.
    pub(crate) fn rows(&self, table: Table, columns: &[&str]) -> Result<Rows<'_>, FormatError> {
        Rows::open(self.folder, self.manifest, self.budget, table, columns)
    }

    fn names(&self) -> Result<Names, FormatError> {
        let mut names = Names::default();
        let mut next = 0;
        self.rows(Table::Names, &["name"])?.each(|batch| {
            for name in batch.texts("name")?.iter().flatten() {
                if names.intern(name) != NameId(next) {
                    return Err(batch.damaged(format!("name {next} stands there twice")));
                }
                next += 1;
            }
            Ok(())
        })?;
        Ok(names)
    }

    fn objects(&self) -> Result<ObjectTable, FormatError> {
        let columns = [
            "address",
            "type",
            "shallow_bytes",
            "external_bytes",
            "native_bytes",
            "untouched_bytes",
            "refcount",
            "generation",
            "immortal",
            "inferred",
            "partial",
            "finalized",
            "stays_open",
        ];
        let rows = self.rows(Table::Objects, &columns)?;
        let room = rows.capacity();
        let mut objects = ObjectTable {
            addresses: AddressColumn::with_capacity(room),
            types: Vec::with_capacity(room),
            shallow: Sizes::with_capacity(room),
            external: ExternalSizes::default(),
            native: ExternalSizes::default(),
            untouched: ExternalSizes::default(),
            refcounts: Counts::default(),
            flags: Vec::with_capacity(room),
        };
        let mut last = None;
        rows.each(|batch| {
            batch.keep(rare_entries(batch)?.saturating_mul(RARE_BYTES))?;
            for &address in batch.numbers::<UInt64Type>("address")? {
                if last.is_some_and(|last| address <= last) {
                    return Err(batch.damaged(format!("address {address:#x} is not above the one before")));
                }
                last = Some(address);
                objects.addresses.push(Address(address));
            }
            push_objects(&mut objects, batch)
        })?;
        Ok(objects)
    }

    fn references(&self, objects: usize, names: usize) -> Result<ReferenceTable, FormatError> {
        let rows = self.rows(Table::References, &["source", "target", "kind", "number", "traversed"])?;
        let room = rows.capacity();
        let mut table = ReferenceTable {
            offsets: Vec::with_capacity(objects + 1),
            targets: Vec::with_capacity(room),
            labels: Vec::with_capacity(room),
        };
        let total = rows.count;
        rows.each(|batch| {
            let targets = batch.numbers::<UInt32Type>("target")?;
            let start = table.targets.len();
            for (at, &source) in batch.numbers::<UInt32Type>("source")?.iter().enumerate() {
                let source = batch.below("source", source, objects)? as usize;
                if source + 1 < table.offsets.len() {
                    return Err(batch.damaged(format!("source {source} is below the one before")));
                }
                // rows of owners without references end where they start
                table.offsets.resize((source + 1).max(table.offsets.len()), (start + at) as u32);
            }
            for &target in targets {
                table.targets.push(ObjectId(batch.below("target", target, objects)?));
            }
            push_labels(&mut table.labels, batch, objects, names)
        })?;
        table.offsets.resize(objects + 1, total);
        Ok(table)
    }

    fn types(&self, objects: usize) -> Result<Vec<TypeRecord>, FormatError> {
        let mut types = Vec::new();
        self.rows(Table::Types, &["name", "address", "object", "kind", "heap", "exact"])?.each(|batch| {
            let names = batch.texts("name")?;
            let addresses = batch.numbers::<UInt64Type>("address")?;
            let ids = optional_ids(batch, "object", objects)?;
            let kinds = batch.words("kind", &OBJECT_KINDS)?;
            let (heap, exact) = (batch.flags("heap")?, batch.flags("exact")?);
            for row in 0..batch.len() {
                types.push(TypeRecord {
                    name: names.value(row).to_owned(),
                    address: Address(addresses[row]),
                    object: ids[row].map(ObjectId),
                    kind: ObjectKind::ALL[usize::from(kinds[row])],
                    heap: heap.value(row),
                    exact: exact.value(row),
                });
            }
            Ok(())
        })?;
        Ok(types)
    }

    fn texts(&self, objects: usize) -> Result<TextTable, FormatError> {
        let mut texts = TextTable::default();
        let mut last = None;
        self.rows(Table::Texts, &["object", "text"])?.each(|batch| {
            let ids = batch.numbers::<UInt32Type>("object")?;
            for (&id, text) in ids.iter().zip(batch.texts("text")?.iter().flatten()) {
                let id = batch.below("object", id, objects)?;
                if last.is_some_and(|last| id <= last) {
                    return Err(batch.damaged(format!("object {id} is not above the one before")));
                }
                last = Some(id);
                texts.push(ObjectId(id), text);
            }
            Ok(())
        })?;
        Ok(texts)
    }

    fn roots(&self, bounds: &RootBounds) -> Result<Vec<Root>, FormatError> {
        let mut roots = Vec::new();
        self.rows(Table::Roots, &["object", "kind", "number", "frame", "thread"])?.each(|batch| {
            let objects = batch.numbers::<UInt32Type>("object")?;
            let kinds = batch.words("kind", &ROOT_KINDS)?;
            let names = batch.numbers::<UInt32Type>("number")?;
            let frames = optional_ids(batch, "frame", bounds.frames)?;
            let threads = optional_ids(batch, "thread", bounds.threads)?;
            for row in 0..batch.len() {
                roots.push(Root {
                    object: ObjectId(batch.below("object", objects[row], bounds.objects)?),
                    kind: RootKind::ALL[usize::from(kinds[row])],
                    name: NameId(batch.below("number", names[row], bounds.names)?),
                    frame: frames[row],
                    thread: threads[row],
                });
            }
            Ok(())
        })?;
        Ok(roots)
    }

    fn threads(&self) -> Result<Vec<ThreadRecord>, FormatError> {
        let mut threads = Vec::new();
        self.rows(Table::Threads, &["interpreter", "native_id", "ident", "holds_gil", "name"])?.each(|batch| {
            let interpreters = batch.numbers::<Int64Type>("interpreter")?;
            let native_ids = batch.optional::<UInt64Type>("native_id")?;
            let idents = batch.numbers::<UInt64Type>("ident")?;
            let holds_gil = batch.flags("holds_gil")?;
            let names = batch.later_texts("name")?;
            for row in 0..batch.len() {
                threads.push(ThreadRecord {
                    interpreter: interpreters[row],
                    native_id: native_ids.is_valid(row).then(|| native_ids.value(row)),
                    ident: idents[row],
                    holds_gil: holds_gil.value(row),
                    name: names.map(|names| names.value(row).to_owned()).filter(|name| !name.is_empty()),
                });
            }
            Ok(())
        })?;
        Ok(threads)
    }

    fn frames(&self, threads: usize) -> Result<Vec<FrameRecord>, FormatError> {
        let mut frames = Vec::new();
        self.rows(Table::Frames, &["thread", "depth", "function", "file", "line"])?.each(|batch| {
            let owners = batch.numbers::<UInt32Type>("thread")?;
            let depths = batch.numbers::<UInt32Type>("depth")?;
            let (functions, files) = (batch.texts("function")?, batch.texts("file")?);
            let lines = batch.numbers::<UInt32Type>("line")?;
            for row in 0..batch.len() {
                frames.push(FrameRecord {
                    thread: batch.below("thread", owners[row], threads)?,
                    depth: depths[row],
                    function: functions.value(row).to_owned(),
                    file: files.value(row).to_owned(),
                    line: lines[row],
                });
            }
            Ok(())
        })?;
        Ok(frames)
    }

    fn maps(&self) -> Result<Vec<Region>, FormatError> {
        let mut maps = Vec::new();
        let columns = ["start", "end", "read", "write", "execute", "shared", "offset", "inode", "path"];
        self.rows(Table::Maps, &columns)?.each(|batch| {
            let number = |name| batch.numbers::<UInt64Type>(name);
            let flag = |name| batch.flags(name);
            let (starts, ends, offsets, inodes) =
                (number("start")?, number("end")?, number("offset")?, number("inode")?);
            let (read, write, execute, shared) = (flag("read")?, flag("write")?, flag("execute")?, flag("shared")?);
            let paths = batch.texts("path")?;
            for row in 0..batch.len() {
                maps.push(Region {
                    start: Address(starts[row]),
                    end: Address(ends[row]),
                    read: read.value(row),
                    write: write.value(row),
                    execute: execute.value(row),
                    shared: shared.value(row),
                    offset: offsets[row],
                    inode: inodes[row],
                    path: paths.value(row).to_owned(),
                });
            }
            Ok(())
        })?;
        Ok(maps)
    }
}

/// How many there are of everything that a root points at.
pub(crate) struct RootBounds {
    pub objects: usize,
    pub names: usize,
    pub frames: usize,
    pub threads: usize,
}

/// A column of row numbers below `limit`, or null.
pub(crate) fn optional_ids(batch: &Batch, name: &str, limit: usize) -> Result<Vec<Option<u32>>, FormatError> {
    let ids = batch.optional::<UInt32Type>(name)?;
    ids.iter().map(|id| id.map(|id| batch.below(name, id, limit)).transpose()).collect()
}

/// Memory of what stands aside of the columns of objects: an entry of a map, or of a list that may grow to twice its length.
const RARE_BYTES: u64 = 48;

/// At most how much of the objects of a batch stands aside: in an honest snapshot, little of it.
fn rare_entries(batch: &Batch) -> Result<u64, FormatError> {
    let mut count = 0;
    let mut base = None;
    for &address in batch.numbers::<UInt64Type>("address")? {
        let is_far = base.is_none_or(|base: u64| address.abs_diff(base) >= 1 << 34);
        count += usize::from(is_far) + usize::from(address & 7 != 0);
        base = if is_far { Some(address) } else { base };
    }
    for name in ["external_bytes", "native_bytes", "untouched_bytes"] {
        count += batch.later_numbers::<UInt64Type>(name)?.iter().filter(|bytes| **bytes > 0).count();
    }
    let large = |bytes: &&u64| **bytes >= u64::from(u32::MAX);
    count += batch.numbers::<UInt64Type>("shallow_bytes")?.iter().filter(large).count();
    let counted = batch.optional::<UInt32Type>("refcount")?.values();
    count += counted.iter().filter(|count| Counts::byte(**count) == Counts::LARGE).count();
    Ok(count as u64)
}

/// Appends the sizes of the few rows that have any.
fn push_few(sizes: &mut ExternalSizes, base: usize, column: &[u64]) {
    let sized = column.iter().enumerate().filter(|(_, bytes)| **bytes > 0);
    sizes.0.extend(sized.map(|(row, bytes)| (ObjectId((base + row) as u32), *bytes)));
}

/// Appends everything but the addresses.
fn push_objects(objects: &mut ObjectTable, batch: &Batch) -> Result<(), FormatError> {
    let base = objects.types.len();
    objects.types.extend(batch.numbers::<UInt32Type>("type")?.iter().map(|&row| TypeId(row)));
    batch.numbers::<UInt64Type>("shallow_bytes")?.iter().for_each(|&bytes| objects.shallow.push(bytes));
    let later = [("native_bytes", &mut objects.native), ("untouched_bytes", &mut objects.untouched)];
    push_few(&mut objects.external, base, batch.numbers::<UInt64Type>("external_bytes")?);
    for (name, column) in later {
        push_few(column, base, batch.later_numbers::<UInt64Type>(name)?);
    }
    let refcounts = batch.optional::<UInt32Type>("refcount")?;
    refcounts.iter().for_each(|count| objects.refcounts.push(count.unwrap_or(u32::MAX)));
    let generations = batch.optional::<UInt8Type>("generation")?;
    let (immortal, inferred, partial) = (batch.flags("immortal")?, batch.flags("inferred")?, batch.flags("partial")?);
    let (finalized, open) = (batch.later_flags("finalized")?, batch.later_flags("stays_open")?);
    for row in 0..batch.len() {
        let bit = |column: &arrow_array::BooleanArray, mask| if column.value(row) { mask } else { 0 };
        let later = |column: Option<&arrow_array::BooleanArray>, mask| column.map_or(0, |column| bit(column, mask));
        let flags = ObjectFlags(
            bit(immortal, ObjectFlags::IMMORTAL)
                | bit(inferred, ObjectFlags::INFERRED)
                | bit(partial, ObjectFlags::PARTIAL)
                | later(finalized, ObjectFlags::FINALIZED)
                | later(open, ObjectFlags::STAYS_OPEN),
        );
        objects.flags.push(match generations.is_valid(row) {
            true => flags.with_generation(generations.value(row)),
            false => flags,
        });
    }
    Ok(())
}

fn push_labels(labels: &mut Vec<Label>, batch: &Batch, objects: usize, names: usize) -> Result<(), FormatError> {
    let kinds = batch.words("kind", &LABEL_KINDS)?;
    let numbers = batch.numbers::<UInt32Type>("number")?;
    let traversed = batch.flags("traversed")?;
    for ((&kind, &number), traversed) in kinds.iter().zip(numbers).zip(traversed.iter()) {
        // the place in LABEL_KINDS is the number of the kind
        let kind = Label(u32::from(kind) << 28).kind();
        let limit = match kind {
            kind if is_named(kind) => names,
            LabelKind::Value => objects,
            _ => MAX_PAYLOAD as usize + 1,
        };
        // a number that did not fit was written as the largest one
        if number != MAX_PAYLOAD {
            batch.below("number", number, limit)?;
        }
        let label = Label::new(kind, number);
        labels.push(if traversed == Some(true) { label } else { label.untraversed() });
    }
    Ok(())
}
