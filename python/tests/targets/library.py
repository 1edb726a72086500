"""Objects of the standard library's C types."""

import _thread
import array
import bz2
import collections
import contextvars
import copy
import csv
import ctypes
import datetime
import decimal
import enum
import fractions
import hashlib
import io
import ipaddress
import json
import logging
import lzma
import mmap
import os
import pathlib
import pickle
import queue
import random
import re
import select
import socket
import string
import struct
import tempfile
import threading
import types
import typing
import uuid
import weakref
import xml.etree.ElementTree
import zlib

import recorder


class Node:
    def __init__(self, value):
        self.value = value


def weak():
    node, other, gone = Node([1]), Node([2]), Node([3])
    plain, called = weakref.ref(node), weakref.ref(node, lambda ref: None)
    proxy, called_proxy = weakref.proxy(node), weakref.proxy(node, lambda ref: None)
    callable_proxy = weakref.proxy(len.__class__ and Node)
    dead, dead_proxy = weakref.ref(gone), weakref.proxy(gone)
    del gone
    method = weakref.WeakMethod(Keeper(node).run)
    values = weakref.WeakValueDictionary({"a": node, "b": other})
    keys = weakref.WeakKeyDictionary({node: [4], other: [5]})
    members = weakref.WeakSet([node, other])
    finalizer = weakref.finalize(other, print, [6], key=[7])
    of_function, of_type, of_set = weakref.ref(weak), weakref.ref(Node), weakref.ref({1} and set_kept)
    sub = KeyedRef(node)
    sub.key = [8]
    return [
        [node, other, plain, called, proxy, called_proxy, callable_proxy, dead, dead_proxy, method],
        [values, keys, members, finalizer, of_function, of_type, of_set, sub],
    ]


set_kept = {1, 2, 3}


class KeyedRef(weakref.ref):
    __slots__ = ("key",)


class Keeper:
    kept = []

    def __init__(self, node):
        self.node = node
        self.kept.append(self)

    def run(self):
        pass


def collections_():
    deque, bounded = collections.deque([number] for number in range(200)), collections.deque([[1], [2], [3]], maxlen=2)
    for _ in range(70):
        deque.popleft()
    rotated = collections.deque(range(150))
    rotated.rotate(33)
    emptied = collections.deque([1])
    emptied.clear()
    sub = type("SubDeque", (collections.deque,), {})("ab")
    sub.attribute = [4]
    pending, priority, simple = queue.Queue(), queue.PriorityQueue(), queue.SimpleQueue()
    for each in (pending, priority, simple):
        each.put((1, "item"))
    return [deque, bounded, rotated, emptied, sub, collections.deque(), pending, priority, simple]


def arrays():
    typed = [array.array(code, [1, 2, 3]) for code in "bBhHiIlLqQfd"]
    grown = array.array("d")
    for number in range(1000):
        grown.append(number)
    shrunk = array.array("i", range(1000))
    del shrunk[5:]
    mapped = mmap.mmap(-1, 8192)
    mapped.write(b"mapped")
    closed = mmap.mmap(-1, 4096)
    closed.close()
    view = memoryview(mapped)
    shared = memoryview(grown)
    return [typed, grown, shrunk, array.array("u", "text Ω") if "u" in array.typecodes else 0, mapped, closed, view, shared]


def elements():
    make = xml.etree.ElementTree.Element
    document = xml.etree.ElementTree.fromstring("<a x='1' y='2'>text<b/>tail<b><c/></b></a>")
    grown, shrunk, bare, tagged = make("grown"), make("shrunk"), make("bare"), make("tagged", {"key": "value"})
    for number in range(100):
        xml.etree.ElementTree.SubElement(grown, "child", {"number": str(number)})
        shrunk.append(make("child"))
    del shrunk[3:]
    four, five = make("four"), make("five")
    four.extend(make("child") for _ in range(4))
    five.extend(make("child") for _ in range(5))
    cleared = make("cleared")
    cleared.extend([bare, tagged])
    cleared.clear()
    return [document, grown, shrunk, bare, tagged, four, five, cleared]


class Point(ctypes.Structure):
    _fields_ = [("x", ctypes.c_double), ("name", ctypes.c_char_p), ("any", ctypes.py_object)]


class Either(ctypes.Union):
    _fields_ = [("whole", ctypes.c_uint64), ("parts", ctypes.c_uint16 * 4)]


def foreign():
    numbers, objects, points = (ctypes.c_int * 1000)(), (ctypes.py_object * 3)([1], {"a": 2}), (Point * 50)()
    points[3].any, points[3].name = [3], b"name"
    point, either, small = Point(1.5, b"bytes", ["any"]), Either(7), ctypes.c_longlong(2**40)
    text, pointer = ctypes.create_string_buffer(5000), ctypes.pointer(point)
    shared = (ctypes.c_char * 10).from_buffer(bytearray(20))
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda number: number + 1)
    recorder.external.update((id(each), ctypes.sizeof(each)) for each in (numbers, objects, points, point, text))
    return [numbers, objects, points, points[3], point, either, either.parts, small, text, pointer, shared, callback]


def views():
    base, mapped = bytearray(1000), array.array("d", range(100))
    first = memoryview(base)
    return [base, first, first[10:20], memoryview(first)[5:], memoryview(mapped)[::2], memoryview(b"constant").cast("c")]


