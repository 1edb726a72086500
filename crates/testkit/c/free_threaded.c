/* A process whose memory is laid out as a free-threaded CPython's, and that knows the truth about it.
 *
 * It is compiled against CPython's own headers with Py_GIL_DISABLED, so that the compiler places every field, and links
 * none of CPython's code: the objects are filled in by hand, as the interpreter would. It prints what it made as one line
 * of JSON and waits for the end of its input.
 */
#define Py_BUILD_CORE 1
#include <Python.h>
#include "frameobject.h"
#include "structmember.h"
#include "internal/pycore_ceval.h"
#include "internal/pycore_code.h"
#include "internal/pycore_dict.h"
#include "internal/pycore_frame.h"
#if PY_VERSION_HEX >= 0x030E0000
#include "internal/pycore_interpframe.h"
#include "internal/pycore_interpframe_structs.h"
#endif
#include "internal/pycore_gc.h"
#include "internal/pycore_interp.h"
#include "internal/pycore_moduleobject.h"
#include "internal/pycore_runtime_init.h"
#include "internal/pycore_tstate.h"
#include "internal/pycore_typeobject.h"
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

_PyRuntimeState _PyRuntime = _PyRuntimeState_INIT(_PyRuntime, _Py_Debug_Cookie);
static _PyThreadStateImpl main_thread, worker_thread;

#define GENERATOR_HEAD (offsetof(PyGenObject, gi_iframe) + offsetof(_PyInterpreterFrame, localsplus))

/* ---- memory: fixed places, so that the image is the same in every run ---- */

static char *room, *room_end;

static void *take(size_t bytes)
{
    char *at = room;
    room += (bytes + 15) / 16 * 16;
    if (room > room_end) abort();
    return at;
}

/* ---- mimalloc: a segment whose n-th slice is the one page of heap n, of blocks that are given out in order ---- */

static mi_segment_t *segment;
static size_t block_bytes[_Py_MIMALLOC_HEAP_COUNT], blocks[_Py_MIMALLOC_HEAP_COUNT];

static void heap(int heap, size_t bytes)
{
    mi_page_t *page = (mi_page_t *)&segment->slices[heap];
    block_bytes[heap] = bytes;
    page->slice_count = 1;
    page->capacity = 8;
    page->reserved = 64;
#if PY_VERSION_HEX >= 0x030E0000
    page->block_size = bytes;
    page->page_start = (uint8_t *)segment + heap * MI_SEGMENT_SLICE_SIZE + bytes;
#else
    page->xblock_size = bytes;
#endif
    main_thread.mimalloc.heaps[heap].pages[4 + heap].first = page;
}

static char *block(int heap, size_t number)
{
    size_t bytes = block_bytes[heap], front = bytes;
#if PY_VERSION_HEX < 0x030E0000
    if (bytes <= 64) front = 3 * bytes;
#endif
    return (char *)segment + heap * MI_SEGMENT_SLICE_SIZE + front + number * bytes;
}

/* Makes an object in the next block of a heap. */
#define IN_BLOCK(heap, make)                                                                                           \
    ({                                                                                                                 \
        char *kept = room, *kept_end = room_end;                                                                       \
        room = block(heap, blocks[heap]++);                                                                            \
        room_end = room + block_bytes[heap];                                                                           \
        ((mi_page_t *)&segment->slices[heap])->used++;                                                                 \
        void *made = (make);                                                                                           \
        room = kept;                                                                                                   \
        room_end = kept_end;                                                                                           \
        made;                                                                                                          \
    })

/* Frees the block of an object, which but for its first word stays as it was. */
static void put_back(int heap, void *at, int locally)
{
    mi_page_t *page = (mi_page_t *)&segment->slices[heap];
    void **list = locally ? (void **)&page->local_free : (void **)&page->free;
    *(void **)at = *list;
    *list = at;
    page->used--;
}

static char *text(const char *text) { return strcpy(take(strlen(text) + 1), text); }

/* ---- what is told ---- */

static int told;

