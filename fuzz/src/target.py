# The process whose memory the corpus keeps: a little of everything, then quiet until its input ends.
import collections
import functools
import itertools
import sys
import threading


class Slotted:
    __slots__ = ("left", "right", "__weakref__")


class Plain:
    def __init__(self, number):
        self.number = number
        self.text = "plain %d" % number


class Meta(type):
    pass


class Child(Plain, metaclass=Meta):
    extra = {"a": [1, 2.5, 3j], b"b": bytearray(b"bytes")}


def numbers(end):
    for number in range(end):
        yield number


def closure(cell):
    def inner():
        return cell

    return inner


async def coroutine():
    pass


slotted = Slotted()
slotted.left, slotted.right = slotted, Plain(1)
generator = numbers(10)
next(generator)
suspended = coroutine()
queue = collections.deque(range(200))
ordered = collections.OrderedDict((str(i), Plain(i)) for i in range(20))
default = collections.defaultdict(list, key=[1])
partial = functools.partial(print, 1, end="")
chain = itertools.chain([1], (2,), {3})
inner = closure([1])
big = {i: str(i) for i in range(500)}
wide = "\u1234\U00012345" * 10
huge = 1 << 500
frozen = frozenset(range(50))
children = [Child(i) for i in range(20)]
view = memoryview(b"view")
try:
    raise ValueError("kept", slotted)
except ValueError as error:
    kept = error

event = threading.Event()
thread = threading.Thread(target=event.wait)
thread.start()
print("ready", flush=True)
sys.stdin.read()
suspended.close()
event.set()
thread.join()
