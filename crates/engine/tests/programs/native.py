"""Makes blocks of sizes that nobody else asks for, under stacks of Python and C in turns; who called is said by all that are called.

Takes a library, one that is loaded late, and a file to write to.
"""

import ctypes
import sys
import threading

FIRST = 1_300_001
lib = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
late = sys.argv[2].encode()
NEXT = ctypes.CFUNCTYPE(None)
lib.truth_c_probe.restype = ctypes.c_void_p
lib.truth_c_probe.argtypes = [ctypes.c_size_t]
KEPT = []
COUNT = [0]
LOCK = threading.Lock()


def enter(name):
    lib.enter(ctypes.c_char_p(name))


# names outlive the calls
NAMES = {name: name.encode() for name in ["truth_py_run", "truth_py_generator", "truth_py_key", "truth_py_drop", "truth_py_holder"]}


def truth_py_run(chain):
    enter(NAMES["truth_py_run"])
    if chain:
        chain[0](lambda: truth_py_run(chain[1:]))
    else:
        with LOCK:
            number = COUNT[0]
            COUNT[0] += 1
        KEPT.append(lib.truth_c_probe(FIRST + number))
    lib.leave()


def through(function, *arguments):
    def step(then):
        function(*arguments, NEXT(then))

    return step


def recursive(then, depth=5):
    return then() if depth == 0 else recursive(then, depth - 1)


def truth_py_generator(then):
    enter(NAMES["truth_py_generator"])
    yield then()
    lib.leave()


def generator(then):
    list(truth_py_generator(then))


def key(then):
    done = []

    def truth_py_key(number):
        enter(NAMES["truth_py_key"])
        if not done:
            done.append(number)
            then()
        lib.leave()
        return number

    sorted([3, 1, 2], key=truth_py_key)


class Dropped:
    def __init__(self, then):
        self.then = then

    def truth_py_drop(self):
        # whoever held it may be gone from the stack by now, or not
        is_there = sys._getframe(1).f_code.co_name == "truth_py_holder"
        if not is_there:
            lib.leave()
        enter(NAMES["truth_py_drop"])
        self.then()
        lib.leave()
        if is_there:
            lib.leave()

    __del__ = truth_py_drop


def truth_py_holder(then):
    enter(NAMES["truth_py_holder"])
    dropped = Dropped(then)
    return len([dropped])


def as_method(then):
    class Caller:
        def __getattr__(self, name):
            then()
            return name

    Caller().anything


STEPS = [
    through(lib.truth_c_call),
    through(lib.truth_c_deep, 7),
    through(lib.truth_c_aligned),
    through(lib.truth_c_sort),
    through(lib.truth_c_signal),
    recursive,
    generator,
    key,
    truth_py_holder,
    as_method,
]
if hasattr(lib, "truth_c_templates"):
    STEPS.append(through(lib.truth_c_templates))


def everything():
    truth_py_run([])
    for one in STEPS:
        truth_py_run([one])
        for other in STEPS:
            truth_py_run([one, other])
            truth_py_run([one, other, one])


if len(sys.argv) > 4:
    # a recording begins here
    print("ready", flush=True)
    sys.stdin.readline()
lib.begin(sys.argv[3].encode())
everything()
thread = threading.Thread(target=everything)
thread.start()
thread.join()
truth_py_run([through(lib.truth_c_load, ctypes.c_char_p(late)), STEPS[0]])
lib.end()
print(COUNT[0])
