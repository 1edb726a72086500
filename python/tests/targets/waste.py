"""Waste of every kind, and what the interpreter itself says of it.

Asked to `measure PATH`, this process writes JSON to PATH: `slack` (address of a container, bytes that a new one with the
same items would save, by `sys.getsizeof`), `equal` (addresses of the objects of each class of equals), `single`
(addresses of objects that are equal to nothing), `numbers` (address of a list or tuple, type code, bytes of an array of
the same) and `classes` (name, instances, attributes, bytes of all instances as allocated, the same with slots, by
`tracemalloc`; without figures for a class that slots could not serve).
"""

import collections
import io
import json
import os
import sys
import tracemalloc
import weakref
from array import array

COUNT = 1000


def lists():
    for length in (0, 1, 5, 9, 100, 1001):
        grown = []
        for _ in range(length):
            grown.append(None)
        yield grown, grown[:]
        yield grown[:], grown[:]
    drained = [None] * 1000
    del drained[3:]
    yield drained, drained[:]
    emptied = [None] * 10
    emptied.pop()
    yield emptied, emptied[:]


def dicts():
    for length in (0, 1, 5, 6, 10, 11, 100, 5000):
        for kind in (dict, collections.OrderedDict, lambda: collections.defaultdict(list)):
            for make in (int, str):
                table = kind()
                for number in range(length):
                    table[make(number)] = None
                yield table, renewed(table)
                for left in (2, 1, 0):
                    sparse = kind()
                    for number in range(length):
                        sparse[make(number)] = None
                    for number in range(length - 1, left - 1, -1):
                        del sparse[make(number)]
                    yield sparse, renewed(sparse)
    cleared = {"a": 1, "b": 2}
    cleared.clear()
    yield cleared, {}


def renewed(table):
    """A dictionary of the same type with the same items, made anew."""
    fresh = {} if type(table) is dict else type(table)()
    for key, value in table.items():
        fresh[key] = value
    return fresh


def sets():
    for length in (0, 1, 4, 5, 6, 20, 100, 1000, 60000):
        grown = set()
        for number in range(length):
            grown.add(number)
        yield grown, grown.copy()
        frozen = frozenset(grown)
        yield frozen, frozenset(set(frozen))
        drained = set(range(length))
        for number in range(length - 1, 2, -1):
            drained.discard(number)
        yield drained, drained.copy()


