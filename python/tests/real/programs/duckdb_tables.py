"""A database in the process: duckdb's buffers, which it counts itself, connections, prepared results."""

import duckdb
from telling import Truth, digest


class Report:
    def __init__(self, connection: duckdb.DuckDBPyConnection, month: int) -> None:
        self.month = month
        self.rows = connection.execute(
            "select city, sum(price) from sale where number % 12 = ? group by 1 order by 1", [month]
        ).fetchall()


DATABASE = duckdb.connect(":memory:", config={"threads": 2})
DATABASE.execute(
    "create table sale as select range as number, 'city ' || (range * 7919 % 1000) as city, random() as price, "
    "md5(range::varchar) as code from range(600000)"
)
REPORTS = [Report(DATABASE, month) for month in range(12)]


def work() -> object:
    found = DATABASE.execute("select count(*), min(code), max(code) from sale where city = 'city 77'").fetchall()
    return digest(found, [len(report.rows) for report in REPORTS])


def stated() -> int:
    return int(DATABASE.execute("select sum(memory_usage_bytes) from duckdb_memory()").fetchone()[0])


truth = Truth("duckdb")
truth.instances(Report)
# The statistics are those of the buffer manager: plans, the catalogue and results are beside it.
truth.native([duckdb.DuckDBPyConnection], stated, "duckdb_memory()", whole=False)
truth.hand_over(work)
