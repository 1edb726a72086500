"""Garbage of objects that the standard library brings, for `garbage_shapes.py`."""

import asyncio
import collections
import contextvars
import functools
import io
import json
import operator
import queue
import re
import threading
import types
import weakref

from garbage_base import HELD, Node, Parent, Slotted, shape

LOOP = asyncio.new_event_loop()
LOOP.set_exception_handler(lambda loop, context: None)


@shape
def futures():
    future = LOOP.create_future()
    future.me = [future] if hasattr(future, "__dict__") else None
    future.add_done_callback(functools.partial(print, future))


@shape
def tasks():
    async def work(box):
        await box[0]

    box = [LOOP.create_future()]
    task = LOOP.create_task(work(box))
    box.append(task)
    LOOP.call_soon(LOOP.stop)
    LOOP.run_forever()


@shape
def weakrefs():
    node = Node()
    node.weak = weakref.ref(node)
    node.proxy = weakref.proxy(node)
    slotted = Slotted()
    slotted.other = weakref.ref(slotted, print), slotted


@shape
def weakref_callbacks():
    node = Node()
    HELD.append(weakref.ref(node, lambda weak: None))


VALUES = weakref.WeakValueDictionary()
KEYS = weakref.WeakKeyDictionary()
MEMBERS = weakref.WeakSet()


@shape
def weak_tables():
    nodes = [Node() for _ in range(3)]
    for number, node in enumerate(nodes):
        VALUES[number] = node
        KEYS[node] = number
        MEMBERS.add(node)


@shape
def weakref_finalize():
    for _ in range(3):
        weakref.finalize(Node(), int)


@shape
def contexts():
    variable = contextvars.ContextVar("variable")
    context = contextvars.copy_context()
    context.run(variable.set, [context, variable])


# The same ones each time: where they stand in the context depends on their addresses.
VARIABLES = [contextvars.ContextVar(str(number)) for number in range(40)]


@shape
def contexts_with_many():
    context = contextvars.copy_context()
    for number, variable in enumerate(VARIABLES):
        context.run(variable.set, [context, number])


@shape
def memory_views():
    class Buffer(bytearray):
        pass

    buffer = Buffer(1000)
    buffer.view = memoryview(buffer)
    buffer.part = buffer.view[10:20]


@shape
def streams():
    class Stream(io.BytesIO):
        pass

    stream = Stream(b"content")
    stream.me = stream
    text = io.TextIOWrapper(Stream(b"content"))
    text.buffer.text = text
    reader = io.BufferedReader(Stream(b"content"))
    reader.raw.reader = reader


@shape
def string_streams():
    class Text(io.StringIO):
        pass

    text = Text("text")
    text.me = text


@shape
def thread_locals():
    local = threading.local()
    local.me = local
    local.items = [local]


@shape
def locks():
    condition = threading.Condition()
    condition.me = condition
    event = threading.Event()
    event.event = event
    waiting = queue.Queue()
    waiting.put(waiting)
    simple = queue.SimpleQueue()
    simple.put([simple])


@shape
def json_objects():
    encoder = json.JSONEncoder()
    encoder.me = encoder
    decoder = json.JSONDecoder(object_hook=encoder.default)
    encoder.decoder = decoder


@shape
def patterns():
    box = [re.compile("(a+)b?")]
    box.append(box[0].match("aab"))
    box.append(box[0].scanner("aab"))
    box.append(box)


@shape
def operators():
    box = []
    box.append(operator.attrgetter("name", "other.name"))
    box.append(operator.itemgetter(0, box))
    box.append(operator.methodcaller("append", box, key=box))


@shape
def namespaces():
    space = types.SimpleNamespace(name="space")
    space.me = space
    proxy = types.MappingProxyType({"space": space})
    space.proxy = proxy
    pair = collections.namedtuple("Pair", "first second")
    space.pair = pair(space, pair)


@shape
def slices():
    box = []
    box.append(slice(box, None, box))
    box.append(super(Parent, Parent()))
    box.append(types.GenericAlias(list, (Node,)) if hasattr(types, "GenericAlias") else box)


@shape
def databases():
    import sqlite3

    connection = sqlite3.connect(":memory:")
    rows = [connection, connection.cursor()]
    connection.row_factory = functools.partial(print, rows)


@shape
def pickles():
    import pickle

    stream = io.BytesIO()
    box = [pickle.Pickler(stream)]
    box.append(box)


@shape
def foreign():
    import ctypes

    class Point(ctypes.Structure):
        _fields_ = [("x", ctypes.c_int), ("next", ctypes.py_object)]

    point = Point()
    point.next = ctypes.py_object(point)
    callback = ctypes.CFUNCTYPE(None)(lambda: point)
    point.callback = callback


@shape
def elements():
    import xml.etree.ElementTree as tree

    root = tree.Element("root", {"key": "value"})
    child = tree.SubElement(root, "child")
    child.append(root)
