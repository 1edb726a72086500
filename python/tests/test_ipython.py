"""``%%memsight_run`` in IPython, and in a notebook."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("IPython")
pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="recorded on Linux on x86-64"
)

CELL = "def makes_it():\n    return bytes(6_000_000)\nkept = makes_it()\n"


@pytest.fixture()
def shell() -> Iterator[Any]:
    from IPython.core.interactiveshell import InteractiveShell

    shell = InteractiveShell.instance()
    shell.run_line_magic("load_ext", "memsight")
    yield shell
    InteractiveShell.clear_instance()


def test_a_cell_is_recorded(shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "cell.trace"
    shell.run_cell_magic("memsight_run", f"--exact -o {trace}", CELL)
    text = capsys.readouterr().out
    assert len(shell.user_ns["kept"]) == 6_000_000
    assert re.search(r"memsight: peak 5\.[78] MiB, left at the end 5\.[78] MiB", text), text
    assert re.search(r" 5\.7 MiB +\d+\.\d% +makes_it \(.*:2\)", text) and "every allocation" in text, text
    assert trace.exists() and f"memsight trace {trace}" in text


def test_an_error_of_the_cell_is_shown_as_ever(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell_magic("memsight_run", "", "1 / 0")
    text = capsys.readouterr().out
    assert "ZeroDivisionError" in text and "a sample of one in 512.0 KiB" in text, text
    shell.run_cell_magic("memsight_run", "--exact", "%%memsight_run\npass\n")
    assert "recorded already" in capsys.readouterr().out


def test_a_notebook_shows_a_table_and_a_picture() -> None:
    pytest.importorskip("ipykernel")
    nbclient = pytest.importorskip("nbclient")
    from nbformat.v4 import new_code_cell, new_notebook

    cells = [new_code_cell("%load_ext memsight"), new_code_cell(f"%%memsight_run --exact\n{CELL}")]
    notebook = new_notebook(cells=cells)
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3").execute()
    (output,) = [output for output in notebook.cells[1].outputs if "text/html" in output.get("data", {})]
    page = output.data["text/html"]
    assert re.search(r"<td[^>]*>5\.7 MiB</td>.*makes_it", page), page[:2000]
    assert "<iframe" in page and "&lt;svg" in page and "memsight: peak" in output.data["text/plain"]
