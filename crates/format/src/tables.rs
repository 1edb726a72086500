//! The tables: which columns each has and how its rows are taken from a [`Snapshot`].
//!
//! Files and the Arrow export share this code, so a table looks the same from both sides. Columns that repeat what
//! another table says (`type_name`, `name`) are there for people with a query engine; the reader ignores them.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::{ArrowDictionaryKeyType, UInt8Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, Int64Array, LargeStringArray, PrimitiveArray, RecordBatch,
    UInt8Array, UInt32Array, UInt64Array,
};
use arrow_schema::{Field, Schema};
use memsight_model::{LabelKind, NameId, Names, ObjectFlags, ObjectId, Snapshot, TypeId};

use crate::FormatError;
use crate::{contents, native, pymalloc, residence};

/// Names of the tables, as [`table`] takes them and as their files are called.
///
/// Those from `arenas` on are optional: a snapshot has them when that was looked at.
#[rustfmt::skip]
pub const TABLES: [&str; 26] = [
    "objects", "references", "types", "names", "texts", "roots", "threads", "frames", "maps",
    "arenas", "pools", "blocks", "pins",
    "equals", "slack", "layouts", "boxed",
    "holders",
    "resident", "resident_pages", "c_blocks", "c_large",
    "native",
    "views",
    "code", "generators",
];

/// Names of [`LabelKind`] in files, indexed by its number. Part of the format: never changed, only added to.
pub(crate) const LABEL_KINDS: [&str; 11] =
    ["field", "attribute", "index", "key", "value", "member", "local", "stack", "cell", "weak", "inferred"];

/// Names of [`memsight_model::RootKind`] in files, indexed by its number.
pub(crate) const ROOT_KINDS: [&str; 11] = [
    "module",
    "interpreter",
    "static",
    "frame_local",
    "frame_stack",
    "frame",
    "thread",
    "interned",
    "external",
    "unreachable",
    "nobody_known",
];

/// Names of [`memsight_model::ObjectKind`] in files, indexed by its number.
#[rustfmt::skip]
pub(crate) const OBJECT_KINDS: [&str; 26] = [
    "other", "none", "bool", "int", "float", "complex", "str", "bytes", "bytearray", "tuple", "list", "dict", "set",
    "deque", "function", "method", "builtin", "module", "type", "frame", "generator", "code", "cell", "weakref",
    "exception", "traceback",
];

/// One table of `snapshot` as a single Arrow batch. Time and memory: linear in its rows.
///
/// # Errors
/// [`FormatError::NoSuchTable`] when `name` is not one of [`TABLES`].
pub fn table(snapshot: &Snapshot, name: &str) -> Result<RecordBatch, FormatError> {
    let table = Table::ALL.into_iter().find(|table| table.name() == name);
    let table = table.ok_or_else(|| FormatError::NoSuchTable { name: name.to_owned() })?;
    Tables::of(snapshot).batch(table, 0..table.rows(snapshot))
}

/// A table of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    Objects,
    References,
    Types,
    Names,
    Texts,
    Roots,
    Threads,
    Frames,
    Maps,
    Arenas,
    Pools,
    Blocks,
    Pins,
    Equals,
    Slack,
    Layouts,
    Boxed,
    Holders,
    Resident,
    ResidentPages,
    CBlocks,
    CLarge,
    Native,
    Views,
    Code,
    Generators,
}

impl Table {
    /// Every table, in the order of [`TABLES`].
    pub(crate) const ALL: [Table; 26] = {
        use Table::*;
        [
            Objects,
            References,
            Types,
            Names,
            Texts,
            Roots,
            Threads,
            Frames,
            Maps,
            Arenas,
            Pools,
            Blocks,
            Pins,
            Equals,
            Slack,
            Layouts,
            Boxed,
            Holders,
            Resident,
            ResidentPages,
            CBlocks,
            CLarge,
            Native,
            Views,
            Code,
            Generators,
        ]
    };

    /// Whether a snapshot is whole without it. A new optional table does not raise the version of the format: older
    /// readers pass over it, and newer ones read older snapshots.
    pub(crate) fn is_optional(self) -> bool {
        self >= Table::Arenas
    }