static void tell(void *object, const char *type, size_t size, long refcount, void **refs, int count)
{
    PyObject *op = object;
    printf("%s{\"at\":%llu,\"type\":\"%s\",\"size\":%zu,\"refcount\":%ld,\"tracked\":%s,\"refs\":[", told++ ? "," : "",
           (unsigned long long)(uintptr_t)object, type, size, refcount,
           op->ob_gc_bits & _PyGC_BITS_TRACKED ? "true" : "false");
    for (int i = 0; i < count; i++) printf("%s%llu", i ? "," : "", (unsigned long long)(uintptr_t)refs[i]);
    printf("]}");
}

#define TELL(object, type, size, refcount, ...)                                                                        \
    do {                                                                                                               \
        void *refs[] = {__VA_ARGS__};                                                                                  \
        tell(object, type, size, refcount, refs, sizeof refs / sizeof *refs);                                          \
    } while (0)

/* ---- types ---- */

PyTypeObject PyType_Type, PyBaseObject_Type, PyUnicode_Type, PyLong_Type, PyBytes_Type, PyTuple_Type, PyList_Type;
PyTypeObject PyDict_Type, PySet_Type, PyFloat_Type, PyModule_Type, PyCode_Type, PyFunction_Type, PyCell_Type;
PyTypeObject PyCFunction_Type, PyGen_Type, PyMethod_Type;

static int a_traverse(PyObject *self, visitproc visit, void *arg) { return 0; }
static int subtype_traverse(PyObject *self, visitproc visit, void *arg) { return 1; }

static void immortal(PyObject *op, PyTypeObject *type)
{
    op->ob_tid = _Py_UNOWNED_TID;
    op->ob_ref_local = _Py_IMMORTAL_REFCNT_LOCAL;
    op->ob_ref_shared = 0;
    op->ob_gc_bits = _PyGC_BITS_DEFERRED;
    op->ob_type = type;
}

static void type(PyTypeObject *type, const char *name, size_t basic, size_t item, unsigned long flags)
{
    immortal((PyObject *)type, &PyType_Type);
    type->tp_name = text(name);
    type->tp_basicsize = basic;
    type->tp_itemsize = item;
    type->tp_flags = flags | Py_TPFLAGS_READY | Py_TPFLAGS_IMMUTABLETYPE;
    type->tp_traverse = a_traverse;
    type->tp_base = type == &PyBaseObject_Type ? NULL : &PyBaseObject_Type;
}

static void types(void)
{
    unsigned long gc = Py_TPFLAGS_HAVE_GC;
    type(&PyBaseObject_Type, "object", sizeof(PyObject), 0, 0);
    type(&PyType_Type, "type", sizeof(PyHeapTypeObject), sizeof(PyMemberDef), gc | Py_TPFLAGS_TYPE_SUBCLASS);
    type(&PyUnicode_Type, "str", sizeof(PyUnicodeObject), 0, Py_TPFLAGS_UNICODE_SUBCLASS);
    type(&PyLong_Type, "int", offsetof(PyLongObject, long_value.ob_digit), sizeof(digit), Py_TPFLAGS_LONG_SUBCLASS);
    type(&PyBytes_Type, "bytes", offsetof(PyBytesObject, ob_sval) + 1, 1, Py_TPFLAGS_BYTES_SUBCLASS);
    type(&PyTuple_Type, "tuple", offsetof(PyTupleObject, ob_item), sizeof(void *), gc | Py_TPFLAGS_TUPLE_SUBCLASS);
    type(&PyList_Type, "list", sizeof(PyListObject), 0, gc | Py_TPFLAGS_LIST_SUBCLASS);
    type(&PyDict_Type, "dict", sizeof(PyDictObject), 0, gc | Py_TPFLAGS_DICT_SUBCLASS);
    type(&PySet_Type, "set", sizeof(PySetObject), 0, gc);
    type(&PyFloat_Type, "float", sizeof(PyFloatObject), 0, 0);
    type(&PyModule_Type, "module", sizeof(PyModuleObject), 0, gc);
    type(&PyCode_Type, "code", offsetof(PyCodeObject, co_code_adaptive), sizeof(_Py_CODEUNIT), gc);
    type(&PyFunction_Type, "function", sizeof(PyFunctionObject), 0, gc);
    type(&PyCell_Type, "cell", sizeof(PyCellObject), 0, gc);
    type(&PyGen_Type, "generator", GENERATOR_HEAD, sizeof(void *), gc);
    type(&PyMethod_Type, "method", sizeof(PyMethodObject), 0, gc);
}

