"""Makes blocks of sizes that nobody else asks for, under stacks of many kinds, and says under which stack each was made."""

import asyncio
import functools
import gc
import json
import sys
import threading

# Each block has a size of its own; the smallest is large enough that the interpreter itself makes none like it.
FIRST = 700_001
STACKS = []
KEPT = []


def probe(*_):
    """A block, and the frames that called: the newest first, without this one."""
    frame, stack = sys._getframe(1), []
    while frame is not None:
        code = frame.f_code
        name = getattr(code, "co_qualname", code.co_name)
        stack.append([name, code.co_filename, code.co_firstlineno, frame.f_lasti // 2])
        frame = frame.f_back
    number = len(STACKS)
    STACKS.append(stack)
    block = bytes(FIRST + number)
    if number % 3 == 0:
        KEPT.append(block)
    return number


def recursion(depth):
    return probe() if depth == 0 else recursion(depth - 1)


def two_calls(depth):
    """The same function called from two lines, at every level."""
    if depth:
        two_calls(depth - 1)
        two_calls(depth - 1)
    probe()


def two_on_a_line():
    return probe(), probe()


def generator(depth):
    probe()
    yield 1
    if depth:
        yield from generator(depth - 1)
    probe()
    yield 2


def resumed_elsewhere():
    def first(it):
        return next(it)

    def second(it):
        return [probe() for _ in it]

    for depth in range(3):
        it = generator(depth)
        first(it)
        second(it)


def callbacks():
    sorted([3, 1, 2], key=probe)
    list(map(probe, range(3)))
    functools.reduce(lambda a, b: probe(), range(4))
    sum(probe() for _ in range(3))
    {probe(): probe() for _ in range(2)}


class Things:
    """Methods that the interpreter calls by itself."""

    def __init_subclass__(cls):
        probe()

    @property
    def value(self):
        return probe()

    def __eq__(self, other):
        probe()
        return True

    def __hash__(self):
        probe()
        return 1

    def __del__(self):
        probe()

    def __enter__(self):
        probe()

    def __exit__(self, *_):
        probe()
        return True

    def __getattr__(self, name):
        probe()
        return lambda: probe()

    @functools.lru_cache(maxsize=None)
    def cached(self):
        return probe()


class Meta(type):
    def __new__(cls, name, bases, space):
        probe()
        return super().__new__(cls, name, bases, space)

    def __call__(cls):
        probe()
        return super().__call__()


def classes():
    thing = Things()
    thing.value
    thing == Things()
    {thing: 1, Things(): 2}
    thing.nothing()
    thing.cached()
    with thing:
        raise ValueError(probe())

    class Derived(metaclass=Meta):
        probe()

    class Inherited(Things):
        pass

    Derived()
    thing.itself = thing
    del thing
    gc.collect()


def exceptions():
    def fails(depth):
        try:
            if depth == 0:
                raise KeyError(probe())
            fails(depth - 1)
        except KeyError:
            probe()
            raise
        finally:
            probe()

    try:
        fails(3)
    except KeyError:
        probe()


async def coroutine(depth):
    probe()
    await asyncio.sleep(0)
    if depth:
        await coroutine(depth - 1)
    probe()


async def numbers(count):
    for number in range(count):
        probe()
        yield number
        await asyncio.sleep(0)


async def tasks():
    await asyncio.gather(*(coroutine(depth) for depth in range(4)))
    async for _ in numbers(3):
        probe()
    [probe() async for _ in numbers(2)]


def executed():
    """Code that is freed at once, whose place the next has."""
    for number in range(60):
        name = "f%d" % (number % 7)
        lines = "\n" * (number % 11)
        space = {"probe": probe}
        exec(lines + "def %s():\n    return probe()\n%s()\nprobe()" % (name, name), space)
        eval("(lambda: probe())()", space)


def in_threads():
    def work(depth):
        recursion(depth)
        callbacks()

    # One after the other: which of two threads asked for a block of a size is not told by its size.
    for depth in range(4):
        thread = threading.Thread(target=work, args=(depth,))
        thread.start()
        thread.join()


def main():
    probe()
    for depth in (0, 1, 30):
        recursion(depth)
    two_calls(4)
    two_on_a_line()
    resumed_elsewhere()
    callbacks()
    classes()
    exceptions()
    asyncio.run(tasks())
    executed()
    in_threads()
    KEPT.clear()
    print(json.dumps({"first": FIRST, "overhead": sys.getsizeof(b""), "stacks": STACKS}))


main()
