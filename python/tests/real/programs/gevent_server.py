"""A server on gevent: an idle hub, greenlets with stacks and locals of their own, queues, monkey-patched sockets."""

from gevent import monkey

monkey.patch_all()

import socket

import gevent
from gevent.pool import Pool
from gevent.queue import Queue
from gevent.server import StreamServer
from telling import Truth, digest


class Job:
    def __init__(self, number: int) -> None:
        self.number = number
        self.payload = bytes([number % 256]) * 2000


JOBS: Queue = Queue()
DONE: list[int] = []


class Parked:
    """What a parked greenlet has in a local variable alone."""

    def __init__(self, number: int) -> None:
        self.text = f"parked {number} " * 50


def worker() -> None:
    held = Job(-1)
    while True:
        job = JOBS.get()
        DONE.append(job.number + held.number)


def park(number: int) -> None:
    local = [Parked(number) for _ in range(20)]
    FOREVER.get()
    raise AssertionError(local)


def answer(connection: socket.socket, _: object) -> None:
    with connection, connection.makefile("rwb") as stream:
        for line in stream:
            stream.write(line.upper())
            stream.flush()


FOREVER: Queue = Queue()
WORKERS = [gevent.spawn(worker) for _ in range(20)]
PARKED = [gevent.spawn(park, number) for number in range(200)]
server = StreamServer(("127.0.0.1", 0), answer)
server.start()
BACKLOG = [Job(number) for number in range(5000)]
CLIENTS = [socket.create_connection(("127.0.0.1", server.server_port)) for _ in range(10)]


def ask(client: socket.socket) -> bytes:
    client.sendall(b"hello\n")
    return client.recv(100)


def work() -> object:
    DONE.clear()
    for job in BACKLOG[:200]:
        JOBS.put(job)
    gevent.sleep(0)
    while len(DONE) < 200:
        gevent.sleep(0)
    return digest(sorted(DONE), Pool(4).map(ask, CLIENTS))


truth = Truth("gevent", "greenlet")
truth.instances(Job, Parked, gevent.Greenlet)
truth.hand_over(work)
