# --- in a list
from dataclasses import dataclass

@dataclass
class Point:  # MS302
    x: float
    y: float = 0.0

points = [Point(x, y) for x, y in pairs]
# +++ fixed, unsafe
from dataclasses import dataclass

@dataclass(slots=True)
class Point:  # MS302
    x: float
    y: float = 0.0

points = [Point(x, y) for x, y in pairs]
# --- frozen
import dataclasses

@dataclasses.dataclass(frozen=True)
class Point:  # MS302
    x: float

points = {Point(x) for x in xs}
# +++ fixed, unsafe
import dataclasses

@dataclasses.dataclass(frozen=True, slots=True)
class Point:  # MS302
    x: float

points = {Point(x) for x in xs}
# --- empty brackets
from dataclasses import dataclass

@dataclass()
class Point:  # MS302
    x: float

def points(xs):
    found = []
    for x in xs:
        found.append(Point(x))
    return found
# +++ fixed, unsafe
from dataclasses import dataclass

@dataclass(slots=True)
class Point:  # MS302
    x: float

def points(xs):
    found = []
    for x in xs:
        found.append(Point(x))
    return found
# --- methods set its fields
from dataclasses import dataclass

@dataclass(eq=False,)
class Job:  # MS302
    name: str
    state: str = "new"

    def start(self):
        self.state = "running"

jobs = {name: Job(name) for name in names}
# +++ fixed, unsafe
from dataclasses import dataclass

@dataclass(eq=False, slots=True,)
class Job:  # MS302
    name: str
    state: str = "new"

    def start(self):
        self.state = "running"

jobs = {name: Job(name) for name in names}
# --- super from 3.14 on
# target: 3.14
from dataclasses import dataclass

@dataclass
class Row:  # MS302
    x: int

    def __repr__(self):
        return super().__repr__()

rows = [Row(x) for x in xs]
# +++ fixed, unsafe
from dataclasses import dataclass

@dataclass(slots=True)
class Row:  # MS302
    x: int

    def __repr__(self):
        return super().__repr__()

rows = [Row(x) for x in xs]
# --- too old
# target: 3.9
from dataclasses import dataclass

@dataclass
class Point:
    x: float

points = [Point(x) for x in xs]
# --- it has them
from dataclasses import dataclass

@dataclass(slots=True)
class Point:
    x: float

points = [Point(x) for x in xs]
# --- a cached property
from dataclasses import dataclass
from functools import cached_property

@dataclass
class Point:
    x: float

    @cached_property
    def square(self):
        return self.x * self.x

points = [Point(x) for x in xs]
# --- super before 3.14
from dataclasses import dataclass

@dataclass
class Row:
    x: int

    def __repr__(self):
        return super().__repr__()

rows = [Row(x) for x in xs]
# --- other attributes
from dataclasses import dataclass

@dataclass
class Row:
    x: int

    def __post_init__(self):
        self.double = self.x * 2

rows = [Row(x) for x in xs]
# --- another decorator, or base
from dataclasses import dataclass

@register
@dataclass
class Row:
    x: int

@dataclass
class Line(Base):
    x: int

rows = [Row(x) for x in xs] + [Line(x) for x in xs]
# --- options that are not written out
from dataclasses import dataclass

@dataclass(**OPTIONS)
class Options:
    depth: int
# --- another dataclass
from pydantic.dataclasses import dataclass

@dataclass
class Row:
    x: int

rows = [Row(x) for x in xs]
