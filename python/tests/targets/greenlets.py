"""Greenlets that are switched away, each in a few calls with one of C between them, and what their variables hold.

With the argument `gevent` they are gevent's, asleep.
"""

import json
import os
import sys

import greenlet

COUNT = 50
main = greenlet.getcurrent()
told = []


class Held:
    pass


def pause(number):
    inner = Held()
    text = "text of greenlet number %d" % number
    told.append([number, "inner", id(inner)])
    told.append([number, "text", id(text)])
    wait()


def outer(number):
    held = Held()
    told.append([number, "held", id(held)])
    sorted([number], key=pause)  # whose C code calls back


def wait():
    main.switch()


def start():
    """The greenlets, suspended."""
    if sys.argv[1:] != ["gevent"]:
        waiting = [greenlet.greenlet(outer) for _ in range(COUNT)]
        for number, each in enumerate(waiting):
            each.switch(number)
        return waiting
    import gevent

    globals()["wait"] = lambda: gevent.sleep(10**6)
    waiting = [gevent.spawn(outer, number) for number in range(COUNT)]
    gevent.sleep(0)
    return waiting


def serve():
    waiting = start()
    addresses = list(map(id, waiting))
    rows = [[addresses[number], name, at] for number, name, at in told]
    answer = {"ready": True, "pid": os.getpid(), "version": sys.version.split()[0], "locals": rows}
    os.write(1, (json.dumps(answer) + "\n").encode())
    os.read(0, 4096)


serve()
