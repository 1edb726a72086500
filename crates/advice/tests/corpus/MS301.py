# --- in a list
class Point:  # MS301
    def __init__(self, x, y):
        self.x = x
        self.y = y

points = [Point(x, y) for x, y in pairs]
# +++ fixed, unsafe
class Point:  # MS301
    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x = x
        self.y = y

points = [Point(x, y) for x, y in pairs]
# --- with a docstring, appended
class Token:  # MS301
    """A word and where it stands."""

    def __init__(self, text):
        self.text = text

def tokens(lines):
    found = []
    for line in lines:
        found.append(Token(line))
    return found
# +++ fixed, unsafe
class Token:  # MS301
    """A word and where it stands."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text

def tokens(lines):
    found = []
    for line in lines:
        found.append(Token(line))
    return found
# --- in a dict, under a name first
class User(object):  # MS301
    limit = 10

    def __init__(self, name):
        self.name = name
        self.__seen = False

def users(rows):
    by_name = {}
    for row in rows:
        user = User(row[0])
        by_name[row[0]] = user
    return by_name
# +++ fixed, unsafe
class User(object):  # MS301
    __slots__ = ("name", "__seen")

    limit = 10

    def __init__(self, name):
        self.name = name
        self.__seen = False

def users(rows):
    by_name = {}
    for row in rows:
        user = User(row[0])
        by_name[row[0]] = user
    return by_name
# --- attributes of several methods
class Job:  # MS301
    def __init__(self):
        self.state = "new"

    def run(self):
        self.result, self.end = work()

jobs = [(name, Job()) for name in names]
# +++ fixed, unsafe
class Job:  # MS301
    __slots__ = ("state", "result", "end")

    def __init__(self):
        self.state = "new"

    def run(self):
        self.result, self.end = work()

jobs = [(name, Job()) for name in names]
# --- a base with slots
class Base:
    __slots__ = ("id",)

class Row(Base):  # MS301
    def __init__(self, cells):
        self.cells = cells

rows = {Row(line) for line in lines}
# +++ fixed, unsafe
class Base:
    __slots__ = ("id",)

class Row(Base):  # MS301
    __slots__ = ("cells",)

    def __init__(self, cells):
        self.cells = cells

rows = {Row(line) for line in lines}
# --- it has slots
class Point:
    __slots__ = ("x",)

    def __init__(self, x):
        self.x = x

points = [Point(x) for x in xs]
# --- its dict is used
class Point:
    def __init__(self, **values):
        self.count = len(values)
        self.__dict__.update(values)

points = [Point(x=x) for x in xs]
# --- a base that is not known
class Point(Model):
    def __init__(self, x):
        self.x = x

points = [Point(x) for x in xs]
# --- an attribute of the class has its name
class Point:
    x = 0

    def __init__(self, x):
        self.x = x

points = [Point(x) for x in xs]
# --- a subclass
class Point:
    def __init__(self, x):
        self.x = x

class Dot(Point):
    pass

points = [Point(x) for x in xs]
# --- a metaclass, and a decorator
class Point(metaclass=Meta):
    def __init__(self, x):
        self.x = x

@register
class Dot:
    def __init__(self, x):
        self.x = x

points = [Point(x) for x in xs] + [Dot(x) for x in xs]
# --- no attributes
class Marker:
    def name(self):
        return "marker"

markers = [Marker() for x in xs]
# --- it is referred to weakly, in itself
import weakref

class Node:
    def __init__(self, parent):
        self.parent = parent
        parent.children.add(weakref.ref(self))
# --- a generic class
from typing import Generic, TypeVar

T = TypeVar("T")

class Box(Generic[T]):
    def __init__(self, value):
        self.value = value
