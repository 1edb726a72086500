//! Types of the target: which decoder fits the instances of each, where their attributes are, what they are called.
//!
//! A type counts only when its own type chain ends in `type`, so a random word is never taken for one. Classes made by
//! a `class` statement share one `tp_traverse` (`subtype_traverse`, `Objects/typeobject.c`); their instances are
//! decoded as CPython does it: slots and dict of each class on the way to the first base with its own traverse
//! (the *solid* base), then that base's fields.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use memsight_model::{Address, ObjectId, ObjectKind, ReadMemory, TypeId, TypeRecord};

use crate::layout::Layout;
use crate::object::buffers::Buffer;
use crate::object::dicts::KeysView;
use crate::object::fit::{Fit, shape_of};
use crate::object::flag;
use crate::object::members::{self, Member};
use crate::object::shapes::Shape;
use crate::object::statics::StaticTypes;
use crate::object::text;

/// Row of a type in the [`TypeTable`].
pub(crate) type TypeIx = u32;

/// A class hierarchy deeper than this is corrupt.
const BASES_CAP: usize = 256;
/// Types of one process; more are corrupt.
const TYPES_CAP: usize = 1 << 22;

/// Where instances keep their `__dict__`, beyond what the solid base knows itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DictPlace {
    /// Nowhere.
    None,
    /// A pointer at this offset; negative: counted from the end of the items.
    Offset(i64),
    /// In front of the object (3.11 and later).
    Managed,
}

/// What the decoder knows of a type.
#[derive(Debug, Clone)]
pub(crate) struct TypeInfo {
    pub address: Address,
    /// `module.qualname`, built-ins bare.
    pub name: String,
    pub basicsize: u64,
    pub itemsize: u64,
    pub flags: u64,
    pub weaklistoffset: i64,
    pub dictoffset: i64,
    /// Made by a `class` statement (or `type()`).
    pub python_class: bool,
    /// How the fields of the solid base are laid out.
    pub shape: Shape,
    pub kind: ObjectKind,
    /// `__slots__` members on the way to the solid base: offset, and the name as a C string.
    pub slots: Vec<(u32, &'static str)>,
    pub dict: DictPlace,
    /// Memory owned beside the struct.
    pub buffer: Buffer,
    /// Every reference is where a table says.
    pub exact: bool,
    /// What the type itself says of the words that are scanned.
    pub members: Vec<Member>,
    /// Names of attributes in values that stand in no dictionary (`ht_cached_keys`), and how many there is room for.
    pub attributes: Vec<Address>,
    pub attribute_room: u64,
    /// Extends `greenlet.greenlet`, and so leads to frames.
    pub is_greenlet: bool,
    /// `n_fields` of a struct sequence: items in memory, of which `ob_size` are visible.
    pub sequence_fields: Option<u64>,
}

impl TypeInfo {
    pub fn has(&self, flag: u64) -> bool {
        self.flags & flag != 0
    }
    pub fn is_heap(&self) -> bool {
        self.has(flag::HEAPTYPE)
    }
    pub fn is_gc(&self) -> bool {
        self.has(flag::HAVE_GC)
    }
    /// Whether instances have memory of their own that may hold anything: what looks like an object there is none.
    pub fn owns_data(&self) -> bool {
        let none = matches!(self.buffer, Buffer::None | Buffer::NumpyScalar(_) | Buffer::NumpyVoid);
        !none || matches!(self.shape, Shape::ByteArray | Shape::Module)
    }
    /// Bytes in front of an instance that `sys.getsizeof` counts (`_PyType_PreHeaderSize`).
    pub fn preheader(&self, layout: &Layout) -> u64 {
        let managed = match layout.minor {
            ..=10 => false,
            11 => self.has(flag::MANAGED_DICT),
            _ => self.has(flag::MANAGED_DICT) || self.has(flag::MANAGED_WEAKREF),
        };
        let listed = self.is_gc() && !layout.is_free_threaded();
        16 * u64::from(listed) + 16 * u64::from(managed)
    }
}

/// Fibonacci hashing: addresses are well spread in their middle bits, and hashing is on the hot path.
#[derive(Default)]
pub(crate) struct AddressHasher(u64);

impl Hasher for AddressHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }
    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ (word >> 3)).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_right(20);
    }
}

/// A map keyed by addresses.
pub(crate) type AddressMap<V> = HashMap<u64, V, BuildHasherDefault<AddressHasher>>;

