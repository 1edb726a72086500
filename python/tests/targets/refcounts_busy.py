"""A healthy program at work, whose counts are right at every moment: `refcounts_busy.py WORK`.

`chain` runs generators that delegate to each other, `deep` blocks inside of such a chain, `tasks` runs coroutines that
switch all the time, `interpreter` has a second interpreter with modules of its own, `native` holds objects of C types whose
structs hold numbers and memory of C.
"""

import asyncio
import json
import os
import sys
import threading

ROUNDS_BEFORE_READY = 50


def say(**words):
    os.write(1, (json.dumps(words) + "\n").encode())


def ready(busy):
    say(ready=True, pid=os.getpid(), version=sys.version.split()[0], **({"busy": True} if busy else {}))


def end_with_input():
    """Ends the process when nobody asks any more."""

    def wait():
        while os.read(0, 4096):
            pass
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def chained(number):
    local = [number]
    if number:
        yield from chained(number - 1)
    yield local


def chain():
    end_with_input()
    rounds = 0
    while True:
        for local in chained(12):
            local.append(rounds)
        rounds += 1
        if rounds == ROUNDS_BEFORE_READY:
            ready(True)


def blocked(number):
    local = [number]
    if number:
        yield from blocked(number - 1)
    else:
        os.read(0, 4096)
    yield local


def deep():
    ready(False)
    for _ in blocked(12):
        pass


def tasks():
    end_with_input()

    async def leaf(number):
        local = {"number": number}
        await asyncio.sleep(0)
        return local

    async def worker():
        rounds = 0
        while True:
            await asyncio.gather(*[leaf(number) for number in range(5)])
            async for _ in ticks():
                rounds += 1
            if rounds == ROUNDS_BEFORE_READY * 3:
                ready(True)

    async def ticks():
        for number in range(3):
            await asyncio.sleep(0)
            yield number

    async def main():
        await asyncio.gather(worker())

    asyncio.run(main())


def interpreter():
    script = "import json, re, collections\nkept = [json.dumps({'a': number}) for number in range(100)]"
    if sys.version_info >= (3, 13):
        import _interpreters

        second = _interpreters.create()
        _interpreters.exec(second, script)
    else:
        import _xxsubinterpreters

        second = _xxsubinterpreters.create()
        _xxsubinterpreters.run_string(second, script)
    ready(False)
    os.read(0, 4096)


def native():
    import array
    import bz2
    import datetime
    import decimal
    import hashlib
    import itertools
    import lzma
    import mmap
    import select
    import socket
    import zlib

    keys = [str(number) * 3 for number in range(1000)]
    kept = []
    for number in range(2000):
        # Memory of one kind of object is used again for another, with its words.
        stale = [keys[number % 1000]] * 12
        kept.append(decimal.Decimal(number) / 7)
        del stale
        kept.append(datetime.datetime(2020, 1, 1) + datetime.timedelta(number))
        kept.append(datetime.time(number % 24, tzinfo=datetime.timezone.utc))
    for number in range(200):
        kept += [hashlib.md5(b"x"), hashlib.sha256(b"x"), hashlib.blake2b(b"x"), hashlib.sha3_256(b"x")]
        kept += [zlib.compressobj(), bz2.BZ2Compressor(1), array.array("q", range(number)), mmap.mmap(-1, 4096)]
        kept += [itertools.tee(iter(keys))[0], iter(range(number)), select.epoll(), select.poll()]
        next(kept[-4])
    kept += [lzma.LZMACompressor(), lzma.LZMADecompressor(), *socket.socketpair()]
    ready(False)
    os.read(0, 4096)
    del kept


if __name__ == "__main__":
    work = {"chain": chain, "deep": deep, "tasks": tasks, "interpreter": interpreter, "native": native}
    work[sys.argv[1]]()
