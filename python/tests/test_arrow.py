"""Tables in the hands of the libraries that people use."""

from __future__ import annotations

from pathlib import Path

import pytest

import memsight

TABLES = ["objects", "references", "types", "names", "texts", "roots", "threads", "frames", "maps"]
TABLES += ["arenas", "pools", "blocks", "pins"]
TABLES += ["holders"]


@pytest.fixture(scope="module")
def heap() -> memsight.Snapshot:
    return memsight.snapshot()


def counts(heap: memsight.Snapshot) -> dict[str, int]:
    return {row.type: row.count for row in heap.types()}


def test_polars(heap: memsight.Snapshot) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(heap.to_arrow("objects"))
    assert frame.height == len(heap)
    assert frame["shallow_bytes"].sum() == heap.types().shallow_bytes
    assert len(polars.from_arrow(heap.to_arrow("objects"))) == len(heap)
    by_type = frame.group_by(polars.col("type_name").cast(polars.String)).len()
    assert dict(by_type.iter_rows())["dict"] == counts(heap)["dict"]
    for name in TABLES:
        assert polars.DataFrame(heap.to_arrow(name)).columns == heap.to_arrow(name).columns


def test_pyarrow(heap: memsight.Snapshot) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    for name in TABLES:
        exported = heap.to_arrow(name)
        table = pyarrow.table(exported)
        table.validate(full=True)
        assert table.num_rows == len(exported)
        assert pyarrow.record_batch(exported).num_rows == len(exported)
        assert pyarrow.schema(exported) == table.schema


def test_pandas(heap: memsight.Snapshot) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pandas = pytest.importorskip("pandas")
    frame = pyarrow.table(heap.to_arrow("objects")).to_pandas()
    if hasattr(pandas.DataFrame, "from_arrow"):  # pandas 3
        assert pandas.DataFrame.from_arrow(heap.to_arrow("objects")).equals(frame)
    assert len(frame) == len(heap)
    assert int((frame["type_name"] == "dict").sum()) == counts(heap)["dict"]


def test_duckdb(heap: memsight.Snapshot, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    pyarrow = pytest.importorskip("pyarrow")
    question = "select count(*), sum(shallow_bytes) from {} where type_name = 'dict'"
    objects = pyarrow.table(heap.to_arrow("objects"))
    heap.save(tmp_path / "app.heap")
    with duckdb.connect() as connection:
        connection.register("objects", objects)
        live = connection.execute(question.format("objects")).fetchall()
        files = connection.execute(question.format(f"'{tmp_path}/app.heap/objects.parquet'")).fetchall()
    assert live == files
    assert live[0][0] == counts(heap)["dict"]


def test_files_and_export_are_the_same_table(heap: memsight.Snapshot, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    heap.save(tmp_path / "app.heap")
    for name in TABLES:
        table = parquet.read_table(tmp_path / "app.heap" / f"{name}.parquet")
        exported = pyarrow.table(heap.to_arrow(name))
        assert table.column_names == exported.column_names
        assert table.to_pydict() == exported.to_pydict()


def test_a_capsule_that_nobody_takes_is_freed(heap: memsight.Snapshot) -> None:
    table = heap.to_arrow("types")
    for _ in range(3):
        table.__arrow_c_stream__()
        table.__arrow_c_array__(None)
        table.__arrow_c_schema__()
    assert len(table) == len(heap.to_arrow("types")) >= heap.types().type_count
