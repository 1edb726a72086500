"""`itertools.tee` with one branch far ahead: what the other has not taken yet is kept."""

import itertools

from ready import wait


class Row:
    def __init__(self, number: int) -> None:
        self.text = f"row {number} " * 20


def report() -> None:
    ahead, behind = itertools.tee(Row(number) for number in range(30_000))
    total = sum(len(row.text) for row in ahead)
    wait()
    print(total, next(behind))


report()
