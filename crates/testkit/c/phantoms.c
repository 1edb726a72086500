/* C types that no table knows, by the stable interface: a box holds two objects, and has words that equal the addresses of
 * objects without holding them; a shelf holds an object in memory of its own; a drawer has memory that leads to freed memory. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03080000
#include <Python.h>
#include <string.h>
#include <structmember.h>

static void release(PyObject *self, inquiry clear) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

typedef struct {
    PyObject_HEAD
    PyObject *owned;     /* held, and said nowhere */
    PyObject *borrowed;  /* not held */
    PyObject *itself;    /* not held */
    long long number;    /* the address of an object, as a number that the type tells of */
    PyObject *named;     /* held, and told of */
} Box;

static int box_init(PyObject *self, PyObject *args, PyObject *names) {
    Box *box = (Box *)self;
    PyObject *owned, *borrowed, *named;
    if (!PyArg_ParseTuple(args, "OOO", &owned, &borrowed, &named)) {
        return -1;
    }
    Py_INCREF(owned);
    Py_INCREF(named);
    box->owned = owned;
    box->borrowed = borrowed;
    box->itself = self;
    box->number = (long long)borrowed;
    box->named = named;
    return 0;
}

static int box_traverse(PyObject *self, visitproc visit, void *arg) {
    Py_VISIT(((Box *)self)->owned);
    Py_VISIT(((Box *)self)->named);
    return 0;
}

static int box_clear(PyObject *self) {
    Py_CLEAR(((Box *)self)->owned);
    Py_CLEAR(((Box *)self)->named);
    return 0;
}

static void box_dealloc(PyObject *self) { release(self, box_clear); }

static PyMemberDef box_members[] = {
    {"number", T_LONGLONG, offsetof(Box, number), READONLY, NULL},
    {"named", T_OBJECT_EX, offsetof(Box, named), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot box_slots[] = {
    {Py_tp_init, box_init},       {Py_tp_traverse, box_traverse}, {Py_tp_clear, box_clear},
    {Py_tp_dealloc, box_dealloc}, {Py_tp_members, box_members},   {0, NULL},
};

static PyType_Spec box_spec = {"phantoms.Box", sizeof(Box), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
                               box_slots};

typedef struct {
    PyObject_HEAD
    PyObject **items; /* one, behind a word */
} Shelf;

static int shelf_init(PyObject *self, PyObject *args, PyObject *names) {
    PyObject *item;
    PyObject **items;
    if (!PyArg_ParseTuple(args, "O", &item)) {
        return -1;
    }
    items = PyMem_Malloc(4 * sizeof(PyObject *));
    if (items == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    Py_INCREF(item);
    items[0] = items[2] = items[3] = NULL;
    items[1] = item;
    ((Shelf *)self)->items = items;
    return 0;
}

static int shelf_traverse(PyObject *self, visitproc visit, void *arg) {
    PyObject **items = ((Shelf *)self)->items;
    if (items != NULL) {
        Py_VISIT(items[1]);
    }
    return 0;
}

static int shelf_clear(PyObject *self) {
    PyObject **items = ((Shelf *)self)->items;
    if (items != NULL) {
        ((Shelf *)self)->items = NULL;
        Py_CLEAR(items[1]);
        PyMem_Free(items);
    }
    return 0;
}

static void shelf_dealloc(PyObject *self) { release(self, shelf_clear); }

static PyType_Slot shelf_slots[] = {
    {Py_tp_init, shelf_init},       {Py_tp_traverse, shelf_traverse}, {Py_tp_clear, shelf_clear},
    {Py_tp_dealloc, shelf_dealloc}, {0, NULL},
};

static PyType_Spec shelf_spec = {"phantoms.Shelf", sizeof(Shelf), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, shelf_slots};

typedef struct {
    PyObject_HEAD
    void **memory; /* behind a word, the address of other memory, of which the ninth word is the address of an object */
} Drawer;

static int drawer_init(PyObject *self, PyObject *args, PyObject *names) {
    PyObject *item;
    void **memory, **other;
    if (!PyArg_ParseTuple(args, "O", &item)) {
        return -1;
    }
    memory = PyMem_Malloc(8 * sizeof(void *));
    other = PyMem_Malloc(60 * sizeof(void *));
    if (memory == NULL || other == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(memory, 0, 8 * sizeof(void *));
    memset(other, 0, 60 * sizeof(void *));
    other[8] = item;
    memory[1] = other;
    ((Drawer *)self)->memory = memory;
    return 0;
}

/* Frees the other memory, and forgets to forget it. */
static PyObject *drawer_empty(PyObject *self, PyObject *nothing) {
    PyMem_Free(((Drawer *)self)->memory[1]);
    Py_RETURN_NONE;
}

static void drawer_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((Drawer *)self)->memory);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef drawer_methods[] = {{"empty", drawer_empty, METH_NOARGS, NULL}, {NULL, NULL, 0, NULL}};

static PyType_Slot drawer_slots[] = {
    {Py_tp_init, drawer_init}, {Py_tp_dealloc, drawer_dealloc}, {Py_tp_methods, drawer_methods}, {0, NULL}};

static PyType_Spec drawer_spec = {"phantoms.Drawer", sizeof(Drawer), 0, Py_TPFLAGS_DEFAULT, drawer_slots};

static int add(PyObject *module, const char *name, PyType_Spec *spec) {
    PyObject *type = PyType_FromSpec(spec);
    return type == NULL ? -1 : PyModule_AddObject(module, name, type);
}

static int execute(PyObject *module) {
    if (add(module, "Box", &box_spec) < 0 || add(module, "Shelf", &shelf_spec) < 0) {
        return -1;
    }
    return add(module, "Drawer", &drawer_spec);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "phantoms", NULL, 0, NULL, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_phantoms(void) { return PyModuleDef_Init(&definition); }
