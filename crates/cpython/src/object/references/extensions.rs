//! The references of objects of other packages' C types ([`crate::object::extensions`]).

use memsight_model::{Address, Fault, ReadMemory};

use super::{Decoder, Sink, Via};
use crate::object::shapes::Extension;
use crate::object::types::TypeInfo;

/// `ct_flags` (`_cffi_backend.c`).
mod ct_flag {
    pub const FUNCTION_POINTER: u32 = 0x100;
    pub const IS_POINTER_TO_OWNED: u32 = 0x1_0000;
    pub const IS_VOID_POINTER: u32 = 0x20_0000;
}

impl<M: ReadMemory> Decoder<'_, M> {
    pub(super) fn extension_fields<S: Sink>(
        &self,
        at: Address,
        known: &'static Extension,
        info: &TypeInfo,
        sink: &mut S,
    ) -> Result<(), Fault> {
        let fields = self.layout.fields(at);
        for &(name, offset) in known.fields {
            self.field(fields, offset, name, info.is_gc() && !known.untraversed.contains(&name), sink)?;
        }
        Ok(())
    }

    /// `c_type`, and its flags.
    fn cffi_type<S: Sink>(&self, fields: Address, sink: &mut S) -> Result<u32, Fault> {
        const FLAGS: i64 = 80;
        let kind = self.memory.pointer(fields.at(16))?;
        sink.edge(kind, Via::Field("c_type"), false);
        self.memory.u32(self.layout.fields(kind).at(FLAGS))
    }

    /// What `ffi.new` returns. For a pointer to a struct, `structobj` behind the common struct holds the data
    /// (`cdataowning_dealloc`); no other one is as long.
    pub(super) fn cffi_own<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let fields = self.layout.fields(at);
        if self.cffi_type(fields, sink)? & ct_flag::IS_POINTER_TO_OWNED == 0 {
            return Ok(());
        }
        self.field(fields, 40, "structobj", false, sink)
    }

    /// A handle of `ffi.new_handle`, or a callback, whose function, type and more stand in a tuple, the `user_data` of its
    /// `ffi_closure` (`cdataowninggc_traverse`). That struct begins with a trampoline of 24 bytes, 32 since libffi 3.3; the
    /// address of the function in front of it is no object.
    pub(super) fn cffi_own_gc<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let fields = self.layout.fields(at);
        match self.cffi_type(fields, sink)? {
            flags if flags & ct_flag::IS_VOID_POINTER != 0 => self.field(fields, 40, "structobj", true, sink),
            flags if flags & ct_flag::FUNCTION_POINTER != 0 => {
                let closure = self.memory.pointer(fields.at(40))?;
                self.field(closure, 40, "user_data", true, sink)?;
                self.field(closure, 48, "user_data", true, sink)
            }
            _ => Ok(()),
        }
    }

    /// `ffi.from_buffer`: a `Py_buffer`, whose second word is the object (`cdatafrombuf_traverse`).
    pub(super) fn cffi_from_buffer<S: Sink>(&self, at: Address, sink: &mut S) -> Result<(), Fault> {
        let fields = self.layout.fields(at);
        self.cffi_type(fields, sink)?;
        let view = self.memory.pointer(fields.at(48))?;
        if view.is_null() { Ok(()) } else { self.field(view, 8, "bufferview.obj", true, sink) }
    }
}
