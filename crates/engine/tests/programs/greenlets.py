"""Greenlets and tasks that are switched in the middle of what they call. Prints size -> [count, function] of the blocks that each
makes: of greenlets where there are such, else of tasks of asyncio alone."""

import asyncio
import json
import sys

try:
    from greenlet import greenlet
except ImportError:
    greenlet = None

NUMBER, ROUNDS = 8, 40
FIRST = 70_001
kept, truth, makers = [], {}, []
for number in range(2 * NUMBER):
    names = {}
    exec("def make_%d(size):\n    return bytes(size)\n" % number, names)
    makers.append(names["make_%d" % number])


def make(number):
    size = FIRST + number
    kept.append(makers[number](size))
    entry = truth.setdefault(size + sys.getsizeof(b""), [0, "make_%d" % number])
    entry[0] += 1


def deep(number, depth):
    if depth:
        deep(number, depth - 1)
        make(number)
        main.switch()
    else:
        make(number)
        main.switch()


def in_greenlet(number):
    while True:
        deep(number, number)


async def task(number):
    for _ in range(ROUNDS):
        make(number)
        await asyncio.sleep(0)


async def tasks():
    await asyncio.gather(*(task(NUMBER + number) for number in range(NUMBER)))


if greenlet is not None:
    main = greenlet.getcurrent()
    each = [greenlet(in_greenlet) for _ in range(NUMBER)]
    for _ in range(ROUNDS):
        for number, one in enumerate(each):
            one.switch(number)
asyncio.run(tasks())
print(json.dumps(truth))
