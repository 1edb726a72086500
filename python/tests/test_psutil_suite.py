"""psutil's own tests of processes and memory, run against memsight.

They come from psutil's source distribution, fetched when first needed and kept in pytest's cache; nothing of them is in
this repository. ``psutil_suite/scope.py`` says which apply; ``psutil_suite/plugin.py`` puts memsight in psutil's place.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from psutil_suite.scope import CLASSES, DO_NOT_APPLY

VERSION = "7.2.2"
HERE = Path(__file__).parent


@pytest.fixture()
def sources(pytestconfig: pytest.Config) -> Path:
    """The folder that has psutil's folder ``tests``."""
    installed = pytest.importorskip("psutil").__version__
    if installed != VERSION:
        pytest.skip(f"psutil {installed} is installed; its tests of {VERSION} would not fit")
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("psutil") / VERSION
    if not (folder / "tests" / "__init__.py").exists():
        fetch(folder)
    return folder


def fetch(folder: Path) -> None:
    options = ["--no-binary", ":all:", "--no-deps", "--quiet", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", f"psutil=={VERSION}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"psutil's source distribution cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    with tarfile.open(folder / f"psutil-{VERSION}.tar.gz") as archive:
        prefix = f"psutil-{VERSION}/"
        tests = [member for member in archive if member.isfile() and member.name.startswith(f"{prefix}tests/")]
        for member in tests:
            member.name = member.name[len(prefix) :]
            assert ".." not in Path(member.name).parts
            archive.extract(member, folder)


def test_psutils_own_tests(sources: Path) -> None:
    files = sorted({f"tests/{name.partition('.')[0]}.py" for name in CLASSES})
    options = ["-p", "psutil_suite.plugin", "-p", "no:cacheprovider", "-o", "addopts=", "--rootdir", str(sources)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--tb=short", *files],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == 0, said
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|xfailed|skipped)", done.stdout)}
    print(f"psutil's own tests on memsight: {counts}")
    assert counts["xfailed"] <= len(DO_NOT_APPLY)
    assert counts["passed"] > 2 * counts["xfailed"], said
