"""Classes and instances: where attributes live in every version, and everything that a class statement makes."""

import abc
import collections.abc
import dataclasses
import enum
import types
import typing
import weakref

import recorder


class Empty:
    pass


class Plain:
    def __init__(self, first, second=None):
        self.first = first
        self.second = second


class Slots:
    __slots__ = ("alpha", "beta", "_gamma", "__private")

    def __init__(self, alpha):
        self.alpha = alpha
        self.__private = [alpha]


class MoreSlots(Slots):
    __slots__ = ("delta",)


class SlotsAndDict(Slots):
    pass


class SlotsWithDict:
    __slots__ = ("x", "__dict__")


class SlotsWithWeakref:
    __slots__ = ("x", "__weakref__")


class SlotsWithBoth:
    __slots__ = ("x", "__weakref__", "__dict__")


class EmptySlots:
    __slots__ = ()


class Base1:
    def method(self):
        return super().method()


class Base2:
    shared = ["class attribute"]

    def method(self):
        return __class__


class Diamond(Base1, Base2):
    pass


class ListWithDict(list):
    pass


class DictWithSlots(dict):
    __slots__ = ("x",)


class IntWithDict(int):
    pass


class TupleWithDict(tuple):
    pass


class ErrorWithSlots(Exception):
    __slots__ = ("code",)


class TypeSubclass(type):
    def __new__(mcs, name, bases, namespace, **options):
        made = super().__new__(mcs, name, bases, dict(namespace))
        made.options = options
        return made


class MetaWithSlots(type):
    pass


class Made(metaclass=TypeSubclass, option=[1]):
    field = 1


class MadeTwice(Made):
    pass


class Abstract(abc.ABC):
    @abc.abstractmethod
    def act(self):
        ...

    @property
    @abc.abstractmethod
    def value(self):
        ...


class Concrete(Abstract):
    def act(self):
        return 1

    value = 2


class Colour(enum.Enum):
    RED = 1
    GREEN = "green"
    BLUE = (1, 2)


class Bits(enum.IntFlag):
    A = 1
    B = 2


class Number(enum.IntEnum):
    ONE = 1


@dataclasses.dataclass
class Data:
    x: int
    y: list = dataclasses.field(default_factory=list)
    z: str = "default"


@dataclasses.dataclass(frozen=True, order=True)
class FrozenData:
    x: int
    y: tuple = ()


class Descriptor:
    def __set_name__(self, owner, name):
        self.owner, self.name = owner, name

    def __get__(self, instance, owner):
        return self if instance is None else [self.name]

    def __set__(self, instance, value):
        raise AttributeError(self.name)


class Described:
    data = Descriptor()

    @property
    def readable(self):
        """Documented."""
        return 1

    @readable.setter
    def readable(self, value):
        pass

    @staticmethod
    def static(x, *, y=[1]):
        return x

    @classmethod
    def cls(cls):
        return cls

    class Inner:
        deep = {"a": [1]}


class Generic(typing.Generic[typing.TypeVar("T")]):
    item: "typing.List[int]"


class Typed(typing.NamedTuple):
    x: int
    y: str = "y"


class Callbacks:
    def __init__(self):
        self.bound = self.run
        self.static = Described.static
        self.cls = Described.cls

    def run(self):
        pass

    def __call__(self):
        pass


def instances():
    many = [Plain(number, [number]) for number in range(200)]
    for plain in many[::3]:
        plain.__dict__  # turns inline values into a dict
    for plain in many[::5]:
        plain.extra = "beyond the constructor"
    for plain in many[::7]:
        del plain.second
    for plain in many[::11]:
        plain.__dict__["written"] = "through the dict"
    replaced, shared_dict = Plain(1), Plain(2)
    replaced.__dict__ = {"other": [1], 2: "not a str key"}
    shared_dict.__dict__ = replaced.__dict__
    late_key = Plain(1)
    vars(late_key)[3] = "general table"
    emptied = Plain(1)
    del emptied.first, emptied.second
    dropped = Plain([1])
    dropped.__dict__ = {}
    popped = Plain([1], [2])
    popped.__dict__.pop("first")
    popped.first = "again"
    cleared = Plain([1], [2])
    cleared.__dict__.clear()
    kept_dict = vars(Plain(["owner is gone"], 2))
    return [many, replaced, shared_dict, late_key, emptied, dropped, popped, cleared, kept_dict, Empty(), Empty()]


