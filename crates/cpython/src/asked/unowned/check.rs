//! Whether the fields of a block are those of an object of the type that its head names.

use memsight_model::{Address, Fault, ObjectKind, ReadMemory};

use crate::layout::Layout;
use crate::object::references::{Decoder, Sink, Via};
use crate::object::shapes::Shape;
use crate::object::sizes;
use crate::object::text::{StrView, int_digits};
use crate::object::types::TypeInfo;
use crate::walk::window::Window;

/// Bytes that can stand in front of an object in its block: nothing, the collector's links, and links with the words of
/// managed dictionaries and weak references.
pub(super) const STARTS: [u64; 3] = [0, 16, 32];
/// Bytes of text or digits that are looked at.
const LOOKED_AT: u64 = 1 << 16;

/// A block that may hold an object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub start: Address,
    pub end: Address,
    pub object: Address,
    /// It may be larger than what was asked for.
    pub coarse: bool,
}

/// What the fields say.
pub(super) enum Verdict {
    No,
    Holds,
    /// When each of these is an object.
    IfObjects(Vec<Address>),
}

/// The words that must be objects.
#[derive(Default)]
struct Told {
    targets: Vec<Address>,
    broken: bool,
}

impl Sink for Told {
    const NAMED: bool = false;
    fn edge(&mut self, target: Address, via: Via, _: bool) {
        if !target.is_null() && !matches!(via, Via::Inferred(_)) {
            self.targets.push(target);
        }
    }
    fn inexact(&mut self) {}
    fn partial(&mut self) {
        self.broken = true;
    }
}

/// Tests sizes and fields. The head is known to be possible, and the type to be one.
pub(super) fn fields<M: ReadMemory>(decoder: &Decoder<Window<M>>, block: &Candidate, info: &TypeInfo) -> Verdict {
    let (memory, layout, at) = (decoder.memory, decoder.layout, block.object);
    let front = info.preheader(layout);
    if front != block.object.0 - block.start.0 {
        return Verdict::No;
    }
    let Some(size) = placed(memory, layout, at, info).ok().and_then(|size| size.checked_add(front)) else {
        return Verdict::No;
    };
    if !fits(size, block.end.0 - block.start.0, info, block.coarse) || !contents_hold(memory, layout, at, info) {
        return Verdict::No;
    }
    let mut told = Told::default();
    decoder.references(at, info, &mut told);
    match told {
        Told { broken: true, .. } => Verdict::No,
        Told { targets, .. } if targets.is_empty() => Verdict::Holds,
        Told { targets, .. } => Verdict::IfObjects(targets),
    }
}

/// Whether an object of `size` bytes is what a block was asked for. What is made smaller keeps its block while it fills
/// three quarters (`PyObject_Realloc`); numbers are made with room for all digits that they might have got.
fn fits(size: u64, block: u64, info: &TypeInfo, coarse: bool) -> bool {
    /// pymalloc and glibc round up to 16; mimalloc and jemalloc have four sizes up to the next power of two.
    const ROUNDING: u64 = 16;
    /// Larger blocks are the C heap's, which gives what is left of a block and too small to be one along with it.
    const POOLED: u64 = 512;
    let spare = match info.shape {
        Shape::Int => u64::MAX,
        _ if info.itemsize == 0 && !matches!(info.shape, Shape::Str) => match coarse {
            true => block / 5,
            false => ROUNDING * u64::from(block > POOLED),
        },
        // A sentinel item (`PyType_GenericAlloc`), and what shrinking leaves.
        _ => block / 4 + info.itemsize.min(64),
    };
    size <= block && block - size < ROUNDING.saturating_add(spare)
}

