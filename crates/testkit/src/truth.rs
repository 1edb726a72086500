//! The truth that a target writes about itself (`python/tests/targets/recorder.py`).
//!
//! ```text
//! {"version": .., "objects": n, "references": m, ...}\n      one line of JSON
//! address   u64 * n     id(o)
//! type      u64 * n     id(type(o))
//! size      i64 * n     sys.getsizeof(o), -1 where it fails
//! start     u64 * n+1   where the referents of each object start
//! referent  u64 * m     gc.get_referents(o)
//! place     u8  * n     generation 0..=2, 3 permanent, 255 not tracked
//! count     i64 * n     sys.getrefcount(o) in the recorder's loop; header.baseline of it are the recorder's
//! ```

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use memsight_model::Address;
use serde::Deserialize;

use crate::TestkitError;

/// What the interpreter says of its objects.
#[derive(Debug, Default)]
pub struct Truth {
    /// Every object, by address.
    pub objects: HashMap<Address, TruthObject>,
    /// Names of the types, by address.
    pub types: HashMap<Address, String>,
    /// Addresses whose reference counts the recorder itself changed, with the reason.
    pub unsettled: HashMap<Address, String>,
    /// `gc.get_freeze_count()`: the collector lists no permanent objects, it only counts them.
    pub permanent: u64,
    /// Bytes of data that an object owns, in itself or outside, where the target knows.
    pub data: BTreeMap<Address, u64>,
    /// What an object refers to though the collector is not told, where the target knows.
    pub held: BTreeMap<Address, Held>,
    minor: u32,
    referents: Vec<Address>,
}

/// References that `gc.get_referents` does not tell.
#[derive(Debug, Clone, Default)]
pub struct Held {
    /// All items, by index.
    pub items: Vec<(u64, Address)>,
    /// Some fields, by name.
    pub fields: Vec<(String, Address)>,
}

/// Where the collector keeps an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Generation {
    /// In the list of generation 0, 1 or 2.
    Listed(u8),
    /// Tracked, in none of the lists.
    Permanent,
    /// Not tracked.
    Untracked,
}

/// What the interpreter says of one object.
#[derive(Debug, Clone)]
pub struct TruthObject {
    /// Address of its type.
    pub kind: Address,
    /// `sys.getsizeof`; `None` where it fails.
    pub size: Option<u64>,
    /// Reference count without the recorder's own references (meaningless for immortal objects).
    pub refcount: i64,
    /// Where the collector keeps it.
    pub generation: Generation,
    referents: std::ops::Range<usize>,
}

/// Address of an object, its items and its fields.
type HeldRow = (u64, Vec<(u64, u64)>, Vec<(String, u64)>);

#[derive(Deserialize)]
struct Header {
    version: String,
    objects: usize,
    references: usize,
    permanent: u64,
    unsettled: BTreeMap<String, Vec<u64>>,
    types: Vec<(u64, String)>,
    external: Vec<(u64, u64)>,
    held: Vec<HeldRow>,
    baseline: i64,
}

impl Truth {
    /// Reads a file. Cost: linear, some 100 bytes of memory an object.
    pub fn read(path: &Path) -> Result<Truth, TestkitError> {
        let bytes = std::fs::read(path).map_err(|source| TestkitError::Read { path: path.to_owned(), source })?;
        Truth::parse(&bytes).ok_or_else(|| TestkitError::Malformed {
            what: "truth",
            why: format!("{} of {} bytes", path.display(), bytes.len()),
        })
    }

