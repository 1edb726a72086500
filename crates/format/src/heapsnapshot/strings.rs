//! The table of strings: numbered when first used, written last.

use std::collections::HashMap;
use std::io::{self, Write};

use memsight_model::{NameId, ObjectId, Snapshot, TypeId, visible_json};

/// Where the characters of a string are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Text {
    /// A name of the snapshot.
    Name(NameId),
    /// A type's name.
    Type(TypeId),
    /// What an object holds.
    Value(ObjectId),
    /// A string of ours.
    Own(u32),
}

/// Strings in order of their numbers, without their characters.
#[derive(Debug, Default)]
pub(super) struct Strings {
    numbers: HashMap<Text, u32>,
    order: Vec<Text>,
    own: Vec<String>,
    own_numbers: HashMap<String, u32>,
}

impl Strings {
    /// The number of a string.
    pub(super) fn index(&mut self, text: Text) -> u64 {
        let order = &mut self.order;
        let number = *self.numbers.entry(text).or_insert_with(|| {
            order.push(text);
            order.len() as u32 - 1
        });
        number.into()
    }

    /// The number of a string of ours.
    pub(super) fn own(&mut self, text: &str) -> u64 {
        let row = match self.own_numbers.get(text) {
            Some(row) => *row,
            None => {
                let row = self.own.len() as u32;
                self.own.push(text.to_owned());
                self.own_numbers.insert(text.to_owned(), row);
                row
            }
        };
        self.index(Text::Own(row))
    }

    /// Writes them as a JSON list.
    pub(super) fn write(&self, snapshot: &Snapshot, out: &mut impl Write) -> io::Result<()> {
        out.write_all(b"[")?;
        for (at, text) in self.order.iter().enumerate() {
            if at > 0 {
                out.write_all(b",\n")?;
            }
            let text = serde_json::to_string(self.text(*text, snapshot)).map_err(io::Error::from)?;
            out.write_all(visible_json(text).as_bytes())?;
        }
        out.write_all(b"]")
    }

    fn text<'s>(&'s self, text: Text, snapshot: &'s Snapshot) -> &'s str {
        match text {
            Text::Name(name) => snapshot.names.get(name),
            Text::Type(row) => snapshot.types.get(row.0 as usize).map_or("?", |record| &record.name),
            Text::Value(object) => snapshot.texts.get(object).unwrap_or_default(),
            Text::Own(row) => self.own.get(row as usize).map_or("", String::as_str),
        }
    }
}
