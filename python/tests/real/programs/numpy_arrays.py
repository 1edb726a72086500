"""Measurements in numpy: object arrays, structured types with objects, views, sparse use of large arrays."""

from decimal import Decimal

import numpy as np
from telling import Truth, digest


class Station:
    def __init__(self, number: int) -> None:
        self.number = number
        self.series = np.sin(np.arange(2000) / (number + 1))
        self.names = np.array([f"station {number} sensor {sensor}" for sensor in range(30)], dtype=object)


class Reading:
    def __init__(self, value: float) -> None:
        self.value = value


STATIONS = [Station(number) for number in range(400)]
READINGS = np.array([Reading(number / 3) for number in range(50_000)], dtype=object).reshape(500, 100)
TABLE = np.zeros(20_000, dtype=[("at", "i8"), ("who", "O"), ("value", "f4")])
TABLE["at"] = np.arange(20_000)
TABLE["who"] = [Reading(number) for number in range(20_000)]
# The collector does not know what is in these: only the arrays lead to it.
CODES = np.array([f"code-{number:07d}" for number in range(100_000)], dtype=object)
PRICES = np.array([Decimal(number) / 100 for number in range(50_000)], dtype=object)[::2]
VIEWS = [np.random.default_rng(number).random((1000, 200))[:10] for number in range(12)]
CUBE = np.arange(3_000_000, dtype=np.float64).reshape(100, 100, 300)


def work() -> object:
    sums = [float(station.series.sum()) for station in STATIONS]
    values = sum(reading.value for reading in READINGS[::7, ::3].flat)
    later = sum(row["who"].value for row in TABLE[::997])
    for reading in READINGS[0, :10]:
        knot = [reading, np.zeros(10)]
        knot.append(knot)  # garbage that holds arrays
    return digest(
        "".join(CODES[::1000]),
        sum(PRICES[::100]),
        sums,
        values,
        later,
        [float(view.mean()) for view in VIEWS],
        float(CUBE[:, 3, ::5].sum()),
    )


def data() -> int:
    arrays = [station.series for station in STATIONS] + [station.names for station in STATIONS]
    bases = [view.base for view in VIEWS]
    return sum(array.nbytes for array in [*arrays, *bases, CUBE.base, READINGS.base, TABLE, CODES, PRICES.base])  # type: ignore[union-attr]


truth = Truth("numpy")
truth.instances(Station, Reading)
truth.objects("decimal.Decimal", lambda: len(PRICES.base))  # type: ignore[arg-type]
truth.at_least("str", lambda: len(CODES))
truth.native([np.ndarray], data, "ndarray.nbytes of the arrays that own their data")
truth.hand_over(work)
