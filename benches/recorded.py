"""Programs that benches/recorder.py has recorded: `recorded.py NAME` does its work and prints the processor time that took."""

import asyncio
import json
import pickle
import re
import sys
import threading
import time


class Node:
    __slots__ = ("left", "right", "value")

    def __init__(self, left, right, value):
        self.left, self.right, self.value = left, right, value


def build(depth, value):
    """Recursion with two call sites: as many stacks as nodes."""
    if depth == 0:
        return Node(None, None, str(value))
    return Node(build(depth - 1, 2 * value), build(depth - 1, 2 * value + 1), str(value))


def trees():
    for number in range(12):
        build(15, number)


def dicts():
    for _ in range(12):
        held = {}
        for number in range(100_000):
            held[f"key{number}"] = [number, str(number)]


ROWS = [
    {"id": i, "name": f"n{i}", "values": [i, i + 1, i + 2], "more": {"a": 1.5, "b": None, "c": "x" * (i % 40)}}
    for i in range(4000)
]


def json_rounds():
    for _ in range(40):
        json.loads(json.dumps(ROWS))


def pickle_rounds():
    for _ in range(60):
        pickle.loads(pickle.dumps(ROWS))


def regex():
    text = " ".join(f"user{i}@example{i % 90}.org, id={i}" for i in range(20_000))
    for _ in range(6):
        re.findall(r"(\w+)@(\w+)\.org, id=(\d+)", text)


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def calls():
    fib(30)


def floats():
    x = y = 0.1
    for _ in range(3_000_000):
        x, y = x * 0.999 + y * 0.001, y * 0.998 + x * 0.002


def generators():
    def numbers(depth):
        if depth == 0:
            yield from range(1000, 601_000)
        else:
            for number in numbers(depth - 1):
                yield number + 1

    sum(numbers(3))


def deep(depth=60):
    if depth:
        return deep(depth - 1)
    for number in range(300, 900_300):
        [number, str(number)]
    return None


def lines_of_text():
    for _ in range(8):
        words = {}
        for number in range(60_000):
            for word in f"GET /item/{number % 5000} HTTP/1.1 {number} ok".split():
                words[word] = words.get(word, 0) + 1


def asyncio_echo():
    async def serve():
        async def echo(reader, writer):
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        async def client(port):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for number in range(1500):
                writer.write(b"%d\n" % number)
                await reader.readline()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        await asyncio.gather(*(client(port) for _ in range(8)))
        server.close()

    asyncio.run(serve())


def threads():
    def work():
        for _ in range(40):
            rows = [{"n": number, "s": str(number)} for number in range(3000)]
            del rows

    several = [threading.Thread(target=work) for _ in range(8)]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()


PROGRAMS = {
    "trees": trees,
    "dicts": dicts,
    "json": json_rounds,
    "pickle": pickle_rounds,
    "regex": regex,
    "calls": calls,
    "floats": floats,
    "generators": generators,
    "deep": deep,
    "text": lines_of_text,
    "asyncio": asyncio_echo,
    "threads": threads,
}

if __name__ == "__main__":
    began = time.process_time()
    PROGRAMS[sys.argv[1]]()
    print(time.process_time() - began)
