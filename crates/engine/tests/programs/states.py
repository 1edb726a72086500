"""A process that is in one state until SIGTERM comes: it says "ready" when it is there, and "done" when all that it computed was
right; "missing" where this interpreter lacks what the state needs."""

import os
import signal
import sys
import threading

stop = []
ends = []


def end(*_):
    stop.append(True)
    for work in ends:
        work()


def ready():
    print("ready", flush=True)


def futex():
    lock = threading.Lock()
    lock.acquire()
    ends.append(lock.release)
    ready()
    lock.acquire()


def handshake():
    import socket
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours, theirs = socket.socketpair()
    ends.append(lambda: theirs.shutdown(socket.SHUT_RDWR))
    ready()
    try:
        context.wrap_socket(ours, server_hostname="localhost")
    except OSError:
        return
    raise AssertionError("a handshake with nobody")


def blas():
    import numpy

    matrix = numpy.eye(700)
    ready()
    while not stop:
        assert (matrix @ matrix).sum() == 700


def numbers():
    ready()
    while not stop:
        assert sum(range(300_000)) == 44999850000


def signals():
    seen = []
    signal.signal(signal.SIGALRM, lambda *_: seen.append(None))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    ready()
    while not stop:
        assert sorted(str(n) for n in range(2000))[-1] == "999"
        seen.clear()
    signal.setitimer(signal.ITIMER_REAL, 0)


def forks():
    ready()
    while not stop:
        children = [os.fork() or os._exit(n) for n in range(4)]
        assert [os.waitpid(pid, 0)[1] >> 8 for pid in children] == [0, 1, 2, 3]


def libraries():
    import _ctypes
    import glob
    import sysconfig

    names = glob.glob(os.path.join(sysconfig.get_path("stdlib"), "lib-dynload", "*.so"))[:20]
    if not names:
        raise ImportError
    ready()
    while not stop:
        for name in names:
            _ctypes.dlclose(_ctypes.dlopen(name, 2))


def epoll():
    import select

    read, write = os.pipe()
    ends.append(lambda: os.write(write, b"."))
    poll = select.epoll()
    poll.register(read, select.EPOLLIN)
    ready()
    assert poll.poll() == [(read, select.EPOLLIN)]


def recursion():
    sys.setrecursionlimit(10_000)

    def deep(n):
        return deep(n - 1) + 1 if n else len(str(stop))

    ready()
    while not stop:
        before = len(str(stop))
        assert deep(3000) - 3000 in (before, len(str(stop)))


def many():
    go, sums = threading.Event(), []
    threads = [threading.Thread(target=lambda: go.wait() and sums.append(sum(range(1000)))) for _ in range(500)]
    for thread in threads:
        thread.start()
    ends.append(go.set)
    ready()
    go.wait()
    for thread in threads:
        thread.join()
    assert sums == [499500] * 500


signal.signal(signal.SIGTERM, end)
try:
    globals()[sys.argv[1]]()
    print("done", flush=True)
except ImportError:
    print("missing", flush=True)
