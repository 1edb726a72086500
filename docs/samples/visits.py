"""Counts the visits of pages by browser, and every browser is a new one: the walk, slow growth."""

import collections
import time

by_browser = collections.defaultdict(collections.Counter)
catalogue = {f"/page/{number}": f"a page about {number} " * 30 for number in range(20_000)}


def visit(number):
    page = f"/page/{number % 20_000}"
    by_browser[f"Browser/1.0 (build {number})"][page] += 1
    return catalogue[page]


print("ready", flush=True)
number = 0
while True:
    visit(number)
    number += 1
    time.sleep(0.01)