/* ---- objects ---- */

static void *head(void *at, PyTypeObject *type, uint32_t local, Py_ssize_t shared, int gc_bits)
{
    PyObject *op = at;
    op->ob_tid = 0x7f0000001000;
    op->ob_ref_local = local;
    op->ob_ref_shared = shared;
    op->ob_gc_bits = gc_bits;
    op->ob_type = type;
    return op;
}

static void *make(PyTypeObject *type, size_t bytes, uint32_t local)
{
    int tracked = type->tp_flags & Py_TPFLAGS_HAVE_GC ? _PyGC_BITS_TRACKED : 0;
    return head(take(bytes), type, local, 0, tracked);
}

static PyObject *str(const char *value)
{
    size_t length = strlen(value);
    PyASCIIObject *op = make(&PyUnicode_Type, sizeof(PyASCIIObject) + length + 1, 1);
    op->length = length;
    op->state.kind = 1;
    op->state.compact = 1;
    op->state.ascii = 1;
    memcpy(op + 1, value, length + 1);
    return (PyObject *)op;
}

static PyObject *wide_str(const Py_UCS2 *value, size_t length)
{
    PyCompactUnicodeObject *op = make(&PyUnicode_Type, sizeof(PyCompactUnicodeObject) + 2 * (length + 1), 1);
    op->_base.length = length;
    op->_base.state.kind = 2;
    op->_base.state.compact = 1;
    memcpy(op + 1, value, 2 * length);
    return (PyObject *)op;
}

static PyObject *number(long value)
{
    PyLongObject *op = make(&PyLong_Type, sizeof(PyLongObject) + sizeof(digit), 1);
    int digits = value >> 30 ? 2 : 1;
    op->long_value.lv_tag = (uintptr_t)digits << 3;
    op->long_value.ob_digit[0] = value & 0x3fffffff;
    op->long_value.ob_digit[1] = value >> 30;
    return (PyObject *)op;
}

static PyObject *bytes(const char *value, size_t length)
{
    PyBytesObject *op = make(&PyBytes_Type, sizeof(PyBytesObject) + length, 1);
    op->ob_base.ob_size = length;
    memcpy(op->ob_sval, value, length);
    return (PyObject *)op;
}

static PyObject *tuple(size_t count, PyObject **items)
{
    PyTupleObject *op = make(&PyTuple_Type, sizeof(PyTupleObject) + 8 * count, 1);
    op->ob_base.ob_size = count;
    memcpy(op->ob_item, items, 8 * count);
    return (PyObject *)op;
}

static PyObject *list(size_t count, PyObject **items, size_t room)
{
    PyListObject *op = make(&PyList_Type, sizeof(PyListObject), 1);
    op->ob_base.ob_size = count;
    op->allocated = room;
    op->ob_item = take(8 * room);
    memcpy(op->ob_item, items, 8 * count);
    return (PyObject *)op;
}

/* A table of 8 for str keys alone (16 bytes an entry), or for any (24). */
static PyDictKeysObject *keys(int kind, size_t count, PyObject **pairs)
{
    size_t entry = kind == DICT_KEYS_GENERAL ? sizeof(PyDictKeyEntry) : sizeof(PyDictUnicodeEntry);
    PyDictKeysObject *op = take(sizeof(PyDictKeysObject) + 8 + 5 * entry);
    op->dk_refcnt = 1;
    op->dk_log2_size = 3;
    op->dk_log2_index_bytes = 3;
    op->dk_kind = kind;
    op->dk_usable = 5 - count;
    op->dk_nentries = count;
    char *entries = (char *)op->dk_indices + 8;
    for (size_t i = 0; i < count; i++) {
        if (kind == DICT_KEYS_GENERAL) {
            PyDictKeyEntry *at = (PyDictKeyEntry *)entries + i;
            at->me_key = pairs[2 * i];
            at->me_value = pairs[2 * i + 1];
        } else {
            PyDictUnicodeEntry *at = (PyDictUnicodeEntry *)entries + i;
            at->me_key = pairs[2 * i];
            at->me_value = pairs[2 * i + 1];
        }
    }
    return op;
}