/// Bytes of an object in its own block, from its head on.
fn placed<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> Result<u64, Fault> {
    let fault = Fault { at, len: 8 };
    let values = if layout.minor >= 13 { sizes::loose_values_size(memory, layout, at, info)? } else { 0 };
    let own = match info.shape {
        Shape::Str => {
            let view = StrView::read(memory, layout, at).ok_or(fault)?;
            let table = &layout.unicode;
            match (view.compact, view.ascii) {
                (true, true) => u64::from(table.ascii_size) + view.length + 1,
                (true, false) => u64::from(table.compact_size) + (view.length + 1) * u64::from(view.kind),
                (false, _) => info.basicsize,
            }
        }
        Shape::Int => {
            let (digits, _) = int_digits(memory, layout, at).ok_or(fault)?;
            (u64::from(layout.long.digits) + 4 * digits.clamp(1, LOOKED_AT)).max(info.basicsize)
        }
        Shape::List | Shape::Dict | Shape::DefaultDict | Shape::OrderedDict | Shape::Set => info.basicsize,
        Shape::ByteArray | Shape::Deque => info.basicsize,
        Shape::Frame | Shape::Generator(_) | Shape::Code => sizes::of(memory, layout, at, info)?.shallow,
        _ => {
            let items = if info.itemsize == 0 { 0 } else { memory.signed(layout.length_at(at))?.unsigned_abs() };
            info.basicsize.saturating_add(items.saturating_mul(info.itemsize))
        }
    };
    Ok(own.saturating_add(values))
}

/// Whether what an object holds besides references is what its type would hold.
fn contents_hold<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, info: &TypeInfo) -> bool {
    match (info.shape, info.kind) {
        (Shape::Str, _) => str_holds(memory, layout, at).unwrap_or(false),
        (Shape::Int, kind) => {
            kind != ObjectKind::Bool && int_holds(memory, layout, at, info.python_class).unwrap_or(false)
        }
        (_, ObjectKind::None) => false,
        (_, ObjectKind::Bytes) => {
            // PyBytes_FromStringAndSize ends them with a zero.
            let length = memory.signed(layout.length_at(at)).unwrap_or(-1);
            let end =
                u64::try_from(length).ok().and_then(|length| at.checked_add(u64::from(layout.bytes.value) + length));
            end.is_some_and(|end| memory.u8(end) == Ok(0))
        }
        // Sizes below nothing are no sizes.
        _ if info.itemsize > 0 => memory.signed(layout.length_at(at)).is_ok_and(|length| length >= 0),
        _ => true,
    }
}

/// `_PyUnicode_CheckConsistency`, as far as it is cheap: bits that agree, a zero behind the characters, plain ASCII where
/// it says so. Interned ones are told by their table.
fn str_holds<M: ReadMemory>(memory: &M, layout: &Layout, at: Address) -> Option<bool> {
    const INTERNED: u32 = 3;
    let table = &layout.unicode;
    let view = StrView::read(memory, layout, at)?;
    let state = memory.u32(at.at(table.state.into())).ok()?;
    if state & INTERNED != 0
        || view.ascii && (view.kind != 1 || !view.compact && view.length > 0 && view.data.is_null())
    {
        return Some(false);
    }
    if view.kind == 0 {
        return Some(table.wstr.is_some() && !view.ascii);
    }
    let bytes = view.length.checked_mul(view.kind.into())?;
    let mut end = [0u8; 4];
    let end = end.get_mut(..usize::from(view.kind))?;
    memory.read(view.data.checked_add(bytes)?, end).ok()?;
    let mut text = vec![0; if view.ascii { bytes.min(LOOKED_AT) as usize } else { 0 }];
    memory.read(view.data, &mut text).ok()?;
    // A buffer that a writer gave up, and whose block something else has taken that sets no more than its first word, was
    // never filled nor hashed.
    const HASH: i64 = 24;
    let given_up = text.contains(&0) && memory.word(layout.fields(at).at(HASH)) == Ok(u64::MAX);
    Some(end.iter().all(|byte| *byte == 0) && text.is_ascii() && !given_up)
}

/// Digits of 30 bits, the last of which is not zero (`long_normalize`). The smallest numbers are there once for all, and
/// static or known to the interpreter (`Include/internal/pycore_long.h`, `_PY_NSMALLPOSINTS`).
fn int_holds<M: ReadMemory>(memory: &M, layout: &Layout, at: Address, of_class: bool) -> Option<bool> {
    const DIGIT: u32 = 1 << 30;
    const SMALL: u32 = 256;
    let (digits, sign) = int_digits(memory, layout, at)?;
    if digits == 0 || digits > LOOKED_AT || sign == 0 {
        return Some(of_class && digits <= 1 && sign == 0);
    }
    let first = at.at(layout.long.digits.into());
    let mut last = 0;
    for index in 0..digits {
        last = memory.u32(first.at(4 * index as i64)).ok()?;
        if last >= DIGIT {
            return Some(false);
        }
    }
    Some(last != 0 && (of_class || digits > 1 || last > SMALL || sign < 0 && last > 5))
}
