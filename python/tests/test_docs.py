"""The queries of docs/formats/snapshot.md, run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import memsight

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "snapshot.md"


class Session:
    """What the queries look for."""


SESSIONS: dict[str, Session] = {}


@pytest.fixture()
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    SESSIONS["user:17"] = Session()
    memsight.snapshot().save(tmp_path / "app.heap")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "app.heap"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    return found


def test_queries_for_duckdb(folder: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    script = "\n".join(blocks("sql")).replace("__main__.Session", f"{Session.__module__}.Session")
    for query in filter(str.strip, script.split(";")):
        assert duckdb.sql(query).fetchall(), query


def test_python_blocks(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("polars")
    for block in blocks("python"):
        exec(compile(block, str(PAGE), "exec"), {})  # noqa: S102 (our own page)
    assert "shallow_bytes" in capsys.readouterr().out


def test_every_column_is_described(folder: Path) -> None:
    page = PAGE.read_text()
    heap = memsight.load(folder)
    for table in ("objects", "references", "types", "names", "texts", "roots", "threads", "frames", "maps"):
        for column in heap.to_arrow(table).columns:
            assert f"`{column}`" in page, (table, column)