    /// Whether `snapshot` has it.
    pub(crate) fn is_in(self, snapshot: &Snapshot) -> bool {
        match self {
            Table::Arenas | Table::Pools | Table::Blocks | Table::Pins => snapshot.pymalloc.is_some(),
            Table::Equals | Table::Slack | Table::Layouts | Table::Boxed | Table::Views => snapshot.contents.is_some(),
            Table::Holders => !snapshot.holders.is_empty(),
            Table::Native => snapshot.native.is_some(),
            Table::Code => !snapshot.code.is_empty(),
            Table::Generators => !snapshot.generators.is_empty(),
            Table::Resident | Table::ResidentPages | Table::CBlocks | Table::CLarge => residence::is_in(snapshot, self),
            _ => !self.is_optional(),
        }
    }

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        TABLES[self as usize]
    }

    /// Its file, inside the folder.
    pub(crate) fn file(self) -> String {
        format!("{}.parquet", self.name())
    }

    /// Number of rows that `snapshot` has for it.
    pub(crate) fn rows(self, snapshot: &Snapshot) -> usize {
        match self {
            Table::Objects => snapshot.objects.len(),
            Table::References => snapshot.references.len(),
            Table::Types => snapshot.types.len(),
            Table::Names => snapshot.names.iter().count(),
            Table::Texts => snapshot.texts.len(),
            Table::Roots => snapshot.roots.len(),
            Table::Threads => snapshot.threads.len(),
            Table::Frames => snapshot.frames.len(),
            Table::Maps => snapshot.maps.len(),
            Table::Holders => snapshot.holders.len(),
            Table::Native => snapshot.native.as_ref().map_or(0, native::rows),
            Table::Code => snapshot.code.len(),
            Table::Generators => snapshot.generators.len(),
            Table::Resident | Table::ResidentPages | Table::CBlocks | Table::CLarge => residence::rows(snapshot, self),
            Table::Arenas | Table::Pools | Table::Blocks | Table::Pins => {
                snapshot.pymalloc.as_ref().map_or(0, |pymalloc| pymalloc::rows(pymalloc, self))
            }
            Table::Equals | Table::Slack | Table::Layouts | Table::Boxed | Table::Views => {
                snapshot.contents.as_ref().map_or(0, |contents| contents::rows(contents, self))
            }
        }
    }
}

/// Columns under construction.
#[derive(Default)]
pub(crate) struct Columns {
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    fn push(mut self, name: &str, nullable: bool, array: impl Array + 'static) -> Columns {
        self.fields.push(Field::new(name, array.data_type().clone(), nullable));
        self.arrays.push(Arc::new(array));
        self
    }

    /// A column without nulls.
    pub(crate) fn with(self, name: &str, array: impl Array + 'static) -> Columns {
        self.push(name, false, array)
    }

    /// A column where null means "does not apply" or "not known".
    pub(crate) fn with_nulls(self, name: &str, array: impl Array + 'static) -> Columns {
        self.push(name, true, array)
    }

    /// A column of words out of a fixed vocabulary.
    pub(crate) fn with_words(self, name: &str, words: &[&str], codes: impl Iterator<Item = u8>) -> Columns {
        let values: ArrayRef = Arc::new(LargeStringArray::from_iter_values(words));
        self.with(name, dictionary::<UInt8Type>(codes.map(Some), &values))
    }

    fn finish(self, table: Table) -> Result<RecordBatch, FormatError> {
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
            .map_err(|error| FormatError::Inconsistent { table: table.name(), reason: error.to_string() })
    }
}

/// A column of texts that stand once in `values`; a key that is not there reads as null.
fn dictionary<K: ArrowDictionaryKeyType>(
    keys: impl Iterator<Item = Option<K::Native>>,
    values: &ArrayRef,
) -> DictionaryArray<K>
where
    K::Native: Into<u64>,
{
    let known = |key: &K::Native| (*key).into() < values.len() as u64;
    let keys: PrimitiveArray<K> = keys.map(|key| key.filter(known)).collect();
    DictionaryArray::new(keys, values.clone())
}

/// A snapshot with the dictionaries that several batches share.
pub(crate) struct Tables<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// Each name once (pandas insists on it), although several types may share one.
    type_names: ArrayRef,
    /// By row of the type table, where its name stands in `type_names`.
    type_name_keys: Vec<u32>,
    names: ArrayRef,
}

