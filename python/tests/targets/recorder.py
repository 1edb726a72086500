"""The truth about this process, told by the interpreter itself.

A target builds its objects and calls `serve`. It then says on standard output that it is ready and blocks in
`os.read` on standard input. Asked for the truth it writes what the `gc` and `sys` modules say of every object to a
file, lets go of everything that it needed for that, and blocks in the same `os.read` again: the process that an
outside reader now sees is the process that was recorded. What differs is stated in the file:

* `own`: containers of the recorder that the collector listed although they are gone by now,
* `unsettled`: objects that the recorder's own running frames hold, so that their reference counts were other ones
  while it counted.

Runs on CPython 3.8 and later and needs nothing but the standard library.
"""

import builtins
import gc
import json
import os
import sys
from array import array
from gc import get_objects, get_referents, is_tracked
from os import close, read, write
from sys import getrefcount, getsizeof
from types import FunctionType

CO_OPTIMIZED = 1
PERMANENT = 3
UNTRACKED = 255

# Prefixes of the names of types whose `__sizeof__`, though compiled, counts what other objects own.
unsized = ()

# From 3.14 on the collector lists the table of interned strings. It holds this one as key and as value.
INTERNED = sys.intern("a string in the table of interned strings")

# Address and bytes of data that an object owns outside of itself; filled by targets that know.
external = {}

# What an object refers to though the collector is not told: by address, a list of its items as pairs of index and
# address, and the addresses of fields by name; filled by targets that know.
held = {}

_qualname_of = type.__dict__["__qualname__"].__get__
_module_of = type.__dict__["__module__"].__get__


def serve(kept, source=0, sink=1):
    """Announces the target, then answers requests until its source closes. `kept` stays alive meanwhile."""
    gc.disable()
    sys.setswitchinterval(3600)  # nobody runs between two lines of the recorder
    write(sink, _line(ready=True, pid=os.getpid(), version=sys.version.split()[0]))
    # One line, so that the frame stands on the same one while it records and while it waits.
    while _answer(read(source, 4096), sink): pass  # noqa: E701
    del kept


def _answer(request, sink):
    """Does what a line asks for; false at the end of the input."""
    verb, _, path = request.decode().strip().partition(" ")
    if verb == "truth":
        _record(path, _line(done="truth", also=also(path)), sink)
    elif verb == "frames":
        _frames(path)
        write(sink, _line(done="frames"))
    elif verb:
        write(sink, _line(error="unknown request " + verb))
    return bool(verb)


def also(path):
    """Files of further interpreters of this process; a target with some replaces this function."""
    return []


def _record(path, line, sink):
    """Writes the truth to `path`, then `line` to `sink`.

    The collector's lists are taken first, so that whatever the recorder makes later is in none of them. A first
    run without a line fills every cache of the interpreter that the second one will meet.
    """
    if line:
        _record(os.devnull, b"", sink)
    everything = get_objects(2)
    old_end = len(everything)
    middle = get_objects(1)
    young = get_objects(0)
    mine = {id(everything), id(middle)}  # young themselves
    everything += middle
    middle_end = len(everything)
    for each in young:
        if id(each) not in mine:
            everything.append(each)
    each = middle = young = None
    generations = array("B", [2]) * old_end + array("B", [1]) * (middle_end - old_end)
    generations += array("B", [0]) * (len(everything) - middle_end)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    _describe(fd, everything, generations, mine)
    # From here to the next read nothing is looked up in a type, because the type cache holds references to names.
    counts = array("q", map(getrefcount, everything))
    write(fd, counts)
    close(fd)
    write(sink, line)


def _describe(fd, everything, generations, mine):
    """Writes all but the counts; what it needed for that is gone when it returns."""
    starts, referents = _close(everything)
    for at in range(len(generations), len(everything)):
        generations.append(PERMANENT if is_tracked(everything[at]) else UNTRACKED)
    header = {
        "version": sys.version.split()[0],
        "objects": len(everything),
        "references": len(referents),
        "permanent": gc.get_freeze_count(),
        "own": list(mine),
        "unsettled": _unsettled(),
        "external": list(external.items()),
        "held": [[address, items, list(fields.items())] for address, (items, fields) in held.items()],
        "types": _names(everything),
        "baseline": array("q", map(getrefcount, [object()]))[0],
    }
    write(fd, json.dumps(header).encode() + b"\n")
    write(fd, array("Q", map(id, everything)))
    write(fd, array("Q", map(id, map(type, everything))))
    write(fd, array("q", map(_size, everything)))
    for column in (starts, referents, generations):
        write(fd, column)


def _close(everything):
    """Appends what is reachable and not tracked; returns the referents of each, as starts and addresses."""
    seen = set(map(id, everything))
    starts = array("Q", [0])
    referents = array("Q")
    for owner in everything:  # grows while we walk it
        found = get_referents(owner)
        referents.extend(map(id, found))
        starts.append(len(referents))
        for each in found:
            if id(each) not in seen:
                seen.add(id(each))
                everything.append(each)
    return starts, referents


def _unsettled():
    """Objects that this recorder's running frames and live arrays hold, by reason."""
    functions = [serve, _answer, also, _record, _describe, _close, _names, _name, _size, _unsettled, _line]
    held = [builtins.__dict__]
    for function in functions:
        held += [function, function.__code__, function.__globals__]
        held += function.__code__.co_consts
    called = [read, write, close, getrefcount, map, array, list, set, type, bytes, str]
    return {
        "held by frames of the recorder": [id(each) for each in held],
        "called while recording or waiting": [id(each) for each in called],
        "constants that every frame uses": [id(each) for each in [None, True, False, (), "", b""]]
        + [id(number) for number in range(-5, 257)],
    }


def _size(each):
    """`sys.getsizeof`, or -1 where it fails or where the type counts something else than its own bytes."""
    kind = type(each)
    if isinstance(getattr(kind, "__sizeof__", None), FunctionType) or _name(kind).startswith(unsized):
        return -1  # written in Python: free to count what others own, and to change things on the way
    if kind is dict and each.get(INTERNED) is INTERNED:
        return -1  # grows now and then, for every answer leaves a used slot in it
    try:
        return getsizeof(each)
    except Exception:
        return -1


def _names(everything):
    """Address and name of every type."""
    names = {}
    for kind in map(type, everything):
        if id(kind) not in names:  # by address: a metaclass may define equality
            names[id(kind)] = _name(kind)
    return list(names.items())


def _name(kind):
    """`module.qualname`, builtins bare; the qualname alone where the module is no string."""
    try:
        module = _module_of(kind)
    except AttributeError:
        module = None
    name = _qualname_of(kind)
    return module + "." + name if isinstance(module, str) and module != "builtins" else name


def _frames(path):
    """Writes the stacks of all threads, innermost frame first, without the frames of this request."""
    stacks = []
    for ident, frame in sys._current_frames().items():
        while frame.f_code in (_frames.__code__, _answer.__code__):
            frame = frame.f_back
        stacks.append({"ident": ident, "frames": list(_stack(frame))})
    with open(path, "w") as file:
        json.dump(stacks, file)


def _stack(frame):
    while frame is not None:
        code = frame.f_code
        # The names of a class body or of a module stand in a dictionary of theirs.
        own = frame.f_locals if code.co_flags & CO_OPTIMIZED else None
        yield {
            "function": getattr(code, "co_qualname", code.co_name),
            "file": code.co_filename,
            "line": frame.f_lineno,
            "locals": own if own is None else {name: id(value) for name, value in own.items()},
        }
        frame = frame.f_back


def _line(**fields):
    return json.dumps(fields).encode() + b"\n"
