"""Requests handled in threads free what they took, and glibc keeps it: between blocks that stay, in every arena."""

import ctypes
import threading

from ready import wait

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]

KEPT: list[int] = []
WORKERS = 4
handled = threading.Barrier(WORKERS + 1)
leave = threading.Event()


def handle() -> None:
    """What a library does for a request: many buffers, of which a small one in a thousand stays."""
    taken = []
    for number in range(3000):
        taken.append(libc.malloc(8000))
        libc.memset(taken[-1], 1, 8000)
        if number % 300 == 0:
            KEPT.append(libc.malloc(100))
    for address in taken:
        libc.free(address)
    handled.wait()
    leave.wait()


for _ in range(WORKERS):
    threading.Thread(target=handle, daemon=True).start()
handled.wait()
wait()
leave.set()