static size_t keys_size(int kind)
{
    return sizeof(PyDictKeysObject) + 8 +
           5 * (kind == DICT_KEYS_GENERAL ? sizeof(PyDictKeyEntry) : sizeof(PyDictUnicodeEntry));
}

static PyObject *dict(int kind, size_t count, PyObject **pairs)
{
    PyDictObject *op = make(&PyDict_Type, sizeof(PyDictObject), 1);
    op->ma_used = count;
    op->ma_keys = keys(kind, count, pairs);
    return (PyObject *)op;
}

#define DICT(...)                                                                                                      \
    ({                                                                                                                 \
        PyObject *pairs[] = {__VA_ARGS__};                                                                             \
        dict(DICT_KEYS_UNICODE, sizeof pairs / sizeof *pairs / 2, pairs);                                              \
    })

static PyObject *module(const char *name, PyObject *dict)
{
    PyModuleObject *op = make(&PyModule_Type, sizeof(PyModuleObject), 1);
    op->md_dict = dict;
    op->md_name = str(name);
    return (PyObject *)op;
}

/* A class of a class statement: its instances have values inside and, on demand, a dictionary. */
static PyHeapTypeObject *class_of_two(PyObject *first, PyObject *second)
{
    PyHeapTypeObject *op = head(take(sizeof(PyHeapTypeObject)), &PyType_Type, 1, 0,
                                _PyGC_BITS_TRACKED | _PyGC_BITS_DEFERRED);
    PyObject *names[] = {first, NULL, second, NULL};
    op->ht_type.tp_name = text("Point");
    op->ht_type.tp_basicsize = sizeof(PyObject);
    op->ht_type.tp_flags = Py_TPFLAGS_HEAPTYPE | Py_TPFLAGS_READY | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_MANAGED_DICT |
                           Py_TPFLAGS_MANAGED_WEAKREF | Py_TPFLAGS_INLINE_VALUES;
    op->ht_type.tp_traverse = subtype_traverse;
    op->ht_type.tp_base = &PyBaseObject_Type;
    op->ht_type.tp_dictoffset = -1;
    op->ht_type.tp_weaklistoffset = MANAGED_WEAKREF_OFFSET;
    op->ht_type.tp_dict = DICT(str("__module__"), str("shapes"));
    op->ht_name = op->ht_qualname = str("Point");
    op->ht_cached_keys = keys(DICT_KEYS_SPLIT, 2, names);
    return op;
}

/* Two words in front (weak references, dictionary), the object, its values with the order in which they were set. */
static PyObject *instance(PyHeapTypeObject *class, PyObject *first, PyObject *second, PyObject *dict)
{
    size_t values = offsetof(PyDictValues, values) + 5 * sizeof(PyObject *) + 8;
    char *at = (char *)take(2 * sizeof(PyObject *) + sizeof(PyObject) + values) + 2 * sizeof(PyObject *);
    PyObject *op = head(at, &class->ht_type, 1, 0, _PyGC_BITS_TRACKED);
    *(PyObject **)(at + MANAGED_DICT_OFFSET) = dict;
    PyDictValues *inside = (PyDictValues *)(at + sizeof(PyObject));
    inside->capacity = 5;
    inside->size = 2;
    inside->embedded = 1;
    inside->valid = dict == NULL;
    inside->values[0] = first;
    inside->values[1] = second;
    return op;
}

/* Code of two variables, lines 7 and 8; the second of the threads has bytecode of its own. */
static PyCodeObject *code(PyObject *filename, PyObject *name, PyObject *variables)
{
    static const char kinds[] = {0x20, 0x20}, lines[] = {(char)0xe8, 0, (char)0xe8, 2};
    PyCodeObject *op = head(take(sizeof(PyCodeObject) + 8), &PyCode_Type, 1, 0,
                            _PyGC_BITS_TRACKED | _PyGC_BITS_DEFERRED);
    op->ob_base.ob_size = 4;
    op->co_filename = filename;
    op->co_name = op->co_qualname = name;
    op->co_firstlineno = 7;
    op->co_consts = tuple(1, (PyObject *[]){number(1L << 31)});
    op->co_names = tuple(0, NULL);
    op->co_exceptiontable = bytes("", 0);
    op->co_linetable = bytes(lines, sizeof lines);
    op->co_localsplusnames = variables;
    op->co_localspluskinds = bytes(kinds, sizeof kinds);
    op->co_nlocalsplus = op->co_nlocals = 2;
    op->co_stacksize = 3;
#if PY_VERSION_HEX >= 0x030E0000
    _PyCodeArray *array = take(sizeof(_PyCodeArray) + sizeof(char *));
    array->size = 2;
    array->entries[0] = op->co_code_adaptive;
    array->entries[1] = take(8);
    op->co_tlbc = array;
#endif
    return op;
}

