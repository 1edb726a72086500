"""Functions, methods, coroutines, generators and tasks in every state, with what Python says of each: its qualified name,
its file, its first line, the line where it stands, what it awaits."""

import asyncio
import functools
import json
import os
import sys
import threading
import types

KEPT = []
QUEUE = None
WAIT = threading.Event()


class Worker(threading.Thread):
    """A class of the program's own."""

    def run(self):
        WAIT.wait()


def plain():
    return None


def decorated(function):
    @functools.wraps(function)
    def wrapper():
        return function()

    return wrapper


def add(number):
    return lambda: number


class Channel:
    def __init__(self):
        self.future = None

    def close(self):
        return self

    @classmethod
    def make(cls):
        return cls

    async def until_closed(self):
        await self.future

    async def through(self):
        await self.until_closed()
        return self

    class Inner:
        def method(self):
            return self


def counting(limit):
    for number in range(limit):
        yield number


async def stream(channel):
    yield 1
    await channel.until_closed()


class Awaitable:
    def __init__(self, future):
        self.future = future

    def __await__(self):
        local = [1]
        yield from self.future.__await__()
        return local


async def consuming(source):
    async for _ in source:
        pass


async def custom(future):
    await Awaitable(future)


async def failing():
    raise RuntimeError("failed task")


async def finishing():
    return [1]


async def empty():
    return None


async def main():
    await running()


async def running():
    loop = asyncio.get_running_loop()
    told = []
    for make in (asyncio.Task, asyncio.tasks._PyTask):
        future = loop.create_future() if make is asyncio.Task else asyncio.futures._PyFuture(loop=loop)
        channel = Channel()
        channel.future = future

        def start(*coroutines):
            return [make(coroutine, loop=loop) for coroutine in coroutines]

        sources = [stream(channel) for _ in range(2)]
        started = [
            ("pending", start(*(channel.through() for _ in range(20))), None),
            ("pending", start(*map(consuming, sources)), sources[0]),
            ("pending", start(*(custom(future) for _ in range(3))), None),
            ("finished", start(*(finishing() for _ in range(4))), None),
            ("finished", start(empty()), None),
            ("failed", start(*(failing() for _ in range(5))), None),
        ]
        # Who cancels a task cancels what it waits for.
        other = Channel()
        other.future = loop.create_future()
        stopped = start(*(other.until_closed() for _ in range(6)))
        for _ in range(4):
            await asyncio.sleep(0)
        for task in stopped:
            task.cancel()
        for _ in range(4):
            await asyncio.sleep(0)
        started += [("cancelled", stopped, None)]
        KEPT.append((started, sources, future, channel))
        told.extend(expected(state, tasks, inside) for state, tasks, inside in started)
        for _, tasks, _ in started:
            for task in tasks:
                if task.done() and not task.cancelled():
                    task.exception()
    queued = await queue(loop)
    # Not begun: nothing is awaited from here on.
    for make in (asyncio.Task, asyncio.tasks._PyTask):
        tasks = [make(channel.until_closed(), loop=loop)]
        KEPT.append(tasks)
        told.append(expected("pending", tasks, None))
    ready = {"ready": True, "pid": os.getpid(), "version": sys.version.split()[0], "tasks": told}
    ready["queued"] = queued
    ready["bare"] = bare()
    ready.update(build())
    os.write(1, (json.dumps(ready) + "\n").encode())
    while os.read(0, 4096):
        more = [channel.until_closed() for _ in range(20)]
        KEPT.append(more)
        os.write(1, (json.dumps({"more": len(more), "source": source(more[0])}) + "\n").encode())
    os._exit(0)  # without the warnings of tasks that are not done


async def queue(loop):
    """Tasks that nothing but the queue keeps for which they wait."""
    global QUEUE
    QUEUE = asyncio.Queue()
    tasks = [loop.create_task(consumer()) for _ in range(30)]
    for _ in range(4):
        await asyncio.sleep(0)
    return {"count": len(tasks), "coroutine": source(tasks[0].get_coro())}


async def consumer():
    while True:
        await QUEUE.get()


def bare():
    """Tasks that have not been given a coroutine."""
    tasks = [each.__new__(each) for each in (asyncio.Task, asyncio.Task, asyncio.tasks._PyTask)]
    KEPT.append(tasks)
    return len(tasks)


def expected(state, tasks, inside):
    """What all of some tasks have in common. `inside` is an asynchronous generator that hides behind what is awaited."""
    coroutine = tasks[0].get_coro() if hasattr(tasks[0], "get_coro") else tasks[0]._coro
    chain = []
    while state == "pending" and code_of(coroutine) is not None:
        if code_of(coroutine).co_name == "__await__" and "Future" in coroutine.__qualname__:
            break
        chain.append([*source(coroutine)[:2], frame_of(coroutine).f_lineno])
        awaited = awaited_by(coroutine)
        coroutine, inside = (inside, None) if code_of(awaited) is None and inside is not None else (awaited, inside)
    return {
        "coroutine": source(tasks[0].get_coro()),
        "state": state,
        "count": len(tasks),
        "class": type(tasks[0]).__module__,
        "chain": chain,
    }


def code_of(object):
    for name in ("gi_code", "cr_code", "ag_code", "__code__"):
        if hasattr(object, name):
            return getattr(object, name)
    return code_of(object.__func__) if hasattr(object, "__func__") else None


def frame_of(object):
    return next(getattr(object, name) for name in ("gi_frame", "cr_frame", "ag_frame") if hasattr(object, name))


def awaited_by(object):
    return next(getattr(object, name) for name in ("gi_yieldfrom", "cr_await", "ag_await") if hasattr(object, name))


def source(object):
    """Up to 3.10 code does not know its qualified name: what runs it does."""
    code = object if isinstance(object, types.CodeType) else code_of(object)
    name = getattr(code, "co_qualname", None) or getattr(object, "__qualname__", code.co_name)
    return [name, code.co_filename, code.co_firstlineno]


def advanced(generator):
    next(generator)
    return generator


def build():
    channel = Channel()
    created, suspended, ended = counting(3), advanced(counting(3)), counting(0)
    list(ended)
    fresh = channel.until_closed()
    named = [plain, add, add(1), Channel.until_closed, channel.close, Channel.make, Channel.Inner().method, created]
    named += [suspended, ended, fresh, stream(channel), decorated]
    generators = [created, suspended, ended, fresh]
    wrapped = decorated(plain)
    KEPT.append((named, generators, wrapped))
    # The code of a wrapper is not that of what it wraps, whatever its function is called.
    name = "decorated.<locals>.wrapper" if sys.version_info >= (3, 11) else "wrapper"
    told = [[hex(id(each)), *source(each)] for each in named]
    told += [[hex(id(each.__code__)), *source(each)] for each in (plain, Channel.through)]
    told.append([hex(id(wrapped)), name, wrapped.__code__.co_filename, wrapped.__code__.co_firstlineno])
    standing = [[hex(id(each)), frame_of(each) and frame_of(each).f_lineno] for each in generators]
    for name in ("antwort-3", "it's \u03b1", "\x1b[31m\n\\ \u202e", None):
        Worker(name=name, daemon=True).start()
    threads = [[thread.ident, thread.name] for thread in threading.enumerate()]
    return {"named": told, "standing": standing, "threads": threads}


asyncio.new_event_loop().run_until_complete(main())
