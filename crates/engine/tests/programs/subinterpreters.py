"""Interpreters in one process, each in a thread of its own, at the same time; from 3.12 on each with a lock of its own. Prints
size -> [count, function] of the blocks that each makes."""

import json
import os
import sys
import threading

try:
    import _interpreters as interpreters

    run = interpreters.exec
except ImportError:
    import _xxsubinterpreters as interpreters

    run = interpreters.run_string

NUMBER, BLOCKS = 4, 300
# more than pymalloc has, and sizes that nobody else asks for
FIRST = 80_001
CODE = """
def inside_{number}(size):
    return bytes(size)

def work():
    for _ in range(20):
        kept = [inside_{number}({size}) for _ in range({blocks} // 20)]
        small = [str(n) * 3 for n in range(2000)]

work()
"""


def work(number):
    made = interpreters.create()
    ready.wait()
    failed = run(made, CODE.format(number=number, size=FIRST + number, blocks=BLOCKS))
    ready.wait()
    interpreters.destroy(made)
    if failed is not None:
        print(failed, file=sys.stderr)
        os._exit(1)


ready = threading.Barrier(NUMBER)
threads = [threading.Thread(target=work, args=(number,)) for number in range(NUMBER)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
overhead = sys.getsizeof(b"")
print(json.dumps({FIRST + n + overhead: [BLOCKS, "inside_%d" % n] for n in range(NUMBER)}))
