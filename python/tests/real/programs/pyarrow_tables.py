"""Tables in pyarrow: columns in C++, a pool that counts its own bytes, slices that share."""

import pyarrow as pa
import pyarrow.compute as pc
from telling import Truth, digest

ROWS = 500_000
TABLE = pa.table(
    {
        "price": pa.array([number % 977 / 7 for number in range(ROWS)]),
        "code": pa.array([f"order-{number:07d}" for number in range(ROWS)]),
        "parts": pa.array([[number, number + 1] for number in range(ROWS // 5)] * 5),
    }
)
SLICES = [TABLE.slice(start, 1000) for start in range(0, ROWS, 50_000)]
SORTED = TABLE.take(pa.array(range(0, ROWS, 2)))


class Page:
    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self.first = table["code"][0]


PAGES = [Page(table) for table in SLICES]


def work() -> object:
    total = pc.sum(pc.multiply(TABLE["price"], 2)).as_py()
    return digest(round(total, 6), [page.first.as_py() for page in PAGES], SORTED.num_rows)


truth = Truth("pyarrow")
truth.instances(Page)
truth.native(
    [pa.Table, pa.ChunkedArray, pa.RecordBatch, pa.StringScalar, pa.Buffer, pa.StringArray, pa.DoubleArray],
    pa.total_allocated_bytes,
    "pyarrow.total_allocated_bytes()",
)
truth.hand_over(work)
