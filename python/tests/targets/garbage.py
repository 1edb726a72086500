"""Garbage of every shape, with the collector off, and then the collector's own word on it.

Asked to `collect PATH`, this process runs a full collection that keeps what it finds (`gc.DEBUG_SAVEALL`) and writes two
kinds of lines to PATH: `garbage ADDRESS TYPE` for what was kept, `alive ADDRESS TYPE` for every other tracked object.
What finalisers freed, such as the frames of generators that the collector closed, is in neither.
"""

import asyncio
import collections
import functools
import gc
import itertools
import json
import os
import re
import sys
import weakref


class Node:
    def __init__(self):
        self.me = self
        self.name = "node " + str(id(self))


class Slotted:
    __slots__ = ("other", "__weakref__")


class Finalised:
    def __init__(self):
        self.me = self

    def __del__(self):
        pass


def ring(length):
    nodes = [Slotted() for _ in range(length)]
    for node, other in zip(nodes, nodes[1:] + nodes[:1]):
        node.other = other


def containers():
    knot = []
    knot.append(knot)
    table = {}
    table["table"] = table
    table[3] = (table, [b"bytes of a garbage list" * 3])
    queue = collections.deque()
    queue.append({"queue": queue})
    ordered = collections.OrderedDict()
    ordered["self"] = ordered
    default = collections.defaultdict(list)
    default["self"].append(default)
    members = {Node()}
    for member in members:
        member.members = members


def functions():
    def closure():
        return closure

    def generator(kept):
        local = [kept]
        local.append((yield local))

    box = []
    running = generator(box)
    box.append(next(running))
    box.append(running)
    part = functools.partial(print)
    part.part = part
    cached = functools.lru_cache()(lambda key: key)
    cached.cached = cached
    cached(("key",))
    chained = []
    chained.append(itertools.chain(chained))


def classes():
    class Local:
        attribute = 3

    class Meta(type):
        pass

    class Other(metaclass=Meta):
        instance = None

    Other.instance = Other()
    return Local.__name__


def exceptions():
    try:
        raise ValueError("kept by its own frame")
    except ValueError as error:
        kept = error
    return len(kept.args)


def weak():
    node = Node()
    node.weak = weakref.ref(node, print)
    node.proxy = weakref.proxy(node)


async def waiting(kept):
    kept.append(asyncio.current_task)
    await Never()


class Never:
    def __await__(self):
        yield self


def coroutines():
    kept = []
    coroutine = waiting(kept)
    coroutine.send(None)
    kept.append(coroutine)


def alive():
    """Knots that something holds: no garbage."""
    held = Node()
    held.pattern = re.compile("a+")
    frozen = [Node() for _ in range(3)]
    return held, frozen, ring


def collect(path):
    gc.set_debug(gc.DEBUG_SAVEALL)
    gc.collect()
    everything = gc.get_objects()
    gc.set_debug(0)
    kept = {id(thing) for thing in gc.garbage}
    mine = {id(gc.garbage), id(everything), id(kept)}
    with open(path, "w") as file:
        for thing in everything:
            if id(thing) not in mine:
                word = "garbage" if id(thing) in kept else "alive"
                file.write("%s %x %s\n" % (word, id(thing), type(thing).__name__))
    gc.garbage.clear()


def main():
    frozen = [Node() for _ in range(5)]
    del frozen
    gc.collect()
    gc.disable()
    kept = alive()
    for _ in range(100):
        Node()
        Finalised()
    ring(50)
    for make in (containers, functions, classes, exceptions, weak, coroutines):
        make()
    os.write(1, (json.dumps({"ready": True, "pid": os.getpid(), "version": sys.version.split()[0]}) + "\n").encode())
    while True:
        verb, _, path = os.read(0, 4096).decode().strip().partition(" ")
        if verb != "collect":
            break
        collect(path)
        os.write(1, b'{"done": "collect"}\n')
    del kept


main()
