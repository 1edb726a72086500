"""Memory that threads leave behind in their arenas of glibc: the view `rss`."""

import threading

THREADS = 8
kept = []
filled = threading.Barrier(THREADS + 1)


def work(number):
    """Takes bytes of the C heap, and keeps one in twenty."""
    pages = [bytes(900 + step % 50) for step in range(4_000)]
    kept.extend(pages[::20])
    pages.clear()
    filled.wait()
    threading.Event().wait()


for number in range(THREADS):
    threading.Thread(target=work, args=(number,), daemon=True).start()
filled.wait()

print("ready", flush=True)
input()
