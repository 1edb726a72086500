"""sampled.py NAME: programs whose lines allocate much, in blocks of many sizes. Each does the same every time."""

import json
import sys


def small():
    kept = []
    for number in range(60_000):
        kept.append([number])
        kept.append(f"text {number}")
        kept.append({number: 1.5 * number})
    return kept


def mixed():
    kept = []
    for number in range(4000):
        kept.append(bytes(number % 3000))
        kept.append(bytearray(100 * (number % 40)))
        kept.append(list(range(number % 500)))
    return kept


def parsed():
    text = json.dumps(
        [{"id": n, "name": f"n{n}", "values": [n, n + 1.5], "note": "x" * (n % 300)} for n in range(8000)]
    )
    return json.loads(text), text.encode()


kept = {"small": small, "mixed": mixed, "parsed": parsed}[sys.argv[1]]()