/// The types met so far; `None` for addresses that are no type.
#[derive(Debug, Clone)]
pub(crate) struct TypeTable {
    map: AddressMap<Option<TypeIx>>,
    /// Rows.
    pub infos: Vec<TypeInfo>,
    /// `subtype_traverse`.
    subtype_traverse: u64,
    /// Dictionaries of static types.
    pub statics: StaticTypes,
}

/// The raw fields of a type object.
struct RawType {
    basicsize: i64,
    itemsize: i64,
    flags: u64,
    traverse: u64,
    base: Address,
    dictoffset: i64,
    weaklistoffset: i64,
}

impl RawType {
    fn read<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<RawType> {
        let table = &layout.type_object;
        let word = |offset: u16| memory.word(at.at(offset.into())).ok();
        Some(RawType {
            basicsize: word(table.basicsize)? as i64,
            itemsize: word(table.itemsize)? as i64,
            flags: word(table.flags)?,
            traverse: word(table.traverse)?,
            base: Address(word(table.base)?),
            dictoffset: word(table.dictoffset)? as i64,
            weaklistoffset: word(table.weaklistoffset)? as i64,
        })
    }

    /// The base, when a type of C adds nothing to its struct.
    fn base_of_same_struct<M: ReadMemory>(&self, memory: &M, layout: &Layout) -> Option<(Address, RawType)> {
        let base = RawType::read(memory, layout, self.base).filter(|_| !self.base.is_null())?;
        let sizes = |raw: &RawType| (raw.basicsize, raw.itemsize, raw.traverse);
        (sizes(&base) == sizes(self)).then_some((self.base, base))
    }

    /// Sizes that an object can have.
    fn is_sane(&self) -> bool {
        (16..1 << 20).contains(&self.basicsize)
            && (0..1 << 20).contains(&self.itemsize)
            && self.dictoffset.unsigned_abs() < 1 << 20
            && self.weaklistoffset.unsigned_abs() < 1 << 20
    }
}

impl TypeTable {
    /// What is known of a type of the result, whose first is that of objects of no known type.
    pub fn of(&self, type_: TypeId) -> Option<&TypeInfo> {
        self.infos.get((type_.0 as usize).checked_sub(1)?)
    }

    /// An empty table. `subtype_traverse` is the `tp_traverse` of any class made by a `class` statement, or 0.
    pub fn new(subtype_traverse: u64, statics: StaticTypes) -> TypeTable {
        TypeTable { map: AddressMap::default(), infos: Vec::new(), subtype_traverse, statics }
    }

    /// The types as the model has them; row 0 is for objects whose type could not be read.
    pub fn records(&self, id_of: impl Fn(Address) -> Option<ObjectId>) -> Vec<TypeRecord> {
        let unknown = TypeRecord { name: "<unknown>".to_owned(), ..TypeRecord::default() };
        let known = self.infos.iter().map(|info| TypeRecord {
            name: info.name.clone(),
            address: info.address,
            object: id_of(info.address),
            kind: info.kind,
            heap: info.is_heap(),
            exact: info.exact,
        });
        std::iter::once(unknown).chain(known).collect()
    }

    /// The row of a type already met.
    #[inline]
    pub fn known(&self, address: Address) -> Option<TypeIx> {
        self.map.get(&address.0).copied().flatten()
    }

    /// Whether an address that was met is a type; `None` when it was not met.
    #[inline]
    pub fn may_be(&self, address: Address) -> Option<bool> {
        self.map.get(&address.0).map(Option::is_some)
    }

    /// The row of a type, met now or before; `None` when the address is no type.
    #[inline]
    pub fn meet<M: ReadMemory>(&mut self, memory: &M, layout: &Layout, address: Address) -> Option<TypeIx> {
        match self.map.get(&address.0) {
            Some(row) => *row,
            None => self.learn(memory, layout, address),
        }
    }

    fn learn<M: ReadMemory>(&mut self, memory: &M, layout: &Layout, address: Address) -> Option<TypeIx> {
        let info = is_type(memory, layout, address).then(|| self.describe(memory, layout, address)).flatten();
        let row = info.filter(|_| self.infos.len() < TYPES_CAP).map(|info| {
            self.infos.push(info);
            self.infos.len() as TypeIx - 1
        });
        self.map.insert(address.0, row);
        row
    }