def buffers():
    for length in (0, 1, 64, 100, 1000):
        yield collections.deque([None] * length), collections.deque([None] * length)
        queue = collections.deque([None] * length)
        for _ in range(length // 2):
            queue.popleft()
        yield queue, queue.copy()
        for cut in (0, length // 2, 2 * length):
            grown = bytearray()
            for _ in range(length):
                grown += b"xy"
            del grown[:cut]
            yield grown, bytearray(grown)


def slack(kept):
    kept["containers"] = pairs = [pair for kind in (lists, dicts, sets, buffers) for pair in kind()]
    return [(id(old), max(sys.getsizeof(old) - sys.getsizeof(new), 0)) for old, new in pairs]


def equals(kept):
    text, number = "an equal text, number %d", 10**6
    makers = [
        lambda: text % 7,
        lambda: "éa%d" % number,
        lambda: "€%d" % number,
        lambda: "\U0001f40d%d" % number,
        lambda: "long" * (number // 10),
        lambda: b"bytes %d" % number,
        lambda: float("1234.5"),
        lambda: float("-0.0"),
        lambda: complex("3+4j"),
        lambda: int("-123456"),
        lambda: int("9" * 50),
        lambda: (text % 8, float("2.5"), (int("77777"), None), kept["lists"]),
    ]
    kept["lists"] = [[]]
    kept["equals"] = classes = [[make() for _ in range(20)] for make in makers]
    classes.append([each[2] for each in classes[-1]])  # and the tuples inside
    return [[id(each) for each in members] for members in classes]


def singles(kept):
    kept["singles"] = found = [
        "alone %d" % 31,
        b"1%s" % b"234567.5",
        float("1234567.5"),
        complex("1234567.5"),
        int("1234567000"),
        (float("1234567.25"), []),
        (float("1234567.25"), []),
        sys.intern("an interned text, number %d" % len(kept)),
        float("0.0"),
        (int("424242"),),
        (float("424242.0"),),
    ]
    # Equal to a number in a tuple, which is no copy of the tuple.
    return [id(each) for each in found if not isinstance(each, float)]


def numbers(kept):
    floats = [number + 0.5 for number in range(1000)]
    whole = [number * 10**6 for number in range(1000)]
    wide = [number * 2**40 for number in range(-500, 500)]
    large = [number * 2**70 for number in range(1, 1000)]
    mixed = floats[:500] + whole[:500]
    kept["numbers"] = floats, whole, wide, large, mixed, tuple(wide), [True] * 100, floats[:3]
    columns = [(floats, "d"), (whole, "q"), (wide, "q"), (kept["numbers"][5], "q")]
    return [(id(column), code, sys.getsizeof(array(code, column))) for column, code in columns]


class Plain:
    names = ("first", "second", "third")


class Slotted:
    __slots__ = Plain.names


class Empty:
    names = ()


class EmptySlots:
    __slots__ = ()


class Many:
    names = tuple("attribute%d" % number for number in range(14))


class ManySlots:
    __slots__ = Many.names


class Derived(Plain):
    names = Plain.names + ("fourth",)


class DerivedSlots(Slotted):
    __slots__ = ("fourth",)


class Partly(Slotted):
    names = ("fourth", "fifth")


class PartlySlots(Slotted):
    __slots__ = ("fourth", "fifth")


class Watched:
    names = ("first", "second")


class WatchedSlots:
    __slots__ = ("first", "second", "__weakref__")


class Opened:
    names = ("first", "second")


class OpenedSlots:
    __slots__ = Opened.names


class Irregular:
    names = ("first",)


class Shared:
    names = ("first",)


PAIRS = [(Plain, Slotted), (Empty, EmptySlots), (Many, ManySlots), (Derived, DerivedSlots), (Partly, PartlySlots)]
PAIRS += [(Watched, WatchedSlots), (Opened, OpenedSlots)]


def allocated(kind, names, kept):
    """Bytes that instances of a class take, as the allocators see it."""
    instances = [None] * COUNT
    tracemalloc.start(1)
    before = tracemalloc.get_traced_memory()[0]
    at = 0
    while at < COUNT:
        instances[at] = each = kind()
        for name in names:
            setattr(each, name, None)
        if kind is Opened:
            each.__dict__
        at += 1
    del at, each
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    kept.append(instances)
    return after - before


def classes(kept):
    kept["free lists"] = [[{} for _ in range(500)], [type(name, (), {})() for name in ["A"] * 100], []]
    for each in kept["free lists"][1]:
        each.attribute = None
        kept["free lists"][2].append(each.__dict__)
    kept["instances"] = instances = []
    found = []
    for kind, slotted in PAIRS:
        names = kind.names
        found.append((kind.__name__, COUNT, len(names), allocated(kind, names, instances), allocated(slotted, names, instances)))
    kept["watcher"] = weakref.ref(instances[-4][7])
    assert type(instances[-4][7]) is Watched
    for kind in (Irregular, Shared):
        allocated(kind, kind.names, instances)
        found.append((kind.__name__, COUNT, None, None, None))
    instances[-2][5].other = None
    kept["dict"] = instances[-1][5].__dict__
    return found


def drafts(kept):
    """What is being written has room for more, belongs to its writer alone, and is equal to nothing."""
    kept["drafts"] = [io.StringIO() for _ in range(20)]
    for writer in kept["drafts"]:
        writer.write("a draft of a text " * 10)
        writer.write("that goes on")


def main():
    kept = {}
    drafts(kept)
    answer = {"classes": classes(kept), "slack": slack(kept), "equal": equals(kept), "single": singles(kept)}
    answer["numbers"] = numbers(kept)
    answer = json.dumps(answer)
    say(ready=True, pid=os.getpid(), version=sys.version.split()[0])
    while True:
        verb, _, path = os.read(0, 4096).decode().strip().partition(" ")
        if verb != "measure":
            return
        with open(path, "w") as file:
            file.write(answer)
        say(done="measure")


def say(**answer):
    os.write(1, json.dumps(answer).encode() + b"\n")


main()
