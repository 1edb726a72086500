"""Subinterpreters with objects of their own, each blocked in a recorder of its own."""

import os
import sys
import threading
import time

import recorder

SCRIPT = """
import sys
sys.path.insert(0, {folder!r})
import recorder
class Inside:
    def __init__(self, value):
        self.value = [value]
kept = [Inside(number) for number in range(50)]
kept.append({{"text": kept, 1: {{2, 3}}}})
def generator():
    yield kept
running = generator()
next(running)
recorder.serve(kept, {source}, {sink})
"""

# Of each subinterpreter what to write to, what to read from, its thread, and what that reads from.
pipes = []


def runner():
    """What runs code in a new interpreter; `None` when this Python cannot."""
    for name in ("concurrent.interpreters", "_interpreters", "_xxsubinterpreters"):
        try:
            __import__(name)
        except ImportError:
            continue
        module = sys.modules[name]
        made = module.create()
        if hasattr(made, "exec"):
            return made.exec
        run = getattr(module, "exec", None) or module.run_string
        return lambda code: run(made, code)
    return None


def waits(thread, source):
    """Until a thread waits for its next request: what it has in hand on its way there would change under a look.

    (The code of 3.11's own modules is shared by all interpreters, and counted.)
    """
    fd = os.open("/proc/self/task/%d/syscall" % thread.native_id, os.O_RDONLY)
    asleep = b"0 0x%x " % source  # read, on x86-64
    while not os.pread(fd, 64, 0).startswith(asleep):
        time.sleep(0.001)  # (whoever only lets go of the GIL for a moment has it back before anybody else)
    os.close(fd)


def start():
    run = runner()
    if run is None:
        return None
    (source, to_source), (from_sink, sink) = os.pipe(), os.pipe()
    script = SCRIPT.format(folder=sys.path[0], source=source, sink=sink)
    thread = threading.Thread(target=run, args=(script,), daemon=True)
    thread.start()
    os.read(from_sink, 4096)  # it says that it is ready
    waits(thread, source)
    pipes.append((to_source, from_sink, thread, source))
    return thread


def also(path):
    """Asks every subinterpreter for its truth."""
    if sys.version_info < (3, 9):
        return []  # one collector lists the objects of all interpreters
    paths = []
    for to_source, from_sink, thread, source in pipes:
        paths.append("%s.%d" % (path, len(paths)))
        os.write(to_source, b"truth " + paths[-1].encode())
        os.read(from_sink, 4096)
        waits(thread, source)
    return paths


def build():
    return [start(), start()]


if __name__ == "__main__":
    recorder.also = also
    recorder.serve(build())
