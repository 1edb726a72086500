//! The optional tables of what objects hold: `equals`, `slack`, `layouts` and `boxed`, all there or none, and
//! `views`, which older snapshots lack.

use std::ops::Range;

use arrow_array::types::{UInt32Type, UInt64Type};
use arrow_array::{BooleanArray, LargeStringArray, UInt32Array, UInt64Array};
use memsight_model::{Boxed, Contents, Equals, InstanceLayout, ObjectId, Slack, TypeId, View};

use crate::FormatError;
use crate::read::Reader;
use crate::rows::Batch;
use crate::tables::{Columns, Table, Tables};

/// Rows of `table`, one of this module's.
pub(crate) fn rows(contents: &Contents, table: Table) -> usize {
    match table {
        Table::Equals => contents.equals.member_count(),
        Table::Slack => contents.slack.len(),
        Table::Layouts => contents.layouts.len(),
        Table::Views => contents.views.len(),
        _ => contents.boxed.len(),
    }
}

impl Tables<'_> {
    /// The rows `range` of `table`, one of this module's.
    pub(crate) fn contents(&self, table: Table, range: Range<usize>) -> Columns {
        let none = Contents::default();
        let contents = self.snapshot.contents.as_ref().unwrap_or(&none);
        match table {
            Table::Equals => equals(&contents.equals, range),
            Table::Slack => slack(contents.slack.get(range).unwrap_or_default()),
            Table::Layouts => self.layouts(contents.layouts.get(range).unwrap_or_default()),
            Table::Views => views(contents.views.get(range).unwrap_or_default()),
            _ => boxed(contents.boxed.get(range).unwrap_or_default()),
        }
    }

    fn layouts(&self, rows: &[InstanceLayout]) -> Columns {
        Columns::default()
            .with("type", UInt32Array::from_iter_values(rows.iter().map(|row| row.type_id.0)))
            .with_nulls("type_name", self.type_names(rows.iter().map(|row| row.type_id)))
            .with("instances", UInt64Array::from_iter_values(rows.iter().map(|row| row.instances)))
            .with("attributes", UInt32Array::from_iter_values(rows.iter().map(|row| row.attributes)))
            .with("weakly_referenced", BooleanArray::from_iter(rows.iter().map(|row| Some(row.weakly_referenced))))
            .with("bytes", UInt64Array::from_iter_values(rows.iter().map(|row| row.bytes)))
            .with("slots_bytes", UInt64Array::from_iter_values(rows.iter().map(|row| row.slots_bytes)))
    }
}

fn equals(equals: &Equals, range: Range<usize>) -> Columns {
    let (classes, members): (Vec<u32>, Vec<u32>) = equals.rows(range).map(|(class, object)| (class, object.0)).unzip();
    Columns::default().with("class", UInt32Array::from(classes)).with("object", UInt32Array::from(members))
}

fn slack(rows: &[Slack]) -> Columns {
    let words = |get: fn(&Slack) -> u64| UInt64Array::from_iter_values(rows.iter().map(get));
    Columns::default()
        .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
        .with("used", words(|row| row.used))
        .with("allocated", words(|row| row.allocated))
        .with("table_bytes", words(|row| row.table_bytes))
        .with("fit_bytes", words(|row| row.fit_bytes))
}

fn boxed(rows: &[Boxed]) -> Columns {
    Columns::default()
        .with("object", UInt32Array::from_iter_values(rows.iter().map(|row| row.object.0)))
        .with("code", LargeStringArray::from_iter_values(rows.iter().map(|row| row.code.to_string())))
        .with("array_bytes", UInt64Array::from_iter_values(rows.iter().map(|row| row.array_bytes)))
}

fn views(rows: &[View]) -> Columns {
    let ids = |get: fn(&View) -> ObjectId| UInt32Array::from_iter_values(rows.iter().map(|row| get(row).0));
    Columns::default()
        .with("object", ids(|row| row.object))
        .with("base", ids(|row| row.base))
        .with("holder", ids(|row| row.holder))
        .with("bytes", UInt64Array::from_iter_values(rows.iter().map(|row| row.bytes)))
}

/// Numbers of objects or types that must ascend.
pub(crate) struct Ascending(pub(crate) Option<u32>);

impl Ascending {
    pub(crate) fn next(&mut self, batch: &Batch, name: &str, number: u32, limit: usize) -> Result<u32, FormatError> {
        match self.0.replace(number) {
            Some(last) if number <= last => Err(batch.damaged(format!("{name} {number} is not above the one before"))),
            _ => batch.below(name, number, limit),
        }
    }
}

