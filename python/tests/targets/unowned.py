"""A program that leaks references to objects that the collector does not track, as C code with a missing Py_DECREF does.

`leak N` makes N objects of each kind, takes a reference to each that nobody will give back, and lets go of them. The
answer names the address, the type, the size and the kind of each, so that a reader can be compared with it. `hold N` keeps
N strings in an array that C code alone knows. `strings N` leaks N strings and tells nothing, `intern N` interns N strings and leaks them.
"""

import ctypes
import datetime
import gc
import json
import os
import sys
from fractions import Fraction

increment = ctypes.pythonapi.Py_IncRef
increment.argtypes, increment.restype = [ctypes.py_object], None

LIBC = ctypes.CDLL(None)
LIBC.malloc.argtypes, LIBC.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p


class Text(str):
    __slots__ = ()


class Number(int):
    __slots__ = ()


class Point:
    __slots__ = ()


def kinds():
    """How to make the n-th object of each kind. None of them is tracked by the collector once it has run."""
    made = {
        "str": lambda n: "leaked-%08d-string" % n,
        "str latin": lambda n: "ge\u00e4ndert %d" % n,
        "str wide": lambda n: "\u03b1\u03b2\u03b3 %d" % n,
        "str widest": lambda n: "\U0001f40d %d" % n,
        "str of a class": lambda n: Text("leaked %d" % n),
        "bytes": lambda n: b"leaked-%08d" % n,
        "int": lambda n: 1000000 + n,
        "int negative": lambda n: -(10**60) - n,
        "int of a class": lambda n: Number(n),
        "float": lambda n: n + 0.5,
        "complex": lambda n: complex(n, 1),
        "object": lambda n: object(),
        "instance without anything": lambda n: Point(),
        "range": lambda n: range(n, n + 1000),
        "bytearray": lambda n: bytearray(b"leaked-%08d" % n),
        "date": lambda n: datetime.date.fromordinal(700000 + n),
        "tuple of atoms": lambda n: ("first %d" % n, n + 5000, n + 0.25),
    }
    # of the C heap
    made["str large"] = lambda n: "large %d" % n * 100
    made["bytes large"] = lambda n: bytes([n % 256]) * (2000 + n)
    made["int large"] = lambda n: 10**3000 + n
    made["tuple of atoms, large"] = lambda n: (n + 300000,) + (None,) * 100
    if sys.version_info < (3, 14):
        made["dict of atoms"] = lambda n: {n: n + 7000.5}
    if sys.version_info >= (3, 15):
        made["frozenset"] = lambda n: frozenset([n + 9000, n + 9000.5])
    return made


def leak(count):
    """The addresses of `count` leaked objects of each kind, and of what their containers alone hold."""
    told = []
    for kind, make in kinds().items():
        objects = [make(n) for n in range(count)]
        gc.collect()  # which stops tracking tuples of atoms
        for each in objects:
            increment(each)
            told.append([kind, id(each), type(each).__qualname__, sys.getsizeof(each), gc.is_tracked(each)])
            if kind in ("tuple of atoms", "tuple of atoms, large", "frozenset"):
                told.extend(["held", id(one), type(one).__qualname__, sys.getsizeof(one), False] for one in each if one is not None)
    return told


def hold(count):
    """Strings in an array of C."""
    array = ctypes.cast(LIBC.malloc(8 * count), ctypes.POINTER(ctypes.c_void_p))
    told = []
    for n in range(count):
        text = "held by an array of C %d" % n
        increment(text)
        array[n] = id(text)
        told.append(["array", id(text), "str", sys.getsizeof(text), False])
    return told


def litter(count):
    """Blocks of C that begin with a pointer, with the type of an object that was freed there still behind it."""
    for _ in range(count):
        block = ctypes.cast(LIBC.malloc(complex().__sizeof__()), ctypes.POINTER(ctypes.c_void_p))
        block[0], block[1] = LIBC.malloc(100), id(complex)
        block[2] = block[3] = 0


def serve():
    litter(300)
    Fraction(1, 3)  # whose module keeps a table, as programs do
    os.write(1, (json.dumps({"ready": True, "pid": os.getpid(), "version": sys.version.split()[0]}) + "\n").encode())
    while True:
        verb, _, number = os.read(0, 4096).decode().strip().partition(" ")
        told = []
        if verb == "leak":
            told = leak(int(number))
        elif verb == "hold":
            told = hold(int(number))
        elif verb == "strings":
            for n in range(int(number)):
                increment("leaked-%08d-string" % n)
        elif verb == "intern":
            for n in range(int(number)):
                increment(sys.intern("interned and forgotten %d" % n))
        else:
            break
        os.write(1, (json.dumps({"done": verb, "told": told}) + "\n").encode())
        del told


serve()
