"""Run in the interpreter whose table is made: prints, as JSON, its version, the files it is mapped from, and every
type that is written in C with what the type says about its own struct."""
import ctypes
import importlib
import json
import re
import sys

MODULES = """_abc _asyncio _bisect _blake2 _codecs_jp _collections _contextvars _csv _ctypes _curses _curses_panel
_dbm _decimal _elementtree _functools _hashlib _heapq _hmac _interpchannels _interpqueues _interpreters _io _json
_lsprof _md5 _multibytecodec _multiprocessing _operator _pickle _queue _random _sha1 _sha2 _sha256 _sha3 _sha512
_socket _sqlite3 _sre _ssl _struct _template _thread _tkinter _typing _uuid _weakref _zoneinfo _zstd array asyncio
atexit bz2 collections compression.zstd concurrent.futures contextvars csv datetime decimal functools hashlib
itertools json lzma mmap multiprocessing operator pickle pyexpat queue random re select selectors socket sqlite3
ssl string string.templatelib struct threading types typing unicodedata weakref xml.etree.ElementTree zlib zoneinfo""".split()

# Offsets in PyTypeObject, given by the caller (it knows them from the headers).
NAME, BASICSIZE, WEAKLISTOFFSET, FLAGS, TRAVERSE = map(int, sys.argv[1:6])
HAVE_GC = 1 << 14


def word(at):
    return ctypes.c_size_t.from_address(at).value


def subtypes(of, seen):
    if of in seen:
        return
    seen.add(of)
    try:
        below = type.__subclasses__(of)
    except Exception:
        return
    for sub in below:
        subtypes(sub, seen)


def describe(cls, subtype_traverse):
    at = id(cls)
    gc = bool(word(at + FLAGS) & HAVE_GC)
    traverse = word(at + TRAVERSE)
    inherited = word(id(cls.__base__) + TRAVERSE) if cls.__base__ else 0
    return {
        "name": ctypes.string_at(word(at + NAME)).decode(),
        "basicsize": word(at + BASICSIZE),
        "weaklistoffset": max(ctypes.c_ssize_t.from_address(at + WEAKLISTOFFSET).value, 0),
        "own_traverse": gc and traverse not in (0, subtype_traverse, inherited),
    }


def main():
    for name in MODULES:
        try:
            importlib.import_module(name)
        except ImportError:
            pass

    class Plain:
        pass

    subtype_traverse = word(id(Plain) + TRAVERSE)
    seen = set()
    subtypes(object, seen)
    types = [describe(cls, subtype_traverse) for cls in seen if cls is not Plain]
    files = sorted(set(re.findall(r"(/\S*python\S*)", open("/proc/self/maps").read())))
    json.dump({"version": sys.version.split()[0], "files": files, "types": types}, sys.stdout)


main()
