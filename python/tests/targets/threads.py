"""Threads that are blocked with locals, generators that run in them, deep stacks, thread-local storage."""

import sys
import threading

import recorder

gate = threading.Lock()
local = threading.local()


class Local(threading.local):
    """Per-thread attributes beside an ordinary one."""

    def __init__(self, value):
        self.value = [value]


shared_local = Local("main")


def block():
    """Where all threads end: a lock that is never released."""
    gate.acquire()


def holder(ready, number):
    text, items, mapping = "held %d" % number, [number, [number]], {"number": number}
    local.items = items
    shared_local.value.append(mapping)
    closure_cell = [text]

    def inner(argument):
        kept = argument, closure_cell
        ready.release()
        block()
        return kept

    return inner(items)


def recursive(ready, depth, held):
    local_value = [depth]
    if depth:
        return recursive(ready, depth - 1, local_value)
    ready.release()
    block()
    return held


def running(ready):
    """A generator that is running while its thread waits."""
    held = yield [1]
    ready.release()
    block()
    yield held


def delegating(ready):
    result = yield from running(ready)
    return result


def generator_user(ready):
    generator = delegating(ready)
    next(generator)
    kept.append(generator)
    generator.send(["sent"])


async def awaiting(ready):
    held = ["coroutine"]
    ready.release()
    block()
    return held


def coroutine_user(ready):
    coroutine = awaiting(ready)
    kept.append(coroutine)
    coroutine.send(None)


def handling(ready):
    try:
        raise ValueError(["being handled"])
    except ValueError as error:
        try:
            raise KeyError("nested") from error
        except KeyError:
            ready.release()
            block()


def callback(ready):
    """Python called from C called from Python."""
    for _ in map(lambda item: sorted([2, 1], key=lambda each: finish(ready, each, item)), [["mapped"]]):
        pass


def finish(ready, each, item):
    ready.release()
    block()


def in_class_body(ready):
    class Unfinished:
        attribute = ["class body"]
        ready.release()
        block()


def in_exec(ready):
    scope = {"ready": ready, "block": block, "value": ["exec"]}
    exec("local = value\nready.release()\nblock()", scope, {})


def variables(ready, first, second=[2], *rest, keyword=None, **others):
    """Every kind of variable, some of them unbound or in cells."""
    cell, unbound_later = [first], [second]
    del unbound_later
    numbers = [each for each in range(3)]
    seen = lambda: (cell, rest)  # noqa: E731
    with gate_context() as entered:
        for item in [["loop"]]:
            ready.release()
            block()


class gate_context:
    def __enter__(self):
        return [self]

    def __exit__(self, *details):
        return None


class Worker(threading.Thread):
    def __init__(self, ready):
        super().__init__(daemon=True)
        self.ready, self.payload = ready, [1]

    def run(self):
        self.ready.release()
        block()


kept = []


def start(function, *args):
    ready = threading.Lock()
    ready.acquire()
    thread = threading.Thread(target=function, args=(ready,) + args, daemon=True, name=function.__name__)
    thread.start()
    ready.acquire()
    return thread


def settle(thread):
    """Returns when a thread waits in the kernel for as long as it takes: not for the GIL, which it waits for in turns.

    Source: futex(2), number 202 on x86-64, whose fourth argument is the limit of time.
    """
    waits = None
    while waits is None or waits[0] != "202" or waits[4] != "0x0":
        with open("/proc/self/task/%d/syscall" % thread.native_id) as file:
            waits = file.read().split() + [""] * 5


def build():
    gate.acquire()
    threads = [start(holder, number) for number in range(4)]
    # Enough frames for several chunks of the interpreter's own stack.
    sys.setrecursionlimit(3000)
    threads.append(start(recursive, 900, ["deep"]))
    for function in (generator_user, coroutine_user, handling, callback, in_class_body, in_exec):
        threads.append(start(function))
    threads.append(start(variables, [1]))
    ready = threading.Lock()
    ready.acquire()
    worker = Worker(ready)
    worker.start()
    ready.acquire()
    for thread in threads + [worker]:
        settle(thread)
    return [threads, worker, threading.enumerate(), sys._current_frames()]


if __name__ == "__main__":
    recorder.serve(build())
