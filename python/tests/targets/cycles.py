"""Live cycles of known shapes and numbers, beside live objects that hold nothing in a cycle."""

import json
import os
import sys

COUNT = 40


class Node:
    """A tree whose nodes know their parents: the root's children lead back to it."""

    def __init__(self, parent=None):
        self.parent = parent
        self.children = []


class Session:
    """One of many, that a manager and an index know; it and its user know each other."""

    def __init__(self, manager):
        self.manager = manager
        self.user = User(self)


class User:
    def __init__(self, session):
        self.session = session


class Manager:
    def __init__(self):
        self.sessions = [Session(self) for _ in range(COUNT)]


class Link:
    """Two that hold each other, and that a list holds both."""

    __slots__ = ("other",)


class Callback:
    def __init__(self):
        self.call = self.run

    def run(self):
        pass


class Plain:
    """No cycle."""

    def __init__(self):
        self.value = [str(self)]


class Weak:
    def __init__(self):
        import weakref

        self.me = weakref.ref(self)


def trees():
    roots = []
    for _ in range(COUNT):
        root = Node()
        root.children.append(Node(root))
        roots.append(root)
    return roots


def links():
    found = []
    for _ in range(COUNT):
        one, two = Link(), Link()
        one.other, two.other = two, one
        found += [one, two]
    return found


def errors():
    found = []
    for number in range(COUNT):

        def fails(number=number):
            try:
                raise ValueError(number)
            except ValueError as error:
                kept = error
            return kept

        found.append(fails())
    return found


def closures():
    def make():
        def again():
            return again

        return again

    return [make() for _ in range(COUNT)]


def generators():
    def reading(box):
        yield box

    found = []
    for _ in range(COUNT):
        box = []
        box.append(reading(box))
        next(box[0])
        found.append(box)
    return found


def few():
    box = []
    box.append((box,))
    return [box]


HELD = {make.__name__: make() for make in (trees, links, errors, closures, generators, few)}
HELD["manager"] = Manager()
HELD["callbacks"] = [Callback() for _ in range(COUNT)]
HELD["plain"] = [Plain() for _ in range(COUNT)]
HELD["weak"] = [Weak() for _ in range(COUNT)]

# Rule, a reference on the cycle, and how often it occurs.
EXPECTED = [
    ["cycle-back-reference", "Node.parent", COUNT],
    ["cycle-back-reference", "User.session", COUNT],
    ["cycle-back-reference", "Link.other", COUNT],
    ["cycle-exception", "ValueError.__traceback__", COUNT],
    ["cycle-closure", "function.__closure__", COUNT],
    ["cycle-generator", "generator", COUNT],
    ["cycle-bound-method", "Callback.call", COUNT],
]

ready = {"ready": True, "pid": os.getpid(), "version": sys.version.split()[0], "expected": EXPECTED, "count": COUNT}
os.write(1, (json.dumps(ready) + "\n").encode())
os.read(0, 1)
