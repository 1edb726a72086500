"""counting.py NAME TIMES: work whose instructions are counted. Small: valgrind takes fifty times as long."""

import sys


class Node:
    __slots__ = ("left", "right", "value")

    def __init__(self, left, right, value):
        self.left, self.right, self.value = left, right, value


def build(depth, value):
    if depth == 0:
        return Node(None, None, str(value))
    return Node(build(depth - 1, 2 * value), build(depth - 1, 2 * value + 1), str(value))


def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def alloc_heavy():
    build(8, 1000)


def calls():
    fib(13)


work = {"alloc_heavy": alloc_heavy, "fib": calls}[sys.argv[1]]
for _ in range(int(sys.argv[2])):
    work()
