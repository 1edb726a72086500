"""Waits in system calls that every stop of the thread would change, and tells what they returned in the end.

`aside` is how the waits are done: in a thread of their own, or `alone` in the only one. Orders: `receive` waits for 8 bytes, of
which one has come; `write` writes more than a pipe holds; `poll` waits for 20 s at most. `on` lets a call that waits aside end.
"""

import os
import select
import socket
import sys
import threading
import time

LARGE = 1 << 20
ours, theirs = socket.socketpair()
source, sink = os.pipe()


def drain():
    got = 0
    while got < LARGE:
        got += len(os.read(source, LARGE))


def receive():
    theirs.send(b"1")
    return len(ours.recv(8, socket.MSG_WAITALL))


def write():
    return os.write(sink, b"x" * LARGE)


def poll():
    began = time.monotonic()
    with select.epoll() as epoll:
        epoll.register(ours, select.EPOLLPRI)
        found = epoll.poll(2)
    return f"{found} {time.monotonic() - began >= 2}"


def receive_on():
    theirs.send(b"2345678")


WAITS = {"receive": (receive, receive_on), "write": (write, drain), "poll": (poll, lambda: None)}


def run(wait):
    print("begins", flush=True)
    print(wait(), flush=True)


print("ready", flush=True)
if sys.argv[1] == "alone":
    wait, on = WAITS[sys.stdin.readline().strip()]
    # another process ends it, so that there is one thread only
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.close(writer)
        os.read(reader, 1)
        on()
        os._exit(0)
    os.close(reader)
    print(writer, flush=True)
    run(wait)
else:
    for line in sys.stdin:
        wait, on = WAITS[line.strip()]
        thread = threading.Thread(target=run, args=(wait,))
        thread.start()
        assert sys.stdin.readline() == "on\n"
        on()
        thread.join()
