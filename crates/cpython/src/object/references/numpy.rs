//! The references of numpy's objects. None of its types but `ufunc` tells the collector of any.
//!
//! The items of an array are told by the array that frees them, once: a view of it leaves them to its base. They are
//! numbered in C order, as `array.flat` counts.

use std::cell::RefCell;
use std::rc::Rc;

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::object::numpy::{Form, Items, NdArray, root_type};
use crate::object::types::TypeInfo;

/// What the items of the dtype met last hold: neighbours are often alike.
#[derive(Debug, Default)]
pub(crate) struct LastItems(RefCell<Option<(Address, Rc<Items>)>>);

impl<M: ReadMemory> Decoder<'_, M> {
    /// `array_dealloc` in `arrayobject.c` lets go of base, dtype, memory handler (since 1.22), and of the items of data
    /// that the array owns.
    pub(super) fn nd_array<S: Sink>(&self, at: Address, size: u16, sink: &mut S) -> Result<(), Fault> {
        const MEM_HANDLER: u16 = 88;
        let array = NdArray::read(self.memory, self.layout, at)?;
        sink.edge(array.base, Via::Field("base"), false);
        sink.edge(array.descr, Via::Field("dtype"), false);
        if size > MEM_HANDLER {
            sink.edge(
                self.memory.pointer(self.layout.fields(at).at(MEM_HANDLER.into()))?,
                Via::Field("mem_handler"),
                false,
            );
        }
        let items = self.items_of(array.descr)?;
        if !items.refer() || !array.owns && self.is_array_like(at, array.base)? {
            return Ok(());
        }
        self.items(&array, &items, sink)
    }

    /// Whether `other` is an array as `array` is, of any class.
    fn is_array_like(&self, array: Address, other: Address) -> Result<bool, Fault> {
        if other.is_null() {
            return Ok(false);
        }
        let root = |at: Address| {
            let class = self.memory.pointer(at.at(self.layout.object.type_.into()))?;
            root_type(self.memory, self.layout, class)
        };
        Ok(root(array)? == root(other)?)
    }

    fn items_of(&self, descr: Address) -> Result<Rc<Items>, Fault> {
        let mut last = self.last_items.0.borrow_mut();
        if let Some((known, items)) = last.as_ref()
            && *known == descr
        {
            return Ok(Rc::clone(items));
        }
        let items = Rc::new(Items::of(self.memory, self.layout, descr)?);
        *last = Some((descr, Rc::clone(&items)));
        Ok(items)
    }

    /// The items of an array that owns them. Those of memory that is no array's are shown, but whoever frees that memory
    /// holds them: it may be a known object as well.
    fn items<S: Sink>(&self, array: &NdArray, items: &Items, sink: &mut S) -> Result<(), Fault> {
        let count = array.count(self.memory)?;
        let via = |item| if array.owns { Via::Index(item) } else { Via::Weak("item") };
        let axes = array.axes(self.memory)?;
        if items.unknown {
            sink.inexact();
        }
        // Windows that slide over other memory show it many times: its owner tells it once.
        if !array.owns && overlap(&axes, items.size) {
            sink.inexact();
            return Ok(());
        }
        if items.size == 8 && items.objects == [0] && is_contiguous(&axes) {
            return self.pointers(array.data, count, sink, via, false);
        }
        let mut place = Odometer::new(&axes);
        for item in 0..count {
            if self.afford(items.objects.len() as u64) < items.objects.len() as u64 {
                return Err(Fault { at: array.data, len: 8 });
            }
            for offset in &items.objects {
                let slot = array.data.at(place.offset.wrapping_add_unsigned(*offset));
                sink.edge(self.memory.pointer(slot)?, via(item), false);
            }
            place.advance();
        }
        Ok(())
    }

    /// `PyVoidScalarObject` (`arrayscalars.h`): obval 24, descr 32, flags 40, base 48. One that looks into an array has it
    /// as its base.
    pub(super) fn numpy_void<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        const OWNDATA: i32 = 4;
        let fields = self.layout.fields(at);
        let (data, descr) = (self.memory.pointer(fields.at(24))?, self.memory.pointer(fields.at(32))?);
        sink.edge(descr, Via::Field("dtype"), false);
        self.field(fields, 48, "base", false, sink)?;
        if self.memory.i32(fields.at(40))? & OWNDATA == 0 {
            return Ok(());
        }
        let items = self.items_of(descr)?;
        if items.unknown {
            sink.inexact();
        }
        for (index, offset) in (0..).zip(&items.objects) {
            sink.edge(self.memory.pointer(data.at(*offset as i64))?, Via::Index(index), false);
        }
        Ok(())
    }

    /// `arraydescr_dealloc` in `descriptor.c`. Dtypes of other packages have fields of their own behind numpy's.
    pub(super) fn numpy_dtype<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        /// `PyArray_StringDTypeObject`.
        const NA_OBJECT: u16 = 88;
        let (form, fields) = (Form::of(self.memory, self.layout, at)?, self.layout.fields(at));
        self.field(fields, 16, "typeobj", false, sink)?;
        self.field(fields, form.metadata(), "metadata", false, sink)?;
        let size = info.basicsize.saturating_sub(u64::from(self.layout.object.size) - 16);
        if info.name == "numpy.dtypes.StringDType" {
            return self.field(fields, NA_OBJECT, "na_object", false, sink);
        }
        if size != form.own_size() {
            return if size > 88 { self.rest_of_dtype(at, info, sink) } else { Ok(()) };
        }
        self.field(fields, form.fields(), "fields", false, sink)?;
        self.field(fields, form.fields() + 8, "names", false, sink)?;
        let subarray = self.memory.pointer(fields.at(form.subarray().into()))?;
        if !subarray.is_null() {
            self.field(subarray, 0, "base", false, sink)?;
            self.field(subarray, 8, "shape", false, sink)?;
        }
        Ok(())
    }

    /// Words behind the struct of numpy 2 that another package's dtype adds.
    fn rest_of_dtype<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        let start = u64::from(self.layout.object.size) + 72;
        sink.inexact();
        for offset in (start..info.basicsize.min(1 << 12)).step_by(8) {
            sink.edge(self.memory.pointer(at.at(offset as i64))?, Via::Inferred(offset / 8), false);
        }
        Ok(())
    }

    /// `PyUFuncObject` and `ufunc_dealloc` (`ufuncobject.h`, `ufunc_object.c`). Where the dictionary is today, older
    /// versions have a pointer to a function. `ufunc_traverse` leaves two fields out.
    pub(super) fn ufunc<S: Sink>(&self, at: Address, info: &TypeInfo, sink: &mut S) -> Result<(), Fault> {
        /// `PyUFunc_IdentityValue`: otherwise `identity_value` is not used.
        const IDENTITY_VALUE: i32 = -3;
        const LOOPS: u16 = 224;
        let fields = self.layout.fields(at);
        self.field(fields, 88, "obj", true, sink)?;
        self.field(fields, 96, "userloops", false, sink)?;
        if self.memory.i32(fields.at(28))? == IDENTITY_VALUE {
            self.field(fields, 208, "identity_value", true, sink)?;
        }
        if info.dictoffset > 0 {
            sink.edge(self.memory.pointer(at.at(info.dictoffset))?, Via::Field("__dict__"), true);
        }
        let size = info.basicsize.saturating_sub(u64::from(self.layout.object.size) - 16);
        if size > u64::from(LOOPS) { self.field(fields, LOOPS, "_loops", false, sink) } else { Ok(()) }
    }

    /// `NewNpyArrayIterObject` (`nditer_pywrap.c`): nested_child 32; dtypes 64 and operands 72 point into the `NpyIter`,
    /// which holds them. Between them are two arrays of as many words, or of one more (`NIT_OPERANDS`, `nditer_impl.h`).
    pub(super) fn nditer<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        /// `NPY_MAXARGS` is 32 or 64.
        const OPERANDS: u64 = 64;
        let fields = self.layout.fields(at);
        self.field(fields, 32, "nested_child", false, sink)?;
        if self.memory.word(fields.at(16))? == 0 {
            return Ok(());
        }
        let (dtypes, operands) = (self.memory.pointer(fields.at(64))?, self.memory.pointer(fields.at(72))?);
        let count = (operands.0.wrapping_sub(dtypes.0) / 24).min(OPERANDS);
        for index in 0..count as i64 {
            sink.edge(self.memory.pointer(operands.at(8 * index))?, Via::Field("operands"), false);
            sink.edge(self.memory.pointer(dtypes.at(8 * index))?, Via::Field("dtypes"), false);
        }
        Ok(())
    }
}

