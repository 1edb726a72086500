"""Objects that own memory of C code, one kind at a time.

Started with the name of a kind (`python native.py zlib_compress`), it makes the objects, writes one line of JSON: their
type, how many there are, and by how many bytes the blocks in use of the C heap grew while they were made, as `mallinfo2`
says; and then blocks.
"""

import bz2
import ctypes
import gc
import io
import json
import lzma
import mmap
import os
import pickle
import sqlite3
import ssl
import sys
import zlib
from xml.parsers import expat

FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()


class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


mallinfo = ctypes.CDLL(None).mallinfo2
mallinfo.restype = Mallinfo

kept = []
sinks = []
beside_it = []


def noise(length):
    """Bytes that do not compress."""
    return bytes((i * i * 31 + i // 7) % 251 for i in range(length))


def zlib_compress():
    data = noise(2000)

    def one():
        made = zlib.compressobj()
        made.compress(data)
        return made

    return [one() for _ in range(300)]


def zlib_decompress():
    data = zlib.compress(noise(70000))

    def one():
        made = zlib.decompressobj()
        made.decompress(data[:-20])
        return made

    return [one() for _ in range(200)]


def bz2_compress():
    def one():
        made = bz2.BZ2Compressor(9)
        made.compress(noise(5000))
        return made

    return [one() for _ in range(5)]


def lzma_compress():
    def one():
        made = lzma.LZMACompressor(preset=1)
        made.compress(noise(5000))
        return made

    return [one() for _ in range(3)]


def ssl_context():
    return [ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) for _ in range(200)]


def sqlite_connection():
    """Beside certificates, in whose memory many a word is older than what it leads to."""
    if not beside_it:
        beside_it.extend(ssl.create_default_context() for _ in range(2))

    def one(number):
        made = sqlite3.connect(":memory:", isolation_level=None)
        made.execute("create table t (a integer primary key, b text)")
        made.executemany("insert into t values (?, ?)", ((i, "x" * 100) for i in range(2000 + number)))
        return made

    return [one(number) for number in range(10)]


def expat_parser():
    def one():
        made = expat.ParserCreate()
        made.Parse(b"<a>" + b"".join(b"<b%d c='%d'>" % (i, i) for i in range(500)), False)
        return made

    return [one() for _ in range(40)]


def pickler():
    def one():
        sinks.append(io.BytesIO())
        made = pickle.Pickler(sinks[-1])
        made.dump([(i, str(i)) for i in range(3000)])
        return made

    return [one() for _ in range(10)]


def untouched():
    mapped = [mmap.mmap(-1, 8 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range(50)]
    # all equal, and with nothing to save: more than all the memory that the process has
    blank = [bytes(64 << 20) for _ in range(2)]
    return mapped + [[bytes([i % 256]) * 1000 for i in range(20000)]] + blank


def beside():
    """Bytes of Python's own objects among them, which are no memory of C code: what the picklers wrote."""
    return sum(sys.getsizeof(written) for written in sinks)


def used():
    info = mallinfo()
    return info.uordblks + info.hblkhd


def main():
    make = globals()[sys.argv[1]]
    gc.collect()
    kept.extend(make())
    kept.clear()
    sinks.clear()
    gc.collect()
    # what the libraries set up once is there now
    before = used()
    kept.extend(make())
    gc.collect()
    native = used() - before - beside()
    kind = type(kept[0])
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    truth = {"ready": True, "pid": os.getpid(), "type": name, "count": len(kept), "native_bytes": native}
    os.write(1, json.dumps(truth).encode() + b"\n")
    os.read(0, 1)


main()