    fn describe<M: ReadMemory>(&self, memory: &M, layout: &Layout, address: Address) -> Option<TypeInfo> {
        let raw = RawType::read(memory, layout, address).filter(RawType::is_sane)?;
        let tp_name = memory.c_string(memory.pointer(address.at(layout.type_object.name.into())).ok()?, 256).ok()?;
        let mut slots = Vec::new();
        let mut solid = (address, RawType::read(memory, layout, address)?);
        let mut python_class = false;
        for depth in 0..BASES_CAP {
            if !self.is_python_class(memory, layout, solid.0, &solid.1) {
                break;
            }
            python_class |= depth == 0;
            read_slots(memory, layout, solid.0, &mut slots);
            let base = RawType::read(memory, layout, solid.1.base)?;
            solid = (solid.1.base, base);
        }
        let mut fit = shape_of(memory, layout, solid.0, solid.1.flags, solid.1.basicsize)?;
        for _ in 0..BASES_CAP {
            let Some(base) = solid.1.base_of_same_struct(memory, layout).filter(|_| fit.is_scan()) else { break };
            fit = shape_of(memory, layout, base.0, base.1.flags, base.1.basicsize)?;
            solid = base;
        }
        let Fit { shape, kind, buffer, exact } = fit;
        let members = if exact { Vec::new() } else { members::of(memory, layout, solid.0) };
        let dict = match (raw.flags & flag::MANAGED_DICT != 0 && layout.minor >= 11, raw.dictoffset) {
            (true, _) => DictPlace::Managed,
            (_, offset) if offset != 0 && offset != solid.1.dictoffset => DictPlace::Offset(offset),
            _ => DictPlace::None,
        };
        let heap = raw.flags & flag::HEAPTYPE != 0;
        let own_dict = self.statics.dict_of(memory, layout, address);
        let sequence = !python_class && raw.flags & flag::TUPLE_SUBCLASS != 0 && tp_name != "tuple";
        let (attributes, attribute_room) =
            if heap { cached_attributes(memory, layout, address) } else { Default::default() };
        Some(TypeInfo {
            address,
            name: full_name(memory, layout, address, heap, &tp_name, own_dict),
            basicsize: raw.basicsize as u64,
            itemsize: raw.itemsize as u64,
            flags: raw.flags,
            weaklistoffset: raw.weaklistoffset,
            dictoffset: raw.dictoffset,
            python_class,
            shape,
            kind,
            slots,
            dict,
            buffer,
            exact,
            members,
            attributes,
            attribute_room,
            is_greenlet: matches!(shape, Shape::Scan) && extends_greenlet(memory, layout, solid.0),
            sequence_fields: own_dict
                .filter(|_| sequence)
                .and_then(|dict| text::lookup(memory, layout, dict, "n_fields"))
                .and_then(|number| text::small_int(memory, layout, number))
                .map(|fields| fields.clamp(0, 1 << 12) as u64),
        })
    }

    /// Classes of a `class` statement: they share `subtype_traverse`, or, without GC, have a name without a module
    /// (C types made by `PyType_FromSpec` are called `module.Name`).
    fn is_python_class<M: ReadMemory>(&self, memory: &M, layout: &Layout, at: Address, raw: &RawType) -> bool {
        if raw.flags & flag::HEAPTYPE == 0 || raw.base.is_null() {
            return false;
        }
        if raw.flags & flag::HAVE_GC != 0 && self.subtype_traverse != 0 {
            return raw.traverse == self.subtype_traverse;
        }
        let name = memory.pointer(at.at(layout.type_object.name.into()));
        name.and_then(|name| memory.c_string(name, 256)).is_ok_and(|name| !name.contains('.'))
    }
}

/// Whether an address holds a type: its type, its type's type and so on end in `type`, the type of itself.
fn is_type<M: ReadMemory>(memory: &M, layout: &Layout, address: Address) -> bool {
    let flags = |at: Address| memory.word(at.at(layout.type_object.flags.into()));
    let mut at = address;
    for _ in 0..8 {
        if at.0 & 7 != 0 || !flags(at).is_ok_and(|flags| flags < 1 << 32) {
            return false;
        }
        let Ok(meta) = memory.pointer(at.at(layout.object.type_.into())) else { return false };
        if !flags(meta).is_ok_and(|flags| flags & flag::TYPE_SUBCLASS != 0) {
            return false;
        }
        if meta == at {
            return true;
        }
        at = meta;
    }
    false
}

