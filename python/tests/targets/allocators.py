"""Memory of one kind after the other under an allocator that stands in for the C library's, and what that says of itself.

Started with the name of a kind and of the allocator (`python allocators.py threads jemalloc`). Asked `stats PATH`, this
process writes one line of JSON to PATH, the allocator's own statistics, and blocks again in the state in which it asked:
it writes until nothing that it does for that changes the figures any more.
"""

import ctypes
import gc
import json
import os
import sys
import threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]

kept = []
stay = threading.Event()


def plain():
    kept.append([bytes(700 + i % 900) for i in range(3000)])
    kept.append({i: str(i) for i in range(20000)})
    kept.append(list(range(300000)))
    kept.append([bytearray(size) for size in (100_000, 300_000, 5 << 20, 40 << 20)])
    for block in kept[-1]:
        block[:] = b"x" * len(block)


def fragmented():
    blocks = [libc.malloc(16 + 16 * (i % 80)) for i in range(40000)]
    large = [libc.malloc(20_000 * (i + 1)) for i in range(30)]
    for block in blocks:
        ctypes.memset(block, 1, 16)
    for block in blocks[::2] + large[::2]:
        libc.free(block)
    kept.append(blocks[1::2] + large[1::2])


def threads():
    started = threading.Barrier(9)

    def work(number):
        held = [bytes(1000 + i % 500) for i in range(4000 + 500 * number)]
        del held[::2]
        started.wait()
        stay.wait()

    for number in range(8):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    started.wait()


def jemalloc():
    """`stats.*` of jemalloc."""
    size = ctypes.c_size_t
    mallctl = libc.mallctl
    mallctl.argtypes = [ctypes.c_char_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    epoch, value, length = ctypes.c_uint64(1), size(), size(8)
    # of all arenas (MALLCTL_ARENAS_ALL)
    names = {"tcache_bytes": b"stats.arenas.4096.tcache_bytes"}
    names.update((name, b"stats." + name.encode()) for name in ("allocated", "active", "metadata", "retained"))

    def ask():
        mallctl(b"epoch", None, None, ctypes.byref(epoch), 8)
        figures = {}
        for name, path in names.items():
            mallctl(path, ctypes.byref(value), ctypes.byref(length), None, 0)
            figures[name] = value.value
        return figures

    return ask


def tcmalloc():
    """Properties of gperftools' `MallocExtension`."""
    value = ctypes.c_size_t()
    names = {
        "allocated": b"generic.current_allocated_bytes",
        "heap": b"generic.heap_size",
        "free": b"tcmalloc.pageheap_free_bytes",
        "unmapped": b"tcmalloc.pageheap_unmapped_bytes",
        "transfer": b"tcmalloc.transfer_cache_free_bytes",
        "thread": b"tcmalloc.thread_cache_free_bytes",
    }

    def ask():
        figures = {}
        for name, path in names.items():
            libc.MallocExtension_GetNumericProperty(path, ctypes.byref(value))
            figures[name] = value.value
        return figures

    return ask


def mimalloc():
    """The areas of this thread's heap, as `mi_heap_visit_blocks` tells them."""

    class Area(ctypes.Structure):
        _fields_ = [(name, ctypes.c_size_t) for name in "blocks reserved committed used block_size".split()]

    visitor = ctypes.CFUNCTYPE(
        ctypes.c_bool, ctypes.c_void_p, ctypes.POINTER(Area), ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p
    )
    sums = [0, 0]

    def visit(heap, area, block, size, argument):
        sums[0] += area.contents.used
        sums[1] += area.contents.used * area.contents.block_size
        return True

    callback = visitor(visit)
    libc.mi_heap_get_default.restype = ctypes.c_void_p
    libc.mi_heap_visit_blocks.argtypes = [ctypes.c_void_p, ctypes.c_bool, visitor, ctypes.c_void_p]

    def ask():
        sums[:] = 0, 0
        libc.mi_heap_visit_blocks(libc.mi_heap_get_default(), False, callback, None)
        return {"count": sums[0], "allocated": sums[1]}

    return ask


def answer(ask, path):
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    line = b'{"done": "stats"}\n'
    for _ in range(20):
        text = json.dumps(ask()) + "\n"
        os.pwrite(descriptor, text.encode(), 0)
        del text
    os.write(1, line)


gc.disable()
{"plain": plain, "fragmented": fragmented, "threads": threads}[sys.argv[1]]()
ask = {"jemalloc": jemalloc, "tcmalloc": tcmalloc, "mimalloc": mimalloc}[sys.argv[2]]()
os.write(1, json.dumps({"ready": True, "pid": os.getpid()}).encode() + b"\n")
while True:
    request = os.read(0, 200)
    if not request:
        break
    answer(ask, request.decode().split()[1])
