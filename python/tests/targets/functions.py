"""Functions, generators in every state, exceptions, iterators and other objects of running code."""

import collections
import functools
import itertools
import operator
import sys
import types

import recorder


def plain(a, b=[1], *args, c, d={"k": [2]}, **kwargs) -> "text":
    """Documented."""
    local: int = a
    return local


def closures():
    shared = [1]
    later = None

    def reader():
        return shared, later, reader

    def writer(value):
        nonlocal later
        later = value

    def unset():
        return never

    if shared is None:
        never = 1
    writer([2])
    makers = [lambda x=number: (x, number) for number in range(3)]
    nested = (lambda outer: lambda inner: (outer, inner))([3])
    plain.attribute = [4]
    return [reader, writer, unset, makers, nested, plain, types.CellType(), types.CellType([5]), dead_cell()]


def dead_cell():
    value = [1]

    def inner():
        return value

    cell = inner.__closure__[0]
    del value
    return cell


def counting(limit, held):
    for number in range(limit):
        local = [number]
        try:
            yield local
        except ValueError:
            yield held


def delegating(held):
    result = yield from counting(5, held)
    return result


def deep(levels):
    if levels:
        yield from deep(levels - 1)
    else:
        yield [levels]


def failing():
    yield [1]
    raise RuntimeError("inside")


def handling():
    try:
        raise KeyError("handled")
    except KeyError as error:
        yield error


def with_stack():
    yield [1, (yield [2]), (yield [3])]


def advanced(generator, steps=1):
    for _ in range(steps):
        next(generator)
    return generator


def generators():
    created, suspended = counting(3, [1]), advanced(counting(3, [2]), 2)
    exhausted, closed = counting(1, [3]), advanced(counting(3, [4]))
    list(exhausted)
    closed.close()
    thrown = advanced(counting(3, [5]))
    thrown.throw(ValueError)
    delegated, nested = advanced(delegating([6])), advanced(deep(10))
    failed = failing()
    try:
        list(failed)
    except RuntimeError:
        pass
    expression = (item for item in [[1], [2]])
    started = advanced(item for item in [[3], [4]])
    renamed = counting(1, None)
    renamed.__name__, renamed.__qualname__ = "other", "Other.other"
    cyclic = None

    def selfish():
        yield cyclic

    cyclic = selfish()
    next(cyclic)
    held_frame = counting(3, [7])
    return [
        [created, suspended, exhausted, closed, thrown, delegated, nested, failed, expression, started, renamed],
        [cyclic, advanced(handling()), advanced(with_stack(), 2), held_frame, held_frame.gi_frame, suspended.gi_code],
        [advanced(counting(2, [8])).gi_frame],
    ]


@types.coroutine
def pause(value):
    yield value


class Waiting:
    def __await__(self):
        yield self
        return [1]


async def simple(held):
    local = [held]
    await pause(local)
    return local


async def chained(held):
    async with Manager() as managed:
        await simple([held, managed])


class Manager:
    async def __aenter__(self):
        return [self]

    async def __aexit__(self, *details):
        await pause(None)


async def agen(held):
    for number in range(3):
        yield [number, held]
        await pause([number])


async def consuming(source):
    async for item in source:
        await Waiting()
    return [each async for each in source]


def coroutines():
    created, suspended, finished, chain = simple([1]), simple([2]), simple([3]), chained([4])
    suspended.send(None)
    chain.send(None)
    finished.send(None)
    drain(finished)
    waiting = consuming(agen([5]))
    waiting.send(None)
    fresh, asked, stepped = agen([6]), agen([7]), agen([8])
    step = asked.__anext__()
    anext_once = stepped.asend(None)
    drain(anext_once)
    half = stepped.asend(None)
    half.send(None)
    closing = stepped.aclose
    wrapper = simple([9]).__await__()
    decorated = pause([10])
    next(decorated)
    return [created, suspended, finished, chain, waiting, fresh, asked, step, stepped, half, closing, wrapper, decorated]


def drain(step):
    try:
        while True:
            step.send(None)
    except (StopIteration, StopAsyncIteration):
        pass


def raiser(levels, held):
    local = [levels, held]
    if levels:
        raiser(levels - 1, local)
    raise ValueError("deep", held)


class Custom(Exception):
    def __init__(self, *args, **extra):
        super().__init__(*args)
        self.extra = extra


def caught(function, *args):
    try:
        function(*args)
    except BaseException as error:
        return error
    return None


def chained_errors():
    def cause():
        try:
            raiser(2, [1])
        except ValueError as error:
            raise Custom("from", error, more=[2]) from error

    def context():
        try:
            raise KeyError("first")
        except KeyError:
            [][1]

    def suppressed():
        try:
            raise KeyError("hidden")
        except KeyError:
            raise OSError(2, "no file", "name", None, "other") from None

    return [caught(cause), caught(context), caught(suppressed)]


