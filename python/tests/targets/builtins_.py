"""Objects of every built-in data type, in every shape that their memory can have."""

import array
import collections
import sys
import types

import recorder


class Integer(int):
    """A subclass whose instances have a `__dict__` behind a variable part."""


class SlottedInteger(int):
    __slots__ = ()


class Floating(float):
    pass


class Text(str):
    pass


class SlottedText(str):
    __slots__ = ()


class Raw(bytes):
    pass


class Growing(bytearray):
    pass


class Pair(tuple):
    pass


class Items(list):
    pass


class SlottedItems(list):
    __slots__ = ("first", "second")


class Mapping(dict):
    pass


class SlottedMapping(dict):
    __slots__ = ("extra", "__weakref__")


class Group(set):
    pass


class Frozen(frozenset):
    pass


Point = collections.namedtuple("Point", "x y label")


def numbers():
    integers = [0, 1, -1, 255, 256, 257, -5, -6]
    for bits in (15, 29, 30, 31, 59, 60, 61, 62, 63, 64, 65, 90, 300, 3000, 100_000):
        integers += [1 << bits, -(1 << bits), (1 << bits) - 1]
    return [
        integers,
        [Integer(0), Integer(5), Integer(-5), Integer(1 << 70), SlottedInteger(1 << 40)],
        [with_attributes(Integer(7 << 80), name="odd", more=[1])],
        [True, False, 0.0, -0.0, 1.5, float("inf"), float("nan"), 1j, complex(1, -2), Floating(2.5)],
        [with_attributes(Floating(1.0), unit="s")],
        [None, Ellipsis, NotImplemented],
    ]


def strings():
    plain = ["", "a", "é", "Ω", "😀", "ascii text", "latin é text", "ucs2 Ω text", "ucs4 😀 text"]
    long = [text * 1000 for text in plain[1:]]
    cached = ["utf8 of é " * 3, "utf8 of Ω " * 3, "utf8 of 😀 " * 3, "plain ascii " * 3]
    for text in cached:
        # `str.encode` does not keep the UTF-8 form; creating a type by this name does.
        type(text, (), {})
    sub = [Text(text * 3) for text in plain] + [SlottedText("slotted"), with_attributes(Text("with dict"), a=1)]
    interned = [sys.intern("recorder interned string"), sys.intern("Ωinterned")]
    return [plain, long, cached, sub, interned, legacy_strings(), "".join(map(chr, range(32, 400)))]


def legacy_strings():
    """Strings with a `wchar_t` form beside or instead of the compact one (before 3.12)."""
    if sys.version_info >= (3, 12):
        return []
    import ctypes

    cache = ctypes.pythonapi.PyUnicode_AsUnicode
    cache.argtypes, cache.restype = [ctypes.py_object], ctypes.c_void_p
    unready = ctypes.pythonapi.PyUnicode_FromUnicode
    unready.argtypes, unready.restype = [ctypes.c_void_p, ctypes.c_ssize_t], ctypes.py_object
    # Joined here, because constants are shared with the code object.
    kept = ["".join(["wide ", form]) for form in ("ascii", "é", "Ω", "😀")]
    for text in kept:
        cache(text)
    return [kept, unready(None, 5), "".join(["ready ", "again"])]


def byte_strings():
    empty, plain = bytearray(), bytearray(b"plain")
    grown = bytearray()
    for number in range(1000):
        grown.append(number & 0xFF)
    shifted = bytearray(b"0123456789" * 100)
    del shifted[:37]
    shrunk = bytearray(b"x" * 5000)
    del shrunk[10:]
    popped = bytearray(b"x")
    popped.pop()
    exported = bytearray(b"exported")
    views = [memoryview(exported), memoryview(b"bytes")[1:3], memoryview(array.array("i", [1, 2, 3, 4]))[::2]]
    released = memoryview(b"released")
    released.release()
    return [
        [b"", b"a", b"\xff", b"some bytes", b"x" * 100_000, Raw(b"raw"), with_attributes(Raw(b"d" * 9), a=1)],
        [empty, plain, grown, shifted, shrunk, popped, exported, Growing(b"sub"), with_attributes(Growing(), a=1)],
        [views, released, views[0].toreadonly(), memoryview(bytearray(12)).cast("B", (3, 4))],
    ]