impl Reader<'_> {
    /// The tables of contents, where the snapshot has them.
    pub(crate) fn contents(&self, objects: usize, types: usize) -> Result<Option<Contents>, FormatError> {
        if !self.manifest.tables.contains_key(Table::Equals.name()) {
            return Ok(None);
        }
        Ok(Some(Contents {
            equals: self.equals(objects)?,
            slack: self.slack(objects)?,
            layouts: self.layouts(types)?,
            boxed: self.boxed(objects)?,
            views: self.views(objects)?,
        }))
    }

    fn equals(&self, objects: usize) -> Result<Equals, FormatError> {
        let (mut equals, mut members, mut open) = (Equals::default(), Vec::new(), 0);
        // an object has one content: whoever is in two classes would be saved twice
        let mut seen = vec![false; objects];
        self.rows(Table::Equals, &["class", "object"])?.each(|batch| {
            let (classes, ids) = (batch.numbers::<UInt32Type>("class")?, batch.numbers::<UInt32Type>("object")?);
            for (&class, &id) in classes.iter().zip(ids) {
                if class != open {
                    if members.len() < 2 || class != open + 1 {
                        return Err(batch.damaged(format!("class {class} follows {} of {open}", members.len())));
                    }
                    equals.push(&members);
                    members.clear();
                    open = class;
                }
                let id = batch.below("object", id, objects)?;
                if std::mem::replace(&mut seen[id as usize], true) {
                    return Err(batch.damaged(format!("object {id} stands there twice")));
                }
                members.push(ObjectId(id));
            }
            Ok(())
        })?;
        equals.push(&members);
        Ok(equals)
    }

    fn slack(&self, objects: usize) -> Result<Vec<Slack>, FormatError> {
        let (mut slack, mut order) = (Vec::new(), Ascending(None));
        let columns = ["object", "used", "allocated", "table_bytes", "fit_bytes"];
        self.rows(Table::Slack, &columns)?.each(|batch| {
            let ids = batch.numbers::<UInt32Type>("object")?;
            let words = |name| batch.numbers::<UInt64Type>(name);
            let (used, allocated) = (words("used")?, words("allocated")?);
            let (table, fit) = (words("table_bytes")?, words("fit_bytes")?);
            for row in 0..batch.len() {
                slack.push(Slack {
                    object: ObjectId(order.next(batch, "object", ids[row], objects)?),
                    used: used[row],
                    allocated: allocated[row],
                    table_bytes: table[row],
                    fit_bytes: fit[row],
                });
            }
            Ok(())
        })?;
        Ok(slack)
    }

    fn layouts(&self, types: usize) -> Result<Vec<InstanceLayout>, FormatError> {
        let (mut layouts, mut order) = (Vec::new(), Ascending(None));
        let columns = ["type", "instances", "attributes", "weakly_referenced", "bytes", "slots_bytes"];
        self.rows(Table::Layouts, &columns)?.each(|batch| {
            let (ids, attributes) = (batch.numbers::<UInt32Type>("type")?, batch.numbers::<UInt32Type>("attributes")?);
            let words = |name| batch.numbers::<UInt64Type>(name);
            let (instances, bytes, slots) = (words("instances")?, words("bytes")?, words("slots_bytes")?);
            let weak = batch.flags("weakly_referenced")?;
            for row in 0..batch.len() {
                layouts.push(InstanceLayout {
                    type_id: TypeId(order.next(batch, "type", ids[row], types)?),
                    instances: instances[row],
                    attributes: attributes[row],
                    weakly_referenced: weak.value(row),
                    bytes: bytes[row],
                    slots_bytes: slots[row],
                });
            }
            Ok(())
        })?;
        Ok(layouts)
    }

    fn boxed(&self, objects: usize) -> Result<Vec<Boxed>, FormatError> {
        let (mut boxed, mut order) = (Vec::new(), Ascending(None));
        self.rows(Table::Boxed, &["object", "code", "array_bytes"])?.each(|batch| {
            let (ids, bytes) = (batch.numbers::<UInt32Type>("object")?, batch.numbers::<UInt64Type>("array_bytes")?);
            let codes = batch.texts("code")?;
            for row in 0..batch.len() {
                let code = match codes.value(row) {
                    "d" => 'd',
                    "q" => 'q',
                    other => return Err(batch.damaged(format!("{other:?} is no type code of ours"))),
                };
                let object = ObjectId(order.next(batch, "object", ids[row], objects)?);
                boxed.push(Boxed { object, code, array_bytes: bytes[row] });
            }
            Ok(())
        })?;
        Ok(boxed)
    }

    fn views(&self, objects: usize) -> Result<Vec<View>, FormatError> {
        let (mut views, mut order) = (Vec::new(), Ascending(None));
        if !self.manifest.tables.contains_key(Table::Views.name()) {
            return Ok(views);
        }
        self.rows(Table::Views, &["object", "base", "holder", "bytes"])?.each(|batch| {
            let ids = |name| batch.numbers::<UInt32Type>(name);
            let (own, bases, holders) = (ids("object")?, ids("base")?, ids("holder")?);
            let bytes = batch.numbers::<UInt64Type>("bytes")?;
            for row in 0..batch.len() {
                views.push(View {
                    object: ObjectId(order.next(batch, "object", own[row], objects)?),
                    base: ObjectId(batch.below("base", bases[row], objects)?),
                    holder: ObjectId(batch.below("holder", holders[row], objects)?),
                    bytes: bytes[row],
                });
            }
            Ok(())
        })?;
        Ok(views)
    }
}
