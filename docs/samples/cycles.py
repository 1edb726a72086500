"""Cycles that live and cycles that are garbage: the views `cycles` and `garbage`."""

import gc

gc.disable()


class Node:
    """Knows its parent, which knows it."""

    def __init__(self, parent=None):
        self.parent = parent
        self.children = []
        self.payload = bytes(200)


class File:
    """Closes itself late."""

    def __init__(self):
        self.me = self

    def __del__(self):
        pass


class Reader:
    """Reads itself."""

    def __init__(self):
        self.lines = self._lines()
        next(self.lines)

    def _lines(self):
        while True:
            yield self


def family():
    parent = Node()
    parent.children.append(Node(parent))
    return parent


def failed(kind):
    kept = None
    try:
        raise kind("told")
    except kind as error:
        kept = error
    return kept


living = [family() for _ in range(500)]
errors = [failed(KeyError) for _ in range(50)]
for _ in range(300):
    family()
for _ in range(40):
    failed(ValueError)
for _ in range(20):
    Reader()
for _ in range(5):
    File()

print("ready", flush=True)
input()
