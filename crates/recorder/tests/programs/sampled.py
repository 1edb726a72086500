"""Holds blocks of several sizes, each made by a function of its own, and frees as many others; ends without freeing them."""

import os

KEPT = []


def holds_small():
    for _ in range(20_000):
        KEPT.append(bytes(16))


class Thing:
    pass


def holds_objects():
    for _ in range(8000):
        KEPT.append(Thing())


def holds_medium():
    for _ in range(2000):
        KEPT.append(bytes(480))


def holds_large():
    for _ in range(330):
        KEPT.append(bytes(3000))


def holds_one_by_one():
    values = []
    for _ in range(120_000):
        values.append(None)
    KEPT.append(values)


def holds_huge():
    KEPT.append(bytes(1_000_000))


def churn():
    for size in (16, 480, 3000):
        for _ in range(5000):
            bytes(size)


for work in (holds_small, holds_objects, holds_medium, holds_large, holds_one_by_one, holds_huge):
    churn()
    work()
    churn()
os._exit(0)
