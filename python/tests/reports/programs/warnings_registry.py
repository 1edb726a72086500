"""Warnings whose texts differ: the module that warns remembers each of them."""

import warnings

from ready import wait

warnings.simplefilter("default")
warnings.showwarning = lambda *_: None  # type: ignore[assignment]


def evolve(step: int) -> None:
    warnings.warn(f"the mass of star {step} is out of range: {step / 7}", UserWarning, stacklevel=1)


for step in range(40_000):
    evolve(step)
wait()
