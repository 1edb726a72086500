"""profiled.py SCRIPT ARGUMENT...: runs it with a profile function that does nothing, written in C.

memray sets one of its own. From 3.11 on the interpreter makes a frame object for each call that a profile function is told of,
which the program alone does not make. So that both see the same program, it has one under memsight, too.
"""

import ctypes
import runpy
import sys

del sys.argv[0]
api = ctypes.pythonapi
api.PyEval_SetProfile.argtypes = [ctypes.c_void_p, ctypes.py_object]
# (called with None in front, it answers 0 and allocates nothing)
api.PyEval_SetProfile(ctypes.cast(api.PyObject_IsTrue, ctypes.c_void_p), None)
runpy.run_path(sys.argv[0], run_name="__main__")
