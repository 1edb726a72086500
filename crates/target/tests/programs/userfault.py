"""A process that asks to be told of its forks (userfaultfd(2)). With `elsewhere` another process has the descriptor.

Prints `ready`, or why it cannot be done. `read`: whoever has the descriptor reads what is to be told.
"""

import ctypes
import fcntl
import mmap
import os
import struct
import sys

libc = ctypes.CDLL(None, use_errno=True)
NR_USERFAULTFD, UFFDIO_API, UFFDIO_REGISTER, EVENT_FORK, MISSING = 323, 0xC018AA3F, 0xC020AA00, 2, 1
descriptor = libc.syscall(NR_USERFAULTFD, os.O_CLOEXEC)
if descriptor < 0:
    print("cannot:", os.strerror(ctypes.get_errno()), flush=True)
    sys.exit()
try:
    fcntl.ioctl(descriptor, UFFDIO_API, struct.pack("QQQ", 0xAA, EVENT_FORK, 0))
except OSError as error:
    print("cannot:", error, flush=True)
    sys.exit()
orders, answers = os.pipe(), os.pipe()
if sys.argv[1] == "elsewhere" and os.fork() == 0:
    # before anything is registered: this fork tells nobody
    os.read(orders[0], 1)
    os.read(descriptor, 32)
    os.write(answers[1], b"x")
    os._exit(0)
memory = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
start = ctypes.addressof(ctypes.c_char.from_buffer(memory))
fcntl.ioctl(descriptor, UFFDIO_REGISTER, struct.pack("QQQQ", start, 1 << 20, MISSING, 0))
if sys.argv[1] == "elsewhere":
    os.close(descriptor)
print("ready", flush=True)
for line in sys.stdin:
    print("here", flush=True)
