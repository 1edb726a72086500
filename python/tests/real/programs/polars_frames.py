"""The same trade as in pandas, in polars: buffers in Rust, by an allocator of its own."""

import polars as pl
from telling import Truth, digest

ROWS = 600_000
ORDERS = pl.DataFrame(
    {
        "price": [number % 977 / 7 for number in range(ROWS)],
        "pieces": [number % 8 + 1 for number in range(ROWS)],
        "code": [f"order-{number:07d} of customer {number % 3001}" for number in range(ROWS)],
    }
).shrink_to_fit()  # what is stated is without the room that buffers have left
DAYS = [
    ORDERS.slice(start, 60_000).with_columns(total=pl.col("price") * pl.col("pieces"))
    for start in range(0, ROWS, 60_000)
]
CODES = ORDERS["code"].str.to_uppercase()


class Report:
    def __init__(self, frame: pl.DataFrame) -> None:
        self.frame = frame
        self.rows = frame.group_by("pieces").agg(pl.col("price").sum()).sort("pieces").rows()


REPORTS = [Report(frame) for frame in DAYS]


def work() -> object:
    top = (
        ORDERS.lazy()
        .filter(pl.col("pieces") > 5)
        .group_by("pieces")
        .agg(pl.col("price").mean())
        .sort("pieces")
        .collect()
    )
    return digest([round(row[1], 9) for row in top.rows()], CODES[77], [len(report.rows) for report in REPORTS])


def data() -> int:
    new = sum(frame["total"].estimated_size() for frame in DAYS)
    return int(ORDERS.estimated_size() + new + CODES.estimated_size())


truth = Truth("polars")
truth.instances(Report, pl.DataFrame)
# An estimate, without the room that buffers have left and what allocators round up to.
owners = ["builtins.PyDataFrame", "PyDataFrame", "builtins.PySeries", "PySeries", pl.DataFrame, pl.Series]
truth.native(owners, data, "DataFrame.estimated_size of what no frame shares with another", whole=False)
truth.hand_over(work)
