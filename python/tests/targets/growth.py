"""Programs that grow: leaks of one shape each, and caches that merely warm up.

Started with the name of a shape. Asked to `work N`, the program does N rounds of what that shape does, beside the
ordinary work of a service: requests that come and go, and a cache that forgets as much as it learns. It answers once it
waits again. `ready` says what the culprit's path contains, null where there is none.
"""

import array
import asyncio
import collections
import ctypes
import functools
import gc
import importlib
import importlib.abc
import json
import logging
import os
import re
import sys
import threading
import weakref


class Session:
    def __init__(self, number):
        self.number = number
        self.history = ["page %d of session %d" % (page, number) for page in range(8)]


class Node:
    def __init__(self, number, following=None):
        self.data = Session(number)
        self.following = following


# What any service does beside: nothing of it grows.


recent = collections.OrderedDict()


def request(number):
    session = Session(number)
    recent[number] = session
    while len(recent) > 100:
        recent.popitem(last=False)
    return len(session.history)


# Leaks.

log = [Session(-1)]
entries = {}
callbacks = []
registry = {}
seen = set()
queue = collections.deque()
errors = []
running = []
logger = logging.getLogger("service")
annotations = weakref.WeakKeyDictionary()
buffer = bytearray(b"start")
numbers = array.array("d", [0.0])
text = "start"
head = None
sessions = [Session(number) for number in range(200)]


def list_append(number):
    log.append(Session(number))


def dict_cache(number):
    entries["user:%d" % number] = Session(number)


def closure(number):
    session = Session(number)
    callbacks.append(lambda: session)


def class_registry(number):
    name = "Plugin%d" % number
    registry[name] = type(name, (), {"number": number})


def global_set(number):
    seen.add("visitor number %d from somewhere" % number)


def deque_append(number):
    queue.append(Session(number))


def thread_local(number):
    wake, done = worker
    wake.release()
    done.acquire()


def work_in_thread(wake, done):
    kept.items = []
    while True:
        wake.acquire()
        kept.items.append(Session(len(kept.items)))
        done.release()


class Subject:
    def __init__(self):
        self.listeners = []


class Observer:
    def __init__(self, number):
        self.state = Session(number)

    def notify(self):
        return self.state


subject = Subject()


def observers(number):
    subject.listeners.append(Observer(number).notify)


def tracebacks(number):
    session = Session(number)
    try:
        session.missing  # noqa: B018
    except AttributeError as error:
        errors.append(error)


@functools.lru_cache(maxsize=None)
def compute(number):
    return Session(number)


def lru_unbounded(number):
    compute(number)


def produce(session):
    yield session
    yield session.history


def generators(number):
    generator = produce(Session(number))
    next(generator)
    running.append(generator)


async def wait_for(event, session):
    await event.wait()
    return session


def tasks(number):
    loop.create_task(wait_for(never, Session(number)))
    loop.run_until_complete(asyncio.sleep(0))


def log_handlers(number):
    handler = logging.StreamHandler()
    handler.session = Session(number)
    logger.addHandler(handler)


def weak_keys(number):
    node = Node(number)
    annotations[node] = {"the key keeps itself alive": node}


class Finalised:
    def __init__(self, number):
        self.me = self
        self.session = Session(number)

    def __del__(self):
        pass


def finalised_cycles(number):
    Finalised(number)


def byte_buffer(number):
    buffer.extend(b"a line of output, number %08d\n" % number * 20)


def number_array(number):
    numbers.extend(float(number + i) for i in range(64))


def text_concatenation(number):
    global text
    text += "line %08d of a text that only grows\n" % number * 12


def default_argument(number, into=[]):  # noqa: B006
    into.append(Session(number))


class Model:
    instances = []


def class_attribute(number):
    Model.instances.append(Session(number))


class Finder(importlib.abc.MetaPathFinder):
    asked = {}

    def find_spec(self, name, path, target=None):
        Finder.asked[name] = Session(len(Finder.asked))