def sequences():
    grown = []
    for number in range(1000):
        grown.append([number])
    emptied = list(range(100))
    emptied.clear()
    popped = list("abcdef")
    popped.pop()
    selfish = []
    selfish.append(selfish)
    slotted = SlottedItems([1, "two"])
    slotted.first = slotted
    twice = object()
    deep = ()
    for _ in range(50):
        deep = (deep,)
    return [
        [(), (1,), (1, 2.5, "three"), ([],), deep, tuple(range(1000)), (twice, twice, twice)],
        [Pair(), Pair((1, [2])), with_attributes(Pair("xy"), owner=twice), Point(1, [2], "p")],
        [sys.version_info, sys.float_info, sys.flags, sys.hash_info],
        [[], [1], grown, emptied, popped, selfish, [None] * 500, [twice] * 3, list(range(7))],
        [Items(), Items("abc"), with_attributes(Items([1]), a=[2]), SlottedItems(), slotted],
        [range(0), range(10), range(1, 1 << 80, 3), slice(None), slice(1, [2], "3")],
    ]


def dictionaries():
    text_keys = {"name": [1], "other": (2, [3]), "é": None}
    mixed = {1: "one", "two": 2, (3, 4): [5], None: {}, 2.5: {1}, frozenset([1]): b"x"}
    holes = {"key%d" % number: [number] for number in range(100)}
    for number in range(0, 100, 3):
        del holes["key%d" % number]
    number_holes = {number: [number] for number in range(50)}
    for number in range(40):
        del number_holes[number]
    reused = {"a": [1], "b": [2]}
    del reused["a"]
    reused["c"] = [3]
    popped = {"a": [1], "b": [2], "c": [3]}
    popped.popitem()
    cleared = dict.fromkeys(range(100))
    cleared.clear()
    turned = {"only": [1], "text": [2]}
    turned[3] = [4]  # a table of str keys becomes a general one
    subclass_key = {Text("subclass"): [1], "plain": [2]}
    selfish = {}
    selfish["self"] = selfish
    sizes = [dict.fromkeys(range(count), None) for count in (5, 6, 85, 86, 170, 171, 200)]
    large = {number: number for number in range(50_000)}
    return [
        [{}, text_keys, mixed, holes, number_holes, reused, popped, cleared, turned, subclass_key, selfish],
        [sizes, large, {str(number): None for number in range(200)}, dict(text_keys), text_keys.copy()],
        [Mapping(), Mapping(a=1), with_attributes(Mapping(b=[2]), c=[3]), slotted_mapping(), dict(zip("abc", [[]] * 3))],
        ordered(),
        [types.MappingProxyType(text_keys), types.MappingProxyType({}), vars(Text)],
        [text_keys.keys(), text_keys.values(), text_keys.items(), iter(mixed), iter(mixed.items()), iter(mixed.values())],
        [reversed(mixed) if sys.version_info >= (3, 8) else None, collections.OrderedDict(a=1).keys()],
    ]


def slotted_mapping():
    mapping = SlottedMapping(k=[1])
    mapping.extra = [2]
    return mapping


def ordered():
    plain = collections.OrderedDict((name, [name]) for name in "abcdefgh")
    del plain["c"]
    plain.move_to_end("a")
    mixed = collections.OrderedDict([(1, []), ("two", []), ((3,), [])])
    grown = collections.OrderedDict.fromkeys(range(1000))
    sub = type("SubOrdered", (collections.OrderedDict,), {})(x=[1])
    sub.attribute = [2]
    direct = collections.OrderedDict(a=[1])
    direct.attribute = [2]
    default = collections.defaultdict(list)
    default["a"].append(1)
    bare_default = collections.defaultdict(None, {1: [2]})
    counter = collections.Counter("abracadabra")
    chain = collections.ChainMap({"a": [1]}, {"b": [2]}, counter)
    user = [collections.UserDict(a=[1]), collections.UserList([1, [2]]), collections.UserString("user")]
    iterators = [iter(plain), iter(plain.items()), iter(plain.values()), reversed(plain)]
    return [plain, mixed, grown, sub, direct, default, bare_default, counter, chain, user, iterators]


def sets():
    large = set(range(1000))
    dummies = set(range(20))
    for number in range(15):
        dummies.discard(number)
    shrunk = set("abcdefgh") | {(1, 2), None}
    shrunk.discard("a")
    cleared = set(range(100))
    cleared.clear()
    big_strings = {"member %d" % number for number in range(5000)}
    partly = iter({1, 2, 3})
    next(partly)
    return [
        [set(), {1}, {1, "two", (3,), 4.5}, large, dummies, shrunk, cleared, big_strings, partly],
        [frozenset(), frozenset([1]), frozenset(range(500)), frozenset({frozenset(), (1, 2)})],
        [Group(), Group("ab"), with_attributes(Group([1]), a=[2]), Frozen("cd"), with_attributes(Frozen(), a=[1])],
    ]


def with_attributes(thing, **attributes):
    for name, value in attributes.items():
        setattr(thing, name, value)
    return thing


def build():
    return [numbers(), strings(), byte_strings(), sequences(), dictionaries(), sets()]


if __name__ == "__main__":
    recorder.serve(build())
