"""Databases in memory by `sqlite3`: pages and statements in SQLite's structs, functions and rows of Python."""

import _sqlite3
import ctypes
import sqlite3

from telling import Truth, digest


class Visit:
    def __init__(self, row: sqlite3.Row) -> None:
        self.row = row
        self.page = row["page"]


def used() -> int:
    """What SQLite itself says that it has taken and not given back."""
    ask = ctypes.CDLL(_sqlite3.__file__).sqlite3_memory_used
    ask.restype = ctypes.c_int64
    return int(ask())


DATABASES = [sqlite3.connect(":memory:") for _ in range(4)]
for number, database in enumerate(DATABASES):
    database.row_factory = sqlite3.Row
    database.create_function("parity", 1, lambda value: value % 2)
    database.execute("create table visit (id integer primary key, page text, seconds real)")
    rows = ((visit, f"/page/{visit % 97}?visit={visit * number}", visit / 7) for visit in range(60_000))
    database.executemany("insert into visit values (?, ?, ?)", rows)
VISITS = [Visit(row) for row in DATABASES[0].execute("select * from visit where parity(id) = 1")]
CURSORS = [database.execute("select page from visit") for database in DATABASES for _ in range(20)]
for cursor in CURSORS:
    cursor.fetchone()


def work() -> object:
    pages = [tuple(row) for row in DATABASES[1].execute("select page, sum(seconds) from visit group by 1 limit 50")]
    return digest(pages, [visit.page for visit in VISITS[:20]], len(CURSORS))


truth = Truth()
truth.instances(Visit, sqlite3.Connection, sqlite3.Cursor)
truth.native([sqlite3.Connection, sqlite3.Cursor, "sqlite3.Statement"], used, "sqlite3_memory_used()")
truth.hand_over(work)