def import_hook(number):
    try:
        importlib.import_module("no_such_module_%d" % number)
    except ImportError:
        pass


def linked_list(number):
    global head
    head = Node(number, head)


def scattered(number):
    sessions[number % len(sessions)].history.append("another page, number %d, and what was on it" % number)


def c_reference(number):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(Node(number)))


# Caches that warm up.


@functools.lru_cache(maxsize=128)
def bounded(number):
    return Session(number)


def lru_bounded(number):
    bounded(number % 1000)


MODULES = ["decimal", "fractions", "statistics", "difflib", "csv", "configparser", "html.parser", "xml.dom.minidom"]


def imports(number):
    if number % 20 == 19 and number // 20 < len(MODULES):
        importlib.import_module(MODULES[number // 20])


def patterns(number):
    re.match("a pattern (with|without) number %d[a-z]+$" % (number % 60), "text")


class Connection:
    def __init__(self, number):
        self.session = Session(number)
        self.buffer = bytearray(4096)


class Pool:
    size = 20

    def __init__(self):
        self.free = []
        self.made = 0

    def take(self):
        if self.free and self.made >= self.size:
            return self.free.pop(0)
        self.made += 1
        return Connection(self.made)


pool = Pool()


def connection_pool(number):
    connection = pool.take()
    request(number)
    pool.free.append(connection)


class Page:
    @property
    def lines(self):
        return self.__dict__.setdefault("cached_lines", ["line %d of a long page" % line for line in range(40)])


pages = [Page() for _ in range(100)]


def cached_properties(number):
    len(pages[number % len(pages)].lines)


templates = {}


def interned_templates(number):
    name = sys.intern("template %d" % (number % 50))
    if name not in templates:
        templates[name] = sys.intern("<p>%s</p>" % name * 50)


LEAKS = {
    list_append: "log (list)",
    dict_cache: "entries (dict)",
    closure: "callbacks (list)",
    class_registry: "registry (dict)",
    global_set: "seen (set)",
    deque_append: "queue (deque)",
    thread_local: "list",
    observers: "listeners (list)",
    tracebacks: "errors (list)",
    lru_unbounded: "compute",
    generators: "running (list)",
    tasks: "_waiters",
    log_handlers: "handlers (list)",
    weak_keys: "data (dict)",
    finalised_cycles: "unreachable cycle",
    byte_buffer: "buffer (bytearray)",
    number_array: "numbers (array)",
    text_concatenation: "text (str)",
    default_argument: "default_argument (function)",
    class_attribute: "instances (list)",
    import_hook: "asked (dict)",
    linked_list: "head (Node)",
    scattered: "history (list)",
    c_reference: "held by C code",
}
WARM = [lru_bounded, imports, patterns, connection_pool, cached_properties, interned_templates]


def main():
    global loop, never, kept, worker
    shapes = {shape.__name__: shape for shape in list(LEAKS) + WARM}
    shape = shapes[sys.argv[1]]
    if shape is tasks:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        never = asyncio.Event()
    if shape is thread_local:
        kept, worker = threading.local(), (threading.Semaphore(0), threading.Semaphore(0))
        threading.Thread(target=work_in_thread, args=worker, daemon=True).start()
    if shape is import_hook:
        sys.meta_path.insert(0, Finder())
    if shape is finalised_cycles:
        gc.collect()
        gc.disable()
    done = 0
    for number in range(300):
        request(number)
    if shape in LEAKS:
        # What leaks has leaked before.
        for done in range(1, 51):
            shape(done)
    about = {"ready": True, "pid": os.getpid(), "version": sys.version.split()[0], "culprit": LEAKS.get(shape)}
    os.write(1, (json.dumps(about) + "\n").encode())
    while True:
        verb, _, rounds = os.read(0, 4096).decode().strip().partition(" ")
        if verb != "work":
            break
        for _ in range(int(rounds)):
            request(done)
            shape(done)
            done += 1
        os.write(1, b'{"done": "work"}\n')


main()