def errors():
    deep_error = caught(raiser, 20, ["held"])
    bare = [BaseException(), Exception([1], 2), StopIteration([3]), SystemExit([4]), KeyboardInterrupt(), MemoryError()]
    fields = [
        OSError(1, "text"),
        OSError(2, "text", "file"),
        BlockingIOError(11, "text", 5),
        ImportError("text", name="module", path="path"),
        SyntaxError("text", ("file", 1, 2, "source")),
        UnicodeDecodeError("utf-8", b"bytes", 0, 1, "why"),
        UnicodeEncodeError("ascii", "é", 0, 1, "why"),
        UnicodeTranslateError("é", 0, 1, "why"),
        caught(lambda: undefined_name),
        caught(lambda: [].undefined_attribute),
        caught(lambda: (yield)) or caught(compile, "1 +", "file", "eval"),
        caught(exec, "import does_not_exist_at_all"),
        caught(open, "/does/not/exist"),
    ]
    newer = []
    if sys.version_info >= (3, 11):
        noted = ValueError("noted")
        noted.add_note("a note")
        group = ExceptionGroup("group", [noted, ExceptionGroup("inner", [TypeError(1)])])  # noqa: F821
        newer = [noted, group, caught(lambda: raising(group))]
    return [deep_error, deep_error.__traceback__, bare, fields, newer, chained_errors(), sys.exc_info()]


def raising(error):
    raise error


def callables():
    partial = functools.partial(plain, 1, c=[2])
    nested = functools.partial(partial, d=3)
    nested.attribute = [4]
    cached = functools.lru_cache(maxsize=4)(lambda x: [x])
    unbounded = functools.lru_cache(maxsize=None)(lambda *args, **kwargs: [args, kwargs])
    uncached = functools.lru_cache(maxsize=0)(lambda: None)
    for number in range(6):
        cached(number)
        cached("text %d" % number)
        unbounded(number, [], key=number) if False else unbounded(number, key=number)
    uncached()
    dispatch = functools.singledispatch(plain)
    dispatch.register(int, lambda value: value)
    wrapped = functools.wraps(plain)(lambda: None)
    key = functools.cmp_to_key(lambda a, b: 0)
    return [
        [partial, nested, cached, unbounded, uncached, dispatch, wrapped, key, key([5]), functools.partialmethod(plain, 1)],
        [operator.itemgetter(1, [2]), operator.attrgetter("a.b", "c"), operator.methodcaller("run", [3], key=4)],
        [len, print, [].append, "".join, {}.get, dict.fromkeys, object.__new__, int.from_bytes, sys.exit, staticmethod(len)],
        [classmethod(plain), property(plain, plain, None, "doc"), types.MethodType(plain, [6]), functools.cached_property(plain)],
    ]


def iterators():
    source = [[1], [2], [3], [4]]
    first, second = itertools.tee(iter(source))
    next(first)
    groups = itertools.groupby([1, 1, 2, 2])
    key, group = next(groups)
    cycle = itertools.cycle(source)
    next(cycle)
    chain = itertools.chain([[1]], [[2]])
    next(chain)
    permutations, combinations = itertools.permutations(source, 2), itertools.combinations(source, 2)
    product, replaced = itertools.product(source, repeat=2), itertools.combinations_with_replacement(source, 2)
    for each in (permutations, combinations, product, replaced):
        next(each)
    walked, mapped = iter(source), map(plain, source)
    next(walked)
    exhausted = iter([1])
    list(exhausted)
    newer = [itertools.pairwise(source)] if sys.version_info >= (3, 10) else []
    newer += [itertools.batched(source, 2)] if sys.version_info >= (3, 12) else []
    return [
        [first, second, groups, group, cycle, chain, permutations, combinations, product, replaced, newer],
        [itertools.count(1), itertools.count(1, [2] and 2.5), itertools.repeat([1]), itertools.repeat([1], 5)],
        [itertools.islice(source, 1, 3), itertools.starmap(plain, [source]), itertools.takewhile(bool, source)],
        [itertools.dropwhile(bool, source), itertools.filterfalse(bool, source), itertools.compress(source, [1, 0])],
        [itertools.accumulate(source), itertools.zip_longest(source, [1], fillvalue=[5]), itertools.chain.from_iterable([source])],
        [walked, exhausted, mapped, filter(None, source), zip(source, (1, 2)), enumerate(source, 1 << 70), reversed(source)],
        [iter((1, [2])), iter("text é"), iter(b"bytes"), iter(bytearray(b"x")), iter({1: 2}), iter({3}), iter(range(3))],
        [iter(range(1 << 70)), iter(lambda: None, [1]), reversed((1, [2])), reversed(range(3)), iter(collections.deque([[1]]))],
        [iter(Old()), iter("ascii"), reversed(collections.deque([[2]])), iter(memoryview(b"view"))],
    ]


class Old:
    """Iterated through `__getitem__`."""

    def __getitem__(self, at):
        return [at]


def build():
    return [closures(), generators(), coroutines(), errors(), callables(), iterators(), plain.__code__, sys._getframe()]


if __name__ == "__main__":
    recorder.serve(build())
