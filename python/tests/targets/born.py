"""A program that knows which line made each of its objects.

Asked to `make`, it makes objects of many kinds and answers with what it knows: kind, address, line. Asked to `churn`, it goes on
making objects in a thread that each say by which function they were made, and forgets them again, until it ends.
"""

import array
import asyncio
import collections
import functools
import gc
import json
import os
import sys
import threading

try:
    import numpy
except ImportError:
    numpy = None

EACH = 40
told, kept, spare = [], [], []
here = sys._getframe


class Plain:
    def __init__(self, number):
        self.number = number


class Slotted:
    __slots__ = ("number", "__weakref__")


class Large(dict):
    pass


class Tagged:
    __slots__ = ("tag", "more")


def keep(kind, thing, line):
    told.append((kind, id(thing), line))
    kept.append(thing)


def count(limit):
    yield from range(limit)


async def wait():
    await asyncio.sleep(1)


DEF_LINES = {"generator": count.__code__.co_firstlineno, "coroutine": wait.__code__.co_firstlineno}


def drain():
    """Memory that the interpreter keeps for reuse was allocated by whoever had it before: takes all of it."""
    for number in range(3000):
        spare.append([number, number + 0.5, number - 0.5, -1.5 * number])
        spare.append({"number": number})
        spare.append({number})
        spare.append(1j * number)
        spare.append(slice(number))
        spare.append(count(number))
        spare.append(kept.append)
        for length in range(1, 21):
            spare.append(tuple([number] * length))
    for number in range(300):
        # (and what the lists above were of)
        spare.append([])
        spare.append({})
        spare.append((number,))
        spare.append((number, number))
        spare.append((number, number, number))
        spare.append(number + 0.5)


def closure(number):
    keep("function", lambda: number, here().f_lineno)


def containers(number):
    keep("list", [number, number], here().f_lineno)
    keep("dict", {"number": number}, here().f_lineno)
    keep("set", {number}, here().f_lineno)
    # (memory of tuples of up to 20 items is reused, here of those that calls make)
    keep("tuple", (number,) * 25, here().f_lineno)
    keep("deque", collections.deque(), here().f_lineno)
    keep("defaultdict", collections.defaultdict(list), here().f_lineno)
    keep("dict subclass", Large(), here().f_lineno)
    keep("comprehension", {one for one in (number, -number)}, here().f_lineno)


def leaves(number):
    keep("bytes", b"%d" % number * 30, here().f_lineno)
    keep("large bytes", bytes(5000 + number), here().f_lineno)
    keep("bytearray", bytearray(100), here().f_lineno)
    keep("array", array.array("d", (1.0, 2.0)), here().f_lineno)
    keep("str", "number %d" % number, here().f_lineno)
    keep("float", number + 0.25, here().f_lineno)
    keep("int", number + (1 << 100), here().f_lineno)
    keep("memoryview", memoryview(b"bytes"), here().f_lineno)


def others(number):
    keep("instance", Plain(number), here().f_lineno)
    keep("slots", Slotted(), here().f_lineno)
    keep("class", type("Made%d" % number, (), {}), here().f_lineno)
    keep("partial", functools.partial(keep, number), here().f_lineno)
    keep("exception", ValueError(number), here().f_lineno)
    keep("generator", count(number), here().f_lineno)
    keep("coroutine", wait(), here().f_lineno)
    keep("module", type(sys)("made%d" % number), here().f_lineno)
    if numpy is not None:
        keep("ndarray", numpy.zeros(100 + number), here().f_lineno)


def grow():
    """What objects own is made later than they are."""
    items, table, text = [], {}, bytearray()
    for number in range(1000):
        items.append(number)
        table[number] = number
        text.extend(b"more text, and more than fits")
    line = here().f_lineno - 3
    told.extend([("items", id(items), line), ("table", id(table), line + 1), ("text", id(text), line + 2)])
    kept.extend([items, table, text])


def make():
    # (what a collection frees is kept for reuse)
    gc.disable()
    drain()
    for number in range(EACH):
        closure(number)
        containers(number)
        leaves(number)
        others(number)
    grow()


MAKERS = []
for tag in range(16):
    code = "def make_%d(Tagged):\n    one = Tagged()\n    one.tag = %d\n    one.more = [%d]\n    return one\n" % (tag, tag, tag)
    names = {}
    exec(compile(code, "makers.py", "exec"), names)
    MAKERS.append(names["make_%d" % tag])

circle = [None] * 5000


def churn():
    number = 1
    while True:
        number = (number * 69069 + 1) & 0xFFFFFFFF
        circle[(number >> 8) % len(circle)] = MAKERS[number >> 28](Tagged)


def main():
    os.write(1, json.dumps({"ready": True, "pid": os.getpid()}).encode() + b"\n")
    while True:
        verb = os.read(0, 4096).decode().strip()
        if verb == "make":
            make()
            about = {"told": told, "defs": DEF_LINES, "file": __file__, "numpy": numpy is not None}
            os.write(1, json.dumps(about).encode() + b"\n")
        elif verb == "churn":
            threading.Thread(target=churn, daemon=True).start()
            os.write(1, b'{"done": "churn"}\n')
        else:
            os._exit(0)


main()
