"""What the shapes of garbage are made of."""

SHAPES = {}
HELD = []


def shape(make):
    SHAPES[make.__name__] = make
    return make


class Node:
    """A node with attributes, as programs have them."""

    def __init__(self):
        self.me = self
        self.name = "node " + str(id(self))


class Child:
    def __init__(self, parent):
        self.parent = parent


class Parent:
    def __init__(self):
        self.children = [Child(self) for _ in range(3)]


class Slotted:
    __slots__ = ("__weakref__", "other")