/// Whether items of a word each follow each other in C order.
fn is_contiguous(axes: &[(u64, i64)]) -> bool {
    let mut step = 8;
    axes.iter().rev().all(|(length, stride)| {
        let fits = *length == 1 || *stride == step;
        step = step.wrapping_mul(*length as i64);
        fits
    })
}

/// Whether some items of an array share memory, for there is not enough for all of them.
fn overlap(axes: &[(u64, i64)], size: u64) -> bool {
    let reach = |(length, stride): &(u64, i64)| length.saturating_sub(1).saturating_mul(stride.unsigned_abs());
    let extent = axes.iter().map(reach).fold(size, u64::saturating_add);
    let wanted = axes.iter().map(|axis| axis.0).fold(size, u64::saturating_mul);
    wanted > extent || wanted == u64::MAX
}

/// Goes through the items of an array in C order.
struct Odometer<'a> {
    axes: &'a [(u64, i64)],
    index: Vec<u64>,
    offset: i64,
}

impl<'a> Odometer<'a> {
    fn new(axes: &'a [(u64, i64)]) -> Odometer<'a> {
        Odometer { axes, index: vec![0; axes.len()], offset: 0 }
    }

    /// To the next item; from the last back to the first.
    fn advance(&mut self) {
        for (at, (length, stride)) in self.index.iter_mut().zip(self.axes).rev() {
            *at += 1;
            self.offset = self.offset.wrapping_add(*stride);
            if *at < *length {
                return;
            }
            self.offset = self.offset.wrapping_sub(stride.wrapping_mul(*length as i64));
            *at = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(axes: &[(u64, i64)]) -> Vec<i64> {
        let mut place = Odometer::new(axes);
        let count = axes.iter().map(|axis| axis.0).product::<u64>();
        (0..count)
            .map(|_| {
                let offset = place.offset;
                place.advance();
                offset
            })
            .collect()
    }

    #[test]
    fn contiguous_items_follow_each_other() {
        for axes in [&[][..], &[(3, 8)], &[(2, 24), (3, 8)], &[(1, 7), (3, 8)], &[(2, 24), (1, 0), (3, 8)]] {
            assert!(is_contiguous(axes), "{axes:?}");
        }
        for axes in [&[(3, 16)][..], &[(3, -8)], &[(2, 8), (3, 16)], &[(2, 0), (3, 8)]] {
            assert!(!is_contiguous(axes), "{axes:?}");
        }
    }

    #[test]
    fn windows_that_slide_overlap() {
        assert!(
            !overlap(&[], 8) && !overlap(&[(3, 8)], 8) && !overlap(&[(3, -8)], 8) && !overlap(&[(2, 8), (3, 16)], 8)
        );
        assert!(overlap(&[(3, 0)], 8) && overlap(&[(3, 8), (2, 8)], 8) && overlap(&[(u64::MAX, 8), (9, 8)], 8));
    }

    #[test]
    fn items_come_in_c_order_whatever_the_strides() {
        assert_eq!(offsets(&[]), [0]);
        assert_eq!(offsets(&[(3, 8)]), [0, 8, 16]);
        assert_eq!(offsets(&[(3, -16)]), [0, -16, -32]);
        assert_eq!(offsets(&[(2, 8), (3, 16)]), [0, 16, 32, 8, 24, 40]);
        assert_eq!(offsets(&[(2, 48), (1, 8), (2, 0)]), [0, 0, 48, 48]);
        assert_eq!(offsets(&[(2, 48), (0, 8)]), [0; 0]);
    }
}
