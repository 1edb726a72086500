//! Which field of which C struct each field of `memsight_cpython::layout::Layout` stands for.
//!
//! A path names a struct and its members as C does. Where versions differ, the alternatives stand in a list and the
//! first that exists is taken; no version is ever named here.

use super::collector::{GC, GIL, OBJECT};
use super::containers::{DEQUE, ORDERED_DICT};
use super::mimalloc::MIMALLOC;

/// How the value of a field of `Layout` is found.
#[derive(Debug)]
pub enum Rule {
    /// The offset of a member that every version has.
    At(&'static [&'static str]),
    /// The offset of a member that some versions have, as an `Option`.
    Maybe(&'static [&'static str]),
    /// Size of a struct, or of the type of a member.
    Size(&'static [&'static str]),
    /// Number of elements of an array; 0 where there is none.
    Len(&'static [&'static str]),
    /// The value of an enumerator, or the default where there is none.
    Constant(&'static [&'static str], i64),
    /// Whether a member exists.
    Exists(&'static str),
    /// The first bit of a bit field (first) in the word that another member (second) begins.
    Bit(&'static str, &'static str),
    /// An enum of `layout/mod.rs`: the first variant all of whose paths exist.
    OneOf(&'static [Variant]),
    /// A struct of `layout/mod.rs`.
    Struct(&'static str, &'static [(&'static str, Rule)]),
    /// The same, as an `Option`: `None` where a path of it does not exist.
    MaybeStruct(&'static str, &'static [(&'static str, Rule)]),
    /// All members of the first struct that exists that hold objects, but those whose name holds one of these words.
    Objects(&'static [&'static str], &'static [&'static str]),
}

/// A variant of an enum: its name, and its fields (tuple fields have empty names).
#[derive(Debug)]
pub struct Variant {
    pub name: &'static str,
    pub fields: &'static [(&'static str, &'static str)],
}

use Rule::{At, Bit, Constant, Exists, Len, Maybe, MaybeStruct, Objects, OneOf, Size, Struct};

pub type Fields = &'static [(&'static str, Rule)];

/// The rules of `Layout` but for `minor`, `c_types` and `exception.subclasses`.
pub const LAYOUT: Fields = &[
    ("object", Struct("ObjectHead", OBJECT)),
    ("runtime", Struct("Runtime", RUNTIME)),
    ("interpreter", Struct("Interpreter", INTERPRETER)),
    ("thread", Struct("Thread", THREAD)),
    ("gc", Struct("Gc", GC)),
    ("gil", Struct("Gil", GIL)),
    ("obmalloc", MaybeStruct("Obmalloc", OBMALLOC)),
    ("mimalloc", MaybeStruct("Mimalloc", MIMALLOC)),
    ("type_object", Struct("TypeObject", TYPE_OBJECT)),
    ("heap_type", Struct("HeapType", HEAP_TYPE)),
    ("dict", Struct("Dict", DICT)),
    ("dict_keys", DICT_KEYS),
    (
        "list",
        Struct("List", &[("items", At(&["PyListObject.ob_item"])), ("allocated", At(&["PyListObject.allocated"]))]),
    ),
    ("tuple", Struct("Tuple", &[("items", At(&["PyTupleObject.ob_item"]))])),
    ("set", Struct("Set", SET)),
    ("unicode", Struct("Unicode", UNICODE)),
    ("bytes", Struct("BytesObject", &[("value", At(&["PyBytesObject.ob_sval"]))])),
    ("bytearray", Struct("ByteArray", BYTE_ARRAY)),
    ("long", Struct("Long", LONG)),
    ("float", Struct("Float", &[("value", At(&["PyFloatObject.ob_fval"]))])),
    ("complex", Struct("Complex", &[("value", At(&["PyComplexObject.cval"]))])),
    ("function", Struct("Function", FUNCTION)),
    ("method", Struct("Method", METHOD)),
    ("builtin", Struct("Builtin", BUILTIN)),
    ("cell", Struct("Cell", &[("ref_", At(&["PyCellObject.ob_ref"]))])),
    ("module", Struct("Module", MODULE)),
    ("weakref", Struct("Weakref", WEAKREF)),
    ("slice", Struct("Slice", &[("start", At(&["PySliceObject.start"]))])),
    ("descriptor", Struct("Descriptor", DESCRIPTOR)),
    ("exception", Struct("Exception", EXCEPTION)),
    ("traceback", Struct("Traceback", TRACEBACK)),
    ("code", Struct("Code", CODE)),
    ("frame", Struct("Frame", FRAME)),
    ("frame_object", Struct("FrameObject", FRAME_OBJECT)),
    ("generator", Struct("Generator", GENERATOR)),
    ("deque", Struct("Deque", DEQUE)),
    ("ordered_dict", Struct("OrderedDict", ORDERED_DICT)),
    ("default_factory", At(&["defdictobject.default_factory"])),
];

const RUNTIME: Fields = &[
    ("initialized", At(&["_PyRuntimeState.initialized"])),
    ("finalizing", At(&["_PyRuntimeState._finalizing", "_PyRuntimeState.finalizing"])),
    ("interpreters_head", At(&["_PyRuntimeState.interpreters.head"])),
    ("interpreters_main", At(&["_PyRuntimeState.interpreters.main"])),
    ("gc", Maybe(&["_PyRuntimeState.gc"])),
    ("gil", Maybe(&["_PyRuntimeState.ceval.gil"])),
    ("size", Size(&["_PyRuntimeState"])),
];

const INTERPRETER: Fields = &[
    ("next", At(&["_is.next"])),
    ("id", At(&["_is.id"])),
    ("threads_head", At(&["_is.threads.head", "_is.tstate_head"])),
    ("gc", Maybe(&["_is.gc"])),
    ("modules", At(&["_is.imports.modules", "_is.modules"])),
    ("importlib", At(&["_is.imports.importlib", "_is.importlib"])),
    ("modules_by_index", At(&["_is.imports.modules_by_index", "_is.modules_by_index"])),
    ("sysdict", At(&["_is.sysdict"])),
    ("builtins", At(&["_is.builtins"])),
    ("dict", At(&["_is.dict"])),
    ("import_func", Maybe(&["_is.imports.import_func", "_is.import_func"])),
    ("builtins_copy", Maybe(&["_is.builtins_copy"])),
    ("before_forkers", Maybe(&["_is.before_forkers"])),
    ("after_forkers_parent", Maybe(&["_is.after_forkers_parent"])),
    ("after_forkers_child", Maybe(&["_is.after_forkers_child"])),
    ("codec_search_path", At(&["_is.codecs.search_path", "_is.codec_search_path"])),
    ("codec_search_cache", At(&["_is.codecs.search_cache", "_is.codec_search_cache"])),
    ("codec_error_registry", At(&["_is.codecs.error_registry", "_is.codec_error_registry"])),
    ("audit_hooks", Maybe(&["_is.audit_hooks"])),
    ("atexit", Maybe(&["_is.atexit.callbacks"])),
    ("identifiers", Maybe(&["_is.unicode.ids.array"])),
    ("gil", Maybe(&["_is.ceval.gil"])),
    ("interned_strings", Maybe(&["_is.cached_objects.interned_strings"])),
    ("static_types", MaybeStruct("StaticTypes", STATIC_TYPES)),
    ("size", Size(&["_is"])),
    ("objects", Objects(&["_is"], INTERPRETER_NAMED)),
];

/// Fields of `_is` with an entry of their own above or in `Gc`, and pointers to what is dead or borrowed: free lists,
/// objects that wait for their end, the thread inside (which is in the list of threads), executors and the types
/// cached by version.
const INTERPRETER_NAMED: &[&str] = &[
    "=modules",
    "=importlib",
    "=modules_by_index",
    "=imports.modules",
    "=imports.importlib",
    "=imports.modules_by_index",
    "=imports.import_func",
    "=sysdict",
    "=builtins",
    "=dict",
    "=import_func",
    "=builtins_copy",
    "=before_forkers",
    "=after_forkers_parent",
    "=after_forkers_child",
    "=codec_search_path",
    "=codec_search_cache",
    "=codec_error_registry",
    "=codecs.search_path",
    "=codecs.search_cache",
    "=codecs.error_registry",
    "=audit_hooks",
    "=cached_objects.interned_strings",
    "gc.",
    "types.",
    "_initial_thread",
    "free",
    "delete_later",
    "executor",
    "slice_cache",
    "version_cache",
    "type_slots",
    "weakreflist",
];

const STATIC_TYPES: Fields = &[
    ("builtins", At(&["_is.types.builtins.initialized", "_is.types.builtins"])),
    ("extensions", Maybe(&["_is.types.for_extensions.initialized"])),
    ("builtins_len", Len(&["_is.types.builtins.initialized", "_is.types.builtins"])),
    ("extensions_len", Len(&["_is.types.for_extensions.initialized"])),
    ("stride", Size(&["managed_static_type_state", "static_builtin_state"])),
    ("type_", At(&["managed_static_type_state.type", "static_builtin_state.type"])),
    ("tp_dict", At(&["managed_static_type_state.tp_dict", "static_builtin_state.tp_dict"])),
    ("tp_subclasses", At(&["managed_static_type_state.tp_subclasses", "static_builtin_state.tp_subclasses"])),
    ("tp_weaklist", At(&["managed_static_type_state.tp_weaklist", "static_builtin_state.tp_weaklist"])),
];

const THREAD: Fields = &[
    ("next", At(&["_ts.next"])),
    ("interp", At(&["_ts.interp"])),
    (
        "current_frame",
        OneOf(&[
            Variant { name: "FrameLink::Object", fields: &[("", "_ts.frame")] },
            Variant { name: "FrameLink::CFrame", fields: &[("", "_ts.cframe"), ("", "_PyCFrame.current_frame")] },
            Variant { name: "FrameLink::Direct", fields: &[("", "_ts.current_frame")] },
        ]),
    ),
    ("thread_id", At(&["_ts.thread_id"])),
    ("native_thread_id", Maybe(&["_ts.native_thread_id"])),
    ("state", Maybe(&["_ts.state"])),
    ("dict", At(&["_ts.dict"])),
    ("exc_info", At(&["_ts.exc_info"])),
    ("exc_type", Maybe(&["_PyErr_StackItem.exc_type"])),
    ("exc_value", At(&["_PyErr_StackItem.exc_value"])),
    ("exc_traceback", Maybe(&["_PyErr_StackItem.exc_traceback"])),
    ("exc_previous", At(&["_PyErr_StackItem.previous_item"])),
    ("objects", Objects(&["_PyThreadStateImpl", "_ts"], THREAD_NAMED)),
    ("size", Size(&["_ts"])),
];

/// Fields of the thread state with an entry of their own, or dead, or part of a frame.
const THREAD_NAMED: &[&str] =
    &["=dict", "=frame", "exc_state", "trace_info", "delete_later", "free", "base_frame", "executor", "jit_"];

const OBMALLOC: Fields = &[
    ("allocators", At(&["_PyRuntimeState.allocators.standard"])),
    ("debug_allocators", At(&["_PyRuntimeState.allocators.debug"])),
    (
        "state",
        OneOf(&[
            Variant { name: "ObmallocState::Inline", fields: &[("", "_is.obmalloc.pools")] },
            Variant { name: "ObmallocState::Pointer", fields: &[("", "_is.obmalloc")] },
        ]),
    ),
    ("arenas", At(&["_obmalloc_state.mgmt.arenas"])),
    ("maxarenas", At(&["_obmalloc_state.mgmt.maxarenas"])),
    ("allocated", At(&["_obmalloc_state.mgmt.narenas_currently_allocated"])),
    ("raw_blocks", At(&["_obmalloc_state.mgmt.raw_allocated_blocks"])),
];

const TYPE_OBJECT: Fields = &[
    ("name", At(&["_typeobject.tp_name"])),
    ("basicsize", At(&["_typeobject.tp_basicsize"])),
    ("itemsize", At(&["_typeobject.tp_itemsize"])),
    ("flags", At(&["_typeobject.tp_flags"])),
    ("traverse", At(&["_typeobject.tp_traverse"])),
    ("weaklistoffset", At(&["_typeobject.tp_weaklistoffset"])),
    ("base", At(&["_typeobject.tp_base"])),
    ("dict", At(&["_typeobject.tp_dict"])),
    ("dictoffset", At(&["_typeobject.tp_dictoffset"])),
    ("bases", At(&["_typeobject.tp_bases"])),
    ("mro", At(&["_typeobject.tp_mro"])),
    ("cache", At(&["_typeobject.tp_cache"])),
    ("subclasses", At(&["_typeobject.tp_subclasses"])),
    ("weaklist", At(&["_typeobject.tp_weaklist"])),
    ("size", Size(&["_typeobject"])),
];

const HEAP_TYPE: Fields = &[
    ("name", At(&["_heaptypeobject.ht_name"])),
    ("slots", At(&["_heaptypeobject.ht_slots"])),
    ("qualname", At(&["_heaptypeobject.ht_qualname"])),
    ("cached_keys", At(&["_heaptypeobject.ht_cached_keys"])),
    ("module", Maybe(&["_heaptypeobject.ht_module"])),
    ("size", Size(&["_heaptypeobject"])),
];

const DICT: Fields = &[
    ("used", At(&["PyDictObject.ma_used"])),
    ("keys", At(&["PyDictObject.ma_keys"])),
    ("values", At(&["PyDictObject.ma_values"])),
    ("size", Size(&["PyDictObject"])),
];

const DICT_KEYS: Rule = OneOf(&[
    Variant {
        name: "DictKeys::Words",
        fields: &[
            ("size", "_dictkeysobject.dk_size"),
            ("usable", "_dictkeysobject.dk_usable"),
            ("nentries", "_dictkeysobject.dk_nentries"),
            ("indices", "_dictkeysobject.dk_indices"),
        ],
    },
    Variant {
        name: "DictKeys::Bytes",
        fields: &[
            ("log2_size", "_dictkeysobject.dk_log2_size"),
            ("log2_index_bytes", "_dictkeysobject.dk_log2_index_bytes"),
            ("kind", "_dictkeysobject.dk_kind"),
            ("usable", "_dictkeysobject.dk_usable"),
            ("nentries", "_dictkeysobject.dk_nentries"),
            ("indices", "_dictkeysobject.dk_indices"),
        ],
    },
]);

const SET: Fields = &[
    ("fill", At(&["PySetObject.fill"])),
    ("used", At(&["PySetObject.used"])),
    ("mask", At(&["PySetObject.mask"])),
    ("table", At(&["PySetObject.table"])),
    ("smalltable", At(&["PySetObject.smalltable"])),
];

const UNICODE: Fields = &[
    ("length", At(&["PyASCIIObject.length"])),
    ("state", At(&["PyASCIIObject.state"])),
    ("kind_bit", Bit("PyASCIIObject.state.kind", "PyASCIIObject.state")),
    ("ascii_size", Size(&["PyASCIIObject"])),
    ("compact_size", Size(&["PyCompactUnicodeObject"])),
    ("size", Size(&["PyUnicodeObject"])),
    ("data", At(&["PyUnicodeObject.data"])),
    ("utf8_length", At(&["PyCompactUnicodeObject.utf8_length"])),
    ("utf8", At(&["PyCompactUnicodeObject.utf8"])),
    ("wstr", Maybe(&["PyASCIIObject.wstr"])),
    ("wstr_length", Maybe(&["PyCompactUnicodeObject.wstr_length"])),
];

const BYTE_ARRAY: Fields = &[
    ("alloc", At(&["PyByteArrayObject.ob_alloc"])),
    ("bytes", At(&["PyByteArrayObject.ob_bytes"])),
    ("start", At(&["PyByteArrayObject.ob_start"])),
    ("bytes_object", Maybe(&["PyByteArrayObject.ob_bytes_object"])),
];

const LONG: Fields = &[
    ("tag", Maybe(&["_longobject.long_value.lv_tag"])),
    ("digits", At(&["_longobject.long_value.ob_digit", "_longobject.ob_digit"])),
    ("size", Size(&["_longobject"])),
];

const FUNCTION: Fields = &[
    ("code", At(&["PyFunctionObject.func_code"])),
    ("globals", At(&["PyFunctionObject.func_globals"])),
    ("builtins", Maybe(&["PyFunctionObject.func_builtins"])),
    ("name", At(&["PyFunctionObject.func_name"])),
    ("qualname", At(&["PyFunctionObject.func_qualname"])),
    ("defaults", At(&["PyFunctionObject.func_defaults"])),
    ("kwdefaults", At(&["PyFunctionObject.func_kwdefaults"])),
    ("closure", At(&["PyFunctionObject.func_closure"])),
    ("doc", At(&["PyFunctionObject.func_doc"])),
    ("dict", At(&["PyFunctionObject.func_dict"])),
    ("module", At(&["PyFunctionObject.func_module"])),
    ("annotations", At(&["PyFunctionObject.func_annotations"])),
    ("annotate", Maybe(&["PyFunctionObject.func_annotate"])),
    ("typeparams", Maybe(&["PyFunctionObject.func_typeparams"])),
];

const METHOD: Fields = &[("func", At(&["PyMethodObject.im_func"])), ("self_", At(&["PyMethodObject.im_self"]))];

const BUILTIN: Fields = &[
    ("ml", At(&["PyCFunctionObject.m_ml"])),
    ("self_", At(&["PyCFunctionObject.m_self"])),
    ("module", At(&["PyCFunctionObject.m_module"])),
    ("mm_class", Maybe(&["PyCMethodObject.mm_class"])),
    ("ml_flags", At(&["PyMethodDef.ml_flags"])),
];

const MODULE: Fields = &[
    ("dict", At(&["PyModuleObject.md_dict"])),
    ("def", Maybe(&["PyModuleObject.md_def"])),
    ("def_size", Maybe(&["PyModuleDef.m_size"])),
    ("state", At(&["PyModuleObject.md_state"])),
    ("state_size", Maybe(&["PyModuleObject.md_state_size"])),
    ("name", At(&["PyModuleObject.md_name"])),
];

const WEAKREF: Fields =
    &[("object", At(&["PyWeakReference.wr_object"])), ("callback", At(&["PyWeakReference.wr_callback"]))];

const DESCRIPTOR: Fields = &[
    ("type_", At(&["PyDescrObject.d_type"])),
    ("name", At(&["PyDescrObject.d_name"])),
    ("qualname", At(&["PyDescrObject.d_qualname"])),
];

const EXCEPTION: Fields = &[
    ("dict", At(&["PyBaseExceptionObject.dict"])),
    ("args", At(&["PyBaseExceptionObject.args"])),
    ("notes", Maybe(&["PyBaseExceptionObject.notes"])),
    ("traceback", At(&["PyBaseExceptionObject.traceback"])),
    ("context", At(&["PyBaseExceptionObject.context"])),
    ("cause", At(&["PyBaseExceptionObject.cause"])),
];

const TRACEBACK: Fields = &[
    ("next", At(&["PyTracebackObject.tb_next"])),
    ("frame", At(&["PyTracebackObject.tb_frame"])),
    ("lineno", At(&["PyTracebackObject.tb_lineno"])),
];

const CODE: Fields = &[
    ("objects", Objects(&["PyCodeObject"], &["weakreflist", "zombie"])),
    ("name", At(&["PyCodeObject.co_name"])),
    ("qualname", Maybe(&["PyCodeObject.co_qualname"])),
    ("filename", At(&["PyCodeObject.co_filename"])),
    ("firstlineno", At(&["PyCodeObject.co_firstlineno"])),
    ("linetable", At(&["PyCodeObject.co_linetable", "PyCodeObject.co_lnotab"])),
    ("flags", At(&["PyCodeObject.co_flags"])),
    ("stacksize", At(&["PyCodeObject.co_stacksize"])),
    ("nlocals", At(&["PyCodeObject.co_nlocals"])),
    ("varnames", Maybe(&["PyCodeObject.co_varnames"])),
    ("cellvars", Maybe(&["PyCodeObject.co_cellvars"])),
    ("freevars", Maybe(&["PyCodeObject.co_freevars"])),
    ("code", Maybe(&["PyCodeObject.co_code"])),
    ("cell2arg", Maybe(&["PyCodeObject.co_cell2arg"])),
    ("localsplusnames", Maybe(&["PyCodeObject.co_localsplusnames"])),
    ("localspluskinds", Maybe(&["PyCodeObject.co_localspluskinds"])),
    ("nlocalsplus", Maybe(&["PyCodeObject.co_nlocalsplus"])),
    ("framesize", Maybe(&["PyCodeObject.co_framesize"])),
    ("code_adaptive", Maybe(&["PyCodeObject.co_code_adaptive"])),
    ("tlbc", Maybe(&["PyCodeObject.co_tlbc"])),
    ("cached", Maybe(&["PyCodeObject._co_cached"])),
    ("cached_objects", Objects(&["_PyCoCached"], &[])),
    ("extra", At(&["PyCodeObject.co_extra"])),
    ("monitoring", Maybe(&["PyCodeObject._co_monitoring"])),
    ("size", Size(&["PyCodeObject"])),
];

const FRAME: Fields = &[
    ("code", At(&["_PyInterpreterFrame.f_executable", "_PyInterpreterFrame.f_code", "PyFrameObject.f_code"])),
    ("previous", At(&["_PyInterpreterFrame.previous", "PyFrameObject.f_back"])),
    ("function", Maybe(&["_PyInterpreterFrame.f_funcobj", "_PyInterpreterFrame.f_func"])),
    ("globals", At(&["_PyInterpreterFrame.f_globals", "PyFrameObject.f_globals"])),
    ("builtins", At(&["_PyInterpreterFrame.f_builtins", "PyFrameObject.f_builtins"])),
    ("locals", At(&["_PyInterpreterFrame.f_locals", "PyFrameObject.f_locals"])),
    ("frame_object", Maybe(&["_PyInterpreterFrame.frame_obj"])),
    ("instruction", At(&["_PyInterpreterFrame.instr_ptr", "_PyInterpreterFrame.prev_instr", "PyFrameObject.f_lasti"])),
    ("tlbc_index", Maybe(&["_PyInterpreterFrame.tlbc_index"])),
    ("stack", STACK),
    ("owner", Maybe(&["_PyInterpreterFrame.owner"])),
    ("localsplus", At(&["_PyInterpreterFrame.localsplus", "PyFrameObject.f_localsplus"])),
    // 255: no frame is a shim.
    ("first_shim_owner", Constant(&["FRAME_OWNED_BY_INTERPRETER", "FRAME_OWNED_BY_CSTACK"], 255)),
    // Stack references came to default builds together with the pointer to the stack's top.
    ("tagged", Exists("_PyInterpreterFrame.stackpointer")),
];

const STACK: Rule = OneOf(&[
    Variant {
        name: "StackTop::Pointer",
        fields: &[("", "PyFrameObject.f_stacktop"), ("", "PyFrameObject.f_valuestack")],
    },
    Variant {
        name: "StackTop::Depth",
        fields: &[("", "PyFrameObject.f_stackdepth"), ("", "PyFrameObject.f_valuestack")],
    },
    Variant { name: "StackTop::Count", fields: &[("", "_PyInterpreterFrame.stacktop")] },
    Variant { name: "StackTop::StackPointer", fields: &[("", "_PyInterpreterFrame.stackpointer")] },
]);

const FRAME_OBJECT: Fields = &[
    ("back", At(&["PyFrameObject.f_back"])),
    ("trace", At(&["PyFrameObject.f_trace"])),
    ("generator", Maybe(&["PyFrameObject.f_gen"])),
    ("frame", Maybe(&["PyFrameObject.f_frame"])),
    ("frame_data", Maybe(&["PyFrameObject._f_frame_data"])),
    ("extra_locals", Maybe(&["PyFrameObject.f_extra_locals"])),
    ("locals_cache", Maybe(&["PyFrameObject.f_locals_cache"])),
    ("overwritten_fast_locals", Maybe(&["PyFrameObject.f_overwritten_fast_locals"])),
    ("size", Size(&["PyFrameObject"])),
];

const GENERATOR: Fields = &[
    ("frame", Maybe(&["PyGenObject.gi_frame"])),
    ("iframe", Maybe(&["PyGenObject.gi_iframe"])),
    ("frame_state", Maybe(&["PyGenObject.gi_frame_state"])),
    ("frame_cleared", Constant(&["FRAME_CLEARED"], 4)),
    ("frame_executing", Constant(&["FRAME_EXECUTING"], 0)),
    ("frame_created", Constant(&["FRAME_CREATED"], 0)),
    ("code", Maybe(&["PyGenObject.gi_code"])),
    ("name", At(&["PyGenObject.gi_name"])),
    ("qualname", At(&["PyGenObject.gi_qualname"])),
    ("exc_state", At(&["PyGenObject.gi_exc_state"])),
    (
        "origin_or_finalizer",
        At(&["PyGenObject.gi_origin_or_finalizer", "PyCoroObject.cr_origin_or_finalizer", "PyCoroObject.cr_origin"]),
    ),
    ("size", Size(&["PyGenObject"])),
    ("coroutine_size", Size(&["PyCoroObject"])),
    ("async_generator_size", Size(&["PyAsyncGenObject"])),
];
