"""pytest-memray's own tests, run with memsight's plugin in its place.

They come from its source distribution, fetched when first needed and kept in pytest's cache; nothing of them is in this
repository. ``memray_suite/scope.py`` says which do not apply; ``memray_suite/plugin.py`` puts memsight in its place.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from memray_suite.scope import FILES

VERSION = "1.11.0"
HERE = Path(__file__).parent

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() != "x86_64", reason="recorded on Linux on x86-64"
)


@pytest.fixture()
def sources(pytestconfig: pytest.Config) -> Path:
    """The folder that has pytest-memray's folder ``tests``."""
    # memray has the allocators that the tests use; the others are plugins that they load
    for needed in ("memray", "flaky", "xdist", "anyio"):
        pytest.importorskip(needed)
    assert pytestconfig.cache is not None
    folder = pytestconfig.cache.mkdir("pytest-memray") / VERSION
    if not (folder / "tests" / "conftest.py").exists():
        fetch(folder)
    return folder


def fetch(folder: Path) -> None:
    options = ["--no-binary", "pytest-memray", "--no-deps", "--quiet", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", f"pytest-memray=={VERSION}", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"pytest-memray's source distribution cannot be fetched: {done.stderr.strip().splitlines()[-1:]}")
    (archive_path,) = folder.glob("*.tar.gz")
    with tarfile.open(archive_path) as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if member.isfile() and name.startswith("tests/"):
                assert ".." not in Path(name).parts
                member.name = name
                archive.extract(member, folder)


def test_pytest_memrays_own_tests(sources: Path) -> None:
    files = sorted(f"tests/{path.name}" for path in (sources / "tests").glob("test_*.py") if path.name not in FILES)
    options = ["-p", "memray_suite.plugin", "-p", "no:cacheprovider", "-o", "addopts=", "--rootdir", str(sources)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--tb=short", "-rfEx", *files],
        cwd=sources,
        env={**os.environ, "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
    assert done.returncode == 0, said
    counts = {word: int(count) for count, word in re.findall(r"(\d+) (passed|xfailed|skipped)", done.stdout)}
    print(f"pytest-memray's own tests on memsight: {counts}")
    assert counts["passed"] > 2 * counts["xfailed"], said