def wide_instances():
    """More attributes than shared keys and inline values can hold."""

    class Wide:
        pass

    kept = []
    for count in (1, 5, 6, 16, 29, 30, 31, 32, 60, 300):
        wide = Wide()
        for number in range(count):
            setattr(wide, "attribute_%d" % number, [number])
        kept.append(wide)
    unordered = Wide()
    for number in reversed(range(8)):
        setattr(unordered, "attribute_%d" % number, number)
    many_types = [type("Made%d" % number, (), {"n": number})() for number in range(40)]
    for number, each in enumerate(many_types):
        each.own = [number]
    return [kept, unordered, many_types]


def slotted():
    slots, more, both = Slots([1]), MoreSlots("m"), SlotsAndDict("s")
    more.delta = [2]
    both.beta, both.attribute = [3], [4]
    with_dict, with_weakref, with_both = SlotsWithDict(), SlotsWithWeakref(), SlotsWithBoth()
    with_dict.x, with_dict.y = [5], [6]
    with_weakref.x = with_weakref
    with_both.x, with_both.y = [7], [8]
    unset = Slots.__new__(Slots)
    error = ErrorWithSlots("message")
    error.code = [9]
    refs = [weakref.ref(with_weakref), weakref.ref(with_both), weakref.proxy(with_both)]
    return [slots, more, both, with_dict, with_weakref, with_both, unset, error, refs, EmptySlots(), SlotsWithDict()]


def extended():
    items, mapping, number, pair = ListWithDict([1]), DictWithSlots(a=1), IntWithDict(1 << 70), TupleWithDict("ab")
    items.note, mapping.x, number.note, pair.note = [1], [2], [3], [4]
    module = type("ModuleWithDict", (types.ModuleType,), {})("made")
    module.attribute = [5]
    function_like = type("Callable", (Callbacks,), {"__slots__": ()})()
    return [items, mapping, number, pair, module, function_like, Callbacks(), DictWithSlots(), IntWithDict()]


def made():
    meta = MetaWithSlots("ByMeta", (Plain,), {"x": [1]})
    renamed = type("Renamed", (), {"__module__": "elsewhere"})
    renamed.__qualname__ = "Outer.Renamed"
    nameless = type("Nameless", (), {})
    del_module = type("NoModule", (), {"__module__": None})
    generic = [Generic[int], typing.List[int], typing.Optional[str], typing.Callable[[int], str]]
    with_doc = type("WithDoc", (), {"__doc__": "doc", "__slots__": {"x": "documented slot"}})
    registered = type("Registered", (), {})
    collections.abc.Sequence.register(registered)
    isinstance(registered(), collections.abc.Sequence), isinstance(3, collections.abc.Sequence)
    Abstract.register(registered)
    return [
        [meta, meta(1), Made, MadeTwice(), renamed(), nameless(), del_module, generic, with_doc(), registered],
        [Diamond(), Concrete(), Colour.RED, Bits.A | Bits.B, Number.ONE, list(Colour)],
        [Data(1), Data(1, [2]), FrozenData(3), FrozenData(1, (2, [])), Described(), Described.Inner(), Typed(1)],
        [Described.__dict__["readable"], Described.__dict__["static"], Described.__dict__["cls"], Described.data],
        [super(Diamond, Diamond()), Diamond().method, Described.static, Described.cls, Slots.alpha],
        [int.__add__, (1).__add__, [].append, str.join, dict.fromkeys, object.__init__, type.__dict__["__dict__"]],
        [types.SimpleNamespace(), types.SimpleNamespace(a=[1], b=2), types.ModuleType("dynamic", "doc")],
        [types.DynamicClassAttribute(len), types.MethodType(len, [1]), object(), type, Plain, types.new_class("New")],
    ]


def build():
    return [instances(), wide_instances(), slotted(), extended(), made()]


if __name__ == "__main__":
    recorder.serve(build())
