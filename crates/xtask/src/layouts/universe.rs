//! Questions to the types of several files: where is this field, which fields hold objects?

use anyhow::{Result, anyhow, bail};

use super::dwarf::{Member, Offset, Type, Types};

/// Arrays longer than this are caches and pools, whose entries are no references of their own.
const LONGEST_ARRAY: u64 = 64;
/// Structs nest at most this deep.
const DEEPEST: usize = 16;

/// The types of all files of one build, asked in order: headers first, so that they win.
#[derive(Debug, Default)]
pub struct Universe {
    files: Vec<Types>,
    /// The headers know more than the interpreter that was asked: it is not of this build.
    trusts_headers: bool,
}

/// A type of one of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TypeRef {
    file: usize,
    at: Offset,
}

/// What a path such as `_is.imports.modules` leads to.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    pub offset: u64,
    /// First bit in the byte there; 0 unless it is a bit field.
    pub bit: u64,
    pub of: TypeRef,
}

/// A field that holds an object: its name (dotted when nested) and offset.
pub type ObjectField = (String, u64);

impl Universe {
    /// Adds the types of one more file, asked after those already here.
    pub fn add(&mut self, types: Types) {
        self.files.push(types);
    }

    /// The same build without the GIL: its headers are compiled anew, and in its own files every object's head is larger.
    pub fn free_threaded(mut self, headers: Types) -> Universe {
        let own = self.files.drain(..).skip(1).map(|mut types| {
            types.enlarge_heads();
            // What a header says counts alone: a member that is not there does not exist.
            types.by_name.retain(|name, _| !headers.by_name.contains_key(name));
            types
        });
        let own: Vec<Types> = own.collect();
        Universe { files: std::iter::once(headers).chain(own).collect(), trusts_headers: true }
    }

    /// The value of an enumerator.
    pub fn constant(&self, name: &str) -> Option<i64> {
        self.files.iter().find_map(|file| file.constants.get(name).copied())
    }

    /// All complete records called `name`, by tag or typedef, in the order of the files.
    pub fn records(&self, name: &str) -> Vec<TypeRef> {
        let mut found = Vec::new();
        for (file, types) in self.files.iter().enumerate() {
            let places = types.by_name.get(name).into_iter().flatten();
            found.extend(places.filter_map(|&at| self.record(TypeRef { file, at })));
        }
        found
    }

    /// Size of a type in bytes.
    pub fn size(&self, of: TypeRef) -> u64 {
        match self.get(of) {
            Some(Type::Record { size, .. } | Type::Scalar(size)) => *size,
            Some(Type::Pointer(_)) => 8,
            Some(Type::Alias(Some(at))) => self.size(TypeRef { at: *at, ..of }),
            Some(Type::Array { of: Some(at), counts }) => {
                self.size(TypeRef { at: *at, ..of }) * counts.iter().product::<u64>()
            }
            _ => 0,
        }
    }

    /// Follows `record.member.member`; `None` where a name on the way does not exist.
    pub fn find(&self, path: &str) -> Option<Place> {
        let (record, members) = path.split_once('.').unwrap_or((path, ""));
        self.records(record).into_iter().find_map(|of| {
            let names = members.split('.').filter(|name| !name.is_empty());
            names.into_iter().try_fold(Place { offset: 0, bit: 0, of }, |place, name| self.step(place, name))
        })
    }

    /// Number of elements of the array at `path`, and the type of one.
    pub fn array(&self, path: &str) -> Option<(u64, TypeRef)> {
        let place = self.find(path)?;
        match self.get(self.bare(place.of))? {
            Type::Array { of: Some(at), counts } => {
                Some((counts.iter().product(), TypeRef { at: *at, file: place.of.file }))
            }
            _ => None,
        }
    }

    /// Every field of `record` (nested structs and short arrays included) that points to an object.
    pub fn object_fields(&self, record: TypeRef) -> Vec<ObjectField> {
        let mut found = Vec::new();
        self.collect_objects(record, "", 0, 0, &mut found);
        found
    }

    /// The record of that name and size (or that ends at `size` but for an array of variable length), with that size;
    /// an error that lists what there is otherwise.
    pub fn record_of_size(&self, name: &str, size: u64) -> Result<(TypeRef, u64)> {
        let all = self.records(name);
        if all.is_empty() {
            bail!("no struct {name}");
        }
        let sizes: Vec<u64> = all.iter().map(|&record| self.size(record)).collect();
        let fits = all.iter().copied().find(|&record| self.size(record) == size || self.tail(record) == Some(size));
        let declared = all.iter().find(|record| self.trusts_headers && record.file == 0);
        match (fits, declared) {
            (Some(record), _) => Ok((record, size)),
            (None, Some(record)) => Ok((*record, self.size(*record))),
            (None, None) => Err(anyhow!("struct {name} has {sizes:?} bytes, not {size}")),
        }
    }