    fn parse(bytes: &[u8]) -> Option<Truth> {
        let line = bytes.iter().position(|&byte| byte == b'\n')?;
        let header: Header = serde_json::from_slice(&bytes[..line]).ok()?;
        let mut rest = &bytes[line + 1..];
        let addresses = words(&mut rest, header.objects)?;
        let kinds = words(&mut rest, header.objects)?;
        let sizes = words(&mut rest, header.objects)?;
        let starts = words(&mut rest, header.objects + 1)?;
        let referents = words(&mut rest, header.references)?;
        let (places, mut rest) = rest.split_at_checked(header.objects)?;
        let counts = words(&mut rest, header.objects)?;
        let minor = header.version.split('.').nth(1)?.parse().ok()?;
        let mut truth = Truth { permanent: header.permanent, minor, ..Truth::default() };
        for at in 0..header.objects {
            let object = TruthObject {
                kind: Address(kinds[at]),
                size: u64::try_from(sizes[at] as i64).ok(),
                refcount: counts[at] as i64 - header.baseline,
                generation: Generation::from_byte(places[at]),
                referents: starts[at] as usize..starts[at + 1] as usize,
            };
            truth.objects.insert(Address(addresses[at]), object);
        }
        truth.referents = referents.into_iter().map(Address).collect();
        truth.types = header.types.into_iter().map(|(at, name)| (Address(at), name)).collect();
        truth.data = header.external.into_iter().map(|(at, bytes)| (Address(at), bytes)).collect();
        for (at, items, fields) in header.held {
            let items = items.into_iter().map(|(index, item)| (index, Address(item))).collect();
            let fields = fields.into_iter().map(|(name, field)| (name, Address(field))).collect();
            truth.held.insert(Address(at), Held { items, fields });
        }
        for (reason, addresses) in header.unsettled {
            truth.unsettled.extend(addresses.into_iter().map(|at| (Address(at), reason.clone())));
        }
        Some(truth)
    }

    /// Adds what another interpreter of the same process says. Of what both see only the generation may be better
    /// known to the other: an object that is tracked and in no list of ours may be in one of its.
    pub fn merge(&mut self, other: Truth) {
        let base = self.referents.len();
        self.referents.extend(other.referents);
        let types_share_a_cache = other.minor < 12;
        for (address, mut object) in other.objects {
            let is_name = other.types.get(&object.kind).is_some_and(|name| name == "str");
            if types_share_a_cache && is_name && !self.objects.contains_key(&address) {
                self.unsettled.insert(address, "names in the type cache that interpreters share before 3.12".into());
            }
            object.referents = object.referents.start + base..object.referents.end + base;
            let known = self.objects.entry(address).or_insert_with(|| object.clone());
            if known.generation == Generation::Permanent {
                known.generation = object.generation;
            }
        }
        self.types.extend(other.types);
        self.unsettled.extend(other.unsettled);
        self.data.extend(other.data);
        self.held.extend(other.held);
        self.permanent += other.permanent;
    }

    /// `gc.get_referents` of an object of this truth.
    pub fn referents(&self, object: &TruthObject) -> &[Address] {
        self.referents.get(object.referents.clone()).unwrap_or_default()
    }

    /// What differs from another truth of the same process, in words (at most 20).
    pub fn differences(&self, other: &Truth) -> Vec<String> {
        let mut found = Vec::new();
        let gone = |from: &Truth, to: &Truth, word: &str| -> Vec<String> {
            let lost = from.objects.keys().filter(|&at| !to.objects.contains_key(at));
            lost.map(|&at| format!("{word} {} {at}", from.type_name(at))).collect()
        };
        found.extend(gone(self, other, "only before:"));
        found.extend(gone(other, self, "only after:"));
        for (address, before) in &self.objects {
            let Some(after) = other.objects.get(address) else { continue };
            let settled = !self.unsettled.contains_key(address);
            let facts = |each: &TruthObject| (each.kind, each.size, each.generation, settled.then_some(each.refcount));
            if facts(before) != facts(after) || self.referents(before) != other.referents(after) {
                found.push(format!("{} {address}: {before:?}, later {after:?}", self.type_name(*address)));
            }
        }
        found.truncate(20);
        found
    }

    /// The name of an object's type; `?` for an address that is no object of this truth.
    pub fn type_name(&self, address: Address) -> &str {
        let kind = self.objects.get(&address).and_then(|object| self.types.get(&object.kind));
        kind.map_or("?", String::as_str)
    }
}

impl Generation {
    fn from_byte(byte: u8) -> Generation {
        match byte {
            0..=2 => Generation::Listed(byte),
            3 => Generation::Permanent,
            _ => Generation::Untracked,
        }
    }
}

fn words(rest: &mut &[u8], count: usize) -> Option<Vec<u64>> {
    let (taken, left) = rest.split_at_checked(count.checked_mul(8)?)?;
    *rest = left;
    Some(taken.chunks_exact(8).map(|word| u64::from_le_bytes(word.try_into().unwrap_or_default())).collect())
}
