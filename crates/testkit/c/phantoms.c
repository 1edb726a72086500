/* A C type that no table knows, by the stable interface: it holds two objects, and has words that equal the addresses of
 * objects without holding them. */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x03080000
#include <Python.h>
#include <structmember.h>

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

static void box_dealloc(PyObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    box_clear(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

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

static int execute(PyObject *module) {
    PyObject *box = PyType_FromSpec(&box_spec);
    return box == NULL ? -1 : PyModule_AddObject(module, "Box", box);
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, execute}, {0, NULL}};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, "phantoms", NULL, 0, NULL, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit_phantoms(void) { return PyModuleDef_Init(&definition); }