static void frame(_PyInterpreterFrame *at, PyCodeObject *code, int thread, PyObject *counted, PyObject *borrowed,
                  PyObject *temporary)
{
    char *bytecode = code->co_code_adaptive;
#if PY_VERSION_HEX >= 0x030E0000
    /* Deferred references are tagged and not counted; so are ints. */
    at->tlbc_index = thread;
    bytecode = code->co_tlbc->entries[thread];
    at->f_executable.bits = (uintptr_t)code | 1;
    at->localsplus[0].bits = (uintptr_t)counted;
    at->localsplus[1].bits = (uintptr_t)borrowed | 1;
    at->localsplus[2].bits = (uintptr_t)temporary;
    at->localsplus[3].bits = 12 << 2 | 3;
    at->stackpointer = at->localsplus + 4;
#else
    at->f_executable = (PyObject *)code;
    at->localsplus[0] = counted;
    at->localsplus[1] = borrowed;
    at->localsplus[2] = temporary;
    at->stacktop = 3;
#endif
    at->instr_ptr = (void *)(bytecode + 2 * thread);
    at->owner = FRAME_OWNED_BY_THREAD;
}

static void thread(_PyThreadStateImpl *at, _PyInterpreterFrame *frame, int state, unsigned long id)
{
    at->base.interp = &_PyRuntime._main_interpreter;
    at->base.current_frame = frame;
    at->base.state = state;
    at->base.thread_id = id;
    at->base.native_thread_id = id;
    at->base.exc_info = &at->base.exc_state;
}

/* ---- the heap ---- */

