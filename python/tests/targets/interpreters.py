"""Subinterpreters with objects of their own, each telling its own truth."""

import sys

import recorder

SETUP = """
import sys
sys.path.insert(0, {folder!r})
import recorder, gc
gc.disable()
class Inside:
    def __init__(self, value):
        self.value = [value]
kept = [Inside(number) for number in range(50)]
kept.append({{"text": kept, 1: {{2, 3}}}})
def generator():
    yield kept
running = generator()
next(running)
"""
RECORD = "recorder.record({path!r}, None) or recorder.record({path!r}, None)"


def module():
    for name in ("concurrent.interpreters", "_interpreters", "_xxsubinterpreters"):
        try:
            __import__(name)
        except ImportError:
            continue
        return sys.modules[name]
    return None


def runner():
    """A function that makes an interpreter and gives back one that runs code in it."""
    subinterpreters = module()
    if subinterpreters is None:
        return None
    if hasattr(subinterpreters, "Interpreter"):
        return lambda: subinterpreters.create().exec
    run = getattr(subinterpreters, "exec", None) or subinterpreters.run_string

    def create(**options):
        made = subinterpreters.create(**options)
        identity.append(made)
        return lambda code: run(made, code)

    return create


identity = []
runners = []


def build():
    create = runner()
    if create is None:
        return None
    for _ in range(2):
        run = create()
        run(SETUP.format(folder=sys.path[0]))
        runners.append(run)
    return runners


def also(path):
    if sys.version_info < (3, 9):
        return []  # one collector lists the objects of all interpreters
    paths = []
    for number, run in enumerate(runners):
        paths.append("%s.%d" % (path, number))
        run(RECORD.format(path=paths[-1]))
    return paths


if __name__ == "__main__":
    recorder.also = also
    recorder.serve(build())