    /// Offset of the array that ends the record, if one does.
    fn tail(&self, record: TypeRef) -> Option<u64> {
        let Some(Type::Record { members, .. }) = self.get(record) else { return None };
        let last = members.last()?;
        let of = self.bare(TypeRef { at: last.of?, ..record });
        matches!(self.get(of)?, Type::Array { .. }).then_some(last.offset)
    }

    /// Whether the record begins with an object head.
    fn is_object(&self, of: TypeRef, depth: usize) -> bool {
        let Some(record) = self.complete(of).filter(|_| depth < DEEPEST) else { return false };
        let Some(Type::Record { name, members, .. }) = self.get(record) else { return false };
        if name.as_deref() == Some("_object") {
            return true;
        }
        let Some(Member { offset: 0, of: Some(at), .. }) = members.first() else { return false };
        self.is_object(TypeRef { at: *at, file: record.file }, depth + 1)
    }

    fn collect_objects(&self, of: TypeRef, prefix: &str, base: u64, depth: usize, found: &mut Vec<ObjectField>) {
        let bare = self.bare(of);
        match self.get(bare).filter(|_| depth < DEEPEST) {
            Some(Type::Pointer(Some(at))) if self.is_object(TypeRef { at: *at, ..bare }, 0) => {
                found.push((prefix.to_owned(), base));
            }
            // The head's `ob_type` is known to everyone.
            Some(Type::Record { name: Some(name), .. }) if name == "_object" => {}
            Some(Type::Record { members, .. }) => {
                for member in members {
                    let Some(at) = member.of else { continue };
                    // The struct that this one extends stands first, and its members are as good as this one's own.
                    let extended = depth == 0 && member.offset == 0 && self.complete(TypeRef { at, ..bare }).is_some();
                    let name = join(prefix, member.name.as_deref().filter(|_| !extended));
                    self.collect_objects(TypeRef { at, ..bare }, &name, base + member.offset, depth + 1, found);
                }
            }
            Some(Type::Array { of: Some(at), counts }) if counts.iter().all(|&count| count <= LONGEST_ARRAY) => {
                let element = TypeRef { at: *at, ..bare };
                let stride = self.size(element);
                for i in 0..counts.iter().product::<u64>() {
                    self.collect_objects(element, &format!("{prefix}[{i}]"), base + i * stride, depth + 1, found);
                }
            }
            _ => {}
        }
    }

    /// One step of a path: a member by name, anonymous members looked through.
    fn step(&self, place: Place, name: &str) -> Option<Place> {
        let record = self.complete(place.of)?;
        let Some(Type::Record { members, .. }) = self.get(record) else { return None };
        members.iter().find_map(|member| {
            let of = TypeRef { at: member.of?, file: record.file };
            let there = Place { offset: place.offset + member.offset, bit: member.bit, of };
            match member.name.as_deref() {
                Some(has) if has == name => Some(there),
                None => self.step(there, name),
                Some(_) => None,
            }
        })
    }

    /// The complete record behind typedefs, looked up by name when `of` is a mere declaration.
    fn complete(&self, of: TypeRef) -> Option<TypeRef> {
        let bare = self.bare(of);
        match self.get(bare)? {
            Type::Record { complete: true, .. } => Some(bare),
            Type::Record { name: Some(name), .. } => self.records(name).into_iter().next(),
            _ => None,
        }
    }

    /// `of` as a complete record, when it is one.
    fn record(&self, of: TypeRef) -> Option<TypeRef> {
        let bare = self.bare(of);
        matches!(self.get(bare)?, Type::Record { complete: true, .. }).then_some(bare)
    }

    /// `of` without typedefs and qualifiers.
    fn bare(&self, of: TypeRef) -> TypeRef {
        let mut bare = of;
        for _ in 0..DEEPEST {
            match self.get(bare) {
                Some(Type::Alias(Some(at))) => bare.at = *at,
                _ => break,
            }
        }
        bare
    }

    fn get(&self, of: TypeRef) -> Option<&Type> {
        self.files.get(of.file)?.by_offset.get(&of.at)
    }
}

/// `a` and `b` with a dot between; anonymous members leave no trace.
fn join(prefix: &str, name: Option<&str>) -> String {
    match name {
        None => prefix.to_owned(),
        Some(name) if prefix.is_empty() => name.to_owned(),
        Some(name) => format!("{prefix}.{name}"),
    }
}
