"""A thread that allocates when it is told to, then waits, and ends when it is told to."""

import sys
import threading

WORK, DONE, END = threading.Event(), threading.Event(), threading.Event()


def idle():
    WORK.wait()
    kept = [bytes(number) for number in range(5000)]
    DONE.set()
    END.wait()
    del kept


thread = threading.Thread(target=idle)
thread.start()
print("ready", flush=True)
for line in sys.stdin:
    if line == "work\n":
        WORK.set()
        DONE.wait()
    else:
        END.set()
        thread.join()
    print(line, end="", flush=True)
