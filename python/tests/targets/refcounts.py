"""A program with nothing left over, until it is asked to leak references, or to let go of some that are not its own.

`leak N` leaks N references to instances of `Leaked`: half to one object, one each to others. `steal N` takes N references
away from one instance of `Robbed`, which two lists hold; `give back` restores them, so that the process ends well.
"""

import asyncio
import collections
import contextvars
import copy
import ctypes
import dataclasses
import decimal
import enum
import functools
import gc
import io
import json
import logging
import os
import pickle
import random
import re
import select
import socket
import sqlite3
import struct
import sys
import tempfile
import threading
import typing
import weakref
import zlib
from xml.etree import ElementTree


class Leaked:
    pass


class Robbed:
    pass


class Colour(enum.Enum):
    RED = 1
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    items: list = dataclasses.field(default_factory=list)


class Slotted:
    __slots__ = ("one", "other", "__weakref__")


class Context:
    def __enter__(self):
        return self

    def __exit__(self, *found):
        return False


def suspended():
    local = ["held by a frame"]
    with Context():
        try:
            yield local
        finally:
            local.clear()


def caught():
    try:
        {}["missing"]
    except KeyError as error:
        return error


async def answer():
    await asyncio.sleep(0)
    return 42


def state():
    """Objects of many kinds, as a program has them."""
    generator = suspended()
    next(generator)
    cache = functools.lru_cache(maxsize=16)(lambda number: str(number))
    for number in range(40):
        cache(number % 20)
    database = sqlite3.connect(":memory:")
    database.execute("create table things (name text)")
    context = contextvars.copy_context()
    points = [Point(number, [number] * 3) for number in range(300, 400)]
    shared = ["shared"] * 10
    iterators = [iter(shared), zip(shared, shared), map(str, shared), enumerate(shared), reversed(shared)]
    for iterator in iterators:
        next(iterator)
    tree = ElementTree.fromstring("<a><b x='1'>text</b><c/></a>")
    slotted = Slotted()
    slotted.one = slotted.other = shared
    logging.getLogger("refcounts").addHandler(logging.NullHandler())
    return {
        "generator": generator,
        "cache": cache,
        "database": database,
        "context": context,
        "points": points,
        "iterators": iterators,
        "tree": tree,
        "slotted": slotted,
        "error": caught(),
        "answer": asyncio.run(answer()),
        "ordered": collections.OrderedDict((number, str(number)) for number in range(100)),
        "deque": collections.deque(points, maxlen=50),
        "counter": collections.Counter("reference counts"),
        "partial": functools.partial(print, *shared, sep=""),
        "weak": weakref.WeakValueDictionary(enumerate(points)),
        "pattern": re.compile(r"(\d+)-(\w+)").match("12-ab"),
        "decimal": decimal.Decimal("1.5") + decimal.Decimal(2),
        "copy": copy.deepcopy(points),
        "pickled": pickle.loads(pickle.dumps(points)),
        "json": json.loads('{"a": [1, 2.5, null], "b": {"c": "d"}}'),
        "struct": struct.Struct("<iq"),
        "text": io.StringIO("some text"),
        "random": random.Random(1),
        "alias": typing.Dict[str, typing.List[int]],
        "compressor": zlib.compressobj(),
        "socket": socket.socket(),
        "file": tempfile.TemporaryFile(),
    }


def mend(decrement):
    """Gives back the references that modules of CPython itself forget, as far as the interpreter's own counts show them,
    so that a program that leaks nothing has nothing left over."""
    # 3.9: the import of select counts the type of poll objects once more than anybody refers to it.
    if sys.version_info[:2] == (3, 9):
        poll = type(select.poll())
        for _ in range(sys.getrefcount(poll) - 2 - len(gc.get_referrers(poll))):
            decrement(poll)
    # 3.11: the import of _decimal forgets one; both contexts are held by the same modules.
    for _ in range(sys.getrefcount(decimal.ExtendedContext) - sys.getrefcount(decimal.BasicContext)):
        decrement(decimal.ExtendedContext)


def serve(kept, increment, decrement):
    robbed = Robbed()
    holders = [[robbed], [robbed]]
    os.write(1, (json.dumps({"ready": True, "pid": os.getpid(), "version": sys.version.split()[0]}) + "\n").encode())
    while True:
        verb, _, number = os.read(0, 4096).decode().strip().partition(" ")
        if verb == "leak":
            leaked = [Leaked() for _ in range(int(number) // 2 + 1)]
            for thing in leaked[1:]:
                increment(thing)
            for _ in range(int(number) - len(leaked) + 1):
                increment(leaked[0])
            del thing, leaked
        elif verb == "steal":
            for _ in range(int(number)):
                decrement(robbed)
        elif verb == "give":
            for _ in range(int(number)):
                increment(robbed)
        else:
            break
        os.write(1, (json.dumps({"done": verb}) + "\n").encode())
    del kept, holders


def main():
    kept = state()
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait, daemon=True)
    thread.start()
    increment, decrement = ctypes.pythonapi.Py_IncRef, ctypes.pythonapi.Py_DecRef
    for function in (increment, decrement):
        function.argtypes, function.restype = [ctypes.py_object], None
    mend(decrement)
    serve(kept, increment, decrement)


main()
