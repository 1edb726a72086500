"""Many threads at once, each with blocks of a size of its own; prints size -> [count, thread]."""

import json
import sys
import threading

THREADS = 150
BLOCKS = 40
# more than pymalloc has, and sizes that nobody else asks for
FIRST = 90_001

START = threading.Barrier(THREADS)
TRUTH = {}


def work(number):
    START.wait()
    size = FIRST + number
    kept = [bytes(size) for _ in range(BLOCKS)]
    # all of them are there at once, and each has a chunk
    START.wait()
    TRUTH[size + sys.getsizeof(b"")] = [BLOCKS, threading.get_native_id()]
    del kept


threading.stack_size(256 << 10)
threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(json.dumps(TRUTH))
