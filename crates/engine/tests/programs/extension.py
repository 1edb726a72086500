"""Asks an extension of the kind that it is told for a block, once a recording has begun; prints how many bytes it has."""

import sys

kind, path = sys.argv[1:]
SIZE = 3_300_001

if kind == "rust":
    import ctypes

    outer = ctypes.CDLL(path).truth_rust_outer
    outer.argtypes = [ctypes.c_size_t]
elif kind == "cython":
    sys.path.insert(0, path)
    from extension import truth_cython_outer as outer
else:
    import numpy

    def outer(size):
        return numpy.empty(size, "u1")


def truth_py_inner():
    return outer(SIZE)


def truth_py_outer():
    return truth_py_inner()


print("ready", flush=True)
sys.stdin.readline()
kept = truth_py_outer()
print(SIZE, flush=True)
sys.stdin.readline()
