"""dask on threads: arrays in blocks, bags of objects, delayed calls, results that are kept."""

import dask
import numpy as np
from dask import array, bag
from telling import Truth, digest

dask.config.set(scheduler="threads", num_workers=2)


class Word:
    def __init__(self, text: str, count: int) -> None:
        self.text, self.count = text, count


BLOCKS = array.random.default_rng(7).random((4000, 1500), chunks=(500, 500)).persist()
WORDS = bag.range(40_000, npartitions=8).map(lambda number: Word(f"word {number}", number % 13)).persist()
GRAPH = [dask.delayed(sum)([number, number * 2]) for number in range(2000)]


def work() -> object:
    mean = float((BLOCKS.T @ BLOCKS).mean().compute())
    counts = WORDS.map(lambda word: word.count).frequencies().compute()
    return digest(round(mean, 6), sorted(counts), sum(dask.compute(*GRAPH[:100])))


truth = Truth("dask", "numpy")
truth.instances(Word)
truth.native([np.ndarray], lambda: int(BLOCKS.nbytes), "dask.Array.nbytes of the persisted array")
truth.hand_over(work)
