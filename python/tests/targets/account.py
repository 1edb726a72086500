"""Memory of one kind after the other, and what the C library says of it.

Started with the name of a kind (`python account.py threads`). Asked `malloc PATH`, this process writes one line of JSON
to PATH, what `mallinfo2` says, and to PATH.xml what `malloc_info` says, and blocks again in the state in which it
asked: it writes until nothing that it does for that changes the figures any more.
"""

import ctypes
import gc
import json
import mmap
import os
import sys
import threading

FIELDS = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()


class Mallinfo(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in FIELDS]


libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
libc.fopen.argtypes = [ctypes.c_char_p, ctypes.c_char_p]
libc.setvbuf.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.malloc_info.argtypes = [ctypes.c_int, ctypes.c_void_p]
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
mallinfo = libc.mallinfo2
mallinfo.restype = Mallinfo

kept = []
stay = threading.Event()


def plain():
    kept.append([bytes(700 + i % 900) for i in range(3000)])
    kept.append({i: str(i) for i in range(20000)})
    kept.append(list(range(300000)))


def fragmented():
    blocks = [libc.malloc(600 + 16 * (i % 40)) for i in range(40000)]
    for block in blocks:
        ctypes.memset(block, 1, 600)
    for block in blocks[::2]:
        libc.free(block)
    kept.append(blocks[1::2])
    objects = [{"number": i} for i in range(60000)]
    kept.append(objects[::16])


def fast():
    blocks = [libc.malloc(16 + 8 * (i % 12)) for i in range(200000)]
    for block in blocks[:-1]:
        libc.free(block)


def threads():
    started = threading.Barrier(9)

    def work(number):
        held = [bytes(1000 + i % 500) for i in range(4000 + 500 * number)]
        del held[::2]
        if number == 7:
            held.extend(bytes(60000) for _ in range(1500))  # more than one heap of 64 MiB
        started.wait()
        stay.wait()

    for number in range(8):
        threading.Thread(target=work, args=(number,), daemon=True).start()
    started.wait()


def mapped():
    path = sys.argv[2]
    with open(path, "wb") as file:
        file.write(bytes(8 << 20))
    with open(path, "r+b") as file:
        whole = mmap.mmap(file.fileno(), 0)
    kept.append((whole, sum(whole[i] for i in range(0, 8 << 20, 4096))))
    kept.append(bytearray(5 << 20))
    kept.append(b"x" * (3 << 20))
    untouched = mmap.mmap(-1, 64 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    untouched[: 1 << 20] = bytes(1 << 20)
    kept.append(untouched)


def shared():
    memory = mmap.mmap(-1, 16 << 20)
    memory[:] = bytes(16 << 20)
    kept.append(memory)
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("account")
        os.ftruncate(descriptor, 4 << 20)
        second = mmap.mmap(descriptor, 4 << 20)
        second[:] = bytes(4 << 20)
        kept.append(second)


def strings():
    kept.append(["%d" % i * 200000 for i in range(20)])
    kept.append([chr(0x4E00 + i) * 3000 for i in range(500)])


def deep():
    started = threading.Barrier(2)

    def down(depth):
        if depth:
            down(depth - 1)
        else:
            started.wait()
            stay.wait()

    sys.setrecursionlimit(20_000)
    threading.Thread(target=down, args=(8000,), daemon=True).start()
    started.wait()


def untouched():
    """Blocks of the C heap that nobody has written to, beside small ones that are."""
    make = ctypes.pythonapi.PyBytes_FromStringAndSize
    make.argtypes, make.restype = [ctypes.c_void_p, ctypes.c_ssize_t], ctypes.py_object
    kept.append([make(None, 100_000) for _ in range(400)])
    kept.append([bytes([i % 256]) * 1000 for i in range(20_000)])


def numpy():
    import numpy as np

    kept.append(np.ones(3_000_000))
    kept.append([np.arange(2000) for _ in range(1000)])
    kept.append(np.zeros(200_000_000))  # never touched


def forked():
    kept.append([bytes(1000) for _ in range(20000)])
    kept.append([str(i) for i in range(100000)])
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(writer)
        os.read(reader, 1)
        os._exit(0)
    kept.append(writer)


def answer(path):
    file = libc.fopen(os.fsencode(path + ".xml"), b"w")
    libc.setvbuf(file, None, 2, 0)  # unbuffered, so that nothing is allocated in between
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    line = b'{"done": "malloc"}\n'
    for _ in range(20):
        info = mallinfo()
        text = json.dumps({name: getattr(info, name) for name in FIELDS}) + "\n"
        os.pwrite(descriptor, text.encode(), 0)
        del info, text
    libc.malloc_info(0, file)
    os.write(1, line)


gc.disable()
{name: globals()[name] for name in sys.argv[1:2]}[sys.argv[1]]()
os.write(1, json.dumps({"ready": True, "pid": os.getpid()}).encode() + b"\n")
while True:
    request = os.read(0, 200)  # small enough for pymalloc
    if not request:
        break
    answer(request.decode().split()[1])
