"""Shapes of garbage, one at a time, and what the collector makes of each.

`make NAME` makes one with the collector off; `collect` runs `gc.collect()` and answers with what it returned; `kept` runs
it with `gc.DEBUG_SAVEALL` and answers with the types of what it put into `gc.garbage`. The names stand in the answer at
the start, with those whose finaliser revives something.
"""

import collections
import dataclasses
import functools
import gc
import itertools
import json
import os
import sys
import types

import garbage_library  # noqa: F401 (its shapes add themselves)
from garbage_base import HELD, SHAPES, Node, Parent, Slotted, shape


@dataclasses.dataclass
class Record:
    __slots__ = ("other", "value")
    other: object
    value: int


class Quiet:
    def __init__(self):
        self.me = self

    def __del__(self):
        pass


class Reviving:
    def __init__(self):
        self.me = self

    def __del__(self):
        HELD.append(self)


class Dict(dict):
    pass


class List(list):
    pass


class Set(set):
    pass


@shape
def instances():
    for _ in range(10):
        Node()


@shape
def parents():
    for _ in range(10):
        Parent()


@shape
def rings():
    for length in range(2, 6):
        nodes = [Slotted() for _ in range(length)]
        for node, other in zip(nodes, nodes[1:] + nodes[:1]):
            node.other = other


@shape
def dataclass_slots():
    record = Record(None, 7000)
    record.other = (record, [record])


@shape
def finalised():
    for _ in range(5):
        Quiet()


@shape
def lists():
    knot = []
    knot.append(knot)
    pair = [[], []]
    pair[0].append(pair[1])
    pair[1].append(pair[0])


@shape
def tuples():
    box = []
    box.append((1, (2, (box,))))


@shape
def dicts():
    table = {}
    table["table"] = table
    table[3] = (table, [b"bytes of a garbage list" * 3])


@shape
def sets():
    members = {Node()}
    for member in members:
        member.members = members
        member.frozen = frozenset([member])


@shape
def deques():
    chain = collections.deque()
    chain.append({"chain": chain})
    bounded = collections.deque(range(1000), maxlen=1000)
    bounded.append(bounded)


@shape
def ordered_dicts():
    ordered = collections.OrderedDict()
    ordered["self"] = ordered
    ordered[7] = [ordered]


@shape
def default_dicts():
    table = collections.defaultdict(list)
    table["self"].append(table)
    table.default_factory = functools.partial(list, table)


@shape
def counters():
    count = collections.Counter("abracadabra")
    count.self = count
    chain = collections.ChainMap(count)
    chain.maps.append(chain)


@shape
def builtin_subclasses():
    table, items, members = Dict(), List(), Set()
    table["items"] = items
    items.append(members)
    members.table = table


@shape
def partials():
    part = functools.partial(print, "x", sep="")
    part.part = part
    method = functools.partialmethod(print, part)
    method.self = method


@shape
def caches():
    cached = functools.lru_cache()(lambda key: key)
    cached.cached = cached
    cached(("key",))
    cached([1].__len__)


@shape
def iterators():
    for make in (iter, reversed, enumerate, lambda box: itertools.chain(box), lambda box: map(print, box)):
        box = [1, 2, 3]
        box.append(make(box))


@shape
def more_iterators():
    makes = (itertools.cycle, itertools.count, itertools.repeat, lambda box: zip(box, box), itertools.islice)
    makes += (
        lambda box: itertools.groupby(box),
        lambda box: itertools.product(box, box),
        lambda box: itertools.tee(box),
    )
    for make in makes:
        box = [1, 2, 3]
        box.append(make(box, 1) if make is itertools.islice else make(1 if make is itertools.count else box))


@shape
def dict_views():
    table = {"key": 1}
    table["keys"] = table.keys()
    table["items"] = iter(table.items())


@shape
def closures():
    def outer():
        def inner():
            return inner, outer

        return inner

    outer()


@shape
def bound_methods():
    node = Node()
    node.method = node.__init__
    items = []
    items.append(items.append)


@shape
def properties():
    class Owner:
        @property
        def value(self):
            return Owner

        @staticmethod
        def fixed():
            return Owner

        @classmethod
        def made(cls):
            return cls