def streams():
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, "file")
    with open(path, "w") as closed:
        closed.write("line é\n" * 1000)
    raw, buffered, text = open(path, "rb", buffering=0), open(path, "rb"), open(path)
    buffered.read(10), text.readline()
    writing, both = open(path + "2", "w"), open(path + "3", "w+b")
    writing.write("pending text"), both.write(b"pending bytes")
    string_io, bytes_io = io.StringIO("initial é"), io.BytesIO(b"bytes" * 100)
    string_io.read(3), bytes_io.write(b"x" * 1000)
    appended = io.StringIO()
    for number in range(100):
        appended.write("piece %d" % number)
    exported = io.BytesIO(b"exported")
    view = exported.getbuffer()
    pair = io.BufferedRWPair(io.BytesIO(b"r"), io.BytesIO())
    wrapper = io.TextIOWrapper(io.BytesIO(b"text\n"), encoding="latin-1", newline="\n")
    wrapper.tag = [1]
    left, right = socket.socketpair()
    poll, entries = select.poll(), os.scandir(folder)
    poll.register(0)
    packed = [zlib.compressobj(), zlib.decompressobj(), bz2.BZ2Compressor(), lzma.LZMADecompressor(), hashlib.sha256(b"x")]
    return [
        [closed, raw, buffered, text, writing, both, string_io, bytes_io, appended, exported, view, pair, wrapper],
        [left, right, poll, next(entries), entries, packed, io.BytesIO(), io.StringIO(), io.IncrementalNewlineDecoder(None, True)],
    ]


def texts():
    pattern = re.compile(r"(?P<first>\w+)\s(?P<second>\d+)|x(y)?")
    match = pattern.match("word 42")
    scanner, found = pattern.scanner("a 1 b 2"), pattern.finditer("a 1 b 2")
    next(found)
    reader = csv.reader(io.StringIO("a,b\n1,2\n"), delimiter=",")
    next(reader)
    writer, rows = csv.writer(io.StringIO(), quotechar="'"), csv.DictReader(io.StringIO("a,b\n1,2\n"))
    packed = struct.Struct("<IQd4s")
    walking = packed.iter_unpack(bytes(packed.size * 2))
    pickler, encoder, decoder = pickle.Pickler(io.BytesIO()), json.JSONEncoder(), json.JSONDecoder()
    pickler.dump([1, [2], "text"])
    template, formatter = string.Template("$a"), string.Formatter()
    unpickler = pickle.Unpickler(io.BytesIO(pickle.dumps([1, {"a": [2]}])))
    unpickler.load()
    return [
        [pattern, match, scanner, found, reader, writer, rows, csv.get_dialect("excel"), packed, walking, next(rows)],
        [pickler, unpickler, encoder, decoder, decoder.scan_once, template, formatter, logging.getLogger("some.logger")],
    ]


def values():
    zone = datetime.timezone(datetime.timedelta(hours=1), "zone")
    aware = datetime.datetime(2020, 1, 2, 3, 4, 5, 6, zone)
    return [
        [aware, aware.date(), aware.timetz(), aware.time(), datetime.timedelta(5), zone, datetime.timezone.utc],
        [datetime.datetime(2020, 1, 1), decimal.Decimal("1.5"), decimal.Decimal(10) ** 100, decimal.getcontext()],
        [fractions.Fraction(1, 3), uuid.UUID(int=5), pathlib.Path("a/b"), ipaddress.ip_address("127.0.0.1"), random.Random(1)],
        [os.stat("/"), os.times(), os.environ, enum.auto(), copy.copy([1]), types.MappingProxyType({})],
    ]


def contexts():
    variable, other = contextvars.ContextVar("variable", default=[1]), contextvars.ContextVar("other")
    token = variable.set([2])
    context = contextvars.copy_context()
    empty = contextvars.Context()
    empty.run(other.set, [3])
    many = contextvars.Context()
    kept = [contextvars.ContextVar("v%d" % number) for number in range(200)]
    for each in kept:
        many.run(each.set, [each])
    variable.reset(token)
    unused = variable.set([4])
    return [variable, other, token, context, empty, many, kept, unused, iter(context), context.items(), dict(context.items())]


def locks():
    lock, recursive, local = threading.Lock(), threading.RLock(), threading.local()
    recursive.acquire()
    local.value = [1]
    return [lock, recursive, local, threading.Event(), threading.Condition(lock), threading.Semaphore(2), _thread.allocate_lock()]


def typing_():
    alias = [typing.List[int], typing.Dict[str, typing.Any], typing.Union[int, str], typing.Tuple[int, ...]]
    variables = [typing.TypeVar("T"), typing.TypeVar("B", bound=int), typing.TypeVar("C", int, str)]
    if hasattr(types, "GenericAlias"):
        alias += [list[int], dict[str, list[int]], type[int], collections.deque[int], list[variables[0]]]
    if hasattr(types, "UnionType"):
        alias += [int | None, int | str | list[int], typing.ParamSpec("P")]
    return [alias, variables, typing.Protocol, typing.NewType("Id", int), typing.TypedDict("Movie", {"name": str})]


def build():
    return [weak(), collections_(), arrays(), elements(), foreign(), views(), streams(), texts(), values(), contexts(), locks(), typing_()]


if __name__ == "__main__":
    recorder.serve(build())
