"""An analysis in pandas: object columns, categories, an index, groups, frames cut from frames."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from telling import Truth, digest


class Customer:
    """Held by a column, as mapped objects are."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __lt__(self, other: "Customer") -> bool:
        return self.number < other.number


ROWS = 150_000
CUSTOMERS = [Customer(number) for number in range(3000)]
random = np.random.default_rng(7)
ORDERS = pd.DataFrame(
    {
        "price": random.random(ROWS) * 100,
        "pieces": random.integers(1, 9, ROWS),
        "city": pd.Categorical.from_codes(random.integers(0, 4, ROWS), ["Oslo", "Bergen", "Tromsø", "Bodø"]),
        "at": pd.date_range("2026-01-01", periods=ROWS, freq="min"),
    }
)
ORDERS["code"] = pd.Series([f"order-{number:07d}" for number in range(ROWS)], dtype=object)
ORDERS["customer"] = pd.Series([Customer(number) for number in range(ROWS // 10)] * 10, dtype=object)
ORDERS["due"] = pd.Series([date(2026, 1, 1) + timedelta(number // 90) for number in range(ROWS)], dtype=object)
BY_DAY = {day: frame.copy() for day, frame in ORDERS.groupby(ORDERS["at"].dt.date)}
INDEXED = ORDERS.set_index("code").copy()


def work() -> object:
    totals = ORDERS.assign(total=ORDERS["price"] * ORDERS["pieces"]).groupby("city", observed=True)["total"].sum()
    found = INDEXED.loc["order-0000777", "pieces"]
    days = [round(float(frame["price"].mean()), 9) for frame in BY_DAY.values()]
    return digest(totals.round(6).to_list(), int(found), days, ORDERS["code"].str.len().sum())


def data() -> int:
    return int(sum(frame.memory_usage(index=False).sum() for frame in [ORDERS, INDEXED, *BY_DAY.values()]))


truth = Truth("pandas", "numpy")
truth.instances(Customer, pd.DataFrame)
truth.at_least("datetime.date", lambda: len({id(day) for day in ORDERS["due"]}))
truth.at_least("str", lambda: len(ORDERS))
truth.native([np.ndarray], data, "DataFrame.memory_usage of the frames")
truth.hand_over(work)
