"""What a real program says of itself, for `run.py` to compare with what memsight sees from outside.

    program                                  run.py
    builds what it works with
    one round of work, the collector off
    one line of JSON: its truth        --->  looks at it
    checks the cycles that were seen   <---  one line of JSON: those cycles
    gc.collect(), one more round
    one line of JSON: what came of it  --->  compares

The lines go through the file descriptors 0 and 1 themselves, since a program that embeds Python (vim, gdb) has streams
of its own for `print`. Nothing here is imported from memsight: the truth is Python's and the libraries' own.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any


def _streams() -> tuple[int, int]:
    """Where the handshake goes: put aside before the program can write there; what it prints goes to stderr.

    A host with a use of its own for them names others: `hosts/postgres.py`.
    """
    named = os.environ.get("MEMSIGHT_REAL_STREAMS")
    if named:
        read, write = map(int, named.split())
        return read, write
    streams = os.dup(0), os.dup(1)
    os.dup2(2, 1)
    return streams


_IN, _OUT = _streams()

# Include/object.h
_HEAP_TYPE = 1 << 9
_HAS_GC = 1 << 14
# Types that this module makes instances of while it counts.
_OWN = {"list", "dict", "tuple", "frame", "cell", "function", "set", "generator", "zip", "map", "enumerate"}


def type_name(kind: type) -> str:
    """As memsight writes it: `module.qualname`, built-ins bare.

    The module is asked from the type, not by `kind.__module__`: some metaclasses (zope's, Cython's) answer that
    themselves.
    """
    module = type.__dict__["__module__"].__get__(kind)
    name = type.__dict__["__qualname__"].__get__(kind)
    return str(name) if module == "builtins" or not isinstance(module, str) else f"{module}.{name}"


def digest(*values: object) -> str:
    """A checksum of results, whatever they are: of their text, bytes and arrays by their contents."""
    sum_ = hashlib.blake2b(digest_size=12)
    for value in values:
        sum_.update(value if isinstance(value, (bytes, bytearray, memoryview)) else repr(value).encode())
        sum_.update(b"\0")
    return sum_.hexdigest()


def allocated() -> int:
    """Bytes that glibc's malloc has given out now, by its own statistics (`mallinfo2`)."""
    import ctypes

    names = ["arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"]

    class Info(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in names]

    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = Info
    info = ask()
    return int(info.uordblks) + int(info.hblkhd)


class Truth:
    """Collects what a program knows of itself, and hands it over."""

    def __init__(self, *packages: str) -> None:
        self._packages = {name: importlib.metadata.version(name) for name in packages}
        self._classes: list[type] = []
        self._lengths: list[tuple[str, Callable[[], int]]] = []
        self._least: list[tuple[str, Callable[[], int]]] = []
        self._native: list[tuple[Sequence[str], Callable[[], int], str, bool]] = []

    def instances(self, *classes: type) -> None:
        """The instances of these classes are to be found, each: the collector's own list tells how many there are."""
        self._classes += classes

    def objects(self, name: str, count: Callable[[], int]) -> None:
        """The same for a type that the collector does not track: the program counts what it holds, and no more exist."""
        self._lengths.append((name, count))

    def at_least(self, name: str, count: Callable[[], int]) -> None:
        """For a type of which the interpreter has some, too, such as `str`: those that the program holds."""
        self._least.append((name, count))

    def native(
        self, owners: Iterable[type | str], stated: Callable[[], int], source: str, *, whole: bool = True
    ) -> None:
        """Objects of these types own, together, so many bytes beside themselves: `source` is who says so.

        Not `whole`: the source knows of a part of what the library took, so that they may own any amount more.
        """
        names = sorted({owner if isinstance(owner, str) else type_name(owner) for owner in owners})
        self._native.append((names, stated, source, whole))

    def hand_over(self, work: Callable[[], object], settled: Callable[[], bool] = lambda: True) -> None:
        """Works once, tells, is looked at, works once more: `work` must return the same both times.

        `settled` says whether the threads of the program have put down what they had in hand for the work.
        """
        work()  # what is made once (caches, compiled statements) is there before it is counted
        gc.collect()
        gc.disable()
        before = digest(work())
        while not settled():
            time.sleep(0.001)
        _write(self._told())
        seen = json.loads(_read())
        unknown = _unknown_links(seen["cycles"])
        collected = gc.collect()
        gc.enable()
        after = digest(work())
        _write({"collected": collected, "unchanged": before == after, "unknown_links": unknown})

    def _told(self) -> dict[str, Any]:
        stated = [
            {"owners": owners, "bytes": count(), "source": source, "whole": whole}
            for owners, count, source, whole in self._native
        ]
        lengths = {name: count() for name, count in self._lengths}
        # A plain dictionary: `Counter` asks abstract classes, whose caches are objects, too.
        tracked: dict[str, int] = {}
        exact: set[str] = set()
        for thing in gc.get_objects():
            kind = type(thing)
            name = type_name(kind)
            tracked[name] = tracked.get(name, 0) + 1
            if kind.__flags__ & _HEAP_TYPE and kind.__flags__ & _HAS_GC:
                exact.add(name)
        named = {type_name(kind): tracked.get(type_name(kind), 0) for kind in self._classes}
        return {
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "packages": self._packages,
            "named": {**named, **lengths},
            "least": {name: count() for name, count in self._least},
            "tracked": {name: count for name, count in tracked.items() if name not in _OWN},
            "exact": sorted(exact - _OWN),
            "native": stated,
        }


def _unknown_links(cycles: list[list[int]]) -> list[str]:
    """References on cycles that memsight has seen and the collector does not know (`gc.get_referents`).

    A dictionary of attributes is no step of its own in a cycle, so that one step may be two references. What is not
    tracked is passed over: a frame that never became an object has no entry among the collector's.
    """
    there = {id(thing): thing for thing in gc.get_objects()}
    unknown = []
    for cycle in cycles:
        for at, to in zip(cycle, cycle[1:] + cycle[:1]):
            if at in there and to in there and not _leads(there[at], to):
                unknown.append(f"{type_name(type(there[at]))} -> {type_name(type(there[to]))}")
    return unknown


def _leads(thing: object, to: int) -> bool:
    near = gc.get_referents(thing)
    if any(id(other) == to for other in near):
        return True
    return any(id(far) == to for other in near if type(other) is dict for far in gc.get_referents(other))


def _write(value: object) -> None:
    line = json.dumps(value).encode() + b"\n"
    while line:
        line = line[os.write(_OUT, line) :]


def _read() -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        part = os.read(_IN, 1 << 16)
        if not part:
            raise SystemExit("the runner has gone away")
        line += part
    return bytes(line)
