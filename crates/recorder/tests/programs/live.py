"""Is recorded from within: starts and stops the recorder of the library named first, once for each ring named behind it, and runs
`stacks.py` in between. Others set allocators of their own meanwhile."""

import ctypes
import os
import sys
import threading
import tracemalloc

LIBRARY, *RINGS = sys.argv[1:]
STACKS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "stacks.py")


class Allocator(ctypes.Structure):
    _fields_ = [(name, ctypes.c_void_p) for name in ("ctx", "malloc", "calloc", "realloc", "free")]


def allocators():
    found = []
    for domain in range(3):
        allocator = Allocator()
        ctypes.pythonapi.PyMem_GetAllocator(domain, ctypes.byref(allocator))
        found.append([getattr(allocator, name) for name, _ in Allocator._fields_])
    return found


def busy(over):
    while not over.is_set():
        kept = [bytearray(size) for size in range(100, 3000, 70)]
        over.wait(0.001)
        del kept


with open(STACKS) as file:
    CODE = compile(file.read(), STACKS, "exec")
over = threading.Event()
threads = [threading.Thread(target=busy, args=(over,)) for _ in range(2)]
for thread in threads:
    thread.start()
recorder = ctypes.PyDLL(LIBRARY)
before = allocators()
for number, ring in enumerate(RINGS):
    assert recorder.memsight_recorder_stop() != 0
    assert recorder.memsight_recorder_start(b"/no/such/ring") == -2
    assert allocators() == before, (allocators(), before)
    assert recorder.memsight_recorder_start(ring.encode()) == 0
    assert recorder.memsight_recorder_start(ring.encode()) == -3
    if number % 2:
        tracemalloc.start()
    exec(CODE, {"__name__": "__main__", "__file__": STACKS})
    # ends behind the recorder's own end, or before it
    if number % 4 == 1:
        tracemalloc.stop()
    sys.stdout.flush()
    assert recorder.memsight_recorder_stop() == 0
    if number % 4 == 3:
        tracemalloc.stop()
        assert recorder.memsight_recorder_start(b"/no/such/ring") == -2
    assert allocators() == before, (number, allocators(), before)
over.set()
for thread in threads:
    thread.join()