int main(int argc, char **argv)
{
    size_t bytes_of_room = 1 << 16;
    room = mmap((void *)0x200000000000, bytes_of_room, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (room == MAP_FAILED) return 1;
    room_end = room + bytes_of_room;
    segment = mmap((void *)0x200004000000, 4 * MI_SEGMENT_SLICE_SIZE, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (segment == MAP_FAILED) return 1;
    printf("{\"ready\":true,\"pid\":%d,\"version\":\"%d.%d.%dt\",\"objects\":[", getpid(), PY_MAJOR_VERSION,
           PY_MINOR_VERSION, PY_MICRO_VERSION);
    types();

    PyObject *x = str("x"), *y = str("y"), *hello = str("hello"), *seven = number(7), *large = number(5L << 31);
    TELL(hello, "str", sizeof(PyASCIIObject) + 6, 1);
    TELL(large, "int", offsetof(PyLongObject, long_value.ob_digit) + 8, 1);
    PyObject *wide = wide_str((Py_UCS2[]){0x263a, 0x263b, 0x2620}, 3);
    TELL(wide, "str", sizeof(PyCompactUnicodeObject) + 8, 1);
    PyFloatObject *half = make(&PyFloat_Type, sizeof(PyFloatObject), 1);
    half->ob_fval = 0.5;
    TELL(half, "float", sizeof(PyFloatObject), 1);
    PyObject *raw = bytes("raw bytes", 9);
    TELL(raw, "bytes", offsetof(PyBytesObject, ob_sval) + 10, 1);
    PyObject *pair = tuple(2, (PyObject *[]){hello, seven});
    TELL(pair, "tuple", offsetof(PyTupleObject, ob_item) + 16, 1, hello, seven);
    PyObject *items = list(3, (PyObject *[]){pair, wide, (PyObject *)half}, 8);
    TELL(items, "list", sizeof(PyListObject) + 64, 1, pair, wide, half);

    /* Counts in two parts: other threads hold three more, and this one has let go of one of theirs. */
    PyObject *shared = list(0, NULL, 0);
    head(shared, &PyList_Type, 2, _Py_REF_SHARED(3, _Py_REF_SHARED_INIT), _PyGC_BITS_TRACKED | _PyGC_BITS_FINALIZED);
    TELL(shared, "list", sizeof(PyListObject), 5);
    PyObject *merged = list(0, NULL, 0);
    head(merged, &PyList_Type, 0, _Py_REF_SHARED(4, _Py_REF_MERGED), _PyGC_BITS_FROZEN | _PyGC_BITS_TRACKED);
    TELL(merged, "list", sizeof(PyListObject), 4);
    PyObject *dead = list(0, NULL, 0);
    head(dead, &PyList_Type, 0, _Py_REF_MERGED, 0);

    PySetObject *set = make(&PySet_Type, sizeof(PySetObject), 1);
    set->fill = set->used = 1;
    set->mask = 7;
    set->table = set->smalltable;
    set->smalltable[3].key = large;
    set->smalltable[3].hash = 3;
    TELL(set, "set", sizeof(PySetObject), 1, large);
    PyObject *plain = DICT(x, pair, y, items);
    TELL(plain, "dict", sizeof(PyDictObject) + keys_size(DICT_KEYS_UNICODE), 1, x, pair, y, items);
    PyObject *general = dict(DICT_KEYS_GENERAL, 1, (PyObject *[]){seven, raw});
    TELL(general, "dict", sizeof(PyDictObject) + keys_size(DICT_KEYS_GENERAL), 1, seven, raw);

    PyHeapTypeObject *class = class_of_two(x, y);
    PyObject *lost_name = str("found with the one that is lost");
    size_t body = 2 * sizeof(PyObject *) + sizeof(PyObject);
    PyObject *point = instance(class, seven, plain, NULL);
    TELL(point, "shapes.Point", body, 1, seven, plain, class);
    PyObject *attributes = DICT(x, raw);
    PyObject *other = instance(class, NULL, NULL, attributes);
    TELL(other, "shapes.Point", body, 1, attributes, class);

    PyCodeObject *body_code = code(str("shapes.py"), str("walk"), tuple(2, (PyObject *[]){x, y}));
    PyCellObject *cell = make(&PyCell_Type, sizeof(PyCellObject), 1);
    cell->ob_ref = (PyObject *)set;
    TELL(cell, "cell", sizeof(PyCellObject), 1, set);
    PyFunctionObject *function = make(&PyFunction_Type, sizeof(PyFunctionObject), 1);
    head(function, &PyFunction_Type, 1, 0, _PyGC_BITS_TRACKED | _PyGC_BITS_DEFERRED);
    function->func_code = (PyObject *)body_code;
    function->func_name = function->func_qualname = str("walk");
    function->func_defaults = pair;
    function->func_closure = NULL;
    TELL(function, "function", sizeof(PyFunctionObject), -1, body_code, function->func_name, function->func_qualname,
         pair);
    PyMethodObject *method = make(&PyMethod_Type, sizeof(PyMethodObject), 1);
    method->im_func = (PyObject *)function;
    method->im_self = point;
    TELL(method, "method", sizeof(PyMethodObject), 1, function, point);

    PyGenObject *generator = make(&PyGen_Type, GENERATOR_HEAD + 5 * 8, 1);
    generator->gi_name = generator->gi_qualname = str("walk");
    generator->gi_frame_state = FRAME_SUSPENDED;
    _PyInterpreterFrame *suspended = (_PyInterpreterFrame *)&generator->gi_iframe;
    frame(suspended, body_code, 0, seven, raw, shared);
    suspended->owner = FRAME_OWNED_BY_GENERATOR;
    TELL(generator, "generator", GENERATOR_HEAD + 5 * 8, 1, generator->gi_name,
         generator->gi_qualname, body_code, seven, raw, shared);

    PyObject *everything = list(11, (PyObject *[]){items, (PyObject *)set, plain, general, point, other,
                                                    (PyObject *)cell, (PyObject *)method, (PyObject *)generator, merged,
                                                    dead}, 16);
    TELL(everything, "list", sizeof(PyListObject) + 128, 1, items, set, plain, general, point, other, cell, method,
         generator, merged);
    /* Nothing reaches it, and no block of mimalloc's is around it: not found. */
    list(0, NULL, 0);

    /* Nothing reaches these, but their blocks: a str, an instance, and two lists that hold each other. */
    heap(_Py_MIMALLOC_HEAP_OBJECT, 64);
    heap(_Py_MIMALLOC_HEAP_GC, 64);
    heap(_Py_MIMALLOC_HEAP_GC_PRE, 112);
    PyObject *lost = IN_BLOCK(_Py_MIMALLOC_HEAP_OBJECT, str("lost"));
    TELL(lost, "str", sizeof(PyASCIIObject) + 5, 1);
    PyObject *freed = IN_BLOCK(_Py_MIMALLOC_HEAP_OBJECT, str("gone"));
    put_back(_Py_MIMALLOC_HEAP_OBJECT, freed, 0);
    put_back(_Py_MIMALLOC_HEAP_OBJECT, IN_BLOCK(_Py_MIMALLOC_HEAP_OBJECT, str("left")), 1);
    PyObject *lost_point = IN_BLOCK(_Py_MIMALLOC_HEAP_GC_PRE, instance(class, lost_name, NULL, NULL));
    TELL(lost_point, "shapes.Point", body, 1, lost_name, class);
    PyListObject *one = IN_BLOCK(_Py_MIMALLOC_HEAP_GC, list(0, NULL, 0));
    PyListObject *two = IN_BLOCK(_Py_MIMALLOC_HEAP_GC, list(0, NULL, 0));
    one->ob_item = take(8);
    two->ob_item = take(8);
    one->ob_item[0] = (PyObject *)two;
    two->ob_item[0] = (PyObject *)one;
    one->ob_base.ob_size = two->ob_base.ob_size = one->allocated = two->allocated = 1;
    TELL(one, "list", sizeof(PyListObject) + 8, 1, two);
    TELL(two, "list", sizeof(PyListObject) + 8, 1, one);

    PyInterpreterState *interp = &_PyRuntime._main_interpreter;
    PyObject *main_module = module("__main__", DICT(str("everything"), everything));
    PyObject *sys = DICT(str("hexversion"), number(PY_VERSION_HEX));
    interp->sysdict = sys;
    interp->builtins = DICT(str("len"), seven);
    interp->imports.modules = DICT(str("__main__"), main_module);
    interp->imports.importlib = module("importlib", DICT(str("ModuleSpec"), (PyObject *)class));
    interp->ceval.gil = &interp->_gil;
    interp->_gil.enabled = 0;
    interp->_gil.locked = 0;
    interp->gc.collecting = 0;
    interp->threads.head = &worker_thread.base;
    worker_thread.base.next = &main_thread.base;
    _PyRuntime.interpreters.head = _PyRuntime.interpreters.main = interp;
    PyType_Type.tp_flags |= _Py_TPFLAGS_STATIC_BUILTIN;
    PyType_Type.tp_subclasses = (void *)1;
    interp->types.builtins.initialized[0].type = &PyType_Type;
    interp->types.builtins.initialized[0].tp_dict = DICT(str("mro"), seven);

    size_t frame_size = sizeof(_PyInterpreterFrame) + 5 * 8;
    _PyInterpreterFrame *frames = take(2 * frame_size), *second = (void *)((char *)frames + frame_size);
    frame(frames, body_code, 0, items, pair, point);
#if PY_VERSION_HEX >= 0x030E0000
    frame(second, body_code, 1, raw, pair, wide);
#else
    frame(second, body_code, 0, raw, pair, wide);
    second->instr_ptr = (void *)(body_code->co_code_adaptive + 2);
#endif
    /* Detached; and suspended, or with an argument attached. */
    thread(&main_thread, frames, 0, 4241);
    thread(&worker_thread, second, argc > 1 ? 1 : 2, 4242);

    printf("],\"dead\":%llu,\"freed\":%llu}\n", (unsigned long long)(uintptr_t)dead,
           (unsigned long long)(uintptr_t)freed);
    fflush(stdout);
    char end;
    while (read(0, &end, 1) > 0) {
    }
    return 0;
}
