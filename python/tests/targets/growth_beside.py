"""Programs whose memory grows beside the Python heap, and programs that are steady.

Started with the name of a shape. Asked to `work N`, the program does N rounds of it and answers once it waits again.
`ready` names the line of the account of RSS that grows (`line`), null where none does, and whether strings that are
interned while the program runs never die (`immortal_interned`).
"""

import asyncio
import ctypes
import gc
import json
import mmap
import os
import queue
import sys
import tempfile
import threading

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t] + [ctypes.c_int] * 3 + [ctypes.c_long]
PROT_READ_WRITE, MAP_SHARED, MAP_PRIVATE, MAP_ANONYMOUS = 3, 1, 2, 0x20
MIB = 1 << 20
# Seconds until a timer of the server is due.
FLIGHT = 0.05


def c_blocks(number):
    """Blocks that C code never frees."""
    libc.memset(libc.malloc(20_000), 1, 20_000)


def c_mapped_blocks(number):
    """Blocks so large that each is a mapping."""
    if number % 10 == 0:
        libc.memset(libc.malloc(200_000), 1, 200_000)


def mappings(number):
    if number % 10 == 0:
        libc.memset(libc.mmap(None, 1 << 17, PROT_READ_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), 1, 1 << 17)


def shared(number):
    if number % 10 == 0:
        libc.memset(libc.mmap(None, 1 << 17, PROT_READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), 1, 1 << 17)


def python_blocks(number):
    """Blocks of Python's own allocator that belong to no object."""
    ctypes.pythonapi.PyMem_Malloc.restype = ctypes.c_void_p
    for _ in range(40):
        ctypes.pythonapi.PyMem_Malloc(ctypes.c_size_t(400))


def deep(depth):
    return deep(depth - 1) if depth else started.release()


def wait_deep():
    deep(60)
    threading.Event().wait()


def threads(number):
    if number % 4 == 0:
        threading.Thread(target=wait_deep, daemon=True).start()
        started.acquire()


def leaked(number):
    """Objects of all sorts whose references C code has lost."""
    for one in ("a text that is lost, number %d" % number, b"%d" % number, number + 2.5, 1 << number, Request(number)):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(one))


def object_arrays(number):
    """Objects that arrays of numpy hold."""
    import numpy

    kept.append(numpy.array([Request(number), "a text in an array, number %d" % number, number + 0.5], dtype=object))


# What does not leak.


def free_blocks(number):
    """Much is taken and given back: the allocator keeps it."""
    if number % 400 == 0:
        blocks = [libc.malloc(20_000) for _ in range(400 * (1 + number // 400))]
        for block in blocks:
            libc.memset(block, 1, 20_000)
        kept.append(libc.malloc(20_000))
        for block in blocks:
            libc.free(block)


def file_pages(number):
    """A file that was mapped at first is read further and further."""
    at = number * 8192 % len(pages)
    return pages[at]


class Request:
    def __init__(self, number):
        self.number = number
        self.response = Response(self)


class Response:
    def __init__(self, request):
        self.request = request
        self.body = "the body of request %d" % request.number * 4


def cycles(number):
    """Each request is a cycle, which waits for the collector."""
    for one in range(8):
        Request(number * 8 + one)


def parse(line):
    try:
        return int(line)
    except ValueError as error:
        failed = error  # noqa: F841: the frame holds the exception, which holds the frame


async def handle(reader, writer):
    line = await reader.readline()
    while line:
        parse(line)
        timer = asyncio.get_running_loop().call_later(FLIGHT, len, line)
        writer.write(line)
        await writer.drain()
        if timer.when() % 2 > 1:
            timer.cancel()
        line = await reader.readline()
    writer.close()


def asyncio_server(number):
    """Requests to a server in the same loop, each with a timer and an exception that holds its frame."""
    loop.run_until_complete(ask(number))


def land():
    """How many timers are in flight depends on the machine; none is, once one that was set last, for later, is due."""
    loop.run_until_complete(asyncio.sleep(2 * FLIGHT))


async def ask(number):
    for reader, writer in clients:
        writer.write(b"request %d\n" % number)
        await reader.readline()


async def serve():
    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for _ in range(5):
        clients.append(await asyncio.open_connection("127.0.0.1", port))
    return server


def worker():
    while True:
        job, done = jobs.get()
        done.append(len([job] * 100))
        jobs.task_done()


def thread_pool(number):
    for _ in range(4):
        jobs.put((number, []))
    jobs.join()


def timers(number):
    """Timers that are due in an hour."""
    loop.call_later(3600, len, ["the work of request %d" % number] * 8)


def interned(number):
    """Strings that only the table of interned strings holds: they die, unless the version keeps them for good."""
    for one in range(20):
        sys.intern("a text that is interned, number %d of %d, and then forgotten" % (one, number))


LINES = {
    c_blocks: "c_heap_other",
    c_mapped_blocks: "c_heap_other",
    mappings: "unknown",
    shared: "shared_memory",
    python_blocks: "pymalloc_other",
    threads: "stacks",
}
OBJECTS = [leaked, object_arrays]
STEADY = [free_blocks, file_pages, cycles, asyncio_server, thread_pool, timers, interned]


def main():
    global loop, clients, kept, pages, started, jobs
    shapes = {shape.__name__: shape for shape in list(LINES) + OBJECTS + STEADY}
    shape = shapes[sys.argv[1]]
    clients, kept, started, jobs = [], [], threading.Semaphore(0), queue.Queue()
    loop = asyncio.new_event_loop()
    if shape is asyncio_server:
        kept.append(loop.run_until_complete(serve()))
    if shape is thread_pool:
        for _ in range(4):
            threading.Thread(target=worker, daemon=True).start()
    if shape is file_pages:
        with tempfile.TemporaryFile() as file:
            file.write(b"x" * 16 * MIB)
            file.flush()
            pages = mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ)
    done = 0
    for done in range(400):
        shape(done)
    if shape is asyncio_server:
        land()
    gc.collect()
    about = {"ready": True, "pid": os.getpid(), "version": sys.version.split()[0], "line": LINES.get(shape)}
    about["immortal_interned"] = sys.getrefcount(sys.intern("interned to ask for its count: %d" % done)) > 1 << 30
    os.write(1, (json.dumps(about) + "\n").encode())
    while True:
        verb, _, rounds = os.read(0, 4096).decode().strip().partition(" ")
        if verb != "work":
            break
        for _ in range(int(rounds)):
            done += 1
            shape(done)
        if shape is asyncio_server:
            land()
        os.write(1, b'{"done": "work"}\n')


main()