impl<'a> Tables<'a> {
    /// Cost: linear in types and names.
    pub(crate) fn of(snapshot: &'a Snapshot) -> Tables<'a> {
        let mut distinct = Names::default();
        let type_name_keys = snapshot.types.iter().map(|row| distinct.intern(&row.name).0).collect();
        let type_names = LargeStringArray::from_iter_values(distinct.iter());
        let names = LargeStringArray::from_iter_values(snapshot.names.iter());
        Tables { snapshot, type_names: Arc::new(type_names), type_name_keys, names: Arc::new(names) }
    }

    /// Number of rows of `table`.
    pub(crate) fn rows(&self, table: Table) -> usize {
        table.rows(self.snapshot)
    }

    /// The rows `range` of `table`, which must lie within [`Table::rows`].
    pub(crate) fn batch(&self, table: Table, range: Range<usize>) -> Result<RecordBatch, FormatError> {
        let columns = match table {
            Table::Objects => self.objects(range),
            Table::References => self.references(range),
            Table::Types => self.types(range),
            Table::Names => self.names(range),
            Table::Texts => self.texts(range),
            Table::Roots => self.roots(range),
            Table::Threads => self.threads(range),
            Table::Frames => self.frames(range),
            Table::Maps => self.maps(range),
            Table::Holders => self.holders(range),
            Table::Native => self.native(range),
            Table::Code => self.code(range),
            Table::Generators => self.generators(range),
            Table::Arenas | Table::Pools | Table::Blocks | Table::Pins => self.pymalloc(table, range),
            Table::Equals | Table::Slack | Table::Layouts | Table::Boxed | Table::Views => self.contents(table, range),
            Table::Resident | Table::ResidentPages | Table::CBlocks | Table::CLarge => self.residence(table, range),
        };
        columns.finish(table)
    }

    pub(crate) fn type_names(&self, rows: impl Iterator<Item = TypeId>) -> DictionaryArray<UInt32Type> {
        let keys = rows.map(|row| self.type_name_keys.get(row.0 as usize).copied());
        dictionary::<UInt32Type>(keys, &self.type_names)
    }

    pub(crate) fn name_texts(&self, ids: impl Iterator<Item = Option<NameId>>) -> DictionaryArray<UInt32Type> {
        dictionary::<UInt32Type>(ids.map(|id| id.map(|id| id.0)), &self.names)
    }

    fn objects(&self, range: Range<usize>) -> Columns {
        let objects = &self.snapshot.objects;
        let ids = || range.clone().map(|row| ObjectId(row as u32));
        let types = objects.types.get(range.clone()).unwrap_or_default();
        let flags = objects.flags.get(range.clone()).unwrap_or_default();
        let flag = |mask| BooleanArray::from_iter(flags.iter().map(|flags| Some(flags.has(mask))));
        let refcounts = ids().zip(flags).map(|(id, flags)| {
            let count = objects.refcounts.get(id);
            let counts = !(flags.has(ObjectFlags::IMMORTAL) && count == u32::MAX);
            counts.then_some(count)
        });
        Columns::default()
            .with("id", UInt32Array::from_iter_values(ids().map(|id| id.0)))
            .with("address", UInt64Array::from_iter_values(ids().map(|id| objects.addresses.get(id).0)))
            .with("type", UInt32Array::from_iter_values(types.iter().map(|row| row.0)))
            .with_nulls("type_name", self.type_names(types.iter().copied()))
            .with("shallow_bytes", UInt64Array::from_iter_values(ids().map(|id| objects.shallow.get(id))))
            .with("external_bytes", UInt64Array::from_iter_values(ids().map(|id| objects.external.get(id))))
            .with("native_bytes", UInt64Array::from_iter_values(ids().map(|id| objects.native.get(id))))
            .with("untouched_bytes", UInt64Array::from_iter_values(ids().map(|id| objects.untouched.get(id))))
            .with_nulls("refcount", UInt32Array::from_iter(refcounts))
            .with_nulls("generation", UInt8Array::from_iter(flags.iter().map(|flags| flags.generation())))
            .with("tracked", flag(ObjectFlags::TRACKED))
            .with("immortal", flag(ObjectFlags::IMMORTAL))
            .with("inferred", flag(ObjectFlags::INFERRED))
            .with("partial", flag(ObjectFlags::PARTIAL))
            .with("finalized", flag(ObjectFlags::FINALIZED))
            .with("stays_open", flag(ObjectFlags::STAYS_OPEN))
    }

    fn references(&self, range: Range<usize>) -> Columns {
        let references = &self.snapshot.references;
        let targets = references.targets.get(range.clone()).unwrap_or_default();
        let labels = references.labels.get(range.clone()).unwrap_or_default();
        let names = labels.iter().map(|label| is_named(label.kind()).then(|| NameId(label.payload())));
        Columns::default()
            .with("source", UInt32Array::from_iter_values(sources(&references.offsets, range)))
            .with("target", UInt32Array::from_iter_values(targets.iter().map(|id| id.0)))
            .with_words("kind", &LABEL_KINDS, labels.iter().map(|label| label.kind() as u8))
            .with("number", UInt32Array::from_iter_values(labels.iter().map(|label| label.payload())))
            .with_nulls("name", self.name_texts(names))
            .with("traversed", BooleanArray::from_iter(labels.iter().map(|label| Some(label.is_traversed()))))
    }

    fn types(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.types.get(range.clone()).unwrap_or_default();
        Columns::default()
            .with("id", UInt32Array::from_iter_values(range.map(|row| row as u32)))
            .with("name", LargeStringArray::from_iter_values(rows.iter().map(|row| &row.name)))
            .with("address", UInt64Array::from_iter_values(rows.iter().map(|row| row.address.0)))
            .with_nulls("object", UInt32Array::from_iter(rows.iter().map(|row| row.object.map(|id| id.0))))
            .with_words("kind", &OBJECT_KINDS, rows.iter().map(|row| row.kind as u8))
            .with("heap", BooleanArray::from_iter(rows.iter().map(|row| Some(row.heap))))
            .with("exact", BooleanArray::from_iter(rows.iter().map(|row| Some(row.exact))))
    }

    fn names(&self, range: Range<usize>) -> Columns {
        let names = self.snapshot.names.iter().skip(range.start).take(range.len());
        Columns::default()
            .with("id", UInt32Array::from_iter_values(range.map(|row| row as u32)))
            .with("name", LargeStringArray::from_iter_values(names))
    }

    fn texts(&self, range: Range<usize>) -> Columns {
        let rows = || self.snapshot.texts.iter().skip(range.start).take(range.len());
        Columns::default()
            .with("object", UInt32Array::from_iter_values(rows().map(|(id, _)| id.0)))
            .with("text", LargeStringArray::from_iter_values(rows().map(|(_, text)| text)))
    }

    fn roots(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.roots.get(range).unwrap_or_default();
        Columns::default()
            .with("object", UInt32Array::from_iter_values(rows.iter().map(|root| root.object.0)))
            .with_words("kind", &ROOT_KINDS, rows.iter().map(|root| root.kind as u8))
            .with("number", UInt32Array::from_iter_values(rows.iter().map(|root| root.name.0)))
            .with_nulls("name", self.name_texts(rows.iter().map(|root| Some(root.name))))
            .with_nulls("frame", UInt32Array::from_iter(rows.iter().map(|root| root.frame)))
            .with_nulls("thread", UInt32Array::from_iter(rows.iter().map(|root| root.thread)))
    }

    fn threads(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.threads.get(range.clone()).unwrap_or_default();
        Columns::default()
            .with("id", UInt32Array::from_iter_values(range.map(|row| row as u32)))
            .with("interpreter", Int64Array::from_iter_values(rows.iter().map(|row| row.interpreter)))
            .with_nulls("native_id", UInt64Array::from_iter(rows.iter().map(|row| row.native_id)))
            .with("ident", UInt64Array::from_iter_values(rows.iter().map(|row| row.ident)))
            .with("holds_gil", BooleanArray::from_iter(rows.iter().map(|row| Some(row.holds_gil))))
            .with("name", LargeStringArray::from_iter_values(rows.iter().map(|row| row.name.as_deref().unwrap_or(""))))
    }

    fn frames(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.frames.get(range.clone()).unwrap_or_default();
        Columns::default()
            .with("id", UInt32Array::from_iter_values(range.map(|row| row as u32)))
            .with("thread", UInt32Array::from_iter_values(rows.iter().map(|row| row.thread)))
            .with("depth", UInt32Array::from_iter_values(rows.iter().map(|row| row.depth)))
            .with("function", LargeStringArray::from_iter_values(rows.iter().map(|row| &row.function)))
            .with("file", LargeStringArray::from_iter_values(rows.iter().map(|row| &row.file)))
            .with("line", UInt32Array::from_iter_values(rows.iter().map(|row| row.line)))
    }

    fn maps(&self, range: Range<usize>) -> Columns {
        let rows = self.snapshot.maps.get(range).unwrap_or_default();
        let flag =
            |is: fn(&memsight_model::Region) -> bool| BooleanArray::from_iter(rows.iter().map(|row| Some(is(row))));
        Columns::default()
            .with("start", UInt64Array::from_iter_values(rows.iter().map(|row| row.start.0)))
            .with("end", UInt64Array::from_iter_values(rows.iter().map(|row| row.end.0)))
            .with("read", flag(|row| row.read))
            .with("write", flag(|row| row.write))
            .with("execute", flag(|row| row.execute))
            .with("shared", flag(|row| row.shared))
            .with("offset", UInt64Array::from_iter_values(rows.iter().map(|row| row.offset)))
            .with("inode", UInt64Array::from_iter_values(rows.iter().map(|row| row.inode)))
            .with("path", LargeStringArray::from_iter_values(rows.iter().map(|row| &row.path)))
    }
}

/// Whether the number of a label of this kind is a [`NameId`].
pub(crate) fn is_named(kind: LabelKind) -> bool {
    use LabelKind::*;
    matches!(kind, Field | Attribute | Local | Cell | Weak)
}

/// The owners of the references `range`, from the offsets of the sparse rows.
fn sources(offsets: &[u32], range: Range<usize>) -> impl Iterator<Item = u32> + '_ {
    let mut owner = offsets.partition_point(|&start| start as usize <= range.start).saturating_sub(1);
    range.map(move |at| {
        while offsets.get(owner + 1).is_some_and(|&end| end as usize <= at) {
            owner += 1;
        }
        owner as u32
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use memsight_model::{Address, ObjectKind, RootKind, TypeRecord};

    #[test]
    fn a_name_that_two_types_share_stands_in_the_dictionary_once() {
        let mut snapshot = Snapshot::default();
        for (id, name) in ["app.Row", "dict", "app.Row"].into_iter().enumerate() {
            snapshot.types.push(TypeRecord { name: name.into(), ..Default::default() });
            snapshot.objects.types.push(TypeId(id as u32));
            snapshot.objects.addresses.push(Address(8 * (1 + id as u64)));
            snapshot.objects.shallow.push(16);
            snapshot.objects.refcounts.push(1);
            snapshot.objects.flags.push(ObjectFlags::default());
        }
        let objects = table(&snapshot, "objects").unwrap();
        let names = objects.column_by_name("type_name").unwrap();
        let names = names.as_any().downcast_ref::<DictionaryArray<UInt32Type>>().unwrap();
        assert_eq!(names.keys().values()[0], names.keys().values()[2]);
        assert_ne!(names.keys().values()[0], names.keys().values()[1]);
    }

    #[test]
    fn every_kind_has_its_word() {
        let snake = |debug: String| {
            let parts = debug.chars().enumerate().map(|(i, c)| match c.is_uppercase() && i > 0 {
                true => format!("_{}", c.to_lowercase()),
                false => c.to_lowercase().to_string(),
            });
            parts.collect::<String>()
        };
        for kind in RootKind::ALL {
            assert_eq!(ROOT_KINDS[kind as usize], snake(format!("{kind:?}")));
        }
        for kind in ObjectKind::ALL {
            assert_eq!(OBJECT_KINDS[kind as usize], snake(format!("{kind:?}")).replace('_', ""));
        }
        assert_eq!(ObjectKind::ALL.len(), OBJECT_KINDS.len());
        let words = [&LABEL_KINDS[..], &ROOT_KINDS, &OBJECT_KINDS, &crate::holders::HOLDER_KINDS].concat();
        assert!(words.iter().all(|word| word.len() <= 12), "the reader compares words of up to 12 bytes");
        assert_eq!(LABEL_KINDS[LabelKind::Inferred as usize], "inferred");
        for (i, table) in Table::ALL.into_iter().enumerate() {
            assert_eq!(table.name(), TABLES[i]);
            assert!(table.is_optional() != table.is_in(&Snapshot::default()));
        }
    }

    #[test]
    fn owners_come_from_offsets_at_any_start() {
        let offsets = [0, 2, 2, 2, 5, 6, 6];
        let all: Vec<u32> = sources(&offsets, 0..6).collect();
        assert_eq!(all, [0, 0, 3, 3, 3, 4]);
        for start in 0..6 {
            assert_eq!(sources(&offsets, start..6).collect::<Vec<_>>(), all[start..]);
        }
    }
}