/// Whether a type is `greenlet.greenlet`, or a C type on top of it such as gevent's.
fn extends_greenlet<M: ReadMemory>(memory: &M, layout: &Layout, solid: Address) -> bool {
    let base = |at: &Address| {
        let base = memory.pointer(at.at(layout.type_object.base.into())).ok();
        base.filter(|base| !base.is_null())
    };
    let name =
        |at: Address| memory.pointer(at.at(layout.type_object.name.into())).and_then(|at| memory.c_string(at, 32));
    std::iter::successors(Some(solid), base)
        .take(BASES_CAP)
        .any(|at| name(at).is_ok_and(|name| name == "greenlet.greenlet"))
}

/// The shared keys of a class: names in order, and the room for names.
fn cached_attributes<M: ReadMemory>(memory: &M, layout: &Layout, class: Address) -> (Vec<Address>, u64) {
    /// `SHARED_KEYS_MAX_SIZE` is 30 in every version.
    const CAP: u64 = 1 << 8;
    let read = || {
        let keys = memory.pointer(class.at(layout.heap_type.cached_keys.into()))?;
        let keys = KeysView::read(memory, layout, keys)?;
        Ok::<_, memsight_model::Fault>((keys.names(memory, CAP)?, keys.capacity.min(CAP)))
    };
    read().unwrap_or_default()
}

/// `PyMemberDef`s of `__slots__`: behind the type object, `Py_SIZE(type)` of them, 40 bytes each
/// (`Include/structmember.h`: name, int type, offset, flags, doc); type 16 is `T_OBJECT_EX`.
fn read_slots<M: ReadMemory>(memory: &M, layout: &Layout, class: Address, slots: &mut Vec<(u32, &'static str)>) {
    const MEMBER: i64 = 40;
    const OBJECT_EX: i32 = 16;
    const CAP: i64 = 1 << 12;
    let read = || -> Result<(i64, i64), memsight_model::Fault> {
        let meta = memory.pointer(class.at(layout.object.type_.into()))?;
        Ok((memory.signed(layout.length_at(class))?, memory.signed(meta.at(layout.type_object.basicsize.into()))?))
    };
    let Ok((count, start)) = read() else { return };
    for i in 0..count.clamp(0, CAP) {
        let member = class.at(start.wrapping_add(MEMBER * i));
        let (Ok(name), Ok(kind), Ok(offset)) =
            (memory.pointer(member), memory.i32(member.at(8)), memory.signed(member.at(16)))
        else {
            return;
        };
        let Ok(offset) = u32::try_from(offset) else { continue };
        if kind == OBJECT_EX
            && offset < 1 << 20
            && let Ok(name) = memory.c_string(name, 128)
        {
            slots.push((offset, crate::object::names::keep(&name)));
        }
    }
}

/// `module.qualname`; `builtins` is left out. `Objects/typeobject.c`: type_module, type_qualname.
fn full_name<M: ReadMemory>(
    memory: &M,
    layout: &Layout,
    address: Address,
    heap: bool,
    tp_name: &str,
    dict: Option<Address>,
) -> String {
    const NAME_CAP: u64 = 200;
    let (module, name) = if heap {
        let module = dict
            .and_then(|dict| text::lookup(memory, layout, dict, "__module__"))
            .filter(|module| is_str(memory, layout, *module))
            .and_then(|module| text::str_text(memory, layout, module, NAME_CAP));
        let qualname = memory
            .pointer(address.at(layout.heap_type.qualname.into()))
            .ok()
            .and_then(|qualname| text::str_text(memory, layout, qualname, NAME_CAP));
        (module, qualname.unwrap_or_else(|| tp_name.to_owned()))
    } else {
        match tp_name.rsplit_once('.') {
            Some((module, name)) => (Some(module.to_owned()), name.to_owned()),
            None => (None, tp_name.to_owned()),
        }
    };
    match module.as_deref() {
        None | Some("builtins") => name,
        Some(module) => format!("{module}.{name}"),
    }
}

fn is_str<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> bool {
    const UNICODE_SUBCLASS: u64 = 1 << 28;
    let flags = memory
        .pointer(at.at(layout.object.type_.into()))
        .and_then(|kind| memory.word(kind.at(layout.type_object.flags.into())));
    flags.is_ok_and(|flags| flags & UNICODE_SUBCLASS != 0)
}
