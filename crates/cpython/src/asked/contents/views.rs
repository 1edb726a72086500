//! Arrays of numpy and memoryviews that look at memory of another object, which they keep whole.

use memsight_model::{Address, Fault, ObjectId, ObjectKind, ReadMemory, View};

use super::{Here, Walk};
use crate::object::buffers::Buffer;
use crate::object::head::Head;
use crate::object::numpy::NdArray;
use crate::object::types::TypeInfo;

/// Views of views; numpy and CPython let a view of a view look at the base itself, so that few are needed.
const DEPTH: usize = 8;

/// What an object that looks at other memory refers to for it.
enum Link {
    /// The object that owns the memory, or the next one on the way.
    To(Address),
    /// It owns its memory.
    Owner,
    /// Nothing that is known.
    Unknown,
}

impl<'a, M: ReadMemory> Walk<'a, M> {
    /// Notes an array or a memoryview whose memory is a known object's.
    pub(super) fn view(&mut self, here: Here<'a>) {
        let array = here.info.buffer == Buffer::NdArray;
        let other = here.info.kind == ObjectKind::Other && here.info.name == "memoryview";
        if (array || other)
            && let Ok(Some(view)) = self.view_of(here, array)
        {
            self.found.views.push(view);
        }
    }

    fn view_of(&self, here: Here<'a>, array: bool) -> Result<Option<View>, Fault> {
        let (memory, layout) = (self.heap.scene.memory, self.heap.scene.layout);
        let Link::To(first) = self.link(here.at, here.info)? else { return Ok(None) };
        let bytes = match array {
            true => NdArray::read(memory, layout, here.at)?.bytes(memory, layout)?,
            // view.len, the third word of the Py_buffer at 56 (Include/cpython/memoryobject.h).
            false => memory.word(layout.fields(here.at).at(72))?,
        };
        let (mut holder, mut base) = (here.at, first);
        for _ in 0..DEPTH {
            let Some((id, info)) = self.object_at(base)? else { return Ok(None) };
            match self.link(base, info)? {
                Link::To(next) => (holder, base) = (base, next),
                Link::Owner => {
                    let holder = self.object_at(holder)?.map_or(here.id, |(id, _)| id);
                    return Ok(Some(View { object: here.id, base: id, holder, bytes }));
                }
                Link::Unknown => return Ok(None),
            }
        }
        Ok(None)
    }

    /// One step: the base of an array, the managed buffer of a memoryview and the object of that.
    fn link(&self, at: Address, info: &TypeInfo) -> Result<Link, Fault> {
        let (memory, layout) = (self.heap.scene.memory, self.heap.scene.layout);
        let to = |at: Address| if at.is_null() { Link::Unknown } else { Link::To(at) };
        Ok(match (info.buffer, info.name.as_str()) {
            (Buffer::NdArray, _) => {
                let array = NdArray::read(memory, layout, at)?;
                if array.owns { Link::Owner } else { to(array.base) }
            }
            (Buffer::Array, _) | (_, "bytes" | "bytearray") => Link::Owner,
            // Objects/memoryobject.c: mbuf; the `obj` of the Py_buffer `master` at 32
            (_, "memoryview") => to(memory.pointer(layout.fields(at).at(24))?),
            (_, "managedbuffer") => to(memory.pointer(layout.fields(at).at(40))?),
            _ => Link::Unknown,
        })
    }

    fn object_at(&self, at: Address) -> Result<Option<(ObjectId, &'a TypeInfo)>, Fault> {
        let heap = self.heap;
        let id = heap.scene.slots.slot(at).and_then(|slot| heap.ranks.rank(slot)).map(ObjectId);
        let type_ = Head::read(heap.scene.memory, heap.scene.layout, at)?.type_;
        let info = heap.types.known(type_).and_then(|row| heap.types.infos.get(row as usize));
        Ok(id.zip(info))
    }
}
