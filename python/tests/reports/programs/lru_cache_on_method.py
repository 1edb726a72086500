"""A cache on a method keeps `self`: each data set that was ever asked stays, with all it has read."""

from functools import lru_cache

from ready import wait


class EphysData:
    def __init__(self, number: int) -> None:
        self.samples = [number + step / 7 for step in range(3000)]

    @lru_cache(maxsize=None)
    def sweep(self, number: int) -> float:
        return self.samples[number]


def analyse(number: int) -> float:
    data = EphysData(number)
    return sum(data.sweep(sweep) for sweep in range(3))


for number in range(300):
    analyse(number)
wait()
