"""A process that waits, in the call that it is told, until a word comes: it says the number of the thread that waits, and what the
call gave when it is over. None of them may see that it was interrupted, or end before its time."""

import ctypes
import os
import select
import signal
import sys
import threading
import time

libc = ctypes.CDLL(None, use_errno=True)
read_end, write_end = os.pipe()
HOUR = 3600
# of those that cannot be woken
SHORT = 2.0


class Poll(ctypes.Structure):
    _fields_ = [("fd", ctypes.c_int), ("events", ctypes.c_short), ("revents", ctypes.c_short)]


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("ns", ctypes.c_long)]


def raw(result):
    return result, ctypes.get_errno()


def raw_poll():
    return raw(libc.poll(ctypes.byref(Poll(read_end, 1, 0)), 1, HOUR * 1000)) == (1, 0)


def raw_sleep():
    began = time.monotonic()
    time_ = Time(int(SHORT), int(SHORT % 1 * 1e9))
    return raw(libc.nanosleep(ctypes.byref(time_), None)) == (0, 0) and time.monotonic() - began >= SHORT


def raw_semaphore():
    semaphore = ctypes.create_string_buffer(64)
    libc.sem_init(semaphore, 0, 0)
    threading.Thread(target=lambda: (os.read(read_end, 1), libc.sem_post(semaphore))).start()
    end = Time(int(time.time()) + HOUR, 0)
    return raw(libc.sem_timedwait(semaphore, ctypes.byref(end))) == (0, 0)


def registers():
    kept, found = bytes(range(256)), ctypes.create_string_buffer(256)
    keeps = ctypes.CDLL(sys.argv[2]).poll_with_registers
    keeps.restype = ctypes.c_long
    ended = keeps(ctypes.byref(Poll(read_end, 1, 0)), ctypes.c_long(HOUR * 1000), kept, found)
    return ended == 1 and found.raw == kept


def poll():
    poll = select.poll()
    poll.register(read_end, select.POLLIN)
    return poll.poll(HOUR * 1000) == [(read_end, select.POLLIN)]


def selects():
    return select.select([read_end], [], [], HOUR)[0] == [read_end]


def epoll():
    epoll = select.epoll()
    epoll.register(read_end, select.EPOLLIN)
    return epoll.poll(HOUR) == [(read_end, select.EPOLLIN)]


def sleep():
    began = time.monotonic()
    time.sleep(SHORT)
    return time.monotonic() - began >= SHORT


def lock():
    """The thread that lets it go waits without a limit."""
    lock = threading.Lock()
    lock.acquire()
    threading.Thread(target=lambda: (os.read(read_end, 1), lock.release())).start()
    return lock.acquire(timeout=HOUR)


def alone():
    """Nobody but this thread: a signal ends it."""
    event = threading.Event()
    signal.signal(signal.SIGUSR1, lambda *_: event.set())
    return event.wait(HOUR)


def loop():
    import asyncio

    async def main():
        come = asyncio.Event()
        asyncio.get_running_loop().add_reader(read_end, come.set)
        await asyncio.wait_for(come.wait(), HOUR)
        asyncio.get_running_loop().remove_reader(read_end)
        return True

    return asyncio.run(main())


name = sys.argv[1]
print(write_end, flush=True)
ctypes.set_errno(0)
result = globals()[name]()
print(result, flush=True)
sys.stdin.read()