@shape
def classes():
    class Base:
        attribute = 3

    class Derived(Base):
        __slots__ = ("field",)

    return Derived.__name__


@shape
def metaclasses():
    class Meta(type):
        pass

    class Other(metaclass=Meta):
        instance = None

    Other.instance = Other()


@shape
def modules():
    module = types.ModuleType("made_at_run_time")
    module.self = module
    exec("def function():\n    return function\n", module.__dict__)  # noqa: S102


@shape
def exceptions():
    def fails():
        local = [1]
        try:
            raise ValueError("kept by its own frame", local)
        except ValueError as error:
            kept = error
        return kept.args

    fails()
    fails()


@shape
def chained_exceptions():
    def fails():
        try:
            try:
                {}["missing"]
            except KeyError as error:
                raise OSError(2, "not there", "file") from error
        except OSError as error:
            kept = error
        return kept.errno

    fails()


@shape
def generators():
    def generator(box):
        local = [box]
        yield local

    box = []
    running = generator(box)
    box.append(running)
    next(running)


@shape
def generators_with_finally():
    def generator(box):
        try:
            yield box
        finally:
            box.append(None)

    box = []
    running = generator(box)
    box.append(running)
    next(running)


@shape
def generators_not_started():
    def generator(box, extra):
        yield box

    box = []
    box.append(generator(box, [[]]))


@shape
def generators_held_by_their_objects():
    class Reader:
        def __init__(self):
            self.lines = self.read()
            next(self.lines)

        def read(self):
            buffer = bytearray(100)
            yield [buffer]

    for _ in range(3):
        Reader()


@shape
def generators_finished():
    box = []
    running = (box for _ in range(1))
    list(running)
    box.append(running)
    box.append(box)


class Never:
    def __await__(self):
        yield self


@shape
def coroutines():
    async def waiting(kept):
        await Never()

    kept = []
    coroutine = waiting(kept)
    coroutine.send(None)
    kept.append(coroutine)


@shape
def coroutines_not_started():
    async def waiting(kept, extra):
        await Never()

    kept = []
    kept.append(waiting(kept, [[]]))


@shape
def async_generators():
    async def ticking(kept):
        local = [kept]
        while True:
            yield local

    kept = []
    ticks = ticking(kept)
    kept.append(ticks)
    try:
        ticks.asend(None).send(None)
    except StopIteration:
        pass


@shape
def frames():
    def keeps():
        frame = sys._getframe()
        return frame.f_lineno

    keeps()


@shape
def frozen():
    node = Node()
    node.other = Parent()
    del node
    gc.freeze()
    Node()


@shape
def nothing():
    pass


@shape
def reviving():
    Reviving()
    Node()


@shape
def large():
    nodes = [Slotted() for _ in range(2000)]
    for node, other in zip(nodes, nodes[1:] + nodes[:1]):
        node.other = [other, nodes]


def settle():
    """Leaves nothing of the shape before, the frozen one aside."""
    HELD.clear()
    gc.unfreeze()
    gc.collect()
    gc.collect()


def full_name(kind):
    place = "" if kind.__module__ == "builtins" else kind.__module__ + "."
    return place + kind.__qualname__


def kept():
    """Types of what the collector finds, and no longer frees."""
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    gc.set_debug(0)
    found = collections.Counter(full_name(type(thing)) for thing in gc.garbage)
    gc.garbage.clear()
    return found


def answer(**words):
    os.write(1, (json.dumps(words) + "\n").encode())


def main():
    gc.disable()
    # What a shape needs only once, such as an import, is not to count; nor what the answers need.
    for make in SHAPES.values():
        try:
            make()
        except ImportError as error:
            print(make.__name__, error, file=sys.stderr)
            SHAPES[make.__name__] = nothing
        settle()
    answer(warm=True, ready=True, pid=os.getpid(), shapes=sorted(SHAPES), reviving=["reviving"])
    while True:
        verb, _, name = os.read(0, 4096).decode().strip().partition(" ")
        if verb == "make":
            settle()
            SHAPES[name]()
            answer(done=verb)
        elif verb == "collect":
            answer(done=verb, collected=gc.collect())
        elif verb == "kept":
            answer(done=verb, types=kept())
        else:
            break


main()
